package look

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"postern.dev/postern/internal/detect"
)

// turned collects what stands behind the mark that turns text around (UAX #9,
// RIGHT-TO-LEFT OVERRIDE), and gives it back as it is read.
type turned struct {
	text []byte
	on   bool
	tail []byte // what may be the beginning of a mark
}

const (
	turnMark = "\u202e"
	turnEnd  = "\u202c"
)

// maxTurned bounds one piece of turned text.
const maxTurned = 4 << 10

// take reads the next piece of a text and returns what was turned in it.
func (t *turned) take(p []byte) (back []byte) {
	if len(t.tail) > 0 {
		p = append(t.tail, p...)
		t.tail = nil
	}
	for {
		if !t.on {
			i := bytes.Index(p, []byte(turnMark))
			if i < 0 {
				if n := cutMark(p); n > 0 {
					t.tail = bytes.Clone(p[len(p)-n:])
				}
				return back
			}
			t.on = true
			p = p[i+len(turnMark):]
		}
		end := bytes.IndexAny(p, turnEnd+"\r\n")
		n := len(p)
		if end >= 0 {
			n = end
		}
		n = min(n, maxTurned-len(t.text))
		t.text = append(t.text, p[:n]...)
		p = p[n:]
		if end < 0 && len(t.text) < maxTurned {
			return back
		}
		back = append(back, t.rest()...)
	}
}

// rest is what was turned, up to here.
func (t *turned) rest() []byte {
	if !t.on {
		return nil
	}
	runes := []rune(string(t.text))
	slices.Reverse(runes)
	t.text, t.on = t.text[:0], false
	return []byte(string(runes) + "\n")
}

// cutMark is how many octets at the end of p may begin a mark.
func cutMark(p []byte) int {
	for n := min(len(turnMark)-1, len(p)); n > 0; n-- {
		if strings.HasPrefix(turnMark, string(p[len(p)-n:])) {
			return n
		}
	}
	return 0
}

// seam keeps the two ends of a text that is shown, without the white space
// around it.
type seam struct {
	part       string
	head, tail []byte
}

// maxSeam is how much of each end is kept.
const maxSeam = 256

func (e *seam) add(p []byte) {
	if e.part == "" {
		return
	}
	if n := maxSeam - len(e.head); n > 0 {
		e.head = append(e.head, p[:min(n, len(p))]...)
	}
	e.tail = last(e.tail, p)
}

// last is the end of a and p together.
func last(a, p []byte) []byte {
	if len(p) >= maxSeam {
		return append(a[:0], p[len(p)-maxSeam:]...)
	}
	if n := len(a) + len(p) - maxSeam; n > 0 {
		a = append(a[:0], a[n:]...)
	}
	return append(a, p...)
}

// across looks at what this text and the one that is shown before it say
// together.
func (s *stream) across() error {
	before := s.w.ended
	s.w.ended = seam{}
	if s.seam.part == "" {
		return nil
	}
	head := bytes.TrimSpace(s.seam.head)
	s.seam.tail = bytes.TrimSpace(s.seam.tail)
	if s.it.Follows != "" && before.part == s.it.Follows {
		tail := before.tail
		if err := s.joined(tail, head); err != nil {
			return err
		}
		if len(s.seam.tail) < maxSeam/4 { // a short piece: the next one may go on with both
			s.seam.tail = last(append([]byte(nil), tail...), s.seam.tail)
		}
	}
	s.w.ended = s.seam
	return nil
}

// joined counts what lies across the seam.
func (s *stream) joined(tail, head []byte) error {
	if len(tail) == 0 || len(head) == 0 {
		return nil
	}
	for _, glue := range []string{"", " "} {
		at := int64(len(tail))
		out := s.again(func(f detect.Found) {
			if f.From < at && f.To > at+int64(len(glue)) {
				f.From = 0
				s.w.tally.Add(f)
			}
		})
		for len(tail) > 0 && !utf8.RuneStart(tail[0]) {
			tail, at = tail[1:], at-1
		}
		if _, err := out.Write(slices.Concat(tail, []byte(glue), head)); err != nil {
			return err
		}
		if err := out.Close(); err != nil {
			return err
		}
		out.Release()
	}
	return nil
}
