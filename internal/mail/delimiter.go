package mail

import (
	"bytes"
	"strings"
)

// delimiter finds the multipart whose delimiter l is (RFC 2046 §5.1.1).
func (s *scan) delimiter(l line) (index int, closing, ok bool) {
	if l.long || s.full && len(s.stack) == 0 {
		return 0, false, false
	}
	text := bytes.TrimRight(l.data[2:], " \t\r")
	index = -1
	for i := len(s.stack) - 1; i >= 0; i-- {
		f := s.stack[i]
		if !f.multi {
			continue
		}
		if f.guess && len(text) > 0 && !f.found {
			if f.boundary == "" && !bytes.ContainsAny(text, " \t") {
				f.boundary = string(text)
			}
		}
		if f.boundary == "" || len(text) < len(f.boundary) {
			continue
		}
		if string(text[:len(f.boundary)]) != f.boundary {
			if strings.EqualFold(string(text), f.boundary) {
				s.x.note(f.part, Ambiguous, "a delimiter differs from the boundary in the case of its letters")
			}
			continue
		}
		tail := text[len(f.boundary):]
		if len(tail) > 0 && string(tail) != "--" {
			s.x.nearMiss(f.part, tail)
			continue
		}
		if f.closed && index >= 0 || index >= 0 && !s.stack[index].closed {
			continue
		}
		index, closing = i, len(tail) > 0
	}
	return index, closing, index >= 0
}

// nearMiss notes a line that begins with a boundary and goes on in a way
// that some programs ignore.
func (x *indexer) nearMiss(p *Part, tail []byte) {
	if c := tail[0]; c == ' ' || c == '\t' || c == ';' || c == '-' && len(tail) > 2 && tail[1] == '-' {
		x.note(p, Ambiguous, "a line begins with the boundary and goes on")
	}
}

// hiddenDelimiter notes a delimiter or a MIME field behind a bare CR, which
// some programs take for a line end.
func (s *scan) hiddenDelimiter(l line) {
	rest := l.data
	for {
		i := bytes.IndexByte(rest, '\r')
		if i < 0 {
			return
		}
		rest = rest[i+1:]
		if !bytes.HasPrefix(rest, []byte("--")) {
			continue
		}
		for _, f := range s.stack {
			if f.multi && f.boundary != "" && bytes.HasPrefix(rest[2:], []byte(f.boundary)) {
				s.x.note(f.part, Ambiguous, "a delimiter stands behind a CR without LF")
			}
		}
	}
}

// indentedDelimiter notes a delimiter behind white space, which some programs
// skip.
func (s *scan) indentedDelimiter(l line) {
	rest, ok := bytes.CutPrefix(bytes.Trim(l.data, " \t\r"), []byte("--"))
	if !ok || len(rest) == 0 {
		return
	}
	for _, f := range s.stack {
		if f.multi && f.boundary != "" && string(rest) == f.boundary {
			s.x.note(f.part, Ambiguous, "a delimiter stands behind white space")
		}
	}
}
