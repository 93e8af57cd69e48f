package secret

import (
	"encoding/binary"
	"sync"

	"postern.dev/postern/internal/detect"
)

// ID is the detector's name; findings.secret counts all of its types.
const ID = "secret"

// Sizes in bytes; reach and behind are less than detect.Margin, so that what
// is said of a place never depends on where a window begins.
const (
	reach     = 3900 // how far a secret may go on
	behind    = 400  // how far back a word may stand
	leastLong = 15   // a token that is compared with the rules
)

// Detector finds all secrets. It is built once and safe for use by several
// goroutines.
type Detector struct {
	rules []rule
	heads heads
	grams grams
	forms []*rule // those without a prefix
	// idle are readings that are over, so that a new one allocates nothing.
	idle sync.Pool
}

// New builds a Detector, which takes less than a millisecond.
func New() *Detector {
	d := &Detector{rules: rules(), idle: sync.Pool{New: func() any { return new(scan) }}}
	d.heads = newHeads(d.rules)
	d.grams = newGrams(keywordTable)
	for i := range d.rules {
		if d.rules[i].form != nil {
			d.forms = append(d.forms, &d.rules[i])
		}
	}
	return d
}

// ID is the name of the family: each type is found by the same detector.
func (*Detector) ID() string { return ID }

// Scan finds the secrets of a window.
func (d *Detector) Scan(w *detect.Window, found func(detect.Hit)) {
	s := d.idle.Get().(*scan)
	*s = scan{Window: w, d: d, t: w.Text, found: found}
	s.run()
	*s = scan{}
	d.idle.Put(s)
}

// maxNested bounds how many names inside one value have their own values
// read: "key=key=key=…" would be read again at each of them.
const maxNested = 16

// scan is one reading of one text.
type scan struct {
	*detect.Window
	d     *Detector
	t     []byte
	found func(detect.Hit)
	// long is the end of the last token without white space that was seen.
	long int
	// judged is the end of a value that was read, and nested how many names
	// of others stand in it.
	judged, nested int
	// depth counts the encodings around this text; from and to are then the
	// place of the whole in the text outside.
	depth    int
	from, to int
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// run reads the text, sixteen bytes at a time. Each step looks for three
// things at once and is left at once when there is none of them: a piece of
// a keyword at four places, a byte from ':' to '?', and the lack of white
// space.
func (s *scan) run() {
	g, t := &s.d.grams, s.t
	i := 0
	for ; i+16 <= len(t); i += 16 {
		q := t[i : i+16 : i+16]
		x, y := binary.LittleEndian.Uint64(q), binary.LittleEndian.Uint64(q[8:])
		a, b, c, d := gram(uint32(x)), gram(uint32(x>>32)), gram(uint32(y)), gram(uint32(y>>32))
		if sign, dense := signs(x) != 0, spaces(x) == 0; g.mark[a]|g.mark[b] != 0 || sign || dense {
			s.step(i, a, b, sign, dense)
		}
		if sign, dense := signs(y) != 0, spaces(y) == 0; g.mark[c]|g.mark[d] != 0 || sign || dense {
			s.step(i+8, c, d, sign, dense)
		}
	}
	if i+8 <= len(t) {
		x := binary.LittleEndian.Uint64(t[i:])
		s.step(i, gram(uint32(x)), gram(uint32(x>>32)), signs(x) != 0, spaces(x) == 0)
		i += 8
	}
	if i < len(t) {
		s.tail(i)
	}
}

// signs marks the bytes from ':' to '?' among eight.
func signs(x uint64) uint64 {
	y := x &^ highs
	return (y + 0x46*ones) &^ (y + 0x40*ones) &^ x & highs
}

// spaces is not 0 when white space is among eight bytes.
func spaces(x uint64) uint64 { return (x - 0x21*ones) &^ x & highs }

// step looks closer at the eight bytes at i.
func (s *scan) step(i int, a, b uint32, sign, dense bool) {
	g := &s.d.grams
	if g.mark[a] != 0 {
		s.word(i, a)
	}
	if g.mark[b] != 0 {
		s.word(i+4, b)
	}
	if sign {
		for k := i; k < i+8; k++ {
			if c := s.t[k]; c == ':' || c == '=' {
				s.sign(k)
			}
		}
	}
	if dense && i >= s.long {
		s.dense(i)
	}
}

// tail reads the bytes behind the last eight, as if spaces followed.
func (s *scan) tail(i int) {
	var last [8]byte
	for k := range last {
		last[k] = ' '
	}
	copy(last[:], s.t[i:])
	x := binary.LittleEndian.Uint64(last[:])
	for k, h := range [2]uint32{gram(uint32(x)), gram(uint32(x >> 32))} {
		if s.d.grams.mark[h] != 0 {
			s.word(i+4*k, h)
		}
	}
	for k := i; k < len(s.t); k++ {
		if c := s.t[k]; c == ':' || c == '=' {
			s.sign(k)
		}
	}
}

// gram is the hash of the first three bytes of x, without regard to case.
func gram(x uint32) uint32 { return ((x | 0x202020) & 0xFFFFFF) * 0x9E3779B1 >> (32 - gramBits) }

// gramBits is the size of the table of grams; sixteen kilobytes stay in the
// nearest cache.
const gramBits = 13

// grams finds keywords: of four neighboring pieces of three bytes of a word,
// one stands at a place that is a multiple of four.
type grams struct {
	mark   [1 << gramBits]uint16 // number of the list, 0 for none
	from   []uint16              // where in pieces each list begins
	pieces []piece
}

// list are the pieces with a hash.
func (g *grams) list(h uint32) []piece {
	m := g.mark[h]
	return g.pieces[g.from[m]:g.from[m+1]]
}

// piece is a piece of a keyword, where in it it stands, and the four bytes
// there without regard to case.
type piece struct {
	four, mask uint32
	word, at   uint8
}

func newGrams(words []keyword) (g grams) {
	lists := map[uint32][]piece{}
	for w, k := range words {
		for at := k.at; at < k.at+4; at++ {
			p := piece{mask: 0xFFFFFF, word: uint8(w), at: uint8(at)}
			for i := range min(4, len(k.text)-at) {
				p.four |= uint32(k.text[at+i]|0x20) << (8 * i)
			}
			if at+4 <= len(k.text) {
				p.mask = 0xFFFFFFFF
			}
			h := gram(p.four)
			lists[h] = append(lists[h], p)
		}
	}
	g.from = []uint16{0, 0}
	for h, list := range lists {
		g.mark[h] = uint16(len(g.from) - 1)
		g.pieces = append(g.pieces, list...)
		g.from = append(g.from, uint16(len(g.pieces)))
	}
	return g
}

// word finds out which keyword stands around the piece at i.
func (s *scan) word(i int, h uint32) {
	four := uint32(0)
	if t := s.t[i:]; len(t) >= 4 {
		four = binary.LittleEndian.Uint32(t) | 0x20202020
	} else {
		for k, c := range t {
			four |= uint32(c|0x20) << (8 * k)
		}
	}
	for _, p := range s.d.grams.list(h) {
		if (p.four^four)&p.mask == 0 {
			s.around(&keywordTable[p.word], i-int(p.at))
		}
	}
}

// around goes on when the keyword k stands at start.
func (s *scan) around(k *keyword, start int) {
	if start < 0 || start+len(k.text) > len(s.t) || !same(s.t[start:], k.text) {
		return
	}
	s.keyword(k, start, start+len(k.text))
}

// same compares without regard to the case of ASCII letters.
func same(t []byte, word string) bool {
	for i := range len(word) {
		if t[i] != word[i] && (t[i]|0x20 != word[i] || word[i] < 'a' || word[i] > 'z') {
			return false
		}
	}
	return true
}

// emit reports a secret, in the text outside when this one was encoded.
func (s *scan) emit(kind string, start, end int, level detect.Confidence, score float64, value []byte, why ...string) {
	if s.depth > 0 {
		start, end = s.from, s.to
		why = append(why, "encoded in base64")
	}
	s.found(detect.Hit{
		Type: kind, Start: start, End: end, Confidence: level, Score: score, Value: string(value), Why: why,
	})
}
