package zipped

import (
	"math/bits"
	"sync"
)

// codes is a table of the codes of one alphabet: a row for each value of the
// next bits. A row holds from its lowest bit on the length of the code, how
// many bits follow the code, marks, and a value: the octet, the length or the
// distance to which those bits are added. Codes that are longer than the
// table is wide have rows behind it, to which a row of the table links.
type codes struct{ rows [rowsSize]uint32 }

// rowsSize is enough for the rows of all codes of RFC 1951: 286 symbols of up
// to 15 bits make 1,334 of them behind a table of 10 bits, 30 symbols fewer.
const rowsSize = 2048

// The widths of the tables.
const (
	litBits    = 10
	distBits   = 8
	lengthBits = 7
)

// The marks.
const (
	isLiteral = 1 << 31 // only where a distance needs no such bit
	isLink    = 1 << 13
	isEnd     = 1 << 14
	isBad     = 1 << 15
)

// alphabet are the rows of the symbols, but for the lengths of their codes.
type alphabet struct {
	literals  [288]uint32
	distances [32]uint32
	lengths   [19]uint32 // of codes
}

// form is one of the two forms of streams: what their symbols mean.
type form struct {
	alphabet
	fixed     [2]codes // of RFC 1951 §3.2.6
	window    int
	distances int // how many symbols they have
	wide      bool
}

// longest64 is the longest match of enhanced deflating.
const longest64 = 3 + 1<<16 - 1

var deflate = func() func() *form { return sync.OnceValue(func() *form { return newForm(false) }) }()

var deflate64 = func() func() *form { return sync.OnceValue(func() *form { return newForm(true) }) }()

func newForm(wide bool) *form {
	f := &form{window: 32 << 10, distances: 30, wide: wide}
	a := &f.alphabet
	for i := range 256 {
		a.literals[i] = isLiteral | uint32(i)<<16
	}
	a.literals[256] = isEnd
	for i := range uint32(28) {
		extra := max(1, i/4) - 1
		base := i + 3
		if i >= 8 {
			base = (4+i%4)<<extra + 3
		}
		a.literals[257+i] = base<<16 | extra<<8
	}
	a.literals[285] = 258 << 16
	a.literals[286], a.literals[287] = isBad, isBad
	for i := range uint32(32) {
		extra := max(1, i/2) - 1
		base := i + 1
		if i >= 4 {
			base = (2+i%2)<<extra + 1
		}
		a.distances[i] = base<<16 | extra<<8
	}
	if wide {
		f.window, f.distances = 64<<10, 32
		a.literals[285] = 3<<16 | 16<<8
	} else {
		a.distances[30], a.distances[31] = isBad, isBad
	}
	for i := range a.lengths {
		a.lengths[i] = uint32(i) << 16
	}
	f.fix()
	return f
}

// fix makes the codes that need not be sent.
func (f *form) fix() {
	var l [288]byte
	for i := range l {
		switch {
		case i < 144:
			l[i] = 8
		case i < 256:
			l[i] = 9
		case i < 280:
			l[i] = 7
		default:
			l[i] = 8
		}
	}
	var d [32]byte
	for i := range d {
		d[i] = 5
	}
	f.fixed[0].build(l[:], f.alphabet.literals[:], litBits)
	f.fixed[1].build(d[:], f.alphabet.distances[:], distBits)
}

// build makes the table of canonical codes (RFC 1951 §3.2.2). It is false when
// there are too many codes, or values of bits that no code has: only no code
// at all, or one of one bit, may be so.
func (c *codes) build(lengths []byte, alphabet []uint32, width uint) bool {
	var count, next, at [17]int
	for _, n := range lengths {
		count[n]++
	}
	count[0] = 0
	longest := 15
	for longest > 0 && count[longest] == 0 {
		longest--
	}
	code := 0
	for n := 1; n <= longest; n++ {
		code <<= 1
		next[n] = code
		code += count[n]
		at[n+1] = at[n] + count[n]
	}
	if code != 1<<longest && (longest > 1 || code > 1) {
		return false
	}
	var sorted [288]uint16 // by the length of the code
	for s, n := range lengths {
		if n > 0 {
			sorted[at[n]] = uint16(s)
			at[n]++
		}
	}
	symbols := sorted[:]
	c.rows[0], c.rows[1] = isBad, isBad // what one code alone leaves
	for n := uint(1); n <= width; n++ { // a table of n bits is twice that of a bit less
		if n > 1 {
			copy(c.rows[1<<(n-1):1<<n], c.rows[:1<<(n-1)])
		}
		for i, s := range symbols[:count[n]] {
			c.rows[bits.Reverse16(uint16(next[n]+i))>>(16-n)] = alphabet[s] | uint32(n)
		}
		symbols = symbols[count[n]:]
	}
	if longest > int(width) {
		c.links(count[:], next[:], width, longest)
		c.behind(symbols, count[:], next[:], alphabet, width)
	}
	return true
}

// behind fills the rows behind the table.
func (c *codes) behind(symbols []uint16, count, next []int, alphabet []uint32, width uint) {
	for n := width + 1; n <= 15; n++ {
		for i, s := range symbols[:count[n]] {
			at := int(bits.Reverse16(uint16(next[n]+i)) >> (16 - n))
			link := c.rows[at&(1<<width-1)]
			more := c.rows[link>>16:][:1<<(link>>8&31)]
			for at >>= width; at < len(more); at += 1 << (n - width) {
				more[at] = alphabet[s] | uint32(n)
			}
		}
		symbols = symbols[count[n]:]
	}
}

// links lays out the rows behind the table: codes with the same first bits
// follow each other, and the last of them is the longest.
func (c *codes) links(count, next []int, width uint, longest int) {
	end := 1 << width
	left := 0 // of the values of bits behind the first ones
	size := 0
	for n := int(width) + 1; n <= longest; n++ {
		for i := range count[n] {
			if left == 0 {
				size = n - int(width)
				for free := 1<<size - (count[n] - i); free > 0 && size+int(width) < longest; {
					size++
					free = free<<1 - count[size+int(width)]
				}
				first := int(bits.Reverse16(uint16((next[n]+i)>>(n-int(width)))) >> (16 - width))
				c.rows[first] = isLink | uint32(end)<<16 | uint32(size)<<8
				end += 1 << size
				left = 1 << (longest - int(width))
			}
			left -= 1 << (longest - n)
		}
	}
}
