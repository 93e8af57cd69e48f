package mail

import (
	"io"
	"sort"
)

// Outgoing is a message on its way out: the original octets with what was
// taken out and what was put in front. Nothing else can be changed.
type Outgoing struct {
	// Front stands before the original: trace and verdict fields, each
	// ended by CR LF.
	Front []byte
	Body  Body
	// Cut are the ranges that are left out (header fields with a tenant
	// secret or a forged verdict). They may be unsorted; they must not overlap.
	Cut []Range
	// Bare says that the octets contain a bare CR or LF, so that they can
	// leave only by BDAT.
	Bare bool
	// EightBit says that the octets contain one over 127.
	EightBit bool
}

// Size is the number of octets that Reader gives.
func (o *Outgoing) Size() int64 {
	n := int64(len(o.Front)) + o.Body.Size()
	for _, c := range o.Cut {
		n -= c.Len()
	}
	return n
}

// Reader reads the message as it leaves.
func (o *Outgoing) Reader() io.Reader {
	cuts := append([]Range(nil), o.Cut...)
	sort.Slice(cuts, func(i, j int) bool { return cuts[i].Start < cuts[j].Start })
	readers := []io.Reader{bytesReader(o.Front)}
	at := int64(0)
	for _, c := range cuts {
		if c.Start > at {
			readers = append(readers, io.NewSectionReader(o.Body, at, c.Start-at))
		}
		at = max(at, c.End)
	}
	if size := o.Body.Size(); size > at {
		readers = append(readers, io.NewSectionReader(o.Body, at, size-at))
	}
	return io.MultiReader(readers...)
}
