package disguise

import (
	"cmp"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// swapper replaces values in texts.
type swapper struct {
	people *people
	values map[string]string // as they were found
	find   *regexp.Regexp
	counts map[string]int
	types  map[string]string // of values
}

var addressForm = regexp.MustCompile(`(?i)[\p{L}0-9._%+'-]+@[\p{L}0-9](?:[\p{L}0-9.-]*[\p{L}0-9])?\.[\p{L}]{2,}`)

var spaces = regexp.MustCompile(`[\s\x{00A0}]+`)

// compile makes the expression that finds every value, address, domain and
// name. A value may be broken over lines.
func (s *swapper) compile() error {
	var list []string
	add := func(text string) {
		parts := spaces.Split(text, -1)
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		list = append(list, strings.Join(parts, `[\s\x{00A0}]+`))
	}
	texts := slices.Collect(func(yield func(string) bool) {
		for v := range s.values {
			if !yield(v) {
				return
			}
		}
		for a := range s.people.to {
			if !yield(a) {
				return
			}
		}
		for d := range s.people.domains {
			if !yield(d) {
				return
			}
		}
		for w := range s.people.words {
			if !yield(w) {
				return
			}
		}
	})
	slices.SortFunc(texts, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	for _, t := range texts {
		if t != "" {
			add(t)
		}
	}
	if len(list) == 0 {
		list = []string{`[^\s\S]`} // nothing
	}
	var err error
	s.find, err = regexp.Compile(`(?i)` + strings.Join(list, "|"))
	return err
}

// swap is a stretch of a text and what stands there instead.
type swap struct {
	from, to int
	text     string
}

// swaps lists what is replaced in a text.
func (s *swapper) swaps(text string) (list []swap) {
	for at := 0; at < len(text); {
		m := s.find.FindStringIndex(text[at:])
		if m == nil {
			return list
		}
		from, to := at+m[0], at+m[1]
		at = to
		if to == from {
			return list
		}
		fresh, whole := s.instead(text[from:to])
		if fresh == "" && !whole || whole && !alone(text, from, to) {
			at = from + max(1, runeLen(text[from:])) // a part of another word
			continue
		}
		list = append(list, swap{from, to, fresh})
	}
	return list
}

func runeLen(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// instead is what stands in the place of a text; whole says that it counts
// only as a word of its own.
func (s *swapper) instead(text string) (fresh string, whole bool) {
	key := spaces.ReplaceAllString(text, " ")
	if to, ok := s.values[text]; ok {
		s.counts[s.types[text]]++
		return to, len(text) < 6
	}
	for v, to := range s.values {
		if strings.EqualFold(spaces.ReplaceAllString(v, " "), key) {
			s.counts[s.types[v]]++
			return inForm(to, text), len(text) < 6
		}
	}
	lower := strings.ToLower(text)
	if to, ok := s.people.to[lower]; ok {
		s.counts["address"]++
		return to, true
	}
	if to, ok := s.people.domains[lower]; ok {
		s.counts["domain"]++
		return to, true
	}
	if to, ok := s.people.words[lower]; ok {
		s.counts["name"]++
		return inCase(to, text), true
	}
	return "", false
}

// alone reports whether a stretch is no part of a longer word.
func alone(text string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:from])
	after, _ := utf8.DecodeRuneInString(text[to:])
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	first, _ := utf8.DecodeRuneInString(text[from:])
	last, _ := utf8.DecodeLastRuneInString(text[:to])
	return !(word(before) && word(first)) && !(word(after) && word(last))
}

// text replaces in a plain text.
func (s *swapper) text(text string) string {
	var b strings.Builder
	at := 0
	for _, w := range s.swaps(text) {
		b.WriteString(text[at:w.from])
		b.WriteString(w.text)
		at = w.to
	}
	b.WriteString(text[at:])
	return b.String()
}

// tags are what stands between the texts of HTML and XML.
var tags = regexp.MustCompile(`(?s)<!--.*?-->|<[!/?]?[a-zA-Z][^>]*>|<\?[^>]*>`)

// inline are tags inside of which a word goes on: those of HTML, and of runs
// of WordprocessingML and SpreadsheetML.
var inline = regexp.MustCompile(`(?i)^</?(?:b|i|u|s|em|strong|span|font|a|sub|sup|small|big|code|tt|mark|` +
	`w:r|w:t|w:rpr|w:b|w:i|w:u|w:lang|w:sz|w:szcs|w:bcs|w:ics|` +
	`w:color|w:prooferr|w:rfonts|w:noproof|w:highlight|w:rstyle|a:r|a:t|a:rpr|r|t|rpr)\b`)

// markup replaces in HTML or XML: in its text, even where tags stand inside a
// value, and in its attributes.
func (s *swapper) markup(text string) string {
	type char struct{ from, to int } // in text
	var plain strings.Builder
	var chars []char
	put := func(r string, from, to int) {
		plain.WriteString(r)
		for range len(r) {
			chars = append(chars, char{from, to})
		}
	}
	at := 0
	flush := func(end int) {
		for at < end {
			n := runeLen(text[at:])
			r := text[at : at+n]
			if r == "&" {
				if semi := strings.IndexByte(text[at:min(end, at+12)], ';'); semi > 0 {
					if one := html.UnescapeString(text[at : at+semi+1]); one != text[at:at+semi+1] {
						r, n = one, semi+1
					}
				}
			}
			put(r, at, at+n)
			at += n
		}
	}
	for _, m := range tags.FindAllStringIndex(text, -1) {
		flush(m[0])
		if !inline.MatchString(text[m[0]:m[1]]) {
			put("\uE000", m[0], m[0]) // stands in no value, and is not replaced
		}
		at = m[1]
	}
	flush(len(text))
	var b strings.Builder
	at = 0
	for _, w := range s.swaps(plain.String()) {
		fresh := html.EscapeString(w.text)
		for i := w.from; i < w.to; i++ {
			c := chars[i]
			if c.from < at || c.from == c.to {
				continue
			}
			b.WriteString(s.attributes(text[at:c.from]))
			if fresh != "" {
				b.WriteString(fresh)
				fresh = ""
			}
			at = c.to
		}
	}
	b.WriteString(s.attributes(text[at:]))
	return b.String()
}

// attributes replaces inside of tags.
func (s *swapper) attributes(text string) string {
	return tags.ReplaceAllStringFunc(text, func(tag string) string {
		if !strings.Contains(tag, "=") && !strings.HasPrefix(tag, "<!--") {
			return tag
		}
		return s.text(tag)
	})
}
