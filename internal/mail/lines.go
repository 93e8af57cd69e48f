package mail

import (
	"bytes"
	"encoding/binary"
	"io"

	"postern.dev/postern/internal/buffers"
)

// The window over a body and how much of one line the parser looks at. A
// boundary or a field name that is longer than prefix is none.
const (
	windowSize = buffers.Size
	prefixSize = 2 << 10
	// littleWindow is what most headers fit.
	littleWindow = 8 << 10
)

// line is one line of a body. Lines end with CR LF or with LF alone; a CR
// alone ends none, but is reported.
type line struct {
	start, end int64 // end is behind the line end
	text       int64 // offset of the line end
	data       []byte
	long       bool // the line is longer than data
	cr, nul    bool // holds a bare CR, a NUL
	url        bool // may hold "-" or "_"
}

// lines reads a range of a body line by line, each octet once.
type lines struct {
	body    io.ReaderAt
	buf     *[windowSize]byte
	little  bool  // the next fill shall take little
	r, w    int   // unread octets are buf[r:w]
	base    int64 // offset of buf[0]
	end     int64
	hasNUL  bool // the current window holds a NUL
	hasURL  bool // the current window holds "-" or "_"
	long    []byte
	plain   int64               // up to here no uniform lines need be looked for
	keep    []byte              // the octets of the lines since keeping began
	held    *[buffers.Size]byte // what keep lies in
	keeping bool
	keepMax int
	seen    oddities
}

// oddities say that octets hold a CR or LF that is not part of a pair, one
// over 127, a zero.
type oddities struct{ bare, eightBit, nul bool }

func newLines(body io.ReaderAt, r Range) *lines {
	return &lines{body: body, buf: buffers.Get(), base: r.Start, end: r.End}
}

func (s *lines) close() {
	buffers.Put(s.buf)
	buffers.Put(s.held)
	s.buf, s.held = nil, nil
}

// fill moves the unread octets to the front and reads behind them. A body
// that ends early, or fails, ends the scan.
func (s *lines) fill() {
	copy(s.buf[:], s.buf[s.r:s.w])
	s.base += int64(s.r)
	s.w -= s.r
	s.r = 0
	room := s.buf[s.w:]
	if s.little {
		room, s.little = room[:min(len(room), littleWindow)], false
	}
	if left := s.end - s.base - int64(s.w); int64(len(room)) > left {
		room = room[:left]
	}
	if len(room) == 0 {
		return
	}
	n, err := s.body.ReadAt(room, s.base+int64(s.w))
	fresh := s.buf[s.w : s.w+n]
	s.w += n
	if n < len(room) || err != nil && err != io.EOF {
		s.end = s.base + int64(s.w)
	}
	s.hasNUL = bytes.IndexByte(s.buf[:s.w], 0) >= 0
	s.hasURL = bytes.IndexByte(s.buf[:s.w], '-') >= 0 || bytes.IndexByte(s.buf[:s.w], '_') >= 0
	s.seen.nul = s.seen.nul || s.hasNUL
	s.seen.eightBit = s.seen.eightBit || !isASCII(fresh)
}

// more reports whether octets lie behind the window.
func (s *lines) more() bool { return s.base+int64(s.w) < s.end }

// next returns the next line. Its data is valid until the next call.
func (s *lines) next() (line, bool) {
	if s.w-s.r < prefixSize && s.more() {
		s.fill()
	}
	if s.r == s.w {
		return line{}, false
	}
	l := line{start: s.base + int64(s.r)}
	i := bytes.IndexByte(s.buf[s.r:s.w], '\n')
	if i < 0 && s.more() {
		return s.longLine(l), true
	}
	ended := i >= 0
	if !ended {
		i = s.w - s.r
	}
	data := s.buf[s.r : s.r+i]
	all := s.buf[s.r:min(s.r+i+1, s.w)]
	s.r += len(all)
	s.hold(all)
	return s.finish(l, data, ended, int64(len(all))), true
}

// uniform goes over the lines at the front of the window that are alike: of
// one width, ended by CR LF, and without any octet that could make one of
// them a delimiter or padding. It returns how many there were; none when they
// are not worth it.
func (s *lines) uniform() (n, width int) {
	at := s.base + int64(s.r)
	if at < s.plain || s.keeping {
		return 0, 0
	}
	data := s.buf[s.r:s.w]
	width = bytes.IndexByte(data, '\n') - 1 // not for CR: where there is none, each line would search all
	if width <= 0 || width > prefixSize {
		s.plain = at + 1
		return 0, 0
	}
	n, octets := EvenLines(data, width)
	s.plain = at + int64(octets) + 1 // when this is no such run, no part of it is
	if n == 0 {
		return 0, 0
	}
	run := data[:octets]
	if bytes.IndexByte(run, '=') >= 0 || s.hasNUL && bytes.IndexByte(run, 0) >= 0 ||
		s.hasURL && (bytes.IndexByte(run, '-') >= 0 || bytes.IndexByte(run, '_') >= 0) {
		return 0, 0
	}
	s.r += len(run)
	return n, width
}

// EvenLines finds how many lines at the front of p, which begins one, are of a
// width, end with CR LF, hold neither of the two inside, and begin with neither
// a dot nor white space nor a control: most of a large message is such lines,
// and to see that there is one more takes a tenth of looking for its end. octets
// is what they take up. Where there are too few to be worth it, lines is 0, and
// no line within octets is worth asking about again.
func EvenLines(p []byte, width int) (lines, octets int) {
	const least = 8
	step := width + len("\r\n")
	for end := width; end+1 < len(p) && p[end] == '\r' && p[end+1] == '\n'; end += step {
		if first := p[end-width]; first <= ' ' || first == '.' {
			break
		}
		lines++
	}
	octets = lines * step
	run := p[:octets]
	if lines < least || bytes.Count(run, []byte{'\n'}) != lines || bytes.Count(run, []byte{'\r'}) != lines {
		return 0, max(octets, 1)
	}
	return lines, octets
}

// dull goes over the lines at the front of the window that begin with none of
// stops and hold neither a CR inside nor a NUL. It returns how many octets end
// the last one; none when there is no such line.
func (s *lines) dull(stops *[256]bool) (ends int64) {
	at := s.base + int64(s.r)
	if at < s.plain || s.keeping {
		return 0
	}
	data := s.buf[s.r:s.w]
	n, pairs, bare := 0, 0, false
	for n < len(data) && !stops[data[n]] {
		i := bytes.IndexByte(data[n:], '\n')
		if i < 0 {
			break
		}
		if ends = 1; i > 0 && data[n+i-1] == '\r' {
			ends = 2
			pairs++
		} else {
			bare = true
		}
		n += i + 1
	}
	run := data[:n]
	if bytes.Count(run, []byte{'\r'}) != pairs || s.hasNUL && bytes.IndexByte(run, 0) >= 0 {
		s.plain = at + int64(n)
		return 0
	}
	s.seen.bare = s.seen.bare || bare
	s.r += n
	return ends
}

// finish fills in what is known of a line that lies in the window as a whole.
func (s *lines) finish(l line, data []byte, ended bool, size int64) line {
	l.end = l.start + size
	if ended {
		if n := len(data); n > 0 && data[n-1] == '\r' {
			data = data[:n-1]
		} else {
			s.seen.bare = true
		}
	}
	l.text = l.start + int64(len(data))
	if bytes.IndexByte(data, '\r') >= 0 {
		l.cr, s.seen.bare = true, true
	}
	l.nul = s.hasNUL && bytes.IndexByte(data, 0) >= 0
	l.url = s.hasURL
	if len(data) > prefixSize {
		data, l.long = data[:prefixSize], true
	}
	l.data = data
	return l
}

// longLine reads a line that is longer than the window, in pieces.
func (s *lines) longLine(l line) line {
	l.long, l.url = true, true
	s.long = append(s.long[:0], s.buf[s.r:min(s.r+prefixSize, s.w)]...)
	last := byte(0) // a CR at the end of a piece may belong to the line end
	for {
		i := bytes.IndexByte(s.buf[s.r:s.w], '\n')
		piece := s.buf[s.r:s.w]
		if i >= 0 {
			piece = s.buf[s.r : s.r+i]
		}
		if last == '\r' && len(piece) > 0 {
			l.cr = true
		}
		if n := len(piece); n > 0 {
			l.cr = l.cr || bytes.IndexByte(piece[:n-1], '\r') >= 0
			last = piece[n-1]
		}
		l.nul = l.nul || s.hasNUL && bytes.IndexByte(piece, 0) >= 0
		if i >= 0 {
			piece = s.buf[s.r : s.r+i+1]
		}
		s.hold(piece)
		s.r += len(piece)
		if i < 0 && s.more() {
			s.fill()
			continue
		}
		l.end = s.base + int64(s.r)
		l.text = l.end
		if i >= 0 {
			l.text--
			if last == '\r' {
				l.text--
			} else {
				s.seen.bare = true
			}
		} else if last == '\r' {
			l.cr = true
		}
		s.seen.bare = s.seen.bare || l.cr
		l.data = s.long
		return l
	}
}

// startKeeping makes the lines from here on available as kept, up to limit.
func (s *lines) startKeeping(limit int) {
	if s.held == nil {
		s.held = buffers.Get()
		s.keep = s.held[:0]
	}
	s.keep, s.keeping, s.keepMax = s.keep[:0], true, limit
}

// keepFrom keeps what lies between an offset and the next line.
func (s *lines) keepFrom(at int64) {
	n, _ := s.body.ReadAt(s.held[:min(s.base+int64(s.r)-at, int64(s.keepMax))], at)
	s.keep = s.held[:n]
}

func (s *lines) hold(p []byte) {
	if s.keeping {
		s.keep = append(s.keep, p[:min(len(p), s.keepMax-len(s.keep))]...)
	}
}

// kept ends keeping and returns a copy.
func (s *lines) kept() string {
	s.keeping = false
	return string(s.keep)
}

func isASCII(p []byte) bool {
	for len(p) >= 32 {
		a, b := binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:16])
		c, d := binary.LittleEndian.Uint64(p[16:24]), binary.LittleEndian.Uint64(p[24:32])
		if (a|b|c|d)&0x8080808080808080 != 0 {
			return false
		}
		p = p[32:]
	}
	for len(p) >= 8 {
		if binary.LittleEndian.Uint64(p)&0x8080808080808080 != 0 {
			return false
		}
		p = p[8:]
	}
	for _, c := range p {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
