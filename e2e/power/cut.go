package power

import (
	"fmt"
	"math/rand/v2"
)

// part says what of a write reached the disk.
type part byte

const (
	lost  part = iota
	whole      // all of it
	torn       // the sectors before its middle
	zeros      // its length: the blocks were given out and never filled
)

// Cut is one way in which a disk loses what was not synced. The same value
// always answers the same.
type Cut struct {
	name   string
	names  bool // unsynced entries of folders are kept
	writes func(pending []change, r *rand.Rand) []part
	seed   uint64
}

// String names the cut in the message of a failing test.
func (c Cut) String() string { return c.name }

// Cuts lists the regular ways of losing, and random further ones in which
// every file and every folder has a lot of its own.
func Cuts(random int, seed uint64) []Cut {
	list := []Cut{
		{name: "lose all", writes: each(lost)},
		{name: "keep all", names: true, writes: each(whole)},
		{name: "keep names", names: true, writes: each(lost)},
		{name: "keep data", writes: each(whole)},
		{name: "tear the last write", names: true, writes: last(whole, torn)},
		{name: "zeros in the tail", names: true, writes: last(whole, zeros)},
		{name: "all zeros", names: true, writes: each(zeros)},
		{name: "the last write before the others", names: true, writes: last(lost, whole)},
		{name: "one write missing", names: true, writes: hole},
		{name: "the last write missing", names: true, writes: last(whole, lost)},
	}
	for i := range random {
		list = append(list, Cut{name: fmt.Sprintf("random %d", i), seed: seed + uint64(i) + 1})
	}
	return list
}

func each(p part) func([]change, *rand.Rand) []part { return last(p, p) }

// last gives the last write another fate than the others.
func last(others, final part) func([]change, *rand.Rand) []part {
	return func(pending []change, _ *rand.Rand) []part {
		parts := make([]part, len(pending))
		for i := range parts {
			parts[i] = others
		}
		if n := len(parts); n > 0 {
			parts[n-1] = final
		}
		return parts
	}
}

// hole loses one write in the middle.
func hole(pending []change, _ *rand.Rand) []part {
	parts := last(whole, whole)(pending, nil)
	if len(parts) > 1 {
		parts[(len(parts)-1)/2] = lost
	}
	return parts
}

// lots draws a fate for a file and then, within it, for every write.
func lots(pending []change, r *rand.Rand) []part {
	parts := make([]part, len(pending))
	switch r.IntN(4) {
	case 0: // all lost
	case 1: // the first ones came through
		for i := range r.IntN(len(parts) + 1) {
			parts[i] = whole
		}
	case 2:
		for i := range parts {
			parts[i] = part(r.IntN(4))
		}
	case 3:
		for i := range parts {
			if r.IntN(8) > 0 {
				parts[i] = whole
			}
		}
	}
	return parts
}

// Writes says what became of the unsynced writes to a file.
func (c Cut) Writes(path string, pending []change) []part {
	if len(pending) == 0 {
		return nil
	}
	if c.writes == nil {
		return lots(pending, c.chance(path))
	}
	return c.writes(pending, nil)
}

// Entries says which unsynced changes of a folder are kept.
func (c Cut) Entries(path string, n int) []bool {
	kept := make([]bool, n)
	if c.writes != nil {
		for i := range kept {
			kept[i] = c.names
		}
		return kept
	}
	r := c.chance("/" + path)
	switch r.IntN(4) {
	case 0:
	case 1:
		for i := range kept {
			kept[i] = true
		}
	case 2: // a journal: the first ones
		for i := range r.IntN(n + 1) {
			kept[i] = true
		}
	case 3:
		for i := range kept {
			kept[i] = r.IntN(2) == 0
		}
	}
	return kept
}

func (c Cut) chance(path string) *rand.Rand {
	h := uint64(14695981039346656037)
	for i := range len(path) {
		h = (h ^ uint64(path[i])) * 1099511628211
	}
	return rand.New(rand.NewPCG(c.seed, h))
}
