package mail

import (
	"bytes"
	"strconv"
	"strings"
)

// bodyLine takes a line that belongs to the innermost open part.
func (s *scan) bodyLine(l line) {
	f := s.top()
	if f == nil {
		return
	}
	if !f.text && (l.long || len(bytes.TrimSpace(l.data)) > 0) {
		f.text = true
	}
	if f.multi {
		return
	}
	f.check.line(f.part, l)
	if f.part.text() && len(l.data) > 0 && identity(f.part.Encoding) {
		s.uuencoded(f, l)
	}
}

// uuencoded finds files that are uuencoded in a text.
func (s *scan) uuencoded(f *frame, l line) {
	if f.uu != nil {
		if string(bytes.TrimSpace(l.data)) == "end" {
			f.uu.Range.End, f.uu.Content.End = l.end, l.end
			f.uu = nil
		}
		return
	}
	switch l.data[0] {
	case '(':
		if bytes.HasPrefix(l.data, []byte("(This file must be converted with BinHex")) {
			s.x.note(f.part, Unsupported, "a BinHex file stands in the text")
		}
		return
	case '=':
		if bytes.HasPrefix(l.data, []byte("=ybegin ")) {
			s.x.note(f.part, Unsupported, "a yEnc file stands in the text")
		}
		return
	case 'b':
	default:
		return
	}
	if l.long || s.full {
		return
	}
	name := uuBegin(l.data)
	if name == "" {
		return
	}
	if s.x.parts >= s.x.limits.Parts {
		s.x.limit(f.part, false)
		return
	}
	s.x.parts++
	f.uus++
	f.uu = &Part{
		Body: s.body, Parent: f.part, Path: f.part.Path + ".uu" + strconv.Itoa(f.uus),
		Range: Range{l.start, l.end}, Content: Range{l.start, l.end},
		Type: "application/octet-stream", Params: map[string]string{},
		Disposition: "attachment", Name: cleanName(name), Encoding: "x-uuencode",
		Header: &Header{body: s.body, start: l.start, end: l.start},
	}
	f.part.Children = append(f.part.Children, f.uu)
}

// leafCheck looks for content that programs decode differently.
type leafCheck struct {
	nul      bool
	url      bool // characters of the URL alphabet in base64
	padding  bool // padding where no group can end
	clear    bool // text that is called base64
	strange  bool // base64 that is called something unknown
	started  bool
	position int // characters of base64 so far, modulo 4
}

func (c *leafCheck) line(p *Part, l line) {
	c.nul = c.nul || l.nul
	if p.Encoding == "base64" {
		c.base64(p, l)
	} else if !c.started && len(l.data) > 0 {
		c.started = true
		c.strange = strangeEncoding(p.Encoding) && looksBase64(l.data)
	}
}

// base64 looks at one line; clean lines cost two searches.
func (c *leafCheck) base64(p *Part, l line) {
	if len(l.data) == 0 {
		return
	}
	if !c.started {
		c.started = true
		c.clear = p.text() && !wideLabel(p.Charset) && looksClear(l.data)
	}
	if l.url && !c.url && (bytes.IndexByte(l.data, '-') >= 0 || bytes.IndexByte(l.data, '_') >= 0) {
		c.url = urlAlphabet(l.data)
	}
	if i := bytes.IndexByte(l.data, '='); i >= 0 {
		c.pads(l.data)
		return
	}
	c.position = (c.position + len(l.data)) % 4
}

// pads looks at the padding of a line. Programs that stop at padding, skip
// it, or begin anew agree only where a group is complete.
func (c *leafCheck) pads(data []byte) {
	for i, b := range data {
		if b == '=' {
			next := byte(0)
			if i+1 < len(data) {
				next = data[i+1]
			}
			if c.position == 1 && base64Value(next) < 64 || c.position == 2 && base64Value(next) < 64 {
				c.padding = true
			}
			if next != '=' {
				c.position = 0
			}
			continue
		}
		if base64Value(b) < 64 {
			c.position = (c.position + 1) % 4
		}
	}
}

func (c *leafCheck) finish(x *indexer, p *Part) {
	if c.nul && p.text() && !wideLabel(p.Charset) {
		x.note(p, Malformed, "the text holds a NUL")
	}
	if c.url {
		x.note(p, Ambiguous, "base64 with characters of another alphabet")
	}
	if c.padding {
		x.note(p, Ambiguous, "base64 with padding inside of a group")
	}
	if c.strange {
		x.note(p, Ambiguous, "the transfer encoding is unknown and the content looks like base64")
	}
	if c.clear {
		x.note(p, Ambiguous, "the text is called base64 and is none")
	}
}

// urlAlphabet reports whether a line is base64 in the alphabet of RFC 4648
// §5 and not a line of dashes or a footer behind the base64.
func urlAlphabet(data []byte) bool {
	letters := false
	for _, b := range data {
		switch v := base64Value(b); {
		case b == '=':
		case v > 63:
			return false
		case b != '-' && b != '_':
			letters = true
		}
	}
	return letters
}

// strangeEncoding reports whether an encoding is none of RFC 2045 §6.1.
func strangeEncoding(encoding string) bool {
	switch encoding {
	case "", "7bit", "8bit", "binary":
		return false
	}
	return identity(encoding)
}

// looksBase64 reports whether a line can be the first of base64.
func looksBase64(data []byte) bool {
	data = bytes.TrimRight(data, " \t")
	for _, b := range data {
		if base64Value(b) > 63 && b != '=' {
			return false
		}
	}
	return len(data) >= 16 && len(data)%4 == 0
}

// looksClear reports whether a line of text was not encoded at all: it has
// characters outside of the alphabet, and decoded it is no text.
func looksClear(data []byte) bool {
	odd := 0
	for _, b := range data {
		if b < ' ' && b != '\t' || b >= 0x7f {
			return false
		}
		if base64Value(b) > 63 && b != '=' {
			odd++
		}
	}
	if odd == 0 || odd*2 > len(data) {
		return false
	}
	var d base64Decoder
	out := make([]byte, len(data)+minStep)
	n, _ := d.step(out, data, true)
	for _, b := range out[:n] {
		if b < ' ' && b != '\t' && b != '\r' && b != '\n' && b != 0x1b && b != '\f' {
			return true
		}
	}
	return false
}

// wideLabel reports whether text of this charset holds zeros by nature.
func wideLabel(charset string) bool {
	return strings.HasPrefix(charset, "utf-16") || strings.HasPrefix(charset, "utf-32") ||
		strings.HasPrefix(charset, "utf16") || strings.HasPrefix(charset, "ucs-")
}
