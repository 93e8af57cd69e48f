package mail

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

// utf7Decoder decodes UTF-7 (RFC 2152), which x/text leaves out. It is
// tolerant: octets over 127 and broken groups become replacement characters.
type utf7Decoder struct {
	inside bool
	first  bool // right behind "+"
	acc    uint32
	bits   uint8
	high   rune // a high surrogate that waits for its pair
}

// Reset implements transform.Transformer.
func (d *utf7Decoder) Reset() { *d = utf7Decoder{} }

// Transform implements transform.Transformer.
func (d *utf7Decoder) Transform(dst, src []byte, _ bool) (n, taken int, err error) {
	put := func(r rune) { n += utf8.EncodeRune(dst[n:], r) }
	for ; taken < len(src); taken++ {
		if len(dst)-n < 3*utf8.UTFMax {
			return n, taken, transform.ErrShortDst
		}
		c := src[taken]
		if !d.inside {
			switch {
			case c == '+':
				*d = utf7Decoder{inside: true, first: true}
			case c >= utf8.RuneSelf:
				put(utf8.RuneError)
			default:
				dst[n] = c
				n++
			}
			continue
		}
		v := base64Value(c)
		if v > 63 || c == '-' || c == '_' {
			if d.high != 0 {
				put(utf8.RuneError)
			}
			first := d.first
			*d = utf7Decoder{}
			switch {
			case c == '-' && first:
				put('+')
			case c == '-':
			case c >= utf8.RuneSelf:
				put(utf8.RuneError)
			default:
				put(rune(c))
			}
			continue
		}
		d.first = false
		d.acc = d.acc<<6 | uint32(v)
		if d.bits += 6; d.bits >= 16 {
			d.bits -= 16
			d.unit(rune(d.acc>>d.bits)&0xffff, put)
		}
	}
	return n, taken, nil
}

// unit takes one UTF-16 unit.
func (d *utf7Decoder) unit(u rune, put func(rune)) {
	if d.high != 0 {
		high := d.high
		d.high = 0
		if r := utf16.DecodeRune(high, u); r != utf8.RuneError {
			put(r)
			return
		}
		put(utf8.RuneError)
	}
	switch {
	case u >= 0xd800 && u < 0xdc00:
		d.high = u
	case utf16.IsSurrogate(u):
		put(utf8.RuneError)
	default:
		put(u)
	}
}

// shiftDecoder turns ISO-2022-KR (RFC 1557) and the GB 2312 of ISO-2022-CN
// (RFC 1922) into their EUC forms: between SO and SI the high bit is set, and
// designations are dropped.
type shiftDecoder struct{ out bool }

// Reset implements transform.Transformer.
func (d *shiftDecoder) Reset() { d.out = false }

// Transform implements transform.Transformer.
func (d *shiftDecoder) Transform(dst, src []byte, eof bool) (n, taken int, err error) {
	for taken < len(src) {
		c := src[taken]
		if c == 0x1b {
			if len(src)-taken < 4 && !eof {
				return n, taken, transform.ErrShortSrc
			}
			if rest := src[taken+1:]; bytes.HasPrefix(rest, []byte("$)")) || bytes.HasPrefix(rest, []byte("$*")) {
				taken += min(4, len(src)-taken)
				continue
			}
		}
		if n == len(dst) {
			return n, taken, transform.ErrShortDst
		}
		switch {
		case c == 0x0e:
			d.out = true
		case c == 0x0f || c == '\n':
			d.out = d.out && c != 0x0f && c != '\n'
			if c == '\n' {
				dst[n] = c
				n++
			}
		case d.out && c > ' ' && c < 0x7f:
			dst[n] = c | 0x80
			n++
		default:
			dst[n] = c
			n++
		}
		taken++
	}
	return n, taken, nil
}
