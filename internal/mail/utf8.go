package mail

import (
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// utf8Text decodes UTF-8: a byte order mark goes, and U+FFFD stands for what
// is wrong.
type utf8Text struct{ transform.Transformer }

func newUTF8Text() utf8Text { return utf8Text{unicode.UTF8BOM.NewDecoder()} }

// utf8Reader reads what utf8Text makes of r. Text without a fault, which is
// nearly all, passes as it is; from the first fault on it is decoded.
type utf8Reader struct {
	r     io.Reader
	begun bool
	tail  [utf8.UTFMax]byte // of a character that is not whole yet
	held  int
	slow  io.Reader
}

// byteOrderMark is U+FEFF at the beginning of a text.
const byteOrderMark = "\ufeff"

// Read implements io.Reader.
func (u *utf8Reader) Read(p []byte) (int, error) {
	if u.slow == nil && len(p) < 2*utf8.UTFMax {
		u.decode(nil, nil)
	}
	if u.slow != nil {
		return u.slow.Read(p)
	}
	n := copy(p, u.tail[:u.held])
	m, err := u.r.Read(p[n:])
	n += m
	u.held = 0
	if !u.begun {
		if n < len(byteOrderMark) { // to see whether it is one
			u.decode(p[:n], err)
			return u.slow.Read(p)
		}
		u.begun = true
		if bytes.HasPrefix(p[:n], []byte(byteOrderMark)) {
			n = copy(p, p[len(byteOrderMark):n])
		}
	}
	whole := validPrefix(p[:n])
	if whole == n {
		return n, err
	}
	if err == nil && n-whole < utf8.UTFMax && !utf8.FullRune(p[whole:n]) {
		u.held = copy(u.tail[:], p[whole:n])
		return whole, nil
	}
	u.decode(p[whole:n], err)
	if whole > 0 {
		return whole, nil
	}
	return u.slow.Read(p)
}

// decode goes on with rest, and with r when that has not ended.
func (u *utf8Reader) decode(rest []byte, err error) {
	all := append(bytes.Clone(u.tail[:u.held]), rest...)
	u.held = 0
	var after io.Reader = failed{io.EOF}
	switch {
	case err == nil:
		after = u.r
	case err != io.EOF:
		after = failed{err}
	}
	var how transform.Transformer = newUTF8Text()
	if u.begun { // what looks like a mark is a character
		how = unicode.UTF8.NewDecoder()
	}
	u.slow = transform.NewReader(io.MultiReader(bytes.NewReader(all), after), ended{how})
}

// validPrefix is the length of the part of p before its first fault.
func validPrefix(p []byte) int {
	if utf8.Valid(p) {
		return len(p)
	}
	n := 0
	for n < len(p) {
		r, size := utf8.DecodeRune(p[n:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		n += size
	}
	return n
}
