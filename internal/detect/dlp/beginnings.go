package dlp

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// beginnings lead from the letters with which a word begins, at most eight,
// to the node behind them. Most words of a text are in no vocabulary: one
// look-up says so, and the tree is walked for the others only.
type beginnings struct {
	maybe [1 << maybeBits / 64]uint64 // hashes of those that are there
	slots []beginning                 // by hash, too; the next free one when it is taken
	shift uint
}

// beginning is a row of small letters, the first in the lowest octet, and the
// node behind them.
type beginning struct {
	letters uint64
	node    int32
}

// maybeBits is the size of the first table; four kilobytes stay in the nearest
// cache.
const maybeBits = 15

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// letterOctets marks the letters of ASCII in eight octets, by their highest
// bits.
func letterOctets(x uint64) uint64 {
	y := x&^highs | 0x20*ones
	return (y + (0x80-'a')*ones) &^ (y + (0x80-'z'-1)*ones) &^ x & highs
}

// figureOctets marks the digits.
func figureOctets(x uint64) uint64 {
	y := x &^ highs
	return (y + (0x80-'0')*ones) &^ (y + (0x80-'9'-1)*ones) &^ x & highs
}

// smallOctets are those letters that are small.
func smallOctets(x, letters uint64) uint64 { return letters & (x << 2) }

// newBeginnings enters the words of v, whose tree is there.
func newBeginnings(v *vocabulary) *beginnings {
	nodes := map[uint64]int32{}
	for _, w := range v.words {
		node, letters := int32(0), uint64(0)
		for i := 0; i < min(8, len(w)) && isLetter(w[i]); i++ {
			node = v.child(node, w[i])
			letters |= uint64(w[i]) << (8 * i)
		}
		if letters != 0 {
			nodes[letters] = node
		}
	}
	size := bits.Len(uint(2 * len(nodes)))
	b := &beginnings{slots: make([]beginning, 1<<size), shift: uint(64 - size)}
	b.maybe[0] = 1 // a figure, of which no letters are known
	for letters, node := range nodes {
		h := spread(letters)
		b.maybe[h>>(64-maybeBits)/64] |= 1 << (h >> (64 - maybeBits) % 64)
		k := h >> b.shift
		for b.slots[k].letters != 0 {
			k = (k + 1) & (1<<size - 1)
		}
		b.slots[k] = beginning{letters, node}
	}
	return b
}

// spread is a hash whose first bits are good.
func spread(letters uint64) uint64 { return letters * 0x9E3779B97F4A7C15 }

// node is where a row of letters leads, 0 when no word begins with it.
func (b *beginnings) node(letters uint64) int32 {
	for k := spread(letters) >> b.shift; ; k = (k + 1) & uint64(len(b.slots)-1) {
		if s := &b.slots[k]; s.letters == letters || s.letters == 0 {
			return s.node
		}
	}
}

// octets says of 64 octets of text, a bit for each, which are letters, capital
// letters, parts of words, and no ASCII.
type octets struct{ letters, capital, word, high uint64 }

// octetsOf reads the first 64 octets of text.
func octetsOf(text []byte) (o octets) {
	text = text[:64:64]
	high := uint64(0)
	for k := 0; k < 64; k += 8 {
		x := binary.LittleEndian.Uint64(text[k:])
		letters := letterOctets(x)
		o.letters |= sideBySide(letters) << k
		o.capital |= sideBySide(letters&^(x<<2)) << k
		o.word |= sideBySide(letters|figureOctets(x)) << k
		high |= x
	}
	for k := 0; high&highs != 0 && k < 64; k += 8 {
		o.high |= sideBySide(binary.LittleEndian.Uint64(text[k:])&highs) << k
	}
	return o
}

// sideBySide puts the highest bits of eight octets side by side.
func sideBySide(x uint64) uint64 { return x >> 7 * 0x0102040810204080 >> 56 }

// scan appends the words that begin in text[from:to] to list.
func (v *vocabulary) scan(text []byte, from, to int, list []mark) []mark {
	for ; from < to; from += 64 {
		for from < to && !utf8.RuneStart(text[from]) {
			from++ // the character belongs to what stands before
		}
		if from < to {
			list = v.piece(text, from, min(64, to-from), list)
		}
	}
	return list
}

// piece appends the words that begin in the n octets from i on, at most 64.
func (v *vocabulary) piece(text []byte, i, n int, list []mark) []mark {
	// What is read: the piece, and seven octets behind its last.
	var room [64 + 8]byte
	ahead := text[i:]
	if len(ahead) < len(room) {
		copy(room[:], ahead)
		ahead = room[:]
	}
	o := octetsOf(ahead)
	begins := o.high
	if o.high != 0 {
		begins = o.others(text, i)
	}
	inside, lower := wordBehind(text, i)
	small := o.letters &^ o.capital
	begins |= o.word&^(o.word<<1|inside) | o.capital&(small<<1|lower)
	begins &= ^uint64(0) >> (64 - n)
	var places [64]uint8
	k := 0
	for ; begins != 0; begins &= begins - 1 {
		at := bits.TrailingZeros64(begins)
		places[k&63] = uint8(at)
		k += v.beginnings.may(binary.LittleEndian.Uint64(ahead[at:]))
	}
	for _, at := range places[:k] {
		list = v.begin(text, i+int(at), list)
	}
	return list
}

// others enters the characters of the piece at i that are not ASCII, and
// gives back where a word may begin with one of them.
func (o *octets) others(text []byte, i int) (begins uint64) {
	for rest := o.high; rest != 0; {
		at := bits.TrailingZeros64(rest)
		r, size := utf8.DecodeRune(text[i+at:])
		whole := (uint64(1)<<size - 1) << at
		if inWord(r) {
			o.word |= whole
		} else {
			begins |= 1 << at
		}
		rest &^= whole
	}
	return begins
}

// wordBehind says of the character before i whether it belongs to a word and
// whether it is a small letter: 1 or 0.
func wordBehind(text []byte, i int) (inside, lower uint64) {
	switch r := before(text, i); {
	case r == 0 || !inWord(r):
		return 0, 0
	case 'a' <= r && r <= 'z':
		return 1, 1
	}
	return 1, 0
}

// may says, without asking anything that cannot be foreseen, whether a word may
// begin with the first of these eight octets: 1, or 0 for most.
func (b *beginnings) may(x uint64) int {
	letters := letterOctets(x)
	n := bits.TrailingZeros64(letters^highs) &^ 7
	row := uint64(1)<<n - 1
	h := spread((x | 0x20*ones) & row)
	odd := humps(x, letters)&row | x>>n&0x80
	return int(b.maybe[h>>(64-maybeBits)/64]>>(h>>(64-maybeBits)%64)&1 | (odd|-odd)>>63)
}

// humps are the capital letters behind small ones, as in "cardNumber".
func humps(x, letters uint64) uint64 {
	small := smallOctets(x, letters)
	return letters &^ small & (small << 8)
}

// begin appends the words that begin at i, where a word of the text does, or
// in the middle of "cardNumber".
func (v *vocabulary) begin(text []byte, i int, list []mark) []mark {
	if i+8 > len(text) {
		return v.walk(text, i, i, 0, list)
	}
	x := binary.LittleEndian.Uint64(text[i:])
	letters := letterOctets(x)
	n := bits.TrailingZeros64(letters^highs) &^ 7
	row := uint64(1)<<n - 1
	if n == 0 || humps(x, letters)&row != 0 || x>>n&0x80 != 0 {
		return v.walk(text, i, i, 0, list)
	}
	if node := v.beginnings.node((x | 0x20*ones) & row); node != 0 {
		return v.walk(text, i, i+n/8, node, list)
	}
	return list
}
