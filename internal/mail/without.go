package mail

import (
	"errors"
	"io"
	"slices"
)

// Without is a body without some of its ranges, which may be unsorted and must
// not overlap: what somebody sees who must not see our own marks.
func Without(b Body, cut []Range) Body {
	if len(cut) == 0 {
		return b
	}
	w := &without{of: b}
	sorted := slices.Clone(cut)
	slices.SortFunc(sorted, func(a, b Range) int { return int(a.Start - b.Start) })
	at := int64(0)
	for _, c := range append(sorted, Range{Start: b.Size(), End: b.Size()}) {
		start, end := max(c.Start, at), min(c.End, b.Size())
		if start > at {
			w.kept = append(w.kept, Range{Start: at, End: min(start, b.Size())})
			w.size += w.kept[len(w.kept)-1].Len()
		}
		at = max(at, end)
	}
	return w
}

type without struct {
	of   Body
	kept []Range
	size int64
}

// Size implements Body.
func (w *without) Size() int64 { return w.size }

// ReadAt implements Body.
func (w *without) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("mail: read before the start")
	}
	for _, r := range w.kept {
		if off >= r.Len() {
			off -= r.Len()
			continue
		}
		if n == len(p) {
			return n, nil
		}
		part := p[n:min(int64(len(p)), int64(n)+r.Len()-off)]
		k, err := w.of.ReadAt(part, r.Start+off)
		n, off = n+k, 0
		if k < len(part) {
			return n, err
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
