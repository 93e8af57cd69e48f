package pdf

import (
	"math"
	"unicode/utf8"
)

// straight is a line along which letters are put, one behind the other.
type straight struct {
	u, step float64 // where it begins, and what one unit of the text's space is on it
	size    float64
	run     *run
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
	return straight{u, along, max(l.size, r.size), r}, true
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
	l.lastAt, l.lastLen = u, 1
	l.letters++
	l.spaced = false
	return true
}
