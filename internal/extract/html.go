package extract

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"

	"postern.dev/postern/internal/buffers"
	"postern.dev/postern/internal/mail"
)

// maxToken bounds one tag or text in memory: pictures stand in attributes.
const maxToken = 16 << 20

// readHTML writes out what stands in a page, hidden or not: what a style
// hides can be read by anyone who wants to, and so can scripts. Of style sheets
// only the text counts that they write, and the files in their addresses.
func readHTML(d *Document) error {
	if d.Charset == "" {
		d.Charset = declaredInside(d)
	}
	return readPage(d, false)
}

// readXML reads any other markup: every element stands for itself, and where
// the ends of elements part digits they are read joined as well.
func readXML(d *Document) error { return readPage(d, true) }

func readPage(d *Document, xml bool) error {
	out := buffers.Writer(d)
	defer buffers.PutWriter(out)
	p := &page{out: out, fresh: true, note: d.Note, xml: xml, svg: d.Kind.Type == "image/svg+xml", embed: d.Embed}
	if d.desk != nil {
		p.seen = &visible{give: d.Alternative, text: make([]byte, 0, maxVisible+1024)}
	}
	if err := p.read(d.decoded(), 0); err != nil {
		if !errors.Is(err, html.ErrBufferExceeded) {
			return err
		}
		d.Note(mail.TooLarge, "a tag or text is longer than 16 MiB")
	}
	p.letCell(true)
	if len(p.later) > 0 {
		p.newline()
	}
	if p.seen != nil {
		p.seen.flush()
		if p.seen.style.over {
			d.Note(mail.TooLarge, "the page has too many style rules, and the others are not read")
		}
		if p.seen.err != nil {
			return p.seen.err
		}
	}
	return out.Flush()
}

// declaredInside is the charset that the page itself names; "" for none.
func declaredInside(d *Document) string {
	b, ok := d.Octets.(*bufio.Reader)
	if !ok {
		return ""
	}
	head, _ := b.Peek(1024)
	_, name, certain := charset.DetermineEncoding(head, "")
	if !certain && !bytes.Contains(bytes.ToLower(head), []byte("charset")) {
		return ""
	}
	return name
}

// page is the state while a page is read.
type page struct {
	out      *bufio.Writer
	note     func(mail.Cause, string)
	fresh    bool // at the beginning of a line
	xml, svg bool
	embeds   bool     // a picture or a formula stands in it
	seen     *visible // nil when nobody wants to know
	later    []byte   // what attributes say inside a line, for the next line
	turned   string   // the element whose text is written from right to left
	attrs    []attribute
	styles   map[string]string // squeezed, by what they are written as
	tables   []pageTable       // those that are open
	deeper   int               // more that are open inside them
	embed    func(Embedded) error
	inline   int // files that were looked at
}

type attribute struct{ key, value []byte }

// maxLater bounds what waits for the end of a line.
const maxLater = 64 << 10

func (p *page) read(r io.Reader, depth int) error {
	z := newTokens(r)
	defer z.close()
	z.AllowCDATA(p.xml)
	skip := atom.Atom(0)
	raw := false // what comes is no markup, or it is
	for {
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); err != io.EOF {
				return err
			}
			return p.out.Flush()
		case html.TextToken:
			if text, ok := p.twice(z.Raw(), raw); ok {
				if err := p.foreign(text, depth); err != nil {
					return err
				}
			}
			switch {
			case skip == 0:
				p.text(z.Text())
			case skip == atom.Script:
				p.script(z.Text())
			case skip == atom.Style:
				sheet := z.Text()
				if p.seen != nil {
					p.generated(sheet)
				}
				p.inlineFiles(sheet)
			}
		case html.StartTagToken:
			tag := p.tag(z, false)
			if tag == atom.Script || tag == atom.Style {
				skip = tag
			}
			if raw = p.plain(tag); tag == atom.Noscript {
				z.NextIsNotRawText() // mail programs run no scripts
			}
			z.AllowCDATA(p.xml || p.embeds)
		case html.SelfClosingTagToken:
			raw = p.plain(p.tag(z, p.xml))
		case html.EndTagToken:
			raw = false
			name, _ := z.TagName()
			tag := atom.Lookup(name)
			if tag == skip {
				skip = 0
			}
			p.end(tag, string(name))
		case html.DoctypeToken:
			p.doctype(z.Text())
		case html.CommentToken:
			// Conditional comments are text to some programs.
			if text := z.Text(); depth == 0 && !bytes.HasPrefix(text, []byte("?xml ")) {
				if err := p.comment(text); err != nil {
					return err
				}
			}
		}
		if _, err := p.out.Write(nil); err != nil {
			return err
		}
		if p.seen != nil && p.seen.err != nil {
			return p.seen.err
		}
	}
}

// maxForeign bounds markup in what may be markup or not.
const maxForeign = 8

// plain reports whether the content of an element is read as markup too: that
// of some is markup for programs without frames. Inside a picture or a formula a style or a title holds elements as
// well, and those that do not belong there end the picture and are shown
// (HTML, "foreign content").
func (p *page) plain(tag atom.Atom) bool {
	switch tag {
	case atom.Svg, atom.Math:
		p.embeds = true
	case atom.Noembed, atom.Noframes, atom.Iframe:
		return !p.xml
	case atom.Script, atom.Style, atom.Title, atom.Textarea, atom.Xmp, atom.Plaintext:
		return p.embeds && !p.xml
	}
	return false
}

// twice returns what of a text is read as markup too: that of plain, and a
// CDATA section, which is text in a picture and elsewhere a comment that ends
// at the first ">".
func (p *page) twice(text []byte, raw bool) ([]byte, bool) {
	if section, ok := bytes.CutPrefix(text, []byte("<![CDATA[")); ok && !p.xml {
		_, text, ok = bytes.Cut(section, []byte(">"))
		return text, ok
	}
	return text, raw
}

// foreign reads the content of such an element as markup.
func (p *page) foreign(text []byte, depth int) error {
	switch {
	case bytes.IndexByte(text, '<') < 0:
		return nil
	case depth >= maxForeign:
		p.note(mail.Ambiguous, "markup in styles and scripts of pictures is nested too deeply")
		return nil
	}
	return p.inside(text, depth+1)
}

func (p *page) comment(text []byte) error { return p.inside(text, 1) }

// inside reads markup that is not, or not surely, part of what is shown.
func (p *page) inside(text []byte, depth int) error {
	p.letCell(false)
	seen, tables, deeper := p.seen, p.tables, p.deeper
	p.seen, p.tables, p.deeper = nil, nil, 0
	p.newline()
	err := p.read(bytes.NewReader(bytes.Clone(text)), depth)
	p.letCell(true)
	p.newline()
	p.seen, p.tables, p.deeper = seen, tables, deeper
	return err
}

// doctype shows what a document type declares: entities are text elsewhere.
func (p *page) doctype(text []byte) {
	if p.xml && bytes.Contains(text, []byte("<!ENTITY")) {
		p.newline()
		p.text(text)
		p.newline()
		p.note(mail.Unsupported, "the document defines entities of its own")
	}
}

// generated gives out the text that a style sheet writes.
func (p *page) generated(sheet []byte) {
	if text := p.seen.style.read(sheet); text != "" {
		text = strings.ReplaceAll(text, attributeMark, " ")
		p.seen.err = first(p.seen.err, p.seen.give([]byte(text+"\n")))
	}
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// The marks of text that is written from right to left (UAX #9).
const (
	rightToLeft = "\u202e"
	turnEnd     = "\u202c"
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
	if p.seen.left(*e) { // nor is it seen that a line begins
		p.seen.open(*e)
		p.space(tag, e.name)
	} else {
		p.space(tag, e.name)
		p.seen.open(*e)
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
			p.put([]byte{'\t'})
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

func (p *page) newline() {
	p.seen.newline()
	p.line()
}

// line ends a line of the text, and not of what is visible.
func (p *page) line() {
	if !p.fresh {
		p.write([]byte{'\n'})
		p.fresh = true
	}
	if len(p.later) > 0 {
		p.write(p.later)
		p.later = p.later[:0]
	}
}

// put writes to all readings.
func (p *page) put(b []byte) {
	p.write(b)
	p.seen.add(b)
	p.fresh = false
}

// text writes text with its white space joined, as a page shows it: words and
// the single spaces between them in one piece.
func (p *page) text(b []byte) {
	start := 0
	for i := 0; i < len(b); i++ {
		if !white(b[i]) || b[i] == ' ' && i > start && i+1 < len(b) && !white(b[i+1]) {
			continue
		}
		if i > start {
			p.put(b[start:i])
		}
		for i++; i < len(b) && white(b[i]); i++ {
		}
		if !p.fresh {
			p.put([]byte{' '})
		}
		start = i
		i--
	}
	if start < len(b) {
		p.put(b[start:])
	}
}

func white(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' }
