package senderauth

import (
	"bufio"
	"bytes"
	"errors"
	"hash"
	"io"
	"strings"
)

// maxHead is the size of a header, in octets, over which nothing is verified
// or signed.
const maxHead = 4 << 20

// errHead is returned for a header that is longer than maxHead.
var errHead = errors.New("senderauth: the header is too long")

// field is one header field as it came.
type field struct {
	name string // lower case, without white space
	raw  []byte // the whole field without its last line end
}

// value is where the value begins in raw.
func (f field) value() int { return bytes.IndexByte(f.raw, ':') + 1 }

// readHead reads the header of a message and leaves r at its body. Lines end
// with CR LF and nothing else (RFC 6376 §2.8): a bare CR or LF is an octet like
// others.
func readHead(r *bufio.Reader) ([]field, error) {
	var (
		fields []field
		line   []byte
		size   int
	)
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if size += len(part); size > maxHead {
			return nil, errHead
		}
		switch {
		case err == nil && !bytes.HasSuffix(line, []byte("\r\n")), errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		}
		text, ended := bytes.CutSuffix(line, []byte("\r\n"))
		switch {
		case len(text) == 0:
			return fields, nil
		case (text[0] == ' ' || text[0] == '\t') && len(fields) > 0:
			f := &fields[len(fields)-1]
			f.raw = append(append(f.raw, '\r', '\n'), text...)
		default:
			name, _, _ := bytes.Cut(text, []byte(":"))
			fields = append(fields, field{strings.ToLower(strings.TrimRight(string(name), " \t")), bytes.Clone(text)})
		}
		if !ended {
			return fields, nil
		}
		line = line[:0]
	}
}

// relaxedField appends the relaxed form of a field (RFC 6376 §3.4.2), without
// a line end.
func relaxedField(dst, raw []byte) []byte {
	name, value, _ := bytes.Cut(raw, []byte(":"))
	dst = append(dst, bytes.ToLower(bytes.TrimRight(name, " \t"))...)
	dst = append(dst, ':')
	start, space := len(dst), false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == ' ' || c == '\t':
			space = true
		case c == '\r' && i+1 < len(value) && value[i+1] == '\n':
			i++
		default:
			if space && len(dst) > start {
				dst = append(dst, ' ')
			}
			space = false
			dst = append(dst, c)
		}
	}
	return dst
}

// bodyForm is one way to look at a body: its canonical form and how much of
// that is hashed.
type bodyForm struct {
	relaxed bool
	limit   int64 // octets of the canonical form; -1: all
}

// bodyHash hashes a body in one form while it runs through (RFC 6376 §3.4.3
// and §3.4.4). Its memory does not depend on the body.
type bodyHash struct {
	form bodyForm
	sum  hash.Hash
	size int64 // of the canonical form so far, what is not hashed included

	lines int  // line ends that count only when something follows
	space bool // white space that counts only when something follows in the line
	cr    bool // a CR, of which nobody knows yet whether a LF follows
	open  bool // the current line has content
	out   []byte
}

func newBodyHash(f bodyForm, sum hash.Hash) *bodyHash {
	return &bodyHash{form: f, sum: sum, out: make([]byte, 0, 4<<10)}
}

// Write takes the next octets of the body.
func (b *bodyHash) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if b.cr {
			b.cr = false
			if p[0] == '\n' {
				b.lines++
				b.space, b.open = false, false
				p = p[1:]
				continue
			}
			b.literal([]byte{'\r'})
		}
		i := bytes.IndexByte(p, '\r')
		b.cr = i >= 0
		if i < 0 {
			i = len(p)
		}
		b.line(p[:i])
		if p = p[i:]; b.cr {
			p = p[1:]
		}
	}
	return n, nil
}

// line takes octets without any CR.
func (b *bodyHash) line(p []byte) {
	if !b.form.relaxed || bytes.IndexByte(p, ' ') < 0 && bytes.IndexByte(p, '\t') < 0 {
		if len(p) > 0 {
			b.literal(p)
		}
		return
	}
	start := 0
	for i, c := range p {
		if c != ' ' && c != '\t' {
			continue
		}
		if i > start {
			b.literal(p[start:i])
		}
		b.space, start = true, i+1
	}
	if start < len(p) {
		b.literal(p[start:])
	}
}

// literal takes octets that stand for themselves, behind what waited for
// them.
func (b *bodyHash) literal(p []byte) {
	for ; b.lines > 0; b.lines-- {
		b.emit([]byte("\r\n"))
	}
	if b.space {
		b.emit([]byte{' '})
		b.space = false
	}
	b.open = true
	b.emit(p)
}

func (b *bodyHash) emit(p []byte) {
	if b.form.limit < 0 && len(b.out)+len(p) <= cap(b.out) {
		b.out = append(b.out, p...)
		b.size += int64(len(p))
		return
	}
	left := int64(len(p))
	if b.form.limit >= 0 {
		left = max(0, min(left, b.form.limit-b.size))
	}
	b.size += int64(len(p))
	p = p[:left]
	if len(b.out)+len(p) > cap(b.out) {
		b.sum.Write(b.out)
		b.out = b.out[:0]
	}
	if len(p) > cap(b.out) {
		b.sum.Write(p)
		return
	}
	b.out = append(b.out, p...)
}

// Sum ends the body and gives its hash. White space before the end of the
// message is at the end of a line: DATA puts a line end behind it. The empty body is CR LF in the simple
// form and nothing in the relaxed one; every other ends with one line end.
func (b *bodyHash) Sum() []byte {
	if b.cr {
		b.cr = false
		b.literal([]byte{'\r'})
	}
	if b.size > 0 || !b.form.relaxed {
		b.emit([]byte("\r\n"))
	}
	b.sum.Write(b.out)
	b.out = b.out[:0]
	return b.sum.Sum(nil)
}
