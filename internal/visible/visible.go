// Package visible makes a text that came from mail into one that people may
// see: of a length, and with marks in the place of what one cannot see and of
// what would turn the writing round.
//
// It upholds one law: whatever the text, what is shown has no control
// character and no character that changes the direction of writing.
//
// It does not escape: templates do. It knows no language; who shows a mark
// says what it means.
//
// Standards: RFC 3629 (UTF-8), Unicode UAX #9 (direction of writing).
package visible

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind is what a mark stands for.
type Kind string

// The kinds; "" is text as it is.
const (
	NotUTF8   Kind = "not-utf8"  // an octet that is not UTF-8
	Control   Kind = "control"   // a control character
	Direction Kind = "direction" // turns the direction of writing
	NoWidth   Kind = "no-width"
	Unseen    Kind = "unseen" // a character that one cannot see
	Cut       Kind = "cut"    // the end is not shown
)

// Run is a piece of a text. With a Kind, Text is a visible mark.
type Run struct {
	Text string
	Kind Kind
	// Rest is how many characters are not shown, of a Cut.
	Rest int
}

// Runs is a text of at most limit characters.
func Runs(s string, limit int) []Run {
	var runs []Run
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			runs = append(runs, Run{Text: plain.String()})
			plain.Reset()
		}
	}
	n, before := 0, rune(' ')
	for at, r := range s {
		if n == limit {
			flush()
			return append(runs, Run{"…", Cut, utf8.RuneCountInString(s[at:])})
		}
		n++
		text, kind := marked(r, before, s[at:])
		before = r
		if kind == "" {
			plain.WriteRune(r)
			continue
		}
		flush()
		runs = append(runs, Run{Text: text, Kind: kind})
	}
	flush()
	return runs
}

// marked is the mark of a character; its kind is "" when it needs none.
func marked(r, before rune, rest string) (text string, kind Kind) {
	code := fmt.Sprintf("[U+%04X]", r)
	switch {
	case r == utf8.RuneError && !strings.HasPrefix(rest, "\uFFFD"):
		return "[?]", NotUTF8
	case r < 0x20 || r >= 0x7f && r < 0xa0:
		return code, Control
	case r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f || r == 0x61c:
		return code, Direction
	case r == 0x200c || r == 0x200d:
		if before > 0x7f {
			return "", "" // joins letters of Persian and parts of an emoji
		}
		return code, NoWidth
	case unicode.Is(unicode.Cf, r), r == 0x2028, r == 0x2029, r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0:
		return code, Unseen
	}
	return "", ""
}

// Flat is a text of at most limit characters in one string.
func Flat(s string, limit int) string {
	var b strings.Builder
	for _, r := range Runs(s, limit) {
		b.WriteString(r.Text)
	}
	return b.String()
}
