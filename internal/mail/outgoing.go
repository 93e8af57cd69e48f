package mail

import (
	"cmp"
	"fmt"
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

// part is a run of octets: what is put in, or a range of the original.
type part struct {
	with []byte
	from Range
}

// parts are the octets in order.
func (o *Outgoing) parts() []part {
	puts := make([]Put, 0, len(o.Put)+len(o.Cut))
	puts = append(puts, o.Put...)
	for _, c := range o.Cut {
		puts = append(puts, Put{Range: c})
	}
	sort.SliceStable(puts, func(i, j int) bool { return puts[i].Range.Start < puts[j].Range.Start })
	list := make([]part, 0, 2*len(puts)+2)
	list = append(list, part{with: o.Front})
	at := int64(0)
	for _, p := range puts {
		if p.Range.Start > at {
			list = append(list, part{from: Range{at, p.Range.Start}})
		}
		if len(p.With) > 0 {
			list = append(list, part{with: p.With})
		}
		at = max(at, p.Range.End)
	}
	if size := o.Body.Size(); size > at {
		list = append(list, part{from: Range{at, size}})
	}
	return list
}

// Reader reads the message as it leaves.
func (o *Outgoing) Reader() io.Reader {
	parts := o.parts()
	readers := make([]io.Reader, len(parts))
	for i, p := range parts {
		if p.from == (Range{}) {
			readers[i] = bytesReader(p.with)
		} else {
			readers[i] = io.NewSectionReader(o.Body, p.from.Start, p.from.Len())
		}
	}
	return io.MultiReader(readers...)
}

// paged is a Body of which a part lies in memory: Page gives what lies there
// from an offset on, in place, until the Body is closed.
type paged interface{ Page(off int64) []byte }

// Pieces gives the message as it leaves, piece by piece: in place what lies in
// memory, and through room what does not. A piece in room is valid until room
// is asked for again, any other as long as the Body. It ends with the first
// error.
func (o *Outgoing) Pieces(room func() ([]byte, error), yield func(p []byte) error) error {
	memory, _ := o.Body.(paged)
	for _, p := range o.parts() {
		if len(p.with) > 0 {
			if err := yield(p.with); err != nil {
				return err
			}
		}
		for at := p.from.Start; at < p.from.End; {
			var piece []byte
			if memory != nil {
				piece = memory.Page(at)
			}
			if len(piece) == 0 {
				var err error
				if piece, err = o.read(room, at, p.from.End); err != nil {
					return err
				}
			}
			piece = piece[:min(int64(len(piece)), p.from.End-at)]
			if err := yield(piece); err != nil {
				return err
			}
			at += int64(len(piece))
		}
	}
	return nil
}

// read reads from at on, no further than end, into the room that there is.
func (o *Outgoing) read(room func() ([]byte, error), at, end int64) ([]byte, error) {
	p, err := room()
	if err != nil {
		return nil, err
	}
	p = p[:min(int64(len(p)), end-at)]
	if n, err := o.Body.ReadAt(p, at); n < len(p) {
		return nil, fmt.Errorf("mail: read body: %w", cmp.Or(err, io.ErrUnexpectedEOF))
	}
	return p, nil
}
