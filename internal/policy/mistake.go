package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"postern.dev/postern/internal/problem"
)

// Mistake is something wrong in a policy file, with its place.
type Mistake struct {
	File string `json:"file"`
	// Line and Column count from 1; Column counts characters. 0 means the
	// whole file.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Text says what is wrong and, where there is one, the nearest known
	// name.
	Text string `json:"text"`
	// Excerpt is the line of the file.
	Excerpt string `json:"excerpt,omitempty"`
}

// String is "file:line:column: text" with the line and a caret below it.
func (m Mistake) String() string {
	var b strings.Builder
	b.WriteString(m.File)
	if m.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", m.Line, m.Column)
	}
	b.WriteString(": ")
	b.WriteString(m.Text)
	if m.Excerpt != "" {
		fmt.Fprintf(&b, "\n  | %s\n  | %s^", m.Excerpt, strings.Repeat(" ", max(m.Column-1, 0)))
	}
	return b.String()
}

// Mistakes is the error of Load: all of them at once, in the order of the
// files.
type Mistakes []Mistake

// Error lists every mistake, one paragraph each.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, one := range m {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// Code is the problem that an operator sees.
func (m Mistakes) Code() problem.Code { return problem.PolicyRefused }

func (m Mistakes) sorted() Mistakes {
	slices.SortStableFunc(m, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return m
}

// didYouMean returns "; did you mean …?" for the nearest known name, or "".
func didYouMean(name string, known []string) string {
	if best := nearest(name, known); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return ""
}

// nearest returns the known name with the smallest edit distance, when it is
// near enough to be meant.
func nearest(name string, known []string) string {
	best, distance := "", 1+max(1, utf8.RuneCountInString(name)*2/5)
	if len(name) > 100 {
		return ""
	}
	for _, k := range known {
		if d := editDistance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// editDistance counts insertions, deletions, replacements and swaps of
// neighbors.
func editDistance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, last, now := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		now[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(t)]
}
