package dlp

import (
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
)

// shapes recognizes all forms of all packs at once: a DFA that is walked from
// the beginning of a token, so that a token costs a look-up for each of its
// characters, however many detectors there are. Its states are made when they
// are first needed, because a process that looks at one message needs few of
// some ten thousand.
type shapes struct {
	class [256]uint8 // of an octet; 0: in no shape
	first *shapeState

	sets     []charset // of each position: one character of one shape
	fits     []uint64  // of each position: its classes
	optional []bool
	ends     []int32 // of each position: the shape that ends before it, or -1
	users    [][]use // of each shape

	mu     sync.Mutex // of states
	states map[string]*shapeState
}

// use is a form of a pack.
type use struct{ pack, form int32 }

// shapeState is a set of positions that the characters so far lead to. All of
// it lies together: a walk costs two lines of the cache for a character.
type shapeState struct {
	positions []int32                                // none: nothing fits any more
	uses      []use                                  // the forms that end here
	next      [stateWidth]atomic.Pointer[shapeState] // by class
}

// stateWidth is how many kinds of characters the shapes may tell apart.
const stateWidth = 64

// newShapes lays out the forms of the packs.
func newShapes(list []Pack) *shapes {
	b := &shapes{states: map[string]*shapeState{}}
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
	var first []int32
	for _, s := range starts {
		first = b.closure(first, s)
	}
	b.first = b.state(first)
	return b
}

// step is the state behind an octet; one without positions is the end.
func (b *shapes) step(s *shapeState, octet byte) *shapeState {
	if next := s.next[b.class[octet]%stateWidth].Load(); next != nil {
		return next
	}
	return b.make(s, b.class[octet])
}

// make finds out the state behind characters of a class.
func (b *shapes) make(s *shapeState, k uint8) *shapeState {
	b.mu.Lock()
	defer b.mu.Unlock()
	var to []int32
	for _, p := range s.positions {
		if k != 0 && b.fits[p]>>k&1 != 0 {
			to = b.closure(to, p+1)
		}
	}
	next := b.state(to)
	s.next[k].Store(next)
	return next
}

// lay puts the characters of a shape into a row of positions.
func (b *shapes) lay(elements []element, shape int32) {
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
func (b *shapes) closure(list []int32, at int32) []int32 {
	for {
		list = append(list, at)
		if !b.optional[at] {
			return list
		}
		at++
	}
}

// classes puts octets into one class that no shape tells apart.
func (b *shapes) classes() {
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
	if len(byWhom)+1 > stateWidth {
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

// state is that of a set of positions.
func (b *shapes) state(positions []int32) *shapeState {
	slices.Sort(positions)
	positions = slices.Compact(positions)
	key := make([]byte, 0, 4*len(positions))
	for _, p := range positions {
		key = binary.LittleEndian.AppendUint32(key, uint32(p))
	}
	if s, ok := b.states[string(key)]; ok {
		return s
	}
	s := &shapeState{positions: positions}
	for _, p := range positions {
		if shape := b.ends[p]; shape >= 0 {
			s.uses = append(s.uses, b.users[shape]...)
		}
	}
	b.states[string(key)] = s
	return s
}
