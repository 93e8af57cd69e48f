package mail

import (
	"io"
	"sort"
)

// Outgoing is a message on its way out: the original octets with what was
// taken out, what was put in the place of a range because a policy says so,
// and what was put in front. Nothing else can be changed.
type Outgoing struct {
	// Front stands before the original: trace and verdict fields, each
	// ended by CR LF.
	Front []byte
	Body  Body
	// Cut are the ranges that are left out (header fields with a tenant
	// secret or a forged verdict). They may be unsorted; they must not overlap.
	Cut []Range
	// Put are the ranges that something else takes the place of. They may be
	// unsorted; they must not overlap, nor touch what is cut.
	Put []Put
	// Bare says that the octets contain a bare CR or LF, so that they can
	// leave only by BDAT.
	Bare bool
	// EightBit says that the octets contain one over 127.
	EightBit bool
}

// Put is what stands in the place of a range of the original. An empty range
// is a place between two octets.
type Put struct {
	Range Range
	With  []byte
}

// Size is the number of octets that Reader gives.
func (o *Outgoing) Size() int64 {
	n := int64(len(o.Front)) + o.Body.Size()
	for _, c := range o.Cut {
		n -= c.Len()
	}
	for _, p := range o.Put {
		n += int64(len(p.With)) - p.Range.Len()
	}
	return n
}

// Reader reads the message as it leaves.
func (o *Outgoing) Reader() io.Reader {
	puts := append([]Put(nil), o.Put...)
	for _, c := range o.Cut {
		puts = append(puts, Put{Range: c})
	}
	sort.SliceStable(puts, func(i, j int) bool { return puts[i].Range.Start < puts[j].Range.Start })
	readers := []io.Reader{bytesReader(o.Front)}
	at := int64(0)
	for _, p := range puts {
		if p.Range.Start > at {
			readers = append(readers, io.NewSectionReader(o.Body, at, p.Range.Start-at))
		}
		if len(p.With) > 0 {
			readers = append(readers, bytesReader(p.With))
		}
		at = max(at, p.Range.End)
	}
	if size := o.Body.Size(); size > at {
		readers = append(readers, io.NewSectionReader(o.Body, at, size-at))
	}
	return io.MultiReader(readers...)
}
