package zipped

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// sweep looks at what neither the directory nor its entries occupy: entries
// that the directory does not list, and data that belongs to nothing.
func (a *Archive) sweep() {
	slices.SortFunc(a.taken, func(x, y span) int { return x.from - y.from })
	listed := len(a.taken)
	at := 0
	for i := range listed {
		t := a.taken[i]
		if t.from > at {
			a.between(at, t.from)
		}
		at = max(at, t.to)
	}
	if at < len(a.b) {
		a.between(at, len(a.b))
	}
}

// between looks at one piece of the file that is not accounted for.
func (a *Archive) between(from, to int) {
	rest := from
	for at := from; at < to; {
		i := bytes.Index(a.b[at:to], []byte(sigLocal))
		if i < 0 {
			break
		}
		at += i
		end := a.stray(at, to)
		if end < 0 {
			at += 4
			continue
		}
		a.gap(rest, at)
		at, rest = end, end
	}
	a.gap(rest, to)
}

// smallGap is what programs leave between entries for reasons of their own.
const smallGap = 64

func (a *Archive) gap(from, to int) {
	if to-from < smallGap || len(a.Gaps) >= 16 {
		return
	}
	piece := a.b[from:to]
	for _, c := range piece {
		if c != 0 {
			a.Gaps = append(a.Gaps, piece)
			return
		}
	}
}

// stray adds the entry at a local header that no directory lists; it returns
// where the entry ends, or -1 when it is none.
func (a *Archive) stray(at, limit int) int {
	if at+sizeLocal > len(a.b) {
		return -1
	}
	l := readLocal(a.b, at)
	from := at + l.size
	if from > len(a.b) || len(l.name) == 0 && at > 0 || len(l.name) > 4096 || !known(l.Method) || bytes.IndexByte(l.name, 0) >= 0 {
		return -1
	}
	if len(a.Files) >= MaxEntries {
		a.Full = true
		return -1
	}
	to, next := from+int(min(l.packed, uint64(len(a.b)-from))), 0
	switch {
	case l.flags&8 != 0 && (l.packed == 0 || l.packed == 0xFFFFFFFF):
		to, next = a.described(from, limit)
	case from+int(min(l.packed, 1<<40)) > len(a.b):
		l.cut = true
		next = to
	default:
		next = to
	}
	f := l.File
	f.Hidden, f.packed = true, a.b[from:to]
	f.Name = text(l.name, l.flags)
	a.Files = append(a.Files, f)
	return next
}

// described finds the end of an entry whose size stands behind it (APPNOTE
// 4.3.9): at the first descriptor whose size fits, else where the next
// structure begins.
func (a *Archive) described(from, limit int) (to, next int) {
	le := binary.LittleEndian
	limit = max(limit, from) // a header may reach into what follows
	for at := from; at < limit; {
		i := bytes.Index(a.b[at:limit], []byte(sigDescriptor))
		if i < 0 {
			break
		}
		at += i
		if at+16 <= len(a.b) && le.Uint32(a.b[at+8:]) == uint32(at-from) {
			next = at + 16
			if at+24 <= len(a.b) && le.Uint64(a.b[at+8:]) == uint64(at-from) {
				next = at + 24
			}
			return at, next
		}
		at += 4
	}
	to = limit
	for _, sig := range []string{sigLocal, sigCentral} {
		if i := bytes.Index(a.b[from:to], []byte(sig)); i >= 0 {
			to = from + i
		}
	}
	return to, to
}

// compare notes names that occur twice and entries that only we see.
func (a *Archive) compare() {
	seen := make(map[string]struct{}, len(a.Files))
	for i := range a.Files {
		f := &a.Files[i]
		if f.Hidden {
			if a.Damaged == "" {
				a.odd("there are entries that the directory does not show")
			}
			continue
		}
		if _, twice := seen[f.Name]; twice {
			a.odd("two entries have the same name")
		}
		seen[f.Name] = struct{}{}
	}
}
