package detect

import (
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"
)

// Stream runs detectors over one text that is written to it in pieces. It
// holds one window, however long the text is.
type Stream struct {
	// Source names the text.
	Source Source
	// Detectors are run in this order over each window.
	Detectors []Detector
	// Step, when set, is called before a detector looks at a window; its
	// error ends the stream.
	Step func(d Detector) error
	// Failed, when set, is called once for a detector that panicked or
	// returned nonsense. What it found before stays; it is not run again.
	Failed func(d Detector, why error)
	// Found is called for every hit, in the order of the text.
	Found func(Found)
	// Size is the text of one window without margins; 0 for the constant.
	Size int

	text    folded
	marks   marks
	lead    int
	pending []byte // the beginning of a rune
	window  Window
	failed  map[string]bool
	read    int64

	hits    []Found // of the window at hand
	by      Detector
	garbage bool
	take    func(Hit)
}

// ErrGarbage is the failure of a detector whose hits cannot be true.
var ErrGarbage = errors.New("detect: a detector returned garbage")

// lentText is how much text a Stream may hold and still be used again.
const lentText = 256 << 10

// lentThings is how many things detectors may have in common in a Stream that
// is used again: those of catalogues that are gone must go, too.
const lentThings = 16

var streams = sync.Pool{New: func() any { return &Stream{} }}

// Open gives a Stream over a text, with the memory of one that was released.
func Open(source Source, list []Detector) *Stream {
	s := streams.Get().(*Stream)
	s.Source, s.Detectors = source, list
	return s
}

// Release gives the memory of a closed Stream back. Nobody may use it then.
func (s *Stream) Release() {
	if cap(s.text.text) > lentText || len(s.failed) > 0 { // who failed may have left something half done
		return
	}
	clear(s.hits)
	clear(s.marks.list)
	w := Window{digits: s.window.digits[:0], number: s.window.number}
	if len(s.window.shared) <= lentThings {
		w.shared = s.window.shared
	}
	*s = Stream{
		text: folded{text: s.text.text[:0], segs: s.text.segs[:0]}, marks: marks{list: s.marks.list[:0]},
		pending: s.pending[:0], window: w, hits: s.hits[:0], take: s.take,
	}
	streams.Put(s)
}

// Write takes the next piece of the text (UTF-8; other octets separate).
func (s *Stream) Write(p []byte) (int, error) {
	n := len(p)
	s.read += int64(n)
	size := s.size()
	for len(p) > 0 {
		take := min(len(p), max(1, s.lead+size+Margin-len(s.text.text)))
		s.room(take, size+2*Margin+utf8.UTFMax)
		s.fold(p[:take])
		p = p[take:]
		if len(s.text.text) >= s.lead+size+Margin {
			if err := s.scan(false); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// room makes the window larger when n octets do not fit and it is no small one
// any more: four times, up to a whole one. Most texts are a hundredth of that.
func (s *Stream) room(n, whole int) {
	have := cap(s.text.text)
	if n < 4<<10 && have < 4<<10 || have-len(s.text.text) >= n+utf8.UTFMax || have >= whole {
		return
	}
	larger := make([]byte, len(s.text.text), min(whole, max(4*have, 4*n)))
	copy(larger, s.text.text)
	s.text.text = larger
}

// Close looks at what is left. A Stream cannot be used after it.
func (s *Stream) Close() error {
	s.text.add(s.pending)
	s.pending = s.pending[:0]
	return s.scan(true)
}

// Read is the number of bytes written so far.
func (s *Stream) Read() int64 { return s.read }

func (s *Stream) size() int {
	if s.Size > 0 {
		return s.Size
	}
	return Size
}

// fold adds p, and keeps back a rune that is not complete yet.
func (s *Stream) fold(p []byte) {
	if len(s.pending) > 0 {
		for len(p) > 0 && !utf8.FullRune(s.pending) {
			s.pending = append(s.pending, p[0])
			p = p[1:]
		}
		if !utf8.FullRune(s.pending) {
			return
		}
		s.text.add(s.pending)
		s.pending = s.pending[:0]
	}
	whole := len(p)
	for k := 1; k <= min(3, len(p)); k++ {
		if c := p[len(p)-k]; c >= 0xC0 {
			if !utf8.FullRune(p[len(p)-k:]) {
				whole = len(p) - k
			}
			break
		} else if c < utf8.RuneSelf {
			break
		}
	}
	s.text.add(p[:whole])
	s.pending = append(s.pending, p[whole:]...)
}

// scan looks at the window that is full, or at the last one.
func (s *Stream) scan(last bool) error {
	text := s.text.text
	to := len(text)
	if !last {
		for to -= Margin; to > s.lead && !utf8.RuneStart(text[to]); to-- {
		}
	}
	if to <= s.lead && !(last && s.lead == 0) || len(text) == 0 {
		return nil
	}
	s.window.stream = s
	s.window.next(s.Source, text, s.lead, to)
	if last {
		s.window.To = len(text) + 1
	}
	hits, err := s.run()
	if err != nil {
		return err
	}
	for _, h := range resolve(hits) {
		if h.Start >= s.window.From && h.Start < s.window.To {
			h.Place = s.marks.at(h.From, text, h.Start)
			s.Found(h)
		}
	}
	if last {
		return nil
	}
	from := max(0, to-Margin)
	for from > 0 && !utf8.RuneStart(text[from]) {
		from--
	}
	s.marks.cut(text[:from], s.text.start(from))
	s.text.cut(from)
	s.lead = to - from
	return nil
}

// run lets every detector look at the window.
func (s *Stream) run() ([]Found, error) {
	if s.take == nil {
		s.take = s.hit
	}
	s.hits = s.hits[:0]
	for _, d := range s.Detectors {
		if s.failed[d.ID()] {
			continue
		}
		if s.Step != nil {
			if err := s.Step(d); err != nil {
				return nil, err
			}
		}
		before := len(s.hits)
		err := s.one(d)
		if err == nil {
			continue
		}
		s.hits = s.hits[:before]
		if s.failed == nil {
			s.failed = map[string]bool{}
		}
		s.failed[d.ID()] = true
		if s.Failed != nil {
			s.Failed(d, err)
		}
	}
	return s.hits, nil
}

// one runs a detector whose panic must not hurt the others.
func (s *Stream) one(d Detector) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("detect: %s panicked", d.ID()) // the value may hold text
		}
	}()
	s.by, s.garbage = d, false
	d.Scan(&s.window, s.take)
	if s.garbage {
		return fmt.Errorf("%w (%s)", ErrGarbage, d.ID())
	}
	return nil
}

// hit takes what the detector at work found.
func (s *Stream) hit(h Hit) {
	if h.Start < 0 || h.End <= h.Start || h.End > len(s.window.Text) || !h.Confidence.valid() || h.Type == "" {
		s.garbage = true
		return
	}
	if h.Detector == "" {
		h.Detector = s.by.ID()
	}
	s.hits = append(s.hits, Found{
		Hit: h, From: s.text.start(h.Start), To: s.text.end(h.End),
	})
}
