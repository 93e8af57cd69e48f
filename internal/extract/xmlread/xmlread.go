// Package xmlread reads XML as the stream of tags and texts that an office
// document is, fast, and without believing that it is well-formed.
//
// It upholds one law:
//
//	no text is lost: what breaks the rules of XML is given out as text or
//	tags as well as it can be, and the reader never stops before the end of
//	its input, never recurses and never expands an entity that the document
//	declares.
//
// The package knows no schema and no namespace: an element is known by its
// local name.
//
// Standards: W3C XML 1.0 (fifth edition) §2.4 (character data), §2.7 (CDATA),
// §2.8 (prolog), §4.1 (references), §4.3.3 and appendix F (encodings).
package xmlread

import (
	"bytes"
	"io"
)

// Kind is what Next found.
type Kind byte

// The kinds of tokens.
const (
	EOF Kind = iota
	Start
	End
	Text
)

// window is how much is read at a time; maxTag is how long a tag may grow,
// what is longer is cut.
const (
	window = 32 << 10
	maxTag = 8 << 20
)

// Reader gives out the tokens of one XML text. The slices that it gives are
// valid until the next call of Next.
type Reader struct {
	// Local is the name of the tag without its prefix.
	Local []byte
	// Text is a piece of character data, references replaced. One text may
	// come in several pieces.
	Text []byte
	// Empty is set at a Start whose End is made up (<a/>).
	Empty bool
	// Declared is set when the text declares entities of its own, Cut when a
	// tag was too long to be read whole, Err a failure of the source.
	Declared, Cut bool
	Err           error

	src     io.Reader
	buf     []byte
	r, w    int
	eof     bool
	attrs   []byte // of the tag, raw
	pending bool   // the End of an empty element is due
	inCDATA bool
	scratch []byte
	value   []byte
}

// Reset makes z read src from its beginning, with the memory that it has.
func (z *Reader) Reset(src io.Reader) {
	*z = Reader{buf: z.buf, scratch: z.scratch, value: z.value}
	if z.buf == nil {
		z.buf = make([]byte, window)
	}
	z.src = src
	z.fill()
	z.src = z.decoder()
	z.prolog()
}

// New returns a reader of src.
func New(src io.Reader) *Reader {
	z := &Reader{}
	z.Reset(src)
	return z
}

// fill makes room and reads more; it reports whether there is more.
func (z *Reader) fill() bool {
	if z.eof {
		return false
	}
	if z.r > 0 {
		copy(z.buf, z.buf[z.r:z.w])
		z.w -= z.r
		z.r = 0
	}
	if z.w == len(z.buf) {
		if len(z.buf) >= maxTag {
			return false
		}
		z.buf = append(z.buf, make([]byte, len(z.buf))...)
	}
	for range 100 {
		n, err := z.src.Read(z.buf[z.w:])
		z.w += n
		if err != nil {
			z.eof = true
			if err != io.EOF {
				z.Err = err
			}
			return n > 0
		}
		if n > 0 {
			return true
		}
	}
	z.eof = true
	z.Err = io.ErrNoProgress
	return false
}

// Next goes to the next token.
func (z *Reader) Next() Kind {
	if z.pending {
		z.pending = false
		return End
	}
	for {
		if z.inCDATA {
			if z.cdata() {
				return Text
			}
			continue
		}
		if z.r == z.w && !z.fill() {
			return EOF
		}
		if z.buf[z.r] != '<' {
			if z.text() {
				return Text
			}
			continue
		}
		if k := z.markup(); k != EOF {
			return k
		}
	}
}

// text gives out character data up to the next tag or the end of the window;
// it reports whether there is any.
func (z *Reader) text() bool {
	piece := z.buf[z.r:z.w]
	n := bytes.IndexByte(piece, '<')
	if n < 0 {
		n = len(piece)
		if amp := bytes.LastIndexByte(piece[max(0, n-referenceSize):], '&'); amp >= 0 && !z.eof {
			n = max(0, n-referenceSize) + amp // a reference may be cut in two
			if n == 0 {
				if bytes.IndexByte(piece, ';') >= 0 || len(piece) > referenceSize || !z.fill() {
					n = len(piece)
				} else {
					return false
				}
			}
		}
	}
	piece = piece[:n]
	z.r += n
	z.Text = piece
	if bytes.IndexByte(piece, '&') >= 0 {
		z.scratch = replace(z.scratch[:0], piece)
		z.Text = z.scratch
	}
	return n > 0
}

// cdata gives out a piece of a CDATA section.
func (z *Reader) cdata() bool {
	for {
		piece := z.buf[z.r:z.w]
		if i := bytes.Index(piece, []byte("]]>")); i >= 0 {
			z.Text, z.inCDATA = piece[:i], false
			z.r += i + 3
			return i > 0
		}
		if n := len(piece) - 2; n > 0 {
			z.Text = piece[:n]
			z.r += n
			return true
		}
		if !z.fill() {
			z.Text, z.inCDATA = piece, false
			z.r = z.w
			return len(piece) > 0
		}
	}
}

// markup reads what begins with "<"; EOF means that it was nothing of
// interest.
func (z *Reader) markup() Kind {
	for z.w-z.r < 9 && z.fill() {
	}
	b := z.buf[z.r:z.w]
	if len(b) < 2 {
		z.r = z.w
		z.Text = b
		return Text
	}
	switch c := b[1]; {
	case c == '?':
		z.skip(2, "?>")
		return EOF
	case c == '!' && bytes.HasPrefix(b, []byte("<!--")):
		z.skip(4, "-->")
		return EOF
	case c == '!' && bytes.HasPrefix(b, []byte("<![CDATA[")):
		z.r += 9
		z.inCDATA = true
		return EOF
	case c == '!':
		z.declaration()
		return EOF
	case c == '/' || nameStart(c):
		return z.tag()
	}
	z.r++
	z.Text = b[:1]
	return Text
}

func nameStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == ':' || c >= 0x80
}

// skip leaves out everything up to the mark.
func (z *Reader) skip(from int, mark string) {
	z.r += from
	for {
		if i := bytes.Index(z.buf[z.r:z.w], []byte(mark)); i >= 0 {
			z.r += i + len(mark)
			return
		}
		z.r = max(z.r, z.w-len(mark)+1)
		if !z.fill() {
			z.r = z.w
			return
		}
	}
}

// declaration leaves out <!DOCTYPE …[…]> and the like.
func (z *Reader) declaration() {
	depth, quote, at := 0, byte(0), 2
	for {
		if z.r+at >= z.w {
			z.r += at
			at = 0
			if !z.fill() {
				z.r = z.w
				return
			}
		}
		c := z.buf[z.r+at]
		at++
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case depth > 0 && (c == '"' || c == '\''):
			quote = c
		case c == '[':
			depth++
			z.Declared = true
		case c == ']' && depth > 0:
			depth--
		case c == '>' && depth == 0:
			z.r += at
			return
		}
	}
}

// tag reads a start or an end tag. Quotes protect ">".
func (z *Reader) tag() Kind {
	end, from := -1, 1
	for end < 0 {
		if i := bytes.IndexByte(z.buf[z.r+from:z.w], '>'); i >= 0 {
			end = from + i
			break
		}
		from = z.w - z.r
		if !z.fill() {
			break
		}
	}
	if end >= 0 && quoted(z.buf[z.r+1:z.r+end]) {
		end = z.quotedTag()
	}
	if end < 0 {
		end = z.w - z.r // cut off: what there is of the tag counts
		z.Cut = true
	}
	b := z.buf[z.r+1 : z.r+end]
	z.r = min(z.r+end+1, z.w)
	if len(b) == 0 {
		z.Local, z.attrs = nil, nil
		return End
	}
	if b[0] == '/' {
		z.Local, z.attrs = local(b[1:], len(b)-1), nil
		return End
	}
	z.Empty = b[len(b)-1] == '/'
	if z.Empty {
		b = b[:len(b)-1]
	}
	z.pending = z.Empty
	n := 0
	for n < len(b) && b[n] > ' ' {
		n++
	}
	z.Local, z.attrs = local(b, n), b[n:]
	return Start
}

// local is the name in b[:n] without prefix and white space.
func local(b []byte, n int) []byte {
	b = b[:n]
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] == ':' {
			return b[i+1:]
		}
		if b[i] <= ' ' {
			b = b[:i]
		}
	}
	return b
}

// quoted reports whether a tag may end within a quoted value: most tags have
// an even number of one kind of quote, which is quickly seen.
func quoted(b []byte) bool {
	if len(b) == 0 || b[0] == '/' {
		return false
	}
	for _, c := range b[:min(len(b), 24)] {
		if c <= ' ' {
			return bytes.Count(b, []byte{'"'})%2 != 0 || bytes.IndexByte(b, '\'') >= 0
		}
	}
	return len(b) > 24 && (bytes.Count(b, []byte{'"'})%2 != 0 || bytes.IndexByte(b, '\'') >= 0)
}

// quotedTag is where the tag at z.r ends, found character by character; -1
// when it does not.
func (z *Reader) quotedTag() int {
	var open byte
	equals := false
	for at := 1; ; at++ {
		if z.r+at >= z.w && !z.fill() {
			return -1
		}
		c := z.buf[z.r+at]
		switch {
		case open != 0:
			if c == open {
				open = 0
			}
		case (c == '"' || c == '\'') && equals:
			open = c
		case c == '>':
			return at
		}
		if c == '=' {
			equals = true
		} else if c > ' ' {
			equals = false
		}
	}
}
