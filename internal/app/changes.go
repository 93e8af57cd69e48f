package app

import (
	"maps"
	"slices"
	"strings"
)

// difference says what differs between two states of the files, a line each.
func difference(old, fresh files) []string {
	var lines []string
	for _, path := range slices.Sorted(maps.Keys(fresh)) {
		before, was := old[path]
		switch {
		case !was:
			lines = append(lines, "+ "+path)
		case before != fresh[path]:
			lines = append(lines, "~ "+path)
			lines = append(lines, lineDifference(before, fresh[path])...)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(old)) {
		if _, is := fresh[path]; !is {
			lines = append(lines, "- "+path)
		}
	}
	return lines
}

// lineDifference lists lines that only one of two texts has. It is for a
// reader who knows the file; no secret stands in it, as files name theirs.
func lineDifference(before, after string) []string {
	count := map[string]int{}
	for _, l := range strings.Split(before, "\n") {
		count[l]++
	}
	var lines []string
	for _, l := range strings.Split(after, "\n") {
		if count[l] > 0 {
			count[l]--
			continue
		}
		lines = append(lines, "    + "+l)
	}
	for _, l := range strings.Split(before, "\n") {
		if count[l] > 0 {
			count[l]--
			lines = append(lines, "    - "+l)
		}
	}
	return lines
}
