package mailflow

import (
	"fmt"
	"strings"
)

// Mistake is one thing that is wrong with a set-up.
type Mistake struct {
	// Where names the object and its property, e.g.
	// `TransportRules "Postern - outgoing" SetHeaderValue`.
	Where string
	// What says what is wrong, and what would be right where that is known.
	What string
}

// String is the mistake on one line.
func (m Mistake) String() string { return m.Where + ": " + m.What }

// Mistakes are all mistakes of a set-up; they are an error.
type Mistakes []Mistake

// Error lists every mistake on a line of its own.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, one := range m {
		lines[i] = one.String()
	}
	return fmt.Sprintf("mailflow: %d mistakes:\n%s", len(m), strings.Join(lines, "\n"))
}

// list collects the mistakes of one object after the other.
type list struct {
	where string
	all   Mistakes
}

// at begins an object.
func (l *list) at(format string, args ...any) { l.where = fmt.Sprintf(format, args...) }

// add notes a mistake in a property of the current object.
func (l *list) add(property, format string, args ...any) {
	where := l.where
	if property != "" {
		where += " " + property
	}
	l.all = append(l.all, Mistake{Where: where, What: fmt.Sprintf(format, args...)})
}

// need notes a mistake unless ok.
func (l *list) need(ok bool, property, format string, args ...any) {
	if !ok {
		l.add(property, format, args...)
	}
}

func (l *list) unknown(properties []string, known []string) {
	for _, p := range properties {
		if near := nearest(strings.TrimPrefix(p, exceptPrefix), known); near != "" {
			l.add(p, "is not known here; did you mean %s?", near)
		} else {
			l.add(p, "is not known here, so that nobody can say what it does")
		}
	}
}

func (l *list) oneOf(property, value string, allowed ...string) {
	if value == "" {
		return
	}
	for _, a := range allowed {
		if strings.EqualFold(a, value) {
			return
		}
	}
	l.add(property, "%q is none of %s", value, strings.Join(allowed, ", "))
}

// name checks the name of an object: there, not too long, not used twice.
func (l *list) name(name string, seen map[string]bool) {
	l.need(name != "", "Name", "is missing")
	l.need(len([]rune(name)) <= 64, "Name", "is longer than 64 characters")
	key := strings.ToLower(name)
	l.need(name == "" || !seen[key], "Name", "is used twice")
	seen[key] = true
}

// nearest is the known name within two edits, or "".
func nearest(name string, known []string) string {
	best, at := "", 3
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < at {
			best, at = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost = 1 + min(last, row[j], row[j+1])
			}
			last, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
