package power

import "slices"

// image is one file after a power cut. Two with the same id are the same, and
// those with the same base have the same durable octets.
type image struct {
	base    string
	id      string
	durable []byte
	pending []change
	parts   []part
}

// octets are what the file holds.
func (i image) octets() []byte {
	b := slices.Clone(i.durable)
	for k, c := range i.pending {
		b = c.apply(b, i.parts[k])
	}
	return b
}

// window are n octets of the file at a place, or fewer at its end.
func (i image) window(at, n int) []byte {
	b, size := make([]byte, n), len(i.durable)
	if at < size {
		copy(b, i.durable[at:])
	}
	for k, c := range i.pending {
		p, off := i.parts[k], int(c.off)
		data := c.data
		switch {
		case p == lost:
			continue
		case c.truncate:
			size = off
			clear(b[min(max(off-at, 0), n):])
			continue
		case p == zeros:
			data = make([]byte, len(data))
		case p == torn:
			data = data[:tearAt(c.off, len(data))]
		}
		if len(data) == 0 {
			continue
		}
		size = max(size, off+len(data))
		if off < at {
			data, off = data[min(at-off, len(data)):], at
		}
		if off < at+n {
			copy(b[off-at:], data)
		}
	}
	return b[:min(max(size-at, 0), n)]
}

// changedBefore says whether a change that is kept touches what is before a
// place.
func (i image) changedBefore(at int) bool {
	for k, c := range i.pending {
		if i.parts[k] != lost && c.off < int64(at) {
			return true
		}
	}
	return false
}
