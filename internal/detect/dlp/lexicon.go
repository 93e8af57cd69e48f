package dlp

import (
	"unicode/utf8"
)

// lexicon finds the whole words and phrases of a long list. Its memory is
// that of the terms and sixteen bytes for each: an automaton of 100,000 terms
// would take a hundred megabytes.
//
// From each place where a term can begin it goes on from word to word, as far
// as a term that begins with this word is long, and looks up what it has read
// so far.
type lexicon struct {
	letters *letters // nil: bytes are compared as they are
	keys    []byte   // the terms as they are compared, one behind the other
	ends    []uint32 // where each ends in keys
	slots   []slot   // open addressing; a power of two
	// first are the pairs of bytes with which terms begin, folded when ASCII:
	// most words of a text are left at once.
	first [1 << 13]uint64
	// odd is set when a term begins with a sign, which may stand anywhere.
	odd bool
	low [256]byte // ASCII, folded
}

// slot is an entry of the table: the beginning of terms, up to the end of a
// word, or a term, or both.
type slot struct {
	hash uint64
	term int32  // number of the term plus 1; 0 for a beginning only
	most uint16 // the longest term that goes on from here, in folded bytes
}

// hashes begin with this value, and each byte is mixed in (FNV-1a).
const (
	hashBegin = 14695981039346656037
	hashPrime = 1099511628211
)

func mix(h uint64, b byte) uint64 { return (h ^ uint64(b)) * hashPrime }

func newLexicon(terms []string, l *letters) *lexicon {
	x := &lexicon{letters: l}
	for b := range x.low {
		x.low[b] = x.byte(byte(b))
	}
	size := 16
	for size < 4*len(terms) {
		size *= 2
	}
	x.slots = make([]slot, size)
	a := automaton{letters: l}
	for i, t := range terms {
		key := a.key(t)
		x.keys = append(x.keys, key...)
		x.ends = append(x.ends, uint32(len(x.keys)))
		if len(key) > 0 {
			x.insert(i, key)
		}
	}
	return x
}

// insert notes a term, and its first word as the beginning of one.
func (x *lexicon) insert(i int, key []byte) {
	r, size := utf8.DecodeRune(key)
	end := size
	if isWord(r) {
		for end < len(key) {
			r, size := utf8.DecodeRune(key[end:])
			if !isWord(r) {
				break
			}
			end += size
		}
	} else {
		x.odd = true
	}
	h := uint64(hashBegin)
	for k, b := range key {
		h = mix(h, b)
		if k == end-1 {
			s := x.slot(h)
			s.most = max(s.most, uint16(min(len(key), 1<<16-1)))
		}
	}
	if s := x.slot(h); s.term == 0 {
		s.term = int32(i + 1)
	}
	pair := uint16(key[0]) << 8
	if len(key) > 1 && key[0] < utf8.RuneSelf && key[1] < utf8.RuneSelf {
		pair |= uint16(key[1])
		x.mark(pair)
		return
	}
	for b := range 256 {
		x.mark(pair | uint16(b))
	}
}

func (x *lexicon) mark(pair uint16) { x.first[pair>>6] |= 1 << (pair & 63) }

// slot finds the entry of a hash, or makes an empty one. The table has four
// places for each term, and a term takes two at most.
func (x *lexicon) slot(h uint64) *slot {
	for i := h; ; i++ {
		s := &x.slots[i&uint64(len(x.slots)-1)]
		if s.hash == 0 {
			s.hash = h | 1
		}
		if s.hash == h|1 {
			return s
		}
	}
}

// find is the entry of a hash, or nil.
func (x *lexicon) find(h uint64) *slot {
	for i := h; ; i++ {
		s := &x.slots[i&uint64(len(x.slots)-1)]
		switch s.hash {
		case h | 1:
			return s
		case 0:
			return nil
		}
	}
}

// key is the text of a term as it is compared.
func (x *lexicon) key(term int) []byte {
	from := uint32(0)
	if term > 0 {
		from = x.ends[term-1]
	}
	return x.keys[from:x.ends[term]]
}

// scan calls found for every term in text that is no part of a longer word.
func (x *lexicon) scan(text []byte, found func(term, start, end int)) {
	inside := false // behind a letter or digit
	for i := 0; i < len(text); {
		b := text[i]
		if b >= utf8.RuneSelf {
			r, size := utf8.DecodeRune(text[i:])
			if x.letters != nil && x.letters.fold(r) == "" {
				i += size // an accent that stands alone belongs to what is before it
				continue
			}
			word := isWord(r)
			if word && !inside || !word && x.odd {
				x.from(text, i, found)
			}
			inside = word
			i += size
			continue
		}
		word := asciiWord[b]
		if (word && !inside || !word && x.odd) && x.begins(text, i) {
			x.from(text, i, found)
		}
		inside = word
		i++
		for word && i < len(text) && text[i] < utf8.RuneSelf && asciiWord[text[i]] {
			i++
		}
	}
}

// begins reports whether a term may begin with the two bytes at i.
func (x *lexicon) begins(text []byte, i int) bool {
	a, b := x.low[text[i]], byte(0)
	if i+1 < len(text) {
		if b = text[i+1]; b >= utf8.RuneSelf {
			return true
		}
		b = x.low[b]
	}
	pair := uint16(a)<<8 | uint16(b)
	return x.first[pair>>6]&(1<<(pair&63)) != 0
}

// byte folds an ASCII character.
func (x *lexicon) byte(b byte) byte {
	switch {
	case x.letters == nil:
	case 'A' <= b && b <= 'Z':
		return b + 'a' - 'A'
	case isSpace(b):
		return ' '
	}
	return b
}

// from reports the terms that begin at start.
func (x *lexicon) from(text []byte, start int, found func(term, start, end int)) {
	h, n, most := uint64(hashBegin), 0, 0
	space := false
	for i := start; i < len(text) && (most == 0 && n <= maxTermKey || n < most); {
		b := text[i]
		word := asciiWord[b]
		if b < utf8.RuneSelf {
			i++
			f := x.low[b]
			if f == ' ' && x.letters != nil {
				if space {
					continue
				}
				space = true
			} else {
				space = false
			}
			h, n = mix(h, f), n+1
		} else {
			r, size := utf8.DecodeRune(text[i:])
			if x.letters == nil {
				for _, f := range text[i : i+size] {
					h, n = mix(h, f), n+1
				}
			} else {
				folded := x.letters.fold(r)
				if folded == "" {
					i += size
					continue
				}
				for k := range len(folded) {
					h, n = mix(h, folded[k]), n+1
				}
			}
			i += size
			word, space = isWord(r), false
		}
		if space || word && isWord(x.next(text, i)) {
			continue
		}
		s := x.find(h)
		if most == 0 {
			if s == nil || s.most == 0 {
				return
			}
			most = int(s.most)
		}
		if s != nil && s.term > 0 && x.equal(text[start:i], x.key(int(s.term-1))) {
			found(int(s.term-1), start, i)
		}
	}
}

// maxTermKey is the longest first word of a term, folded.
const maxTermKey = 2 * 256

// next is the character at i, behind accents that stand alone.
func (x *lexicon) next(text []byte, i int) rune {
	for i < len(text) && text[i] >= utf8.RuneSelf && x.letters != nil {
		r, size := utf8.DecodeRune(text[i:])
		if x.letters.fold(r) != "" {
			return r
		}
		i += size
	}
	return after(text, i)
}

// equal compares text with a key: two terms may have the same hash.
func (x *lexicon) equal(text, key []byte) bool {
	space := false
	for len(text) > 0 {
		b := text[0]
		if b < utf8.RuneSelf {
			text = text[1:]
			f := x.low[b]
			if f == ' ' && x.letters != nil {
				if space {
					continue
				}
				space = true
			} else {
				space = false
			}
			if len(key) == 0 || key[0] != f {
				return false
			}
			key = key[1:]
			continue
		}
		r, size := utf8.DecodeRune(text)
		folded := string(text[:size])
		if x.letters != nil {
			folded = x.letters.fold(r)
		}
		if len(key) < len(folded) || string(key[:len(folded)]) != folded {
			return false
		}
		text, key, space = text[size:], key[len(folded):], false
	}
	return len(key) == 0
}

// asciiWord says which ASCII characters continue a word.
var asciiWord = func() (t [256]bool) {
	for b := range utf8.RuneSelf {
		t[b] = isWord(rune(b))
	}
	return t
}()
