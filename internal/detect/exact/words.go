package exact

import (
	"crypto/sha256"
	"encoding/binary"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxRun is how many words in a row may be one cell.
const maxRun = 5

// maxCell bounds a cell, in octets without separators; longer ones are never
// found in a text.
const maxCell = 120

// class says what a word is made of.
type class uint8

const (
	digits class = 1 << iota
	letters
)

// word is a word of a text, with its folded form.
type word struct {
	start, end int // in the text
	from, to   int // in folded
	class      class
}

// words are the words of a text. They are used again for the next text.
type words struct {
	list   []word
	folded []byte
}

// take finds the words of a text: runs of letters and digits.
func (w *words) take(text []byte) {
	w.list, w.folded = w.list[:0], w.folded[:0]
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf && !alnum(c) {
			i++
			continue
		}
		n := word{start: i, from: len(w.folded)}
		for i < len(text) {
			if c := text[i]; c < utf8.RuneSelf {
				if !alnum(c) {
					break
				}
				w.ascii(c, &n)
				i++
				continue
			}
			r, size := utf8.DecodeRune(text[i:])
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) {
				break
			}
			w.rune(r, &n)
			i += size
		}
		if i == n.start { // a sign beyond ASCII
			_, size := utf8.DecodeRune(text[i:])
			i += size
			continue
		}
		n.end, n.to = i, len(w.folded)
		if n.to > n.from {
			w.list = append(w.list, n)
		}
	}
}

func alnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func (w *words) ascii(c byte, n *word) {
	if c <= '9' {
		n.class |= digits
	} else {
		n.class |= letters
		c |= 0x20
	}
	w.folded = append(w.folded, c)
}

// rune adds a letter beyond ASCII without its accents.
func (w *words) rune(r rune, n *word) {
	n.class |= letters
	if unicode.Is(unicode.Mn, r) {
		return
	}
	r = unicode.ToLower(r)
	switch r {
	case 'ß':
		w.folded = append(w.folded, "ss"...)
		return
	case 'ø':
		r = 'o'
	case 'ł':
		r = 'l'
	case 'đ':
		r = 'd'
	}
	var one [utf8.UTFMax]byte
	for _, part := range string(norm.NFD.AppendString(nil, string(one[:utf8.EncodeRune(one[:], r)]))) {
		if !unicode.Is(unicode.Mn, part) {
			w.folded = utf8.AppendRune(w.folded, part)
		}
	}
}

// fold is the folded form of a cell, and the number of its words.
func fold(w *words, cell string) (form []byte, class class, count int) {
	w.take([]byte(cell))
	for _, n := range w.list {
		class |= n.class
	}
	return w.folded, class, len(w.list)
}

// saltSize is the length of a table's salt.
const saltSize = 32

// hasher hashes cells under the salt of a table.
type hasher struct {
	buf  [saltSize + maxCell]byte
	used int
}

func newHasher(salt []byte) *hasher {
	h := &hasher{}
	h.used = copy(h.buf[:saltSize], salt)
	return h
}

// sum is the hash of a folded cell, which is not longer than maxCell.
func (h *hasher) sum(form []byte) uint64 {
	n := copy(h.buf[saltSize:], form)
	s := sha256.Sum256(h.buf[:saltSize+n])
	return binary.BigEndian.Uint64(s[:])
}
