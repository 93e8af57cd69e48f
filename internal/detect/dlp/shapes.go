package dlp

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// shapes recognizes all forms of all packs at once: a DFA that is walked from
// the beginning of a token, so that a token costs a table look-up for each of
// its characters, however many detectors there are.
type shapes struct {
	class  [256]uint8 // of an octet; 0: in no shape
	width  int
	next   []int32 // state*width + class → state; 0: nothing fits any more
	accept []int32 // state → index into uses, 0 for none
	uses   [][]use
}

// use is a form of a pack.
type use struct{ pack, form int32 }

// firstState is where a walk begins.
const firstState = 1

// shapeBuilder makes the DFA by the construction of subsets. A position is
// one character of one shape.
type shapeBuilder struct {
	*shapes
	sets     []charset // of each position
	fits     []uint64  // of each position: its classes
	to       [64][]int32
	optional []bool
	ends     []int32 // of each position: the shape that ends before it, or -1
	users    [][]use // of each shape
	states   map[string]int32
	key      []byte
	members  [][]int32 // state → positions
}

// newShapes compiles the forms of the packs.
func newShapes(list []Pack) *shapes {
	b := &shapeBuilder{shapes: &shapes{uses: make([][]use, 1)}, states: map[string]int32{}}
	var starts []int32
	known := map[string]int{}
	for p := range list {
		for f, form := range list[p].Forms {
			u := use{int32(p), int32(f)}
			if at, ok := known[form.Shape]; ok {
				b.users[at] = append(b.users[at], u)
				continue
			}
			known[form.Shape] = len(b.users)
			starts = append(starts, int32(len(b.sets)))
			b.lay(form.elements, int32(len(b.users)))
			b.users = append(b.users, []use{u})
		}
	}
	b.classes()
	b.state(nil) // 0: dead
	var first []int32
	for _, s := range starts {
		first = b.closure(first, s)
	}
	b.state(first)
	for s := firstState; s < len(b.members); s++ {
		b.follow(s)
	}
	return b.shapes
}

// lay puts the characters of a shape into a row of positions.
func (b *shapeBuilder) lay(elements []element, shape int32) {
	for _, e := range elements {
		for i := range e.max {
			b.sets = append(b.sets, e.set)
			b.optional = append(b.optional, i >= e.min)
			b.ends = append(b.ends, -1)
		}
	}
	b.sets = append(b.sets, charset{})
	b.optional = append(b.optional, false)
	b.ends = append(b.ends, shape)
}

// closure adds a position and those behind it that may come instead.
func (b *shapeBuilder) closure(list []int32, at int32) []int32 {
	for {
		list = append(list, at)
		if !b.optional[at] {
			return list
		}
		at++
	}
}

// classes puts octets into one class that no shape tells apart.
func (b *shapeBuilder) classes() {
	distinct := map[charset]bool{}
	for _, s := range b.sets {
		distinct[s] = true
	}
	var list []charset
	for s := range distinct {
		list = append(list, s)
	}
	byWhom := map[string]uint8{}
	none := string(make([]byte, len(list)))
	for c := byte(' '); c < 127; c++ {
		if 'a' <= c && c <= 'z' {
			continue
		}
		sign := make([]byte, len(list))
		for i, s := range list {
			if s.has(c) {
				sign[i] = 1
			}
		}
		if string(sign) == none {
			continue
		}
		k, ok := byWhom[string(sign)]
		if !ok {
			k = uint8(len(byWhom) + 1)
			byWhom[string(sign)] = k
		}
		b.class[c] = k
		if 'A' <= c && c <= 'Z' {
			b.class[c+'a'-'A'] = k
		}
	}
	b.width = len(byWhom) + 1
	if b.width > len(b.to) {
		panic("dlp: the forms of the packs tell more kinds of characters apart than there is room for")
	}
	masks := map[charset]uint64{}
	for _, s := range list {
		for c := byte(' '); c < 127; c++ {
			if s.has(c) {
				masks[s] |= 1 << b.class[c]
			}
		}
	}
	for _, s := range b.sets {
		b.fits = append(b.fits, masks[s])
	}
}

// state is the number of a set of positions.
func (b *shapeBuilder) state(positions []int32) int32 {
	slices.Sort(positions)
	positions = slices.Compact(positions)
	b.key = b.key[:0]
	for _, p := range positions {
		b.key = binary.LittleEndian.AppendUint32(b.key, uint32(p))
	}
	if s, ok := b.states[string(b.key)]; ok {
		return s
	}
	s := int32(len(b.members))
	b.states[string(b.key)] = s
	b.members = append(b.members, slices.Clone(positions))
	b.next = append(b.next, make([]int32, b.width)...)
	var ends []use
	for _, p := range positions {
		if shape := b.ends[p]; shape >= 0 {
			ends = append(ends, b.users[shape]...)
		}
	}
	at := int32(0)
	if len(ends) > 0 {
		at = int32(len(b.uses))
		b.uses = append(b.uses, ends)
	}
	b.accept = append(b.accept, at)
	return s
}

// follow computes the transitions of a state.
func (b *shapeBuilder) follow(s int) {
	for k := range b.width {
		b.to[k] = b.to[k][:0]
	}
	for _, p := range b.members[s] {
		for left := b.fits[p]; left != 0; left &= left - 1 {
			k := bits.TrailingZeros64(left)
			b.to[k] = b.closure(b.to[k], p+1)
		}
	}
	for k, positions := range b.to[:b.width] {
		if len(positions) > 0 {
			t := b.state(positions)
			b.next[s*b.width+k] = t
		}
	}
}
