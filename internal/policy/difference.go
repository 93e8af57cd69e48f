package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Difference says in lines for people what differs between two sets: rules,
// lists and detectors that were added, removed or changed, each with its old
// and its new values. A nil set is empty.
func Difference(old, fresh *Set) []string {
	var lines []string
	was, is := byID(old.Rules()), byID(fresh.Rules())
	for _, id := range union(was, is) {
		lines = append(lines, changed("policy "+id, was[id], is[id])...)
	}
	lists := func(s *Set) map[string]map[string]string {
		all := map[string]map[string]string{}
		for _, l := range s.Lists() {
			all[l.ID] = properties(l)
		}
		return all
	}
	was, is = lists(old), lists(fresh)
	for _, id := range union(was, is) {
		lines = append(lines, changed("list "+id, was[id], is[id])...)
	}
	was, is = detectorsOf(old), detectorsOf(fresh)
	for _, id := range union(was, is) {
		lines = append(lines, changed(id, was[id], is[id])...)
	}
	return lines
}

func byID(rules []Rule) map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, r := range rules {
		all[r.ID] = properties(r)
	}
	return all
}

func detectorsOf(s *Set) map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, d := range s.Dictionaries() {
		all["dictionary "+d.ID] = properties(d)
	}
	for _, d := range s.Detectors() {
		all["detector "+d.ID] = properties(d)
	}
	return all
}

// properties are the values of a document by key, each as JSON.
func properties(v any) map[string]string {
	text, _ := json.Marshal(v) // plain data: it cannot fail
	var keys map[string]json.RawMessage
	_ = json.Unmarshal(text, &keys)
	all := map[string]string{}
	for k, raw := range keys {
		all[k] = string(raw)
	}
	delete(all, "id")
	return all
}

func union(a, b map[string]map[string]string) []string {
	all := map[string]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func changed(what string, was, is map[string]string) []string {
	switch {
	case was == nil:
		return []string{"+ " + what + summary(is)}
	case is == nil:
		return []string{"- " + what + summary(was)}
	}
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(merged(was, is))) {
		if was[key] == is[key] {
			continue
		}
		if more, fewer, list := members(was[key], is[key]); list {
			lines = append(lines, fmt.Sprintf("~ %s: %s: %s", what, key, strings.Join(append(more, fewer...), ", ")))
			continue
		}
		lines = append(lines, fmt.Sprintf("~ %s: %s: %s -> %s", what, key, shown(was[key]), shown(is[key])))
	}
	return lines
}

func merged(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// shownMembers is how many members of a list are written out.
const shownMembers = 20

// members says which elements two lists of strings do not share.
func members(was, is string) (more, fewer []string, ok bool) {
	var a, b []string
	if json.Unmarshal([]byte(orEmpty(was)), &a) != nil || json.Unmarshal([]byte(orEmpty(is)), &b) != nil {
		return nil, nil, false
	}
	only := func(sign string, x, y []string) (list []string) {
		have := map[string]bool{}
		for _, s := range y {
			have[s] = true
		}
		for _, s := range x {
			if !have[s] {
				list = append(list, sign+s)
			}
		}
		if n := len(list) - shownMembers; n > 0 {
			list = append(list[:shownMembers], fmt.Sprintf("%s%d others", sign, n))
		}
		return list
	}
	more, fewer = only("+", b, a), only("-", a, b)
	return more, fewer, len(more)+len(fewer) > 0
}

func orEmpty(s string) string {
	if s == "" {
		return "[]"
	}
	return s
}

// summary is what a document is about, in its line.
func summary(keys map[string]string) string {
	var words []string
	for _, key := range []string{"mode", "when", "then"} {
		if keys[key] != "" {
			words = append(words, key+": "+shown(keys[key]))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}

// shownRunes is how long a value is written out.
const shownRunes = 200

// shown is a value for people: a text without its quotes.
func shown(raw string) string {
	var s string
	if raw == "" {
		return "(none)"
	}
	if json.Unmarshal([]byte(raw), &s) != nil {
		s = raw
	}
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > shownRunes {
		s = string(r[:shownRunes]) + "…"
	}
	return s
}
