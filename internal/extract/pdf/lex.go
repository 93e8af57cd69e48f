package pdf

import (
	"bytes"
	"math"
)

// kind is what a token is.
type kind byte

const (
	tokEnd kind = iota
	tokNumber
	tokText // a string, literal or hexadecimal
	tokName
	tokWord // a keyword or an operator
	tokOpen // [
	tokClose
	tokDict // <<
	tokDictEnd
)

// token is one token. text stays valid until the lexer is wiped, or points
// into the data.
type token struct {
	kind  kind
	whole bool // the number is an integer
	num   float64
	text  []byte
}

// lexer cuts octets into tokens (ISO 32000-1 §7.2). It forgives what programs
// get wrong.
type lexer struct {
	data []byte
	pos  int
	buf  []byte // what strings and names with escapes became
}

// The classes of octets of ISO 32000-1 §7.2.2.
const (
	regular byte = iota
	space
	delimiter
)

// classes is built once, from the two lists of the standard.
var classes = func() (t [256]byte) {
	for _, c := range []byte{0, '\t', '\n', '\f', '\r', ' '} {
		t[c] = space
	}
	for _, c := range []byte("()<>[]{}/%") {
		t[c] = delimiter
	}
	return t
}()

// skip passes white space and comments.
func (l *lexer) skip() {
	for l.pos < len(l.data) {
		c := l.data[l.pos]
		if c == '%' {
			for l.pos < len(l.data) && l.data[l.pos] != '\n' && l.data[l.pos] != '\r' {
				l.pos++
			}
			continue
		}
		if classes[c] != space {
			return
		}
		l.pos++
	}
}

// next is the next token.
func (l *lexer) next() token {
	l.skip()
	if l.pos >= len(l.data) {
		return token{kind: tokEnd}
	}
	c := l.data[l.pos]
	switch c {
	case '(':
		return token{kind: tokText, text: l.literal()}
	case '/':
		l.pos++
		return token{kind: tokName, text: l.name()}
	case '[', '{':
		l.pos++
		return token{kind: tokOpen}
	case ']', '}':
		l.pos++
		return token{kind: tokClose}
	case '<':
		if l.pos+1 < len(l.data) && l.data[l.pos+1] == '<' {
			l.pos += 2
			return token{kind: tokDict}
		}
		return token{kind: tokText, text: l.hex()}
	case '>':
		l.pos++
		if l.pos < len(l.data) && l.data[l.pos] == '>' {
			l.pos++
			return token{kind: tokDictEnd}
		}
		return l.next1()
	case ')':
		l.pos++
		return l.next1()
	}
	if c <= '9' && (c >= '0' || c == '+' || c == '-' || c == '.') {
		return l.number()
	}
	return l.word()
}

// next1 passes a stray delimiter; a run of them in a loop, not by recursion.
func (l *lexer) next1() token {
	for l.pos < len(l.data) && (l.data[l.pos] == ')' || l.data[l.pos] == '>') {
		if l.data[l.pos] == '>' && l.pos+1 < len(l.data) && l.data[l.pos+1] == '>' {
			l.pos += 2
			return token{kind: tokDictEnd}
		}
		l.pos++
	}
	return token{kind: tokWord}
}

func (l *lexer) word() token {
	start := l.pos
	for l.pos < len(l.data) && classes[l.data[l.pos]] == regular {
		l.pos++
	}
	return token{kind: tokWord, text: l.data[start:l.pos]}
}

// number reads a number. "--5" is -5, "5-3" is 5 and "1.2.3" is 1.2, as other
// readers do; a token that is no number is a word.
func (l *lexer) number() token {
	start := l.pos
	negative, dot := false, false
	n, scale, digits := 0.0, 1.0, 0
	for ; l.pos < len(l.data) && classes[l.data[l.pos]] == regular; l.pos++ {
		c := l.data[l.pos]
		switch {
		case '0' <= c && c <= '9':
			digits++
			if dot {
				scale /= 10
				n += float64(c-'0') * scale
			} else {
				n = n*10 + float64(c-'0')
			}
			continue
		case c == '.' && !dot:
			dot = true
			continue
		case (c == '-' || c == '+') && digits == 0:
			negative = negative || c == '-'
			continue
		case digits > 0 && (c == '-' || c == '.'):
			l.rest()
		case digits > 0:
			// "0g" and the like: an operator that nobody separated.
			if !letterLike(c) {
				l.rest()
			}
		case digits == 0:
			l.pos = start
			return l.word()
		}
		break
	}
	if digits == 0 && !dot {
		return token{kind: tokWord, text: l.data[start:l.pos]}
	}
	if negative {
		n = -n
	}
	if math.IsInf(n, 0) || math.Abs(n) > 1e15 {
		n = 0
	}
	return token{kind: tokNumber, num: n, whole: !dot}
}

func letterLike(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '\'' || c == '"' || c == '*'
}

// rest passes the rest of a broken number.
func (l *lexer) rest() {
	for l.pos < len(l.data) && classes[l.data[l.pos]] == regular {
		l.pos++
	}
}

// name reads what follows the slash.
func (l *lexer) name() []byte {
	start := l.pos
	escaped := false
	for l.pos < len(l.data) && classes[l.data[l.pos]] == regular {
		escaped = escaped || l.data[l.pos] == '#'
		l.pos++
	}
	raw := l.data[start:l.pos]
	if !escaped {
		return raw
	}
	from := len(l.buf)
	for i := 0; i < len(raw); i++ {
		if raw[i] == '#' && i+2 < len(raw) {
			hi, lo := unhex(raw[i+1]), unhex(raw[i+2])
			if hi >= 0 && lo >= 0 {
				l.buf = append(l.buf, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		l.buf = append(l.buf, raw[i])
	}
	return l.buf[from:len(l.buf):len(l.buf)]
}

// hex reads a hexadecimal string.
func (l *lexer) hex() []byte {
	l.pos++
	from := len(l.buf)
	half := -1
	for l.pos < len(l.data) {
		c := l.data[l.pos]
		l.pos++
		if c == '>' {
			break
		}
		v := unhex(c)
		switch {
		case v < 0:
		case half < 0:
			half = v
		default:
			l.buf = append(l.buf, byte(half<<4|v))
			half = -1
		}
	}
	if half >= 0 {
		l.buf = append(l.buf, byte(half<<4))
	}
	return l.buf[from:len(l.buf):len(l.buf)]
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// literal reads a string in parentheses.
func (l *lexer) literal() []byte {
	l.pos++
	start := l.pos
	if i := bytes.IndexByte(l.data[start:], ')'); i >= 0 && bare(l.data[start:start+i]) {
		l.pos = start + i + 1
		return l.data[start : start+i]
	}
	for depth := 0; l.pos < len(l.data); l.pos++ {
		switch l.data[l.pos] {
		case '(':
			depth++
		case ')':
			if depth--; depth < 0 {
				l.pos++
				return l.data[start : l.pos-1]
			}
		case '\\', '\r':
			return l.escaped(start, depth)
		}
	}
	return l.data[start:]
}

// bare reports whether a string without a closing parenthesis has nothing in
// it that means something else: each of them is faster looked for alone.
func bare(b []byte) bool {
	return bytes.IndexByte(b, '\\') < 0 && bytes.IndexByte(b, '(') < 0 && bytes.IndexByte(b, '\r') < 0
}

// escaped goes on where the first escape stands.
func (l *lexer) escaped(start, depth int) []byte {
	from := len(l.buf)
	l.buf = append(l.buf, l.data[start:l.pos]...)
	for l.pos < len(l.data) {
		c := l.data[l.pos]
		l.pos++
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth < 0 {
				return l.buf[from:len(l.buf):len(l.buf)]
			}
		case '\r':
			c = '\n'
			if l.pos < len(l.data) && l.data[l.pos] == '\n' {
				l.pos++
			}
		case '\\':
			l.escape()
			continue
		}
		l.buf = append(l.buf, c)
	}
	return l.buf[from:len(l.buf):len(l.buf)]
}

// escape reads what follows a backslash.
func (l *lexer) escape() {
	if l.pos >= len(l.data) {
		return
	}
	c := l.data[l.pos]
	l.pos++
	switch c {
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case '\r':
		if l.pos < len(l.data) && l.data[l.pos] == '\n' {
			l.pos++
		}
		return
	case '\n':
		return
	case '0', '1', '2', '3', '4', '5', '6', '7':
		v := int(c - '0')
		for i := 0; i < 2 && l.pos < len(l.data) && l.data[l.pos] >= '0' && l.data[l.pos] <= '7'; i++ {
			v = v<<3 | int(l.data[l.pos]-'0')
			l.pos++
		}
		c = byte(v)
	}
	l.buf = append(l.buf, c)
}
