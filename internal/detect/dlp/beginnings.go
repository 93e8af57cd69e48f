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
	h := spread(letters)
	if b.maybe[h>>(64-maybeBits)/64]>>(h>>(64-maybeBits)%64)&1 == 0 {
		return 0
	}
	for k := h >> b.shift; ; k = (k + 1) & uint64(len(b.slots)-1) {
		if s := &b.slots[k]; s.letters == letters || s.letters == 0 {
			return s.node
		}
	}
}

// scan appends the words that begin in text[from:to] to list. It reads eight
// octets at a time.
func (v *vocabulary) scan(text []byte, from, to int, list []mark) []mark {
	for from < to && !utf8.RuneStart(text[from]) {
		from++ // the character belongs to what stands before
	}
	i := from
	for i < to {
		if i+8 > to || i+16 > len(text) || v.signs {
			list, i = v.slowly(text, i, to, list)
			continue
		}
		x := binary.LittleEndian.Uint64(text[i:])
		if x&highs != 0 {
			list, i = v.slowly(text, i, i+8, list)
			continue
		}
		letters := letterOctets(x)
		small := smallOctets(x, letters)
		word := letters | figureOctets(x)
		inside, lower := wordBehind(text, i)
		begins := word&^(word<<8|inside) | letters&^small&(small<<8|lower)
		for ; begins != 0; begins &= begins - 1 {
			list = v.begin(text, i+bits.TrailingZeros64(begins)/8, list)
		}
		i += 8
	}
	return list
}

// wordBehind says of the character before i, in the highest bit of the first
// octet, whether it belongs to a word and whether it is a small letter.
func wordBehind(text []byte, i int) (inside, lower uint64) {
	if i == 0 {
		return 0, 0
	}
	if text[i-1] >= utf8.RuneSelf {
		if inWord(before(text, i)) {
			return 0x80, 0
		}
		return 0, 0
	}
	switch kinds[text[i-1]] {
	case 0:
		return 0, 0
	case smallLetter:
		return 0x80, 0x80
	}
	return 0x80, 0
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
	small := smallOctets(x, letters)
	if humps := letters &^ small & (small << 8) & row; n == 0 || humps != 0 || x>>n&0x80 != 0 {
		return v.walk(text, i, i, 0, list)
	}
	if node := v.beginnings.node((x | 0x20*ones) & row); node != 0 {
		return v.walk(text, i, i+n/8, node, list)
	}
	return list
}

// slowly is scan for what begins in text[i:to], one character after the other;
// next is where it goes on.
func (v *vocabulary) slowly(text []byte, i, to int, list []mark) (all []mark, next int) {
	for prev := before(text, i); i < to; {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:])
		}
		if starts(prev, r) {
			if r < utf8.RuneSelf && isLetter(byte(r)) {
				list = v.begin(text, i, list)
			} else if r >= utf8.RuneSelf || v.root[r] != 0 {
				list = v.walk(text, i, i, 0, list)
			}
		}
		prev = r
		i += size
	}
	return list, i
}
