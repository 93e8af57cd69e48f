package receive

import (
	"bytes"
	"sync"
)

// Sizes of the window. What nearly all clients say at a time fits the first
// one, so that idle connections cost little, the longest line fits the second,
// and content is read through the third.
const (
	briefWindow = 512
	smallWindow = 8 << 10
	largeWindow = 64 << 10
)

// window is the part of the input that was read and not yet consumed.
type window struct {
	buf   []byte // of brief, or of what is lent
	r, w  int
	brief *[briefWindow]byte
	small *[smallWindow]byte // nil: not lent
	large *[largeWindow]byte // nil: not lent
}

// windows lends the memory of windows. What is in it, nobody reads: r and w
// begin at 0.
type windows struct{ brief, small, large sync.Pool }

func (l *windows) open() window {
	brief, lent := l.brief.Get().(*[briefWindow]byte)
	if !lent {
		brief = new([briefWindow]byte)
	}
	return window{buf: brief[:], brief: brief}
}

// close takes the memory of a window back; nobody uses it any more.
func (l *windows) close(w *window) {
	if w.large != nil {
		l.large.Put(w.large)
	}
	if w.small != nil {
		l.small.Put(w.small)
	}
	if w.brief != nil {
		l.brief.Put(w.brief)
	}
	*w = window{}
}

// unread is what was read and not yet consumed. It is valid until room.
func (w *window) unread() []byte { return w.buf[w.r:w.w] }

// consume drops the first n octets of unread.
func (w *window) consume(n int) { w.r += n }

// room returns space for new input; it may move what is unread. Where the brief
// memory is full, it goes on with the small one.
func (w *window) room(from *windows) []byte {
	if w.w-w.r == briefWindow && w.small == nil && w.large == nil {
		w.lendSmall(from)
	}
	if w.r > 0 {
		copy(w.buf, w.buf[w.r:w.w])
		w.w -= w.r
		w.r = 0
	}
	return w.buf[w.w:]
}

func (w *window) lendSmall(from *windows) {
	small, lent := from.small.Get().(*[smallWindow]byte)
	if !lent {
		small = new([smallWindow]byte)
	}
	w.move(small[:])
	w.small = small
}

// filled says that n octets were read into room.
func (w *window) filled(n int) { w.w += n }

// widen goes on with a large buffer.
func (w *window) widen(from *windows) {
	if w.large != nil {
		return
	}
	large, lent := from.large.Get().(*[largeWindow]byte)
	if !lent {
		large = new([largeWindow]byte)
	}
	w.move(large[:])
	w.large = large
}

// narrow gives the large buffer back once what is unread fits a smaller one.
func (w *window) narrow(to *windows) {
	n := w.w - w.r
	switch {
	case w.large == nil || n > smallWindow/2:
		return
	case n > briefWindow/2 && w.small == nil:
		w.lendSmall(to)
	case n > briefWindow/2:
		w.move(w.small[:])
	default:
		w.move(w.brief[:])
		if w.small != nil {
			to.small.Put(w.small)
			w.small = nil
		}
	}
	to.large.Put(w.large)
	w.large = nil
}

func (w *window) move(buf []byte) {
	w.w = copy(buf, w.unread())
	w.r = 0
	w.buf = buf
}

// begins reports whether the first unread octet is b.
func (w *window) begins(b byte) bool { return w.r < w.w && w.buf[w.r] == b }

// line returns the length of the first line with its end, 0 when its end is
// not here yet. Bare says that the line has an LF without CR before it.
func (w *window) line() (n int, bare bool) {
	i := bytes.IndexByte(w.unread(), '\n')
	if i < 0 {
		return 0, false
	}
	return i + 1, i == 0 || w.unread()[i-1] != '\r'
}
