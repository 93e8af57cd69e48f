package extract

import (
	"bytes"
	"strings"
)

// visible is another reading of a page beside the one with everything in it:
// without what a style hides, with what a style writes, pictures as their
// alternative texts and, in XML, the digits of neighboring elements joined. It
// is given out only where the two differ, with some text around it.
type visible struct {
	give  func(p []byte) error
	text  []byte
	cut   bool   // the readings differ since the last time text was given out
	hide  string // the hidden element that we are in
	nest  int
	glue  bool // the end of an element stands between text and what follows
	style style
	after []generated // what styles write at the ends of open elements
	err   error
}

// maxVisible is how much is kept, keepVisible what of it is kept for context
// when it was given out.
const (
	maxVisible  = 8 << 10
	keepVisible = 512
)

// add takes what can be seen.
func (v *visible) add(p []byte) {
	if v == nil || v.hide != "" || len(p) == 0 {
		return
	}
	if v.glue {
		v.glue = false
		if n := len(v.text); n > 0 {
			if isDigit(v.text[n-1]) && isDigit(p[0]) {
				v.cut = true
			} else {
				v.text = append(v.text, ' ')
			}
		}
	}
	for len(p) > 0 {
		n := min(len(p), maxVisible)
		if v.text = append(v.text, p[:n]...); len(v.text) > maxVisible {
			v.flush()
		}
		p = p[n:]
	}
}

// newline ends a line of what can be seen, which may have begun where the
// text has none.
func (v *visible) newline() {
	if v != nil && len(v.text) > 0 && v.text[len(v.text)-1] != '\n' {
		v.add(lineEnd)
	}
}

// flush gives out what differs, and keeps the end.
func (v *visible) flush() {
	if v.cut && v.err == nil {
		v.err = v.give(append(v.text, '\n'))
	}
	v.cut = false
	v.text = append(v.text[:0], v.text[max(0, len(v.text)-keepVisible):]...)
}

// left reports whether an element begins that is left out.
func (v *visible) left(e *element) bool {
	return v != nil && v.hide == "" && !e.void && v.style.hides(e)
}

// open enters an element; hidden elements and what stands in them are left out.
func (v *visible) open(e *element) {
	if v == nil || e.void {
		return
	}
	switch {
	case v.hide == e.name:
		v.nest++
	case v.left(e):
		v.hide, v.nest, v.cut = e.name, 1, true
	case v.hide == "":
		before, after := v.style.writes(e)
		if before != "" {
			v.cut = true
			v.add([]byte(before))
		}
		if after != "" && len(v.after) < 64 {
			v.after = append(v.after, generated{e.name, after})
		}
	}
}

// close leaves an element.
func (v *visible) close(name string) {
	switch {
	case v == nil:
	case v.hide == name:
		if v.nest--; v.nest == 0 {
			v.hide = ""
		}
	case v.hide == "" && len(v.after) > 0 && v.after[len(v.after)-1].name == name:
		v.cut = true
		v.add([]byte(v.after[len(v.after)-1].text))
		v.after = v.after[:len(v.after)-1]
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// element is a start tag.
type element struct {
	name, id string
	classes  []string
	style    string // lower case, without white space
	hidden   bool
	void     bool
	data     func(name string) string // an attribute's value
}

// generated is text that a style writes at an element.
type generated struct{ name, text string }

// style holds what the style sheets of a page hide and write, by the last
// part of each selector: ".a", "#b" or "p".
type style struct {
	hide          map[string]bool
	before, after map[string]string
	known         map[string]bool // styles of elements that hide, or not
	rules         int             // read so far
	over          bool            // there were more than maxRules
}

// maxRules bounds the rules of one page.
const maxRules = 20_000

// read takes the rules of a style sheet, and returns all text that it writes:
// joined when a selector is not understood, so that nobody knows where.
func (s *style) read(sheet []byte) string {
	var written []string
	glue := "\n;\n"
	for {
		rule, rest, ok := bytes.Cut(sheet, []byte("}"))
		if s.over = s.over || ok && s.rules == maxRules; !ok || s.over {
			break
		}
		s.rules++
		sheet = rest
		at := bytes.LastIndexByte(rule, '{')
		if at < 0 {
			continue
		}
		selectors, body := string(rule[:at]), string(rule[at+1:])
		if i := strings.LastIndexAny(selectors, "{;"); i >= 0 {
			selectors = selectors[i+1:]
		}
		if i := strings.LastIndex(selectors, "*/"); i >= 0 {
			selectors = selectors[i+2:]
		}
		text := contentOf(body)
		if text != "" {
			written = append(written, text)
		}
		for _, one := range strings.Split(selectors, ",") {
			if text != "" && (strings.ContainsAny(one, "[(") || strings.Contains(one, "-child")) {
				glue = ""
			}
			s.rule(strings.TrimSpace(one), body, text)
		}
	}
	return strings.Join(written, glue)
}

func (s *style) rule(selector, body, text string) {
	if s.hide == nil {
		s.hide, s.before, s.after = map[string]bool{}, map[string]string{}, map[string]string{}
	}
	selector = strings.ToLower(selector)
	if i := strings.LastIndexAny(selector, " >+~"); i >= 0 {
		selector = selector[i+1:]
	}
	selector, pseudo, _ := strings.Cut(selector, ":")
	if i := strings.LastIndexAny(selector, ".#"); i >= 0 {
		selector = selector[i:]
	}
	if selector == "" {
		return
	}
	switch strings.TrimPrefix(pseudo, ":") {
	case "before":
		s.before[selector] += text
	case "after":
		s.after[selector] += text
	case "":
		if hiding(squeezed(body)) {
			s.hide[selector] = true
		}
	}
}

// names are what selectors call an element.
func (e *element) names() []string {
	list := []string{e.name}
	if e.id != "" {
		list = append(list, "#"+strings.ToLower(e.id))
	}
	for _, c := range e.classes {
		list = append(list, "."+strings.ToLower(c))
	}
	return list
}

// any reports whether a rule hides or writes something.
func (s *style) any() bool { return len(s.hide)+len(s.before)+len(s.after) > 0 }

func (s *style) hides(e *element) bool {
	if e.hidden || e.style != "" && s.inline(e.style) {
		return true
	}
	if len(s.hide) == 0 {
		return false
	}
	for _, n := range e.names() {
		if s.hide[n] {
			return true
		}
	}
	return false
}

// inline remembers which styles of elements hide: pages repeat few.
func (s *style) inline(squeezed string) bool {
	hides, known := s.known[squeezed]
	if !known {
		hides = hiding(squeezed)
		if s.known == nil {
			s.known = map[string]bool{}
		}
		if len(s.known) < 256 && len(squeezed) < 512 {
			s.known[squeezed] = hides
		}
	}
	return hides
}

func (s *style) writes(e *element) (before, after string) {
	if len(s.before)+len(s.after) == 0 {
		return "", ""
	}
	for _, n := range e.names() {
		before += attributes(s.before[n], e)
		after += attributes(s.after[n], e)
	}
	return before, after
}

// attributeMark stands in front of the name of an attribute whose value is
// written, and behind it.
const attributeMark = "\x00"

func attributes(text string, e *element) string {
	pieces := strings.Split(text, attributeMark)
	for i := 1; i < len(pieces); i += 2 {
		if e.data != nil {
			pieces[i] = e.data(pieces[i])
		} else {
			pieces[i] = "" // it has no attributes
		}
	}
	return strings.Join(pieces, "")
}

// squeezed is a style in lower case without white space.
func squeezed(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), "") }

// hiding reports whether declarations hide an element.
func hiding(squeezed string) bool {
	for _, d := range strings.Split(squeezed, ";") {
		name, value, ok := strings.Cut(d, ":")
		if !ok {
			continue
		}
		value = strings.TrimSuffix(value, "!important")
		switch name {
		case "display":
			if value == "none" {
				return true
			}
		case "visibility":
			if value == "hidden" || value == "collapse" {
				return true
			}
		case "font-size", "opacity", "max-height", "max-width", "height", "width", "line-height":
			if strings.HasPrefix(value, "0") && strings.Trim(value, "0.pxemrt%") == "" {
				return true
			}
		case "font":
			if strings.HasPrefix(value, "0") {
				return true
			}
		case "color":
			if value == "transparent" {
				return true
			}
		case "mso-hide":
			return true
		case "text-indent", "left", "top", "right", "margin-left", "margin-top":
			if strings.HasPrefix(value, "-") && len(value) >= len("-999px") {
				return true
			}
		case "transform":
			if strings.HasPrefix(value, "scale(0") {
				return true
			}
		}
	}
	return false
}

// contentOf is the text that declarations write (CSS 2.2 §12.2).
func contentOf(body string) string {
	var b strings.Builder
	for {
		i := strings.Index(strings.ToLower(body), "content")
		if i < 0 {
			return b.String()
		}
		body = strings.TrimLeft(body[i+len("content"):], " \t\r\n")
		if !strings.HasPrefix(body, ":") {
			continue
		}
		body = contentValue(body[1:], &b)
	}
}

// contentValue reads one value of content, and returns what follows it.
func contentValue(s string, b *strings.Builder) string {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ';':
			return s[i+1:]
		case c == '"' || c == '\'':
			for i++; i < len(s) && s[i] != c; i++ {
				if s[i] != '\\' {
					b.WriteByte(s[i])
					continue
				}
				i += escaped(s[i+1:], b)
			}
		case strings.HasPrefix(s[i:], "attr("):
			name, _, _ := strings.Cut(s[i+len("attr("):], ")")
			b.WriteString(attributeMark + strings.ToLower(strings.TrimSpace(name)) + attributeMark)
		}
	}
	return ""
}

// escaped reads what follows a backslash (CSS 2.2 §4.1.3).
func escaped(s string, b *strings.Builder) int {
	n, r := 0, rune(0)
	for n < len(s) && n < 6 {
		k := strings.IndexByte("0123456789abcdef", s[n]|0x20)
		if k < 0 || s[n] < '0' {
			break
		}
		r = r<<4 | rune(k)
		n++
	}
	switch {
	case n > 0:
		b.WriteRune(r)
		if n < len(s) && s[n] == ' ' {
			n++
		}
	case len(s) > 0:
		b.WriteByte(s[0])
		n = 1
	}
	return n
}
