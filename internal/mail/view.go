package mail

import (
	"io"
	"sync"

	"postern.dev/postern/internal/buffers"
)

// view is a decoded range of a body, read by ReadAt without being held in
// memory: it keeps a copy of the decoder every viewStep octets and goes on
// from the nearest one.
type view struct {
	body     Body
	src      Range
	encoding string
	size     int64

	mu    sync.Mutex
	marks []mark
}

// mark is a place to go on from: out octets were decoded from the octets
// before in.
type mark struct {
	in, out int64
	m       machine
}

const viewStep = 1 << 20

// newView decodes r once to learn its size.
func newView(body Body, r Range, encoding string) *view {
	v := &view{body: body, src: r, encoding: encoding}
	v.marks = []mark{{r.Start, 0, machineFor(encoding)}}
	buf := buffers.Get()
	defer buffers.Put(buf)
	at := v.run(v.marks[0], buf, nil, func(m mark) {
		if m.out-v.marks[len(v.marks)-1].out >= viewStep {
			m.m = m.m.clone()
			v.marks = append(v.marks, m)
		}
	})
	v.size = at.out
	return v
}

// Size implements Body.
func (v *view) Size() int64 { return v.size }

// ReadAt implements io.ReaderAt.
func (v *view) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= v.size {
		return 0, io.EOF
	}
	want := min(int64(len(p)), v.size-off)
	buf := buffers.Get()
	defer buffers.Put(buf)
	at := v.nearest(off)
	sink := &span{p: p[:want], off: off}
	last := v.run(at, buf, sink, nil)
	v.remember(last)
	if sink.n < len(p) {
		return sink.n, io.EOF
	}
	return sink.n, nil
}

// nearest returns the last mark before off. The mark after the latest read
// is kept last, so that reading in order decodes once.
func (v *view) nearest(off int64) mark {
	v.mu.Lock()
	defer v.mu.Unlock()
	best := v.marks[0]
	for _, m := range v.marks {
		if m.out <= off && m.out >= best.out {
			best = m
		}
	}
	best.m = best.m.clone()
	return best
}

// remember keeps where a read ended, in place of the one before.
func (v *view) remember(m mark) {
	v.mu.Lock()
	defer v.mu.Unlock()
	fixed := int(v.size/viewStep) + 2
	if len(v.marks) > fixed {
		v.marks = v.marks[:len(v.marks)-1]
	}
	v.marks = append(v.marks, m)
}

// span receives the decoded octets from off on.
type span struct {
	p   []byte
	off int64
	n   int
}

// run decodes from a mark to the end of the source, or until sink is full.
// The mark it returns is one to go on from at the end of what was read.
func (v *view) run(at mark, buf *[windowSize]byte, sink *span, passed func(mark)) mark {
	var out [8 << 10]byte
	r, w := 0, 0
	for {
		if w-r < 1<<10 && at.in+int64(w-r) < v.src.End {
			copy(buf[:], buf[r:w])
			w -= r
			r = 0
			// What is read ahead is thrown away at the end of a read.
			room := buf[w:min(len(buf), w+viewChunk(sink))]
			if left := v.src.End - at.in - int64(w); int64(len(room)) > left {
				room = room[:left]
			}
			n, _ := v.body.ReadAt(room, at.in+int64(w))
			if n == 0 {
				return at
			}
			w += n
		}
		eof := at.in+int64(w-r) >= v.src.End
		dst := out[:]
		if sink != nil {
			// The machine must not run past what is wanted, except by what
			// a step needs as room.
			left := sink.off + int64(len(sink.p)) - at.out
			if left <= 0 {
				return at
			}
			dst = out[:max(min(left, int64(len(out))), minStep)]
		}
		before := at.m
		if sink != nil {
			before = at.m.clone()
		}
		n, taken := at.m.step(dst, buf[r:w], eof)
		if n == 0 && taken == 0 {
			return at
		}
		if sink != nil && at.out+int64(n) > sink.off+int64(len(sink.p)) {
			sink.take(out[:n], at.out)
			at.m = before
			return at
		}
		if sink != nil {
			sink.take(out[:n], at.out)
		}
		r += taken
		at.in += int64(taken)
		at.out += int64(n)
		if passed != nil {
			passed(at)
		}
	}
}

func viewChunk(sink *span) int {
	if sink == nil {
		return windowSize
	}
	return min(windowSize, max(4<<10, len(sink.p)*3/2))
}

func (s *span) take(p []byte, at int64) {
	if skip := s.off + int64(s.n) - at; skip > 0 {
		if skip >= int64(len(p)) {
			return
		}
		p = p[skip:]
	}
	s.n += copy(s.p[s.n:], p)
}
