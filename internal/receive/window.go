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
	buf  []byte
	r, w int
}

func newWindow() window { return window{buf: make([]byte, smallWindow)} }

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

// widen goes on with a large buffer from the pool.
func (w *window) widen(pool *sync.Pool) {
	if len(w.buf) >= largeWindow {
		return
	}
	large := *pool.Get().(*[]byte)
	w.w = copy(large, w.unread())
	w.r = 0
	w.buf = large
}

// narrow gives the large buffer back once what is unread fits the small one.
func (w *window) narrow(pool *sync.Pool) {
	if len(w.buf) < largeWindow || w.w-w.r > smallWindow/2 {
		return
	}
	large := w.buf
	small := newWindow()
	small.w = copy(small.buf, w.unread())
	*w = small
	pool.Put(&large)
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
