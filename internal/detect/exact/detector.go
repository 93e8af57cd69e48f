package exact

import (
	"bytes"
	"fmt"
	"sync"

	"postern.dev/postern/internal/detect"
)

// Detector finds the rows of a table in text.
type Detector struct {
	id, kind string
	table    *Table
	need     int
	window   int
	state    sync.Pool // of *state
}

// state is what a scan works with.
type state struct {
	hash  *hasher
	words words
	near  map[uint32]bool
}

// maxWindow bounds how far other cells may stand from the primary one, in
// octets: a detector decides from what stands within detect.Margin.
const maxWindow = detect.Margin / 2

// New makes a detector: a primary cell with need others of its row within
// window octets is found with high confidence, one alone with low. A window
// of 0 is 300.
func New(id string, t *Table, need, window int) *Detector {
	if window <= 0 {
		window = 300
	}
	d := &Detector{
		id: id, kind: detect.TypeOf(id), table: t, need: min(max(need, 0), len(t.Others)), window: min(window, maxWindow),
	}
	d.state.New = func() any { return &state{hash: newHasher(t.salt), near: map[uint32]bool{}} }
	return d
}

// ID implements detect.Detector.
func (d *Detector) ID() string { return d.id }

// Scan implements detect.Detector.
func (d *Detector) Scan(w *detect.Window, found func(detect.Hit)) {
	s := d.state.Get().(*state)
	defer d.state.Put(s)
	s.words.take(w.Text)
	for i := range s.words.list {
		for n := 1; n <= d.table.Run && i+n <= len(s.words.list); n++ {
			if n > 1 && !joined(w.Text, s.words.list[i+n-2].end, s.words.list[i+n-1].start) {
				break
			}
			form, class := s.run(i, n)
			if len(form) > maxCell {
				break
			}
			if !d.table.possible(class, len(form)) {
				continue
			}
			if row, ok := d.table.first(s.hash.sum(form)); ok {
				found(d.hit(s, row, i, n, form))
			}
		}
	}
}

// run is the folded form of n words from i on.
func (s *state) run(i, n int) ([]byte, class) {
	var c class
	for _, w := range s.words.list[i : i+n] {
		c |= w.class
	}
	return s.words.folded[s.words.list[i].from:s.words.list[i+n-1].to], c
}

// joined reports whether what stands between two words may stand inside a
// cell: up to three separators, and no end of a line.
func joined(text []byte, end, start int) bool {
	between := text[end:start]
	return len(between) <= 3 && !bytes.ContainsAny(between, "\n\t;|")
}

// hit weighs a primary cell: the row, of those that have it, for which most
// other cells stand near.
func (d *Detector) hit(s *state, row, i, n int, form []byte) detect.Hit {
	start, end := s.words.list[i].start, s.words.list[i+n-1].end
	h := detect.Hit{
		Type: d.kind, Start: start, End: end, Confidence: detect.Low, Score: 4, Value: string(form),
		Why: []string{"a " + d.table.Primary + " of the table"}, Aside: true,
	}
	s.surroundings(i, n, start, end, d)
	key, best, bestRow := d.table.primary(row), -1, row
	for r := row; r < d.table.Rows && r < row+maxSame && d.table.primary(r) == key; r++ {
		count := 0
		for c := range d.table.Others {
			if v := d.table.other(r, c); v != 0 && s.near[v] {
				count++
			}
		}
		if count > best {
			best, bestRow = count, r
		}
	}
	for c, name := range d.table.Others {
		if v := d.table.other(bestRow, c); v != 0 && s.near[v] {
			h.Why = append(h.Why, name+" of the same row")
		}
	}
	if best >= d.need {
		h.Confidence, h.Score = detect.High, 10+float64(best)
	} else if best > 0 {
		h.Why = append(h.Why, fmt.Sprintf("%d of %d fields that are needed", best, d.need))
	}
	return h
}

// maxSame bounds how many rows with one primary cell are compared.
const maxSame = 1000

// surroundings collects the hashes of what stands within the window around a
// primary cell.
func (s *state) surroundings(i, n, start, end int, d *Detector) {
	clear(s.near)
	from, to := i, i+n
	for from > 0 && s.words.list[from-1].start >= start-d.window {
		from--
	}
	for to < len(s.words.list) && s.words.list[to].end <= end+d.window {
		to++
	}
	for a := from; a < to; a++ {
		for k := 1; k <= d.table.LongRun && a+k <= to; k++ {
			if form, _ := s.run(a, k); len(form) <= maxCell {
				s.near[short(s.hash.sum(form))] = true
			}
		}
	}
}
