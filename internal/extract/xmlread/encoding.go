package xmlread

import (
	"bytes"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// decoder is the source as UTF-8, by its first octets (appendix F). What is
// in the window already goes through it as well.
func (z *Reader) decoder() io.Reader {
	for z.w < 256 && z.fill() {
	}
	e, skip := detect(z.buf[z.r:z.w])
	z.r += skip
	if e == nil {
		return z.src
	}
	head := bytes.Clone(z.buf[z.r:z.w])
	rest := z.src
	if z.eof {
		rest = bytes.NewReader(nil)
	}
	z.r, z.w, z.eof = 0, 0, false
	return transform.NewReader(io.MultiReader(bytes.NewReader(head), rest), e.NewDecoder())
}

// prolog makes sure that the first window is there.
func (z *Reader) prolog() {
	if z.r == z.w {
		z.fill()
	}
}

func detect(b []byte) (e encoding.Encoding, skip int) {
	utf16 := func(order unicode.Endianness) encoding.Encoding { return unicode.UTF16(order, unicode.IgnoreBOM) }
	switch {
	case bytes.HasPrefix(b, []byte("\xEF\xBB\xBF")):
		return nil, 3
	case bytes.HasPrefix(b, []byte("\xFF\xFE\x00\x00")), bytes.HasPrefix(b, []byte("<\x00\x00\x00")):
		return utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), 0
	case bytes.HasPrefix(b, []byte("\x00\x00\xFE\xFF")), bytes.HasPrefix(b, []byte("\x00\x00\x00<")):
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM), 0
	case bytes.HasPrefix(b, []byte("\xFF\xFE")):
		return utf16(unicode.LittleEndian), 2
	case bytes.HasPrefix(b, []byte("\xFE\xFF")):
		return utf16(unicode.BigEndian), 2
	case bytes.HasPrefix(b, []byte("<\x00")):
		return utf16(unicode.LittleEndian), 0
	case bytes.HasPrefix(b, []byte("\x00<")):
		return utf16(unicode.BigEndian), 0
	case !bytes.HasPrefix(b, []byte("<?xml")):
		return nil, 0
	}
	head, _, found := bytes.Cut(b, []byte("?>"))
	if !found {
		return nil, 0
	}
	_, value, found := bytes.Cut(head, []byte("encoding"))
	if !found {
		return nil, 0
	}
	value = bytes.TrimLeft(value, " \t\r\n=")
	if len(value) < 2 || value[0] != '"' && value[0] != '\'' {
		return nil, 0
	}
	name, _, _ := bytes.Cut(value[1:], value[:1])
	if bytes.EqualFold(name, []byte("utf-8")) {
		return nil, 0
	}
	e, err := htmlindex.Get(string(name))
	if err != nil {
		return nil, 0
	}
	if n, _ := htmlindex.Name(e); n == "utf-8" || n == "utf-16le" || n == "utf-16be" || n == "replacement" {
		return nil, 0 // it is plainly not what it says
	}
	return e, 0
}
