package dlp

import (
	"fmt"
	"strings"
)

// A shape says how an identifier is written, character by character
// (docs/reference/detector-packs.md):
//
//	d        a digit
//	A        a letter; small ones count too, and for less
//	x        a letter or a digit
//	[0-4AC]  one of these
//	~        a usual separator (space, hyphen or full stop) or nothing
//	B 7 - /  any other capital letter, digit or sign: itself
//	{3} {2,4} ?   how often what stands before may stand
//
// There are no alternatives and no nesting: a second way of writing is a
// second shape.

// charset is a set of ASCII characters; letters are capitals.
type charset [2]uint64

func (c *charset) add(b byte)      { c[b>>6] |= 1 << (b & 63) }
func (c charset) has(b byte) bool  { return b < 128 && c[b>>6]&(1<<(b&63)) != 0 }
func (c *charset) span(a, b byte)  { forRange(a, b, c.add) }
func (c charset) only(b byte) bool { var o charset; o.add(b); return c == o }

func forRange(a, b byte, do func(byte)) {
	for i := int(a); i <= int(b); i++ {
		do(byte(i))
	}
}

// element is one part of a shape: a set and how often it may stand.
type element struct {
	set      charset
	min, max int
}

// Limits of a shape.
const (
	maxShape  = 48  // characters that it may describe
	maxSource = 120 // octets that write it down
)

// parseShape reads a shape.
func parseShape(s string) ([]element, error) {
	if len(s) > maxSource {
		return nil, fmt.Errorf("shape %q: longer than %d octets", s, maxSource)
	}
	var list []element
	for i := 0; i < len(s); {
		e, next, err := oneElement(s, i)
		if err != nil {
			return nil, fmt.Errorf("shape %q: %w", s, err)
		}
		i = next
		list = append(list, e)
	}
	most := 0
	for _, e := range list {
		most += e.max
	}
	switch {
	case len(list) == 0 || most > maxShape:
		return nil, fmt.Errorf("shape %q: it describes %d characters; 1 to %d are possible", s, most, maxShape)
	case list[0].min == 0 || list[0].sign() || list[len(list)-1].min == 0 && list[len(list)-1].sign():
		return nil, fmt.Errorf("shape %q: it must begin with a letter or a digit, and not end with what may be missing", s)
	case !anyDigit(list):
		return nil, fmt.Errorf("shape %q: it describes no digit; what has none needs a scanner", s)
	}
	return list, nil
}

// sign reports whether an element is none of letters and digits.
func (e element) sign() bool {
	for c := byte('0'); c <= 'Z'; c++ {
		if (c <= '9' || c >= 'A') && e.set.has(c) {
			return false
		}
	}
	return true
}

func anyDigit(list []element) bool {
	for _, e := range list {
		for d := byte('0'); d <= '9'; d++ {
			if e.min > 0 && e.set.has(d) {
				return true
			}
		}
	}
	return false
}

// oneElement reads the element at i.
func oneElement(s string, i int) (e element, next int, err error) {
	e.min, e.max = 1, 1
	switch c := s[i]; {
	case c == 'd':
		e.set.span('0', '9')
	case c == 'A':
		e.set.span('A', 'Z')
	case c == 'x':
		e.set.span('0', '9')
		e.set.span('A', 'Z')
	case c == '~':
		e.set.add(' ')
		e.set.add('-')
		e.set.add('.')
		e.min = 0
	case c == '[':
		end := strings.IndexByte(s[i:], ']')
		if end < 2 {
			return e, 0, fmt.Errorf("a bracket without an end or without characters")
		}
		if err := bracket(&e.set, s[i+1:i+end]); err != nil {
			return e, 0, err
		}
		i += end
	case c == '{' || c == '}' || c == ']' || c == '?' || c >= 'a' && c <= 'z' || c < ' ' || c > '~':
		return e, 0, fmt.Errorf("%q means nothing here", c)
	default:
		e.set.add(c)
	}
	return counted(e, s, i+1)
}

func bracket(set *charset, s string) error {
	for i := 0; i < len(s); i++ {
		from, to := s[i], s[i]
		if i+2 < len(s) && s[i+1] == '-' {
			to = s[i+2]
			i += 2
		}
		if from > to || from >= 'a' && from <= 'z' || to > 'Z' {
			return fmt.Errorf("the range %c-%c in brackets", from, to)
		}
		set.span(from, to)
	}
	return nil
}

// counted reads how often e may stand.
func counted(e element, s string, i int) (element, int, error) {
	if i >= len(s) {
		return e, i, nil
	}
	if s[i] == '?' {
		e.min = 0
		return e, i + 1, nil
	}
	if s[i] != '{' {
		return e, i, nil
	}
	end := strings.IndexByte(s[i:], '}')
	if end < 0 {
		return e, 0, fmt.Errorf("a brace without an end")
	}
	low, high, two := strings.Cut(s[i+1:i+end], ",")
	if !two {
		high = low
	}
	if e.min, e.max = small(low), small(high); e.min < 0 || e.max < 1 || e.min > e.max {
		return e, 0, fmt.Errorf("the count %s", s[i:i+end+1])
	}
	return e, i + end + 1, nil
}

// small reads a number of one or two digits; -1 for anything else.
func small(s string) int {
	if len(s) == 0 || len(s) > 2 {
		return -1
	}
	n := 0
	for i := range len(s) {
		if !isDigit(rune(s[i])) {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}
