package notice

import (
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/settings"
)

// Bounds of a text that people like to read on a phone.
const (
	paragraphLength = 600 // characters
	textLength      = 2500
	titleLength     = 100
)

// Lint says what is wrong with a text: variables that do not exist or are
// missing, a first sentence that says nothing, words that urge, addresses
// that do not come from a link of ours, markup, and too much of it.
func (c *Catalog) Lint(kind Kind, lang string, s Source) (wrong []string) {
	bad := func(form string, args ...any) { wrong = append(wrong, fmt.Sprintf(form, args...)) }
	f, known := formOf(kind)
	if !known {
		var all []string
		for _, k := range Kinds() {
			all = append(all, string(k))
		}
		bad("there is no text %q%s", kind, hint(settings.Nearest(string(kind), all)))
		return wrong
	}
	t, err := s.compile()
	if err != nil {
		bad("%v", err)
		return wrong
	}
	used := names(t.subject)
	for _, p := range t.paras {
		used = append(used, names(p)...)
	}
	allowed := slices.Concat(f.needs, f.may, common())
	for _, n := range slices.Compact(slices.Sorted(slices.Values(used))) {
		if !slices.Contains(allowed, n) {
			bad("{%s} has no value in this text%s", n, hint(settings.Nearest(n, allowed)))
		}
	}
	for _, n := range append(slices.Clone(f.needs), "ref") {
		if !slices.Contains(used, n) {
			bad("{%s} is missing", n)
		}
	}
	if !strings.Contains(paragraphs(s.Text)[0], "**") {
		bad("the first paragraph must say what happened, and whether anything left, between ** and **")
	}
	c.words(lang, s, bad)
	return wrong
}

func hint(s string) string {
	if s == "" {
		return ""
	}
	return "; " + s
}

// words looks at what a text says.
func (c *Catalog) words(lang string, s Source, bad func(form string, args ...any)) {
	text := strings.ToLower(s.Subject + "\n" + s.Text)
	urgent := c.languages[English].urgent
	if l := c.languages[lang]; l != nil && lang != English {
		urgent = append(slices.Clone(urgent), l.urgent...)
	}
	for _, w := range urgent {
		if whole(text, strings.ToLower(w)) {
			bad("%q urges the reader: mails that deceive do so", w)
		}
	}
	for _, sign := range []string{"http://", "https://", "www.", "mailto:"} {
		if strings.Contains(text, sign) {
			bad("%q: an address must be one of the links, which lead to your own console name", sign)
		}
	}
	if strings.Contains(text, "!!") {
		bad("!! urges the reader")
	}
	if i := strings.IndexByte(text, '<'); i >= 0 && strings.IndexByte(text[i:], '>') > 0 {
		bad("the text holds markup; only **strong** is understood")
	}
	if n := len([]rune(s.Subject)); n > titleLength {
		bad("the subject has %d characters; %d are enough", n, titleLength)
	}
	if n := len([]rune(s.Text)); n > textLength {
		bad("the text has %d characters; %d are enough for a phone", n, textLength)
	}
	for i, p := range paragraphs(s.Text) {
		if n := len([]rune(p)); n > paragraphLength {
			bad("paragraph %d has %d characters; %d are enough", i+1, n, paragraphLength)
		}
	}
}

// whole reports whether a word stands in a text, not inside another.
func whole(text, word string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		i += from
		from = i + len(word)
		before, after := byte(' '), byte(' ')
		if i > 0 {
			before = text[i-1]
		}
		if from < len(text) {
			after = text[from]
		}
		if !letterOf(before) && !letterOf(after) {
			return true
		}
	}
}

func letterOf(c byte) bool { return c >= 0x80 || 'a' <= c && c <= 'z' }
