package extract

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"

	"postern.dev/postern/internal/mail"
)

// maxInline bounds the files that lie in the addresses of one page.
const maxInline = 1000

const dataScheme = "data:"

// script gives out what a script says: nobody sees it, and everybody can read
// it. Files that lie in it are looked at.
func (p *page) script(text []byte) {
	p.letCell(false)
	seen := p.seen
	p.seen = nil
	p.newline()
	p.text(text)
	p.newline()
	p.seen = seen
	p.inlineFiles(text)
}

// inlineFiles looks at the files in the addresses within a text (a script, a
// style sheet, the style of an element).
func (p *page) inlineFiles(text []byte) {
	for {
		i := bytes.Index(text, []byte(dataScheme))
		if i < 0 {
			return
		}
		text = text[i:]
		end := len(text)
		if close := bytes.IndexAny(text, "\"')`>"); close >= 0 {
			end = close
		}
		p.inlineFile(text[:end])
		text = text[end:]
	}
}

// inlineFile looks at the file that an address holds (RFC 2397). It is false
// when the address holds none.
func (p *page) inlineFile(address []byte) bool {
	address = bytes.TrimSpace(address)
	if len(address) < len(dataScheme) || !strings.EqualFold(string(address[:len(dataScheme)]), dataScheme) {
		return false
	}
	head, content, ok := bytes.Cut(address[len(dataScheme):], []byte(","))
	if !ok || len(head) > 256 {
		return false
	}
	kind, parameters, _ := strings.Cut(strings.ToLower(string(head)), ";")
	if bytes.IndexByte(content, '%') >= 0 {
		content = percentDecoded(content)
	}
	if strings.HasSuffix(strings.TrimSpace(parameters), "base64") {
		content = forgiving(content)
	}
	if len(content) == 0 || p.embed == nil {
		return true
	}
	if p.inline++; p.inline > maxInline {
		p.note(mail.TooManyParts, "the page holds more files than are looked at")
		return true
	}
	if err := p.embed(Embedded{Declared: strings.TrimSpace(kind), Octets: bytes.NewReader(content)}); errors.Is(err, ErrEnough) {
		p.embed = nil
	}
	return true
}

func percentDecoded(b []byte) []byte {
	if text, err := url.PathUnescape(string(b)); err == nil {
		return []byte(text)
	}
	return []byte(loose(string(b)))
}

// forgiving decodes base64 as a browser does, and leaves out what is no part
// of it: line ends, and the marks that continue a line of a script.
func forgiving(b []byte) []byte {
	clean := make([]byte, 0, len(b))
	for _, c := range b {
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '+', c == '/':
			clean = append(clean, c)
		case c == '-':
			clean = append(clean, '+')
		case c == '_':
			clean = append(clean, '/')
		}
	}
	if len(clean)%4 == 1 { // six bits are no octet
		clean = clean[:len(clean)-1]
	}
	n, _ := base64.RawStdEncoding.Decode(clean, clean)
	return clean[:n]
}
