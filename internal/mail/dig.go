package mail

import (
	"bytes"
	"strconv"
	"strings"
)

// dig reads the parts of an encoded container from a decoded view. RFC 2046
// §5.1 forbids the encoding, but programs that decode it exist.
func (x *indexer) dig(f *frame) {
	p := f.part
	if p.Content.Len() == 0 {
		return
	}
	if x.views >= maxViews {
		x.note(p, TooDeep, "encoded messages are nested deeper than "+strconv.Itoa(maxViews)+" levels")
		return
	}
	if f.multi {
		x.note(p, Ambiguous, "a multipart is "+p.Encoding)
	}
	x.views++
	defer func() { x.views-- }()
	var b Body = newView(p.Body, p.Content, p.Encoding)
	r := Range{0, b.Size()}
	if plain(p) {
		b, r = p.Body, p.Content
	}
	s := x.scan(b, r)
	defer s.lines.close()
	s.before = r.Start
	if f.multi {
		s.stack = []*frame{{part: p, depth: f.depth, multi: true, boundary: f.boundary, guess: f.guess, loose: r.Start}}
		s.runInto(p)
		return
	}
	s.child(&frame{part: p, depth: f.depth}, r.Start)
	s.run()
}

// runInto reads the content of a multipart whose own ranges lie in another
// body and must stay as they are.
func (s *scan) runInto(p *Part) {
	own, content := p.Range, p.Content
	s.run()
	p.Range, p.Content = own, content
}

// plain reports whether a container that is called encoded is not: its first
// lines are a header, as they stand.
func plain(p *Part) bool {
	head := make([]byte, min(p.Content.Len(), sniffSize))
	n, _ := p.Body.ReadAt(head, p.Content.Start)
	head = bytes.TrimLeft(head[:n], "\r\n")
	first, _, _ := bytes.Cut(head, []byte("\n"))
	if _, colon := fieldName(first); colon < 0 {
		return false
	}
	if p.Encoding != "quoted-printable" {
		return true
	}
	return !bytes.Contains(head, []byte("=3D")) && !bytes.Contains(head, []byte("=\r\n")) &&
		!bytes.Contains(head, []byte("=\n")) && !strings.Contains(string(head), "=20")
}
