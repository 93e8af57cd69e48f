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

	"postern.dev/postern/internal/mail"
)

// maxToken bounds one tag or text in memory: pictures stand in attributes.
const maxToken = 16 << 20

// readHTML writes out what stands in a page, hidden or not: what a style
// hides can be read by anyone who wants to. Scripts and styles are left out.
func readHTML(d *Document) error {
	if d.Charset == "" {
		d.Charset = declaredInside(d)
	}
	out := bufio.NewWriterSize(d, 32<<10)
	p := &page{out: out, fresh: true}
	if err := p.read(d.decoded(), 0); err != nil {
		if !errors.Is(err, html.ErrBufferExceeded) {
			return err
		}
		d.Note(mail.TooLarge, "a tag or text is longer than 16 MiB")
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
	out   *bufio.Writer
	fresh bool // at the beginning of a line
}

func (p *page) read(r io.Reader, depth int) error {
	z := html.NewTokenizer(r)
	z.SetMaxBuf(maxToken)
	skip := atom.Atom(0)
	for {
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); err != io.EOF {
				return err
			}
			return p.out.Flush()
		case html.TextToken:
			if skip == 0 {
				p.text(z.Text())
			}
		case html.StartTagToken:
			if tag := p.tag(z); tag == atom.Script || tag == atom.Style {
				skip = tag
			}
		case html.SelfClosingTagToken:
			p.tag(z)
		case html.EndTagToken:
			name, _ := z.TagName()
			tag := atom.Lookup(name)
			if tag == skip {
				skip = 0
			}
			p.space(tag)
		case html.CommentToken:
			// Conditional comments are text to some programs.
			if depth == 0 {
				p.newline()
				if err := p.read(bytes.NewReader(bytes.Clone(z.Text())), 1); err != nil {
					return err
				}
				p.newline()
			}
		}
		if _, err := p.out.Write(nil); err != nil {
			return err
		}
	}
}

// tag writes what the attributes of a start tag show.
func (p *page) tag(z *html.Tokenizer) atom.Atom {
	name, more := z.TagName()
	tag := atom.Lookup(name)
	p.space(tag)
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		if shown(string(key)) && len(bytes.TrimSpace(value)) > 0 {
			p.newline()
			p.text(value)
			p.newline()
		}
	}
	return tag
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
func (p *page) space(tag atom.Atom) {
	switch tag {
	case atom.Td, atom.Th:
		if !p.fresh {
			p.out.WriteByte('\t')
		}
	case atom.Br, atom.P, atom.Div, atom.Tr, atom.Table, atom.Li, atom.Ul, atom.Ol, atom.Dl, atom.Dt, atom.Dd,
		atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Hr, atom.Pre, atom.Blockquote, atom.Section,
		atom.Article, atom.Header, atom.Footer, atom.Nav, atom.Main, atom.Aside, atom.Form, atom.Fieldset, atom.Option,
		atom.Select, atom.Textarea, atom.Title, atom.Head, atom.Body, atom.Html, atom.Center, atom.Address, atom.Thead,
		atom.Tbody, atom.Tfoot, atom.Caption, atom.Figure, atom.Figcaption, atom.Button, atom.Input, atom.Img:
		p.newline()
	}
}

func (p *page) newline() {
	if !p.fresh {
		p.out.WriteByte('\n')
		p.fresh = true
	}
}

// text writes text with its white space joined, as a page shows it.
func (p *page) text(b []byte) {
	for len(b) > 0 {
		n := bytes.IndexAny(b, " \t\r\n\f")
		if n < 0 {
			n = len(b)
		}
		if n > 0 {
			p.out.Write(b[:n])
			p.fresh = false
			b = b[n:]
			continue
		}
		for n < len(b) && bytes.IndexByte([]byte(" \t\r\n\f"), b[n]) >= 0 {
			n++
		}
		if !p.fresh {
			p.out.WriteByte(' ')
		}
		b = b[n:]
	}
}
