package pdf

import (
	"bytes"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"
)

// A layout makes lines of letters that stand somewhere. Letters that follow
// each other become a run as they come; runs that stand beside each other on
// the page become a segment, whatever their order; segments come out in the
// order of the file, which is how programs write columns and cells.
type layout struct {
	work *work
	buf  []byte
	runs []run
	out  []byte
	// rows are lines whose parts came out at different places.
	rows    [][]byte
	letters int

	angle, sin, cos float64
	turn            int // the angle in degrees
	size, stretch   float64
	spacing         float64

	open   bool // the last run may go on
	spaced bool // a space was put
	// squeezed is set when that space has a width: where nothing is left of
	// it, it is none.
	squeezed bool
	moved    bool // the pen was put somewhere since the last letter
	gaps     []gap
	lastAt   float64 // where the last letter begins
	lastLen  int     // octets of the last letter
	high     bool    // an octet was put that may begin a letter that is read from right to left

	// Room of part, used again.
	order []run
	list  []segment
	byRow []int
}

// run is a piece of text on one line.
type run struct {
	turn        int
	u0, u1, v   float64 // along the line and across it
	size        float64
	from, to    int
	seq         int
	spaced      bool
	shift       float64 // how far it is raised above v
	gap0, gapTo int     // its gaps
}

// gap is a space that nobody wrote: it was seen between two letters.
type gap struct {
	at    int
	width float64
}

// What distances mean, in parts of the size. A word ends at wordGap (MuPDF
// takes 0.15, pdftotext 0.1, PDFBox about 0.15), a column at columnGap; runs
// that are not neighbors in the file are joined below strangerGap only.
const (
	wordGap     = 0.15
	columnGap   = 1.2
	strangerGap = 0.55
	backGap     = -0.65
	sameLine    = 0.2
	squeezedGap = 0.07
)

func newLayout(w *work) *layout { return &layout{work: w, cos: 1} }

// wiped is an empty layout in the room of one that is not needed any more.
func (l *layout) wiped() *layout {
	*l = layout{
		work: l.work, cos: 1, buf: l.buf[:0], runs: l.runs[:0], out: l.out[:0], gaps: l.gaps[:0],
		order: l.order[:0], list: l.list[:0], byRow: l.byRow[:0],
	}
	return l
}

// aim sets direction and size of what is put next.
func (l *layout) aim(angle, size, stretch, spacing float64) {
	if angle != l.angle {
		l.angle = angle
		l.sin, l.cos = math.Sincos(angle)
		l.turn = int(math.Round(angle * 180 / math.Pi))
		if math.IsNaN(angle) {
			l.sin, l.cos, l.turn = 0, 1, 0
		}
	}
	if !(size > 1e-6 && size < 1e6) {
		size = 1
	}
	l.size, l.stretch, l.spacing = size, stretch, min(spacing, size/2)
}

// put places a letter, or several that stand for one glyph.
func (l *layout) put(s string, x, y, w float64) {
	if s == "" {
		return
	}
	if blank(s) {
		l.spaced, l.squeezed = true, w > 0
		return
	}
	u, v := x*l.cos+y*l.sin, y*l.cos-x*l.sin
	if !(math.Abs(u) < 1e9 && math.Abs(v) < 1e9 && w < 1e9) {
		u, v, w = 0, 0, 0
	}
	if !l.joins(s, u, v) {
		if l.twice(s, u, v) {
			return
		}
		l.begin(u, v)
	}
	r := &l.runs[len(l.runs)-1]
	l.buf = append(l.buf, s...)
	l.high = l.high || s[0] >= firstOctet || len(s) > 1
	r.to = len(l.buf)
	r.u1 = max(r.u1, u+w)
	l.lastAt, l.lastLen = u, len(s)
	l.letters++
	l.spaced, l.moved = false, false
}

// extend makes the last letter longer: it stands for several glyphs.
func (l *layout) extend(x, y, w float64) {
	if !l.open {
		return
	}
	r := &l.runs[len(l.runs)-1]
	if u := x*l.cos + y*l.sin; math.Abs(u) < 1e9 && w < 1e9 {
		r.u1 = max(r.u1, u+w)
	}
}

// blank reports whether a text is white space only.
func blank(s string) bool {
	if s[0] > ' ' && s[0] < 0x80 {
		return false
	}
	for _, r := range s {
		if !unicode.IsSpace(r) && r != 0 && r != 0x200B && r != 0xFEFF {
			return false
		}
	}
	return true
}

// joins reports whether a letter goes on with the last run, and writes the
// space before it.
func (l *layout) joins(s string, u, v float64) bool {
	if !l.open || !l.work.step(1) {
		return false
	}
	r := &l.runs[len(l.runs)-1]
	if !l.onLine(r, v) {
		return false
	}
	size := max(l.size, r.size)
	d := u - r.u1
	if d > columnGap*size || d < backGap*size || d < -0.3*size && u < l.lastAt+0.1*size {
		return false
	}
	if l.moved && d > wordGap*size {
		return false // something may come in between
	}
	if l.spaced && !(l.squeezed && d < squeezedGap*size) {
		l.buf = append(l.buf, ' ')
		return true
	}
	if d -= l.spacing; d > wordGap*size {
		if len(l.gaps) == r.gapTo {
			l.gaps = append(l.gaps, gap{len(l.buf), d})
			r.gapTo++
		}
		l.buf = append(l.buf, ' ')
	}
	return true
}

// onLine reports whether a letter stands on the line of a run, in about its
// size.
func (l *layout) onLine(r *run, v float64) bool {
	return !(r.turn != l.turn || math.Abs(v-r.v-r.shift) > 0.1*l.size || l.size > 2.1*r.size || r.size > 2.1*l.size)
}

// twice reports whether the same letter was just put at the same place: that
// is how some programs print bold.
func (l *layout) twice(s string, u, v float64) bool {
	if !l.open {
		return false
	}
	r := &l.runs[len(l.runs)-1]
	return r.turn == l.turn && math.Abs(u-l.lastAt) < 0.12*l.size && math.Abs(v-r.v) < 0.12*l.size &&
		string(l.buf[r.to-l.lastLen:r.to]) == s
}

// begin starts a run.
func (l *layout) begin(u, v float64) {
	l.close()
	if len(l.runs) >= maxRuns {
		l.part()
	}
	if l.work.step(16) {
		r := run{
			turn: l.turn, u0: u, u1: u, v: v, size: l.size, from: len(l.buf), to: len(l.buf), seq: len(l.runs),
			spaced: l.spaced, gap0: len(l.gaps), gapTo: len(l.gaps),
		}
		l.lower(&r)
		l.runs = append(l.runs, r)
	} else if len(l.runs) == 0 {
		l.runs = append(l.runs, run{turn: l.turn, from: len(l.buf), to: len(l.buf)})
	}
	l.open = true
}

// lower puts a small raised or lowered run on the line of the one before it.
func (l *layout) lower(r *run) {
	if len(l.runs) == 0 {
		return
	}
	p := &l.runs[len(l.runs)-1]
	if d := r.u0 - p.u1; r.turn == p.turn && r.size < 0.8*p.size && math.Abs(d) < 0.35*p.size &&
		math.Abs(r.v-p.v) < 0.55*p.size {
		r.shift = r.v - p.v
		r.v = p.v
	}
}

// close ends the last run.
func (l *layout) close() { l.open = false }

// A line whose letters all stand apart is one word in wide print, or a row of
// cells. Below wideGap it is the first; below cellGap it may be either, and
// both readings are given.
const (
	wideGap = 0.3
	cellGap = 0.8
)

// tighten gives a text without the spaces that wide print has, and how wide
// they are in parts of the size; 0 where it is not printed wide.
func tighten(text []byte, gaps []gap, size float64) (tight []byte, wide float64) {
	if len(gaps) < 4 || len(gaps)*10 < (utf8.RuneCount(text)-len(gaps)-1)*7 {
		return nil, 0
	}
	widths := make([]float64, len(gaps))
	for i, g := range gaps {
		widths[i] = g.width
	}
	slices.Sort(widths)
	usual := widths[len(widths)/2]
	from := 0
	for _, g := range gaps {
		tight = append(tight, text[from:g.at]...)
		if from = g.at; g.width < usual*1.5 {
			from++
		}
	}
	return append(tight, text[from:]...), usual / size
}

// segment is text that stands together on one line.
type segment struct {
	row   int
	first int // the lowest seq in it
	turn  int
	u0    float64
	u1, v float64
	size  float64
	text  []byte
	last  int
	gaps  []gap
}

// maxRuns is how many runs of a page are put in order at a time.
const maxRuns = 200_000

// finish gives all text in lines.
func (l *layout) finish() []byte {
	l.close()
	l.part()
	return l.out
}

// part writes what was put so far.
func (l *layout) part() {
	if len(l.runs) == 0 || !l.work.step(8*len(l.runs)) {
		return
	}
	list := l.segments()
	l.write(list)
	l.findRows(list)
	l.runs, l.buf, l.gaps = l.runs[:0], l.buf[:0], l.gaps[:0]
}

// segments joins runs that stand beside each other.
func (l *layout) segments() []segment {
	l.order = append(l.order[:0], l.runs...)
	order := l.order
	slices.SortFunc(order, func(a, b run) int {
		switch {
		case a.turn != b.turn:
			return a.turn - b.turn
		case a.v != b.v:
			return sign(b.v - a.v)
		}
		return a.seq - b.seq
	})
	list := l.list[:0]
	row := 0
	for len(order) > 0 {
		n := 1
		for n < len(order) && order[n].turn == order[0].turn &&
			math.Abs(order[n].v-order[0].v) <= sameLine*min(order[n].size, order[0].size) {
			n++
		}
		line := order[:n]
		order = order[n:]
		slices.SortFunc(line, func(a, b run) int {
			if a.u0 != b.u0 {
				return sign(a.u0 - b.u0)
			}
			return a.seq - b.seq
		})
		list = l.join(list, line, row)
		row++
	}
	for i := range list {
		s := &list[i]
		if tight, wide := tighten(s.text, s.gaps, s.size); wide > 0 && wide < wideGap {
			s.text = tight
		} else if wide > 0 && wide < cellGap {
			l.rows = append(l.rows, append(tight, '\n'))
		}
		if l.high {
			s.text = logical(s.text)
		}
	}
	l.list = list
	slices.SortStableFunc(list, func(a, b segment) int { return a.first - b.first })
	return list
}

func sign(f float64) int {
	switch {
	case f < 0:
		return -1
	case f > 0:
		return 1
	}
	return 0
}

// join makes segments of one line of the page. A run that lies upon another
// one begins a segment of its own.
func (l *layout) join(list []segment, line []run, row int) []segment {
	start := len(list)
	for _, r := range line {
		text := l.buf[r.from:r.to]
		place := -1
		again := false
		for i := len(list) - 1; i >= max(start, len(list)-4); i-- {
			s := &list[i]
			if near(r.u1, s.u1, 0.12*r.size) && bytes.HasSuffix(s.text, text) {
				again = true // printed twice, for bold
				break
			}
			d := r.u0 - s.u1
			size := max(r.size, s.size)
			limit := strangerGap
			if r.seq == s.last+1 {
				limit = columnGap
			}
			if place < 0 && d >= backGap*size && d <= limit*size && r.u1 > s.u1 {
				place = i
			}
		}
		if again {
			continue
		}
		if place < 0 {
			list = append(list, segment{
				row: row, first: r.seq, turn: r.turn, u0: r.u0, u1: r.u1, v: r.v, size: r.size, last: r.seq,
				text: text[:len(text):len(text)], gaps: l.gapsOf(&r, 0, nil),
			})
			continue
		}
		s := &list[place]
		if d := r.u0 - s.u1; d > wordGap*max(r.size, s.size) && !r.spaced {
			s.gaps = append(s.gaps, gap{len(s.text), d})
		}
		if r.spaced && r.seq == s.last+1 || r.u0-s.u1 > wordGap*max(r.size, s.size) ||
			r.shift != 0 && digitAt(s.text, true) && digitAt(text, false) {
			s.text = append(s.text, ' ')
		}
		s.gaps = l.gapsOf(&r, len(s.text), s.gaps)
		s.text = append(s.text, text...)
		s.u1, s.first, s.last = max(s.u1, r.u1), min(s.first, r.seq), r.seq
		s.size = max(s.size, r.size)
	}
	return list
}

// gapsOf adds the gaps of a run whose text begins at base.
func (l *layout) gapsOf(r *run, base int, gaps []gap) []gap {
	for _, g := range l.gaps[r.gap0:r.gapTo] {
		gaps = append(gaps, gap{base + g.at - r.from, g.width})
	}
	return gaps
}

func near(a, b, by float64) bool { return math.Abs(a-b) <= by }

// write puts the segments out with what separates them.
func (l *layout) write(list []segment) {
	for i := range list {
		s := &list[i]
		if i > 0 {
			l.separate(&list[i-1], s)
		}
		l.out = append(l.out, s.text...)
	}
	if len(l.out) > 0 {
		l.out = append(l.out, '\n')
	}
}

// separate writes nothing, a space, a tab or a line end.
func (l *layout) separate(a, b *segment) {
	size := max(a.size, b.size)
	d := b.u0 - a.u1
	switch {
	case a.turn != b.turn || math.Abs(a.v-b.v) > 0.6*size || d < backGap*size:
		l.endLine(a, b)
	case d > columnGap*size:
		l.out = append(l.out, '\t')
	case d > wordGap*size || a.size < 0.8*b.size || digitAt(a.text, true) && digitAt(b.text, false):
		l.out = append(l.out, ' ')
	}
}

func digitAt(b []byte, last bool) bool {
	if len(b) == 0 {
		return false
	}
	c := b[0]
	if last {
		c = b[len(b)-1]
	}
	return c >= '0' && c <= '9'
}

// endLine ends a line. A word that is divided between two lines is put
// together again.
func (l *layout) endLine(a, b *segment) {
	n := len(l.out)
	hyphen := 0
	switch {
	case n > 1 && l.out[n-1] == '-':
		hyphen = 1
	case bytes.HasSuffix(l.out, []byte("\u00AD")):
		hyphen = 2
	case bytes.HasSuffix(l.out, []byte("\u2010")):
		hyphen = 3
	}
	if hyphen > 0 && n > hyphen {
		before, _ := utf8.DecodeLastRune(l.out[:n-hyphen])
		after, _ := utf8.DecodeRune(b.text)
		if unicode.IsLower(before) && unicode.IsLower(after) && a.turn == b.turn {
			l.out = l.out[:n-hyphen]
			return
		}
	}
	l.out = append(l.out, '\n')
}
