package extract

import (
	"bytes"
	"strings"

	"golang.org/x/net/html/atom"
)

// tag writes what the attributes of a start tag show.
func (p *page) tag(z *tokens, closed bool) atom.Atom {
	name, more := z.TagName()
	tag := atom.Lookup(name)
	p.attrs = p.attrs[:0]
	for more {
		var a attribute
		a.key, a.value, more = z.TagAttr()
		p.attrs = append(p.attrs, a)
	}
	e := element{name: named(tag, name), void: closed || !p.xml && void(tag)}
	p.begin(&e, tag)
	var page []byte
	for _, a := range p.attrs {
		key := named(atom.Lookup(a.key), a.key)
		if key == "srcdoc" && tag == atom.Iframe {
			page = a.value
			continue
		}
		p.attribute(tag, key, a.value)
	}
	if page != nil && p.embed != nil { // the attributes are over: it has its own
		_ = p.embed(Embedded{Declared: "text/html", Octets: bytes.NewReader(bytes.Clone(page))})
	}
	return tag
}

// named is the name of a tag or an attribute; those that HTML knows are not
// made anew.
func named(known atom.Atom, name []byte) string {
	if known != 0 {
		return known.String()
	}
	return string(name)
}

func (p *page) value(name string) string { return string(p.octets(name)) }

func (p *page) octets(name string) []byte {
	for _, a := range p.attrs {
		if string(a.key) == name {
			return a.value
		}
	}
	return nil
}

// knownStyles is how many styles of elements are remembered: pages repeat few.
const knownStyles = 256

// squeezed is the style of the element at hand in lower case without white
// space.
func (p *page) squeezed() string {
	raw := p.octets("style")
	if len(raw) == 0 {
		return ""
	}
	known, ok := p.styles[string(raw)]
	if ok {
		return known
	}
	made := squeezed(string(raw))
	if p.styles == nil {
		p.styles = map[string]string{}
	}
	if len(p.styles) < knownStyles && len(raw) < 512 {
		p.styles[string(raw)] = made
	}
	return made
}

// begin opens an element.
func (p *page) begin(e *element, tag atom.Atom) {
	if len(p.attrs) > 0 {
		if e.style = p.squeezed(); p.seen != nil && p.seen.style.any() {
			e.id, e.classes, e.data = p.value("id"), strings.Fields(p.value("class")), p.value
		}
		for _, a := range p.attrs {
			if string(a.key) == "hidden" {
				e.hidden = true
			}
		}
	}
	p.table(tag, true)
	if p.seen.left(e) { // nor is it seen that a line begins
		p.seen.open(e)
		p.space(tag, e.name)
	} else {
		p.space(tag, e.name)
		p.seen.open(e)
	}
	p.tableBegun(tag)
	over := strings.Contains(e.style, "bidi-override") && strings.Contains(e.style, "direction:rtl") ||
		tag == atom.Bdo && strings.EqualFold(p.value("dir"), "rtl")
	if over && p.turned == "" && !e.void {
		p.turned = e.name
		p.put([]byte(rightToLeft))
	}
}

// end closes an element.
func (p *page) end(tag atom.Atom, name string) {
	if p.turned == name {
		p.turned = ""
		p.put([]byte(turnEnd))
	}
	p.table(tag, false)
	if p.seen != nil && p.seen.hide != "" {
		p.space(tag, name)
		p.seen.close(name)
		return
	}
	p.seen.close(name)
	p.space(tag, name)
}

// attribute writes what one attribute shows: behind the line when the tag
// stands inside one, so that it parts nothing.
func (p *page) attribute(tag atom.Atom, key string, value []byte) {
	if len(bytes.TrimSpace(value)) == 0 {
		return
	}
	text := value
	switch {
	case key == "style":
		p.inlineFiles(value)
		return
	case strings.HasPrefix(key, "on"): // a script (HTML, "event handler content attributes")
		p.inlineFiles(value)
	case key == "content" && bytes.Contains(value, []byte(dataScheme)): // where a page leads to by itself
		p.inlineFiles(value)
	case tag == atom.Img && key == "alt":
		if p.seen != nil && p.seen.hide == "" {
			p.seen.add(value)
			p.seen.cut = true
		}
	case link(key):
		if p.inlineFile(value) {
			return
		}
		if text = hiddenInLink(value); text == nil {
			return
		}
	case p.xml && !p.svg:
		if strings.HasPrefix(key, "xmlns") {
			return
		}
	case !shown(key):
		return
	}
	p.later = append(append(p.later, text...), '\n')
	if breaks(tag) || p.xml || len(p.later) > maxLater {
		p.line()
	}
}

// shown reports whether an attribute's value can be read on a page or by a
// screen reader.
func shown(key string) bool {
	switch key {
	case "alt", "title", "placeholder", "value", "label", "summary", "content", "aria-label", "aria-description":
		return true
	}
	return strings.HasPrefix(key, "data-") && len(key) < 32
}

// space writes what separates a tag from its surroundings: nothing for tags
// inside a line, so that "4111<b>1111</b>" stays one number.
func (p *page) space(tag atom.Atom, name string) {
	switch {
	case p.xml:
		if name != "tspan" {
			p.line()
			if p.seen != nil {
				p.seen.glue = true
			}
		}
	case tag == atom.Td || tag == atom.Th:
		if !p.fresh {
			p.put(tab)
		}
	case tag == atom.Img:
		p.line() // a picture stands inside a line for those who see
	case breaks(tag):
		p.newline()
	}
}

// breaks reports whether a tag begins a line.
func breaks(tag atom.Atom) bool {
	switch tag {
	case atom.Br, atom.P, atom.Div, atom.Tr, atom.Table, atom.Li, atom.Ul, atom.Ol, atom.Dl, atom.Dt, atom.Dd,
		atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Hr, atom.Pre, atom.Blockquote, atom.Section,
		atom.Article, atom.Header, atom.Footer, atom.Nav, atom.Main, atom.Aside, atom.Form, atom.Fieldset, atom.Option,
		atom.Select, atom.Textarea, atom.Title, atom.Head, atom.Body, atom.Html, atom.Center, atom.Address, atom.Thead,
		atom.Tbody, atom.Tfoot, atom.Caption, atom.Figure, atom.Figcaption, atom.Button, atom.Input, atom.Img, atom.Meta:
		return true
	}
	return false
}

// void reports whether a tag has no end.
func void(tag atom.Atom) bool {
	switch tag {
	case atom.Area, atom.Base, atom.Br, atom.Col, atom.Embed, atom.Hr, atom.Img, atom.Input, atom.Link, atom.Meta,
		atom.Param, atom.Source, atom.Track, atom.Wbr:
		return true
	}
	return false
}
