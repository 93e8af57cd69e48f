package pdf

import (
	"math"
	"slices"
	"unicode/utf8"
)

// printed is a letter of print: a code of a font that stands for one visible
// octet of ASCII and has a width, or for a space. way is how far it takes the
// pen, in parts of the size, and spaces is 1 for a space; octet is 0 for every
// other code.
type printed struct {
	way, spaces float64
	octet       byte
}

// The widths that a letter of print may have, in thousandths of the size.
const (
	thinnest = 1
	widest   = 10_000
)

// print finds the letters of print.
func (f *font) print() {
	for i := range f.simple {
		g := &f.simple[i]
		if !g.known || g.drawn != "" || len(g.text) != 1 || !(g.width >= thinnest && g.width <= widest) {
			continue
		}
		switch c := g.text[0]; {
		case g.space && c == ' ':
			f.printed[i] = printed{g.width / 1000, 1, c}
		case !g.space && c > ' ' && c < utf8.RuneSelf:
			f.printed[i] = printed{g.width / 1000, 0, c}
		}
	}
}

// straight is a line along which letters are put, one behind the other.
type straight struct {
	u, step float64 // where it begins, and what one unit of the text's space is on it
	size    float64
	run     *run
	lastW   float64 // the width of the last letter that was put
}

// goesOn reports whether letters that begin at x, y and go on in direction
// dx, dy lie in the last run.
func (l *layout) goesOn(x, y, dx, dy float64) (s straight, yes bool) {
	if !l.open || l.moved {
		return s, false
	}
	u, v := x*l.cos+y*l.sin, y*l.cos-x*l.sin
	along, across := dx*l.cos+dy*l.sin, dy*l.cos-dx*l.sin
	if !(math.Abs(u) < 1e8 && math.Abs(v) < 1e8 && math.Abs(across) <= 1e-9*math.Abs(along)) {
		return s, false
	}
	r := &l.runs[len(l.runs)-1]
	if !l.onLine(r, v) {
		return s, false
	}
	return straight{u: u, step: along, size: max(l.size, r.size), run: r}, true
}

// setting is how the letters of a string are set.
type setting struct {
	size, scale, words float64
	print              bool // letters of print follow each other without a gap, whatever rounding does
	lowest             byte // of their octets: a space, where it is as wide as one
}

// setting looks how letters of f are set on the line.
func (l *layout) setting(s *straight, f *font, g *graphics) setting {
	em := g.size * l.stretch
	t := setting{size: g.size, scale: g.scale, words: g.words, lowest: '!'}
	t.print = g.chars == 0 && g.scale > 0 && s.step > 0 && em >= 1e-2 && em <= 1e6 && l.size >= 1e-2 &&
		math.Abs(g.scale*s.step-l.stretch) <= 1e-12*l.stretch
	if gap := (f.printed[' '].way*g.size + g.words) * g.scale * s.step; gap > squeezedGap*1.1*s.size && gap < columnGap*0.9*s.size {
		t.lowest = ' '
	}
	return t
}

// rest puts the letters of print that begin b, behind one that next put. Each
// stands where the one before it or a space ends, so that next would put it
// too. way is where they begin; rest returns how many octets it took, and where
// they end.
func (l *layout) rest(s *straight, f *font, t *setting, b []byte, way float64) (n int, end float64) {
	if s.run.u1 != l.lastAt+s.lastW {
		return 0, way
	}
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1] // what follows decides about it
	}
	l.buf = slices.Grow(l.buf, len(b))
	out := l.buf[len(l.buf):][:len(b)]
	begin, width, spaces := way, 0.0, 0.0
	before := byte(0)
	end = way
	for n < len(out) {
		p := &f.printed[b[n]]
		if p.octet < t.lowest || p.octet+before == 2*' ' {
			break
		}
		before = p.octet
		out[n] = before
		n++
		spaces += p.spaces
		width = p.way * t.size
		begin = end
		end += (width + p.spaces*t.words) * t.scale
	}
	if before == ' ' {
		return l.rest(s, f, t, b[:n-1], way)
	}
	u := s.u + begin*s.step
	if n == 0 || !(u < 1e8) {
		return 0, way
	}
	l.buf = l.buf[:len(l.buf)+n]
	s.run.to = len(l.buf)
	s.lastW = width * l.stretch
	s.run.u1 = max(s.run.u1, u+s.lastW)
	l.lastAt = u
	l.letters += n - int(spaces)
	return n, end
}

// next puts one letter, way behind the beginning; false when it does not stand
// where the next letter of a word, or of the next word after a space, stands.
func (l *layout) next(s *straight, c byte, way, w float64) bool {
	if c <= ' ' || c >= utf8.RuneSelf {
		if c != ' ' {
			return false
		}
		l.spaced, l.squeezed = true, w > 0
		return true
	}
	u, r := s.u+way*s.step, s.run
	d := u - r.u1
	if !(d <= columnGap*s.size && d >= -0.3*s.size && u < 1e9 && w < 1e9) {
		return false
	}
	switch {
	case l.spaced && !(l.squeezed && d < squeezedGap*s.size):
		l.buf = append(l.buf, ' ')
	case d-l.spacing > wordGap*s.size:
		return false
	}
	l.buf = append(l.buf, c)
	r.to = len(l.buf)
	r.u1 = max(r.u1, u+w)
	s.lastW = w
	l.lastAt, l.lastLen = u, 1
	l.letters++
	l.spaced = false
	return true
}
