package extract

import (
	"bufio"
	"bytes"
	"encoding/binary"
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
		lent := buffers.Get()
		defer buffers.Put(lent)
		p.seen = &visible{give: d.Alternative, text: lent[:0]}
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
			p.end(tag, named(tag, name))
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

// What stands between texts.
var (
	lineEnd = []byte("\n")
	blank   = []byte(" ")
	tab     = []byte("\t")
)

func (p *page) newline() {
	p.seen.newline()
	p.line()
}

// line ends a line of the text, and not of what is visible.
func (p *page) line() {
	if !p.fresh {
		p.write(lineEnd)
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
	for i := calm(b); i < len(b); i++ {
		if c := b[i]; c > ' ' || !white(c) || c == ' ' && i > start && i+1 < len(b) && !white(b[i+1]) {
			continue
		}
		if i > start {
			p.put(b[start:i])
		}
		for i++; i < len(b) && white(b[i]); i++ {
		}
		if !p.fresh {
			p.put(blank)
		}
		start = i
		i += calm(b[i:]) - 1
	}
	if start < len(b) {
		p.put(b[start:])
	}
}

// calm is a number of octets at the beginning of b, not always the most, that
// are not of white space but for single spaces between others: they are looked
// at eight at a time, of which the last is looked at again.
func calm(b []byte) int {
	const (
		ones  = 0x0101010101010101
		highs = ones << 7
	)
	if len(b) == 0 || white(b[0]) {
		return 0
	}
	n := 0
	for ; n+8 <= len(b); n += 7 {
		v := binary.LittleEndian.Uint64(b[n:])
		control := (v - ones*' ') &^ v & highs
		other := v ^ ones*' '
		spaces := ^((other&^highs + ones*0x7f) | other) & highs
		if control != 0 || spaces&(spaces>>8) != 0 {
			break
		}
	}
	return n
}

func white(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' }
