package receive

import (
	"bytes"
	"sync"
)

// Sizes of the window. Commands fit the small one, so that idle connections
// cost little; content is read through the large one.
const (
	smallWindow = 8 << 10
	largeWindow = 64 << 10
)

// window is the part of the input that was read and not yet consumed.
type window struct {
	buf   []byte // small or large
	r, w  int
	small *[smallWindow]byte
	large *[largeWindow]byte // nil: not lent
}

// windows lends the memory of windows. What is in it, nobody reads: r and w
// begin at 0.
type windows struct{ small, large sync.Pool }

func (l *windows) open() window {
	small, lent := l.small.Get().(*[smallWindow]byte)
	if !lent {
		small = new([smallWindow]byte)
	}
	return window{buf: small[:], small: small}
}

// close takes the memory of a window back; nobody uses it any more.
func (l *windows) close(w *window) {
	if w.large != nil {
		l.large.Put(w.large)
	}
	if w.small != nil {
		l.small.Put(w.small)
	}
	*w = window{}
}

// unread is what was read and not yet consumed. It is valid until room.
func (w *window) unread() []byte { return w.buf[w.r:w.w] }

// consume drops the first n octets of unread.
func (w *window) consume(n int) { w.r += n }

// room returns space for new input; it may move what is unread.
func (w *window) room() []byte {
	if w.r > 0 {
		copy(w.buf, w.buf[w.r:w.w])
		w.w -= w.r
		w.r = 0
	}
	return w.buf[w.w:]
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

// narrow gives the large buffer back once what is unread fits the small one.
func (w *window) narrow(to *windows) {
	if w.large == nil || w.w-w.r > smallWindow/2 {
		return
	}
	w.move(w.small[:])
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
