// Package fingerprint recognizes documents, and parts of them, by the words
// in them: forms, contracts, designs.
//
// It upholds one law: the document itself is not kept. A print holds hashes
// of word sequences, from which no sentence can be read.
//
// A print is the winnowed set of hashes of five words in a row. How much of
// it stands in a text is its containment: 1 is the whole document, and a copied
// page of ten gives a tenth, wherever it stands and whatever is around it.
//
// It knows no message and no policy.
//
// Standards: Schleimer, Wilkerson, Aiken: "Winnowing: local algorithms for
// document fingerprinting" (SIGMOD 2003).
package fingerprint

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"unicode"
	"unicode/utf8"
)

// The form of prints: words in a row that are hashed together, and how many
// of these hashes in a row are represented by one that is kept.
const (
	shingle = 5
	window  = 4
)

// leastHashes is what a document needs: with fewer, ordinary sentences would be
// taken for it.
const leastHashes = 8

// mostHashes bounds a print: about 3 MB of text.
const mostHashes = 200_000

// maxWord bounds what is hashed of a word, in octets.
const maxWord = 64

// Print is the fingerprint of a document.
type Print struct {
	// Version is that of the form; 1.
	Version int `json:"version"`
	// Name is the name of the file that it was made of.
	Name string `json:"name"`
	// Hashes are those kept, ascending.
	Hashes []uint64 `json:"hashes"`
}

// ErrShort is the failure of a document with too few words.
var ErrShort = errors.New("fingerprint: the document has too few words to be recognized")

// Of makes the print of a text.
func Of(name string, text io.Reader) (Print, error) {
	var all []uint64
	r := &roll{give: func(h uint64) { all = append(all, h) }}
	if _, err := io.Copy(r, text); err != nil {
		return Print{}, fmt.Errorf("fingerprint: %w", err)
	}
	r.end()
	p := Print{Version: 1, Name: name, Hashes: winnow(all)}
	if len(p.Hashes) < leastHashes {
		return Print{}, ErrShort
	}
	if len(p.Hashes) > mostHashes {
		return Print{}, fmt.Errorf("fingerprint: the document is longer than %d hashes", mostHashes)
	}
	return p, nil
}

// winnow keeps the smallest hash of each window.
func winnow(all []uint64) []uint64 {
	kept := []uint64{}
	for i := 0; i+min(window, len(all)) <= len(all) && len(all) > 0; i++ {
		kept = append(kept, slices.Min(all[i:i+min(window, len(all))]))
	}
	slices.Sort(kept)
	return slices.Compact(kept)
}

// Read reads a print as postern fingerprint build writes it.
func Read(r io.Reader) (Print, error) {
	var p Print
	d := json.NewDecoder(bufio.NewReader(io.LimitReader(r, 32*mostHashes)))
	if err := d.Decode(&p); err != nil {
		return Print{}, fmt.Errorf("fingerprint: not a print of postern fingerprint build: %w", err)
	}
	if p.Version != 1 || len(p.Hashes) < leastHashes || len(p.Hashes) > mostHashes || !slices.IsSorted(p.Hashes) {
		return Print{}, errors.New("fingerprint: not a print of postern fingerprint build")
	}
	p.Hashes = slices.Compact(p.Hashes)
	return p, nil
}

// Open reads a print from a file.
func Open(name string) (Print, error) {
	f, err := os.Open(name)
	if err != nil {
		return Print{}, fmt.Errorf("fingerprint: %w", err)
	}
	defer f.Close()
	return Read(f)
}

// ID names what the print holds.
func (p Print) ID() string {
	h := sha256.New()
	for _, v := range p.Hashes {
		_ = binary.Write(h, binary.BigEndian, v) // to a hash: cannot fail
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Index finds the hashes of several prints at once. It is safe for use by
// several goroutines.
type Index struct {
	sizes []int
	of    map[uint64][]int
}

// NewIndex returns an Index over prints; what it finds is called by their
// order.
func NewIndex(list []Print) *Index {
	x := &Index{of: map[uint64][]int{}}
	for i, p := range list {
		x.sizes = append(x.sizes, len(p.Hashes))
		for _, h := range p.Hashes {
			x.of[h] = append(x.of[h], i)
		}
	}
	return x
}

// Match collects what of the prints stands in one text, which is written to
// it.
type Match struct {
	index *Index
	roll  roll
	seen  map[uint64]bool
	count []int
}

// Match begins a text.
func (x *Index) Match() *Match {
	m := &Match{index: x, seen: map[uint64]bool{}, count: make([]int, len(x.sizes))}
	m.roll.give = m.take
	return m
}

func (m *Match) take(h uint64) {
	list, known := m.index.of[h]
	if !known || m.seen[h] {
		return
	}
	m.seen[h] = true
	for _, i := range list {
		m.count[i]++
	}
}

// Write takes a piece of the text (UTF-8).
func (m *Match) Write(p []byte) (int, error) { return m.roll.Write(p) }

// Containment ends the text, and says of each print how much of it was in it,
// from 0 to 1.
func (m *Match) Containment() []float64 {
	m.roll.end()
	list := make([]float64, len(m.count))
	for i, n := range m.count {
		list[i] = float64(n) / float64(m.index.sizes[i])
	}
	return list
}

// roll turns text into words, and words into hashes of several in a row.
type roll struct {
	give func(uint64)

	rest []byte // the beginning of a rune
	word uint64 // the hash of the current word, 0 for none
	size int
	last [shingle]uint64
	n    int
}

// The hash of words is FNV-1a with 64 bits.
const (
	offset64 = 14695981039346656037
	prime64  = 1099511628211
)

// Write implements io.Writer.
func (r *roll) Write(p []byte) (int, error) {
	n := len(p)
	if len(r.rest) > 0 {
		for len(p) > 0 && !utf8.FullRune(r.rest) {
			r.rest = append(r.rest, p[0])
			p = p[1:]
		}
		if !utf8.FullRune(r.rest) {
			return n, nil
		}
		c, size := utf8.DecodeRune(r.rest)
		r.rune(c)
		if len(r.rest) > size { // it was none, and what follows stands for itself
			p = append(r.rest[size:len(r.rest):len(r.rest)], p...)
		}
		r.rest = nil
	}
	for len(p) > 0 {
		if c := p[0]; c < utf8.RuneSelf {
			r.ascii(c)
			p = p[1:]
			continue
		}
		if !utf8.FullRune(p) {
			r.rest = append(r.rest, p...)
			break
		}
		c, size := utf8.DecodeRune(p)
		r.rune(c)
		p = p[size:]
	}
	return n, nil
}

func (r *roll) ascii(c byte) {
	switch {
	case 'a' <= c|0x20 && c|0x20 <= 'z':
		r.add(uint64(c | 0x20))
	case '0' <= c && c <= '9':
		r.add(uint64(c))
	default:
		r.end()
	}
}

func (r *roll) rune(c rune) {
	switch {
	case unicode.IsLetter(c) || unicode.IsDigit(c):
		r.add(uint64(unicode.ToLower(c)))
	case unicode.Is(unicode.Mn, c) || unicode.Is(unicode.Cf, c): // says nothing
	default:
		r.end()
	}
}

func (r *roll) add(c uint64) {
	if r.size == 0 {
		r.word = offset64
	}
	if r.size++; r.size <= maxWord {
		r.word = (r.word ^ c) * prime64
	}
}

// end ends a word.
func (r *roll) end() {
	if r.size == 0 {
		return
	}
	r.size = 0
	copy(r.last[:], r.last[1:])
	r.last[shingle-1] = r.word
	if r.n++; r.n < shingle {
		return
	}
	h := uint64(offset64)
	for _, w := range r.last {
		h = (h ^ w) * prime64
		h ^= h >> 29
	}
	r.give(h)
}
