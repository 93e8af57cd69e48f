package public

import (
	"html/template"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"postern.dev/postern/internal/visible"
)

// maxOpen is how deep elements may lie in each other; deeper ones are left
// out, their text is not.
const maxOpen = 60

// shown are the elements of a mail that are shown. None of their attributes is:
// no link leads anywhere, nothing is loaded, nothing has a style or a name.
func shown(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Span, atom.B, atom.Strong, atom.I, atom.Em, atom.U, atom.S, atom.Sub, atom.Sup, atom.Small,
		atom.Ul, atom.Ol, atom.Li, atom.Dl, atom.Dt, atom.Dd, atom.Table, atom.Thead, atom.Tbody, atom.Tfoot, atom.Tr, atom.Td,
		atom.Th, atom.Caption, atom.Blockquote, atom.Pre, atom.Code, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return true
	}
	return false
}

// block reports whether an element begins a line.
func block(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Li, atom.Tr, atom.Table, atom.Blockquote, atom.Pre, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5,
		atom.H6, atom.Dt, atom.Dd, atom.Br, atom.Hr, atom.Ul, atom.Ol:
		return true
	}
	return false
}

// silent are the elements whose content nobody reads.
func silent(a atom.Atom) bool {
	switch a {
	case atom.Script, atom.Style, atom.Title, atom.Head, atom.Template, atom.Noscript, atom.Iframe, atom.Object, atom.Embed,
		atom.Svg, atom.Math, atom.Textarea, atom.Select, atom.Noembed, atom.Noframes, atom.Xmp, atom.Audio, atom.Video, atom.Canvas:
		return true
	}
	return false
}

// cleaner writes a mail anew: what it writes are names of elements from its
// own list, and escaped text.
type cleaner struct {
	out    strings.Builder
	open   []atom.Atom
	muted  []atom.Atom // elements whose content is left out
	link   string
	length int // characters of text so far
	cut    bool
}

// harmless is a mail's HTML without anything that runs, loads, links or
// pretends: elements from a short list, without attributes, and text.
func harmless(source string) (template.HTML, bool) {
	c := &cleaner{}
	z := html.NewTokenizer(strings.NewReader(source))
	z.SetMaxBuf(maxLetter)
	for !c.cut && z.Next() != html.ErrorToken {
		c.take(z.Token())
	}
	for range len(c.open) {
		c.close()
	}
	return template.HTML(c.out.String()), c.cut
}

func (c *cleaner) take(t html.Token) {
	a := t.DataAtom
	if len(c.muted) > 0 {
		switch {
		case t.Type == html.StartTagToken && a == c.muted[len(c.muted)-1] && len(c.muted) < maxOpen:
			c.muted = append(c.muted, a)
		case t.Type == html.EndTagToken && a == c.muted[len(c.muted)-1]:
			c.muted = c.muted[:len(c.muted)-1]
		}
		return
	}
	switch t.Type {
	case html.TextToken:
		c.text(t.Data)
	case html.StartTagToken, html.SelfClosingTagToken:
		c.begin(t)
	case html.EndTagToken:
		if a == atom.A && c.link != "" {
			c.text(" <" + c.link + ">")
			c.link = ""
		}
		if i := lastOf(c.open, a); i >= 0 {
			for len(c.open) > i {
				c.close()
			}
		}
	}
}

func (c *cleaner) begin(t html.Token) {
	a := t.DataAtom
	switch {
	case silent(a):
		if t.Type == html.StartTagToken && a != atom.Embed {
			c.muted = append(c.muted, a)
		}
	case a == atom.Br || a == atom.Hr:
		c.out.WriteString("<" + a.String() + ">")
	case a == atom.Img:
		c.text("[" + attribute(t, "alt") + "]")
	case a == atom.A:
		c.link = hostOf(attribute(t, "href"))
	case shown(a) && len(c.open) < maxOpen:
		c.out.WriteString("<" + a.String() + ">")
		c.open = append(c.open, a)
		if t.Type == html.SelfClosingTagToken && a != atom.P {
			c.close()
		}
	}
}

func lastOf(list []atom.Atom, a atom.Atom) int {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i] == a {
			return i
		}
	}
	return -1
}

func (c *cleaner) close() {
	last := len(c.open) - 1
	c.out.WriteString("</" + c.open[last].String() + ">")
	c.open = c.open[:last]
}

func (c *cleaner) text(s string) {
	n := utf8.RuneCountInString(s)
	if c.length+n > maxBlocks {
		s, c.cut = string([]rune(s)[:maxBlocks-c.length]), true
	}
	c.length += n
	c.out.WriteString(escaped(s))
}

// escaped is a text of a mail in HTML, with marks for what one cannot see.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range visible.Runs(s, maxBlocks+1) {
		text := r.Text
		switch text {
		case "[U+000A]", "[U+000D]", "[U+0009]":
			if r.Kind == visible.Control {
				text = map[string]string{"[U+000A]": "\n", "[U+0009]": "\t"}[text]
			}
		}
		b.WriteString(html.EscapeString(text))
	}
	return b.String()
}

func attribute(t html.Token, name string) string {
	i := slices.IndexFunc(t.Attr, func(a html.Attribute) bool { return a.Key == name && a.Namespace == "" })
	if i < 0 {
		return ""
	}
	return t.Attr[i].Val[:min(len(t.Attr[i].Val), 500)]
}

// hostOf is where a link leads, for the reader to see; "" for one that leads
// to nothing on the web.
func hostOf(href string) string {
	u, err := url.Parse(strings.TrimSpace(href))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.Hostname()
}

// textOf is the text of a mail's HTML.
func textOf(source string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(source))
	z.SetMaxBuf(maxLetter)
	muted := atom.Atom(0)
	for z.Next() != html.ErrorToken {
		t := z.Token()
		switch {
		case muted != 0:
			if t.Type == html.EndTagToken && t.DataAtom == muted {
				muted = 0
			}
		case t.Type == html.TextToken:
			b.WriteString(t.Data)
		case t.Type == html.StartTagToken && silent(t.DataAtom) && t.DataAtom != atom.Embed:
			muted = t.DataAtom
		case block(t.DataAtom):
			b.WriteString("\n")
		}
	}
	return strings.TrimSpace(b.String())
}
