package directory

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// maxMembership bounds the memory of all memberships together, in octets: a
// tangle of groups must not take the memory of a machine.
const maxMembership = 256 << 20

// set is a set of groups by their numbers: sorted numbers while there are
// few, one bit for each group when that is smaller.
type set struct {
	few  []int32
	many []uint64
}

func (s set) has(g int32) bool {
	if s.many != nil {
		return g >= 0 && int(g>>6) < len(s.many) && s.many[g>>6]&(1<<(g&63)) != 0
	}
	_, found := slices.BinarySearch(s.few, g)
	return found
}

func (s set) len() (n int) {
	for _, w := range s.many {
		n += bits.OnesCount64(w)
	}
	return n + len(s.few)
}

func (s set) each(do func(g int32)) {
	for _, g := range s.few {
		do(g)
	}
	for i, w := range s.many {
		for ; w != 0; w &= w - 1 {
			do(int32(i<<6 + bits.TrailingZeros64(w)))
		}
	}
}

func (s set) octets() int { return 4*len(s.few) + 8*len(s.many) }

// union is a set that is being put together, with a bit for each group.
type union []uint64

func (u union) add(g int32) { u[g>>6] |= 1 << (g & 63) }

func (u union) join(s set) {
	for _, g := range s.few {
		u.add(g)
	}
	for i, w := range s.many {
		u[i] |= w
	}
}

// take makes a set of u in its smaller form, and empties u.
func (u union) take() (s set) {
	n := 0
	for _, w := range u {
		n += bits.OnesCount64(w)
	}
	if 4*n <= 8*len(u) {
		s.few = make([]int32, 0, n)
		set{many: u}.each(func(g int32) { s.few = append(s.few, g) })
	} else {
		s.many = slices.Clone(u)
	}
	clear(u)
	return s
}

// close works out for every entry all groups that it is in. Groups in a
// circle are in the same groups, so each circle is worked out once, after
// everything above it.
func (d *Directory) close(limit int) error {
	d.ofNode = make([]int32, len(d.nodes))
	for i := range d.ofNode {
		d.ofNode[i] = none
	}
	for n, g := range d.groups {
		d.ofNode[g] = int32(n)
	}
	u := make(union, (len(d.groups)+63)/64)
	used := 0
	note := func(s set) error {
		if used += s.octets(); used > limit {
			return fmt.Errorf("the groups lie in each other in too many ways: their memberships take more than %d octets", limit)
		}
		return nil
	}
	for _, circle := range d.circles() {
		for _, g := range circle {
			u.add(d.ofNode[g])
			for _, p := range d.nodes[g].parents {
				u.add(d.ofNode[p])
				u.join(d.nodes[p].within) // empty for those of this circle
			}
		}
		s := u.take()
		if err := note(s); err != nil {
			return err
		}
		for _, g := range circle {
			d.nodes[g].within = s
		}
	}
	d.wholeGroups()
	return d.closePeople(u, note)
}

// closePeople shares one set among all who are named by the same groups.
func (d *Directory) closePeople(u union, note func(set) error) error {
	shared := map[string]set{}
	var key []byte
	for i := range d.nodes {
		v := &d.nodes[i]
		if v.kind == Group || len(v.parents) == 0 {
			continue
		}
		key = key[:0]
		for _, p := range v.parents {
			key = binary.LittleEndian.AppendUint32(key, uint32(p))
		}
		s, known := shared[string(key)]
		if !known {
			for _, p := range v.parents {
				u.join(d.nodes[p].within)
			}
			s = u.take()
			if err := note(s); err != nil {
				return err
			}
			shared[string(key)] = s
		}
		v.within = s
	}
	return nil
}

// wholeGroups marks the groups all of whose members are known. One that is
// not takes it from all that it is in.
func (d *Directory) wholeGroups() {
	for _, g := range d.groups {
		d.nodes[g].whole = true
	}
	for _, g := range d.groups {
		if d.nodes[g].complete {
			continue
		}
		d.nodes[g].within.each(func(above int32) { d.nodes[d.groups[above]].whole = false })
	}
	for _, g := range d.Groups() {
		if !g.Whole() {
			d.partial = append(d.partial, g.Names()...)
		}
	}
}

// circles are the groups, those that lie in each other in a circle together,
// and each after all that it is in (Tarjan's algorithm over the groups above,
// without recursion: a chain of groups may be long).
func (d *Directory) circles() (out [][]int32) {
	t := tarjan{d: d, index: make([]int32, len(d.nodes)), low: make([]int32, len(d.nodes)), on: make([]bool, len(d.nodes))}
	for _, g := range d.groups {
		if t.index[g] == 0 {
			t.visit(g)
		}
	}
	return t.out
}

type tarjan struct {
	d          *Directory
	index, low []int32 // 0: not seen yet
	on         []bool
	stack      []int32
	next       int32
	out        [][]int32
}

type frame struct {
	at  int32
	arc int
}

func (t *tarjan) visit(root int32) {
	work := []frame{t.enter(root)}
	for len(work) > 0 {
		f := &work[len(work)-1]
		if parents := t.d.nodes[f.at].parents; f.arc < len(parents) {
			p := parents[f.arc]
			f.arc++
			if t.index[p] == 0 {
				work = append(work, t.enter(p))
			} else if t.on[p] {
				t.low[f.at] = min(t.low[f.at], t.index[p])
			}
			continue
		}
		done := f.at
		work = work[:len(work)-1]
		if len(work) > 0 {
			below := work[len(work)-1].at
			t.low[below] = min(t.low[below], t.low[done])
		}
		if t.low[done] == t.index[done] {
			t.leave(done)
		}
	}
}

func (t *tarjan) enter(at int32) frame {
	t.next++
	t.index[at], t.low[at], t.on[at] = t.next, t.next, true
	t.stack = append(t.stack, at)
	return frame{at: at}
}

func (t *tarjan) leave(at int32) {
	i := slices.Index(t.stack, at)
	circle := slices.Clone(t.stack[i:])
	for _, x := range circle {
		t.on[x] = false
	}
	t.stack = t.stack[:i]
	t.out = append(t.out, circle)
}
