package web

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// run is a piece of a text that came from mail. Mark is "" for text as it is;
// else Text is a visible mark and Mark says what it stands for. Cut is the
// mark of an end that is not shown.
type run struct {
	Text, Mark string
	Cut        bool
}

// visible is a text from mail as people may see it: at most limit
// characters, with marks in the place of what one cannot see and of what
// would turn the writing round. Escaping is the template's.
func visible(s string, limit int) []run {
	var runs []run
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			runs = append(runs, run{Text: plain.String()})
			plain.Reset()
		}
	}
	n, before := 0, rune(' ')
	for at, r := range s {
		if n == limit {
			flush()
			rest := utf8.RuneCountInString(s[at:])
			return append(runs, run{"…", fmt.Sprintf("%s more characters, not shown", grouped(rest)), true})
		}
		n++
		text, mark := marked(r, before, s[at:])
		before = r
		if mark == "" {
			plain.WriteRune(r)
			continue
		}
		flush()
		runs = append(runs, run{Text: text, Mark: mark})
	}
	flush()
	return runs
}

// marked is the mark of a character; mark is "" when it needs none.
func marked(r, before rune, rest string) (text, mark string) {
	code := fmt.Sprintf("U+%04X", r)
	switch {
	case r == utf8.RuneError && !strings.HasPrefix(rest, "\uFFFD"):
		return "[?]", "an octet that is not UTF-8"
	case r < 0x20 || r >= 0x7f && r < 0xa0:
		return "[" + code + "]", "a control character"
	case r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f || r == 0x61c:
		return "[" + code + "]", "a character that turns the direction of writing"
	case r == 0x200c || r == 0x200d:
		if before > 0x7f {
			return "", "" // joins letters of Persian and parts of an emoji
		}
		return "[" + code + "]", "a character without width"
	case unicode.Is(unicode.Cf, r), r == 0x2028, r == 0x2029, r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0:
		return "[" + code + "]", "a character that one cannot see"
	}
	return "", ""
}

// flat is visible without markup, for titles and attributes.
func flat(s string, limit int) string {
	var b strings.Builder
	for _, r := range visible(s, limit) {
		b.WriteString(r.Text)
	}
	return b.String()
}
