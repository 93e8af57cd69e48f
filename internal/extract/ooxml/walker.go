package ooxml

import (
	"bytes"
	"unicode/utf8"

	"postern.dev/postern/internal/extract/heading"
	"postern.dev/postern/internal/extract/xmlread"
)

// walker turns the tokens of a part into text: a line for a paragraph, tabs
// between the cells of a table.
type walker struct {
	out     Sink
	place   string
	opened  bool // the section was announced
	err     error
	x       *xmlread.Reader
	root    string
	strange bool // a root that is not known: attributes are text as well

	frames []frame // text boxes within paragraphs; frames[0] is the part
	alts   []alternate

	text    int  // within elements whose character data is text
	mute    int  // within elements that hold nothing to read
	aside   int  // within field codes, ruby and the like
	deleted int  // within what was deleted
	added   int  // within what was inserted
	silent  bool // the element that was opened last holds a number of the layout
	loose   bool // there is text that no element of text holds
	table   []grid
	note    []byte
	lists   *lists // nil: the part has no numbered lists
	item    place  // of the paragraph
}

// frame collects the text of one level.
type frame struct {
	para    []byte // the paragraph, as it is now
	old     []byte // the paragraph, as it was before its revisions
	after   []byte // what stands beside the paragraph
	block   []byte // what is complete
	revised bool
}

// alternate is an open mc:AlternateContent: where its text and that of its
// branch began.
type alternate struct {
	frame         int
	start, branch [3]int // of para, after, block
	branches      int
}

const (
	frameDepth  = 16
	paraSize    = 256 << 10
	pendingSize = 4 << 20
	flushAt     = 16 << 10
)

func (w *walker) reset(out Sink) {
	frames := w.frames
	if len(frames) == 0 {
		frames = make([]frame, 1, 4)
	}
	*w = walker{out: out, frames: frames[:1], alts: w.alts[:0], table: w.table[:0], note: w.note[:0]}
	f := &w.frames[0]
	f.para, f.old, f.after, f.block, f.revised = f.para[:0], f.old[:0], f.after[:0], f.block[:0], false
}

// begin starts a part.
func (w *walker) begin(place string) {
	w.reset(w.out)
	w.place = place
}

// finish gives out what is left of a part.
func (w *walker) finish() error {
	for len(w.frames) > 1 {
		w.leave()
	}
	w.alts = w.alts[:0]
	w.paragraph('\n')
	w.flush(0)
	return w.err
}

func (w *walker) top() *frame { return &w.frames[len(w.frames)-1] }

// flush writes what is complete, but the last keep octets.
func (w *walker) flush(keep int) {
	f := &w.frames[0]
	n := len(f.block) - keep
	if n <= 0 || w.err != nil {
		return
	}
	if !w.opened {
		w.opened = true
		if w.place != "" {
			w.out.Section(w.place)
		}
	}
	_, w.err = w.out.Write(f.block[:n])
	f.block = append(f.block[:0], f.block[n:]...)
}

// add adds text to the paragraph.
func (w *walker) add(b []byte) {
	f := w.top()
	switch {
	case w.aside > 0:
		f.after = append(f.after, b...)
		return
	case w.deleted > 0:
		w.revise(f)
		f.old = append(f.old, b...)
		return
	case w.added > 0:
		w.revise(f)
		f.para = append(f.para, b...)
	default:
		f.para = append(f.para, b...)
		if f.revised {
			f.old = append(f.old, b...)
		}
	}
	if len(f.para) > paraSize {
		f.block = append(f.block, f.para...)
		f.para = f.para[:0]
		w.spill()
	}
}

func (w *walker) revise(f *frame) {
	if !f.revised {
		f.revised = true
		f.old = append(f.old[:0], f.para...)
	}
}

// spill writes when there is much, or nothing holds it back.
func (w *walker) spill() {
	if n := len(w.frames[0].block); n > flushAt && len(w.alts) == 0 && len(w.table) == 0 || n > pendingSize {
		w.alts = w.alts[:0]
		w.flush(1)
		for i := range w.table {
			w.table[i].cell = 0
		}
	}
}

// paragraph ends the paragraph.
func (w *walker) paragraph(sep byte) {
	f := w.top()
	w.listed(f)
	if len(f.para) > 0 {
		f.block = append(append(f.block, f.para...), sep)
	}
	if f.revised && !bytes.Equal(f.para, f.old) && len(f.old) > 0 {
		f.block = append(append(f.block, f.old...), sep)
	}
	if len(f.after) > 0 {
		f.block = append(f.block, f.after...)
		if f.after[len(f.after)-1] != '\n' {
			f.block = append(f.block, '\n')
		}
	}
	f.para, f.old, f.after, f.revised = f.para[:0], f.old[:0], f.after[:0], false
	if len(w.frames) == 1 {
		w.spill()
	}
}

// line adds a line that stands for itself.
func (w *walker) line(b []byte) {
	f := w.top()
	f.block = append(append(f.block, b...), '\n')
	if len(w.frames) == 1 {
		w.spill()
	}
}

// remark adds a line behind the paragraph: what an attribute says.
func (w *walker) remark(b []byte) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return
	}
	f := w.top()
	if n := len(f.after); n > 0 && f.after[n-1] != '\n' {
		f.after = append(f.after, '\n')
	}
	f.after = append(append(f.after, b...), '\n')
}

// enter begins a text box: its paragraphs stand behind that in which it is
// anchored.
func (w *walker) enter() {
	if len(w.frames) >= frameDepth {
		w.paragraph('\n')
		return
	}
	if len(w.frames) < cap(w.frames) {
		w.frames = w.frames[:len(w.frames)+1]
	} else {
		w.frames = append(w.frames, frame{})
	}
	f := w.top()
	f.para, f.old, f.after, f.block, f.revised = f.para[:0], f.old[:0], f.after[:0], f.block[:0], false
}

func (w *walker) leave() {
	w.paragraph('\n')
	if len(w.frames) == 1 {
		return
	}
	for len(w.alts) > 0 && w.alts[len(w.alts)-1].frame >= len(w.frames) {
		w.alts = w.alts[:len(w.alts)-1]
	}
	block := w.top().block
	w.frames = w.frames[:len(w.frames)-1]
	f := w.top()
	if n := len(f.after); n > 0 && f.after[n-1] != '\n' {
		f.after = append(f.after, '\n')
	}
	f.after = append(f.after, block...)
	if len(f.after) > pendingSize {
		f.block = append(f.block, f.after...)
		f.after = f.after[:0]
		w.spill()
	}
}

func (w *walker) marks() [3]int {
	f := w.top()
	return [3]int{len(f.para), len(f.after), len(f.block)}
}

// alternative begins mc:AlternateContent (part 3 §10.2.1): the same content
// in several forms, of which a program shows one.
func (w *walker) alternative() {
	if len(w.alts) < frameDepth {
		w.alts = append(w.alts, alternate{frame: len(w.frames), start: w.marks()})
	}
}

// branch begins a form.
func (w *walker) branch() {
	if n := len(w.alts); n > 0 && w.alts[n-1].frame == len(w.frames) {
		w.alts[n-1].branch = w.marks()
		w.alts[n-1].branches++
	}
}

// branchEnd ends a form: what a form before it said already is dropped, and
// what it says otherwise stands beside the paragraph.
func (w *walker) branchEnd() {
	n := len(w.alts)
	if n == 0 || w.alts[n-1].frame != len(w.frames) || w.alts[n-1].branches < 2 {
		return
	}
	a, f := &w.alts[n-1], w.top()
	for i, buf := range []*[]byte{&f.para, &f.after, &f.block} {
		start, at := a.start[i], a.branch[i]
		if at > len(*buf) || start > at {
			continue
		}
		before, now := (*buf)[start:at], (*buf)[at:]
		switch {
		case contains(before, now):
			*buf = (*buf)[:at]
		case i == 0 && len(bytes.TrimSpace(before)) > 0:
			w.note = append(w.note[:0], now...)
			*buf = (*buf)[:at]
			w.remark(w.note)
		}
	}
}

func (w *walker) alternativeEnd() {
	if n := len(w.alts); n > 0 {
		w.alts = w.alts[:n-1]
	}
	if len(w.frames) == 1 {
		w.spill()
	}
}

// comparedSize bounds what two branches are compared by.
const comparedSize = 64 << 10

// contains reports whether a holds b, white space aside.
func contains(a, b []byte) bool {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return true
	}
	if bytes.Contains(a, b) {
		return true
	}
	if len(a) > comparedSize || len(b) > comparedSize {
		return false
	}
	return bytes.Contains(bytes.Join(bytes.Fields(a), nil), bytes.Join(bytes.Fields(b), nil))
}

// grid is an open table: the headings of its columns stand before long
// numbers, as in every other table that is read.
type grid struct {
	frame    int
	row, col int
	cell     int // where the cell began in the block; 0: unknown
	headings [][]byte
}

const (
	tableDepth     = 8
	headingColumns = 64
	headingLength  = 40
)

func (w *walker) tableStart() {
	w.paragraph('\n')
	if len(w.table) < tableDepth {
		w.table = append(w.table, grid{frame: len(w.frames)})
	}
}

func (w *walker) tableEnd() {
	if n := len(w.table); n > 0 {
		w.table = w.table[:n-1]
	}
	w.spill()
}

func (w *walker) openTable() *grid {
	if n := len(w.table); n > 0 && w.table[n-1].frame == len(w.frames) {
		return &w.table[n-1]
	}
	return nil
}

func (w *walker) cellStart() {
	w.paragraph('\n')
	if g := w.openTable(); g != nil {
		g.cell = len(w.top().block)
	}
}

func (w *walker) cellEnd() {
	w.paragraph('\n')
	f := w.top()
	if n := len(f.block); n > 0 && f.block[n-1] == '\n' {
		f.block[n-1] = '\t'
	} else {
		f.block = append(f.block, '\t')
	}
	g := w.openTable()
	if g == nil || g.cell > len(f.block) {
		return
	}
	text := bytes.TrimSpace(f.block[g.cell:])
	switch {
	case g.row == 0 && len(g.headings) < headingColumns:
		if len(text) > headingLength || heading.LongNumber(text) {
			text = nil
		}
		g.headings = append(g.headings, bytes.Clone(text))
	case g.row > 0 && g.col < len(g.headings) && len(g.headings[g.col]) > 0 && heading.LongNumber(text):
		w.note = append(append(w.note[:0], g.headings[g.col]...), ": "...)
		w.note = append(w.note, f.block[g.cell:]...)
		f.block = append(f.block[:g.cell], w.note...)
	}
	g.col++
}

func (w *walker) rowEnd() {
	f := w.top()
	if n := len(f.block); n > 0 && f.block[n-1] == '\t' {
		f.block[n-1] = '\n'
	}
	if g := w.openTable(); g != nil {
		g.row++
		g.col = 0
	}
	if len(w.frames[0].block) > pendingSize/4 && len(w.frames) == 1 && len(w.alts) == 0 {
		w.flush(1)
	}
}

// symbol adds a character of a symbol font (part 1 §17.3.3.30): those in the
// private area stand for the characters of one octet.
func (w *walker) symbol(hex []byte) {
	r := rune(0)
	for _, c := range hex {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		}
	}
	if 0xF000 <= r && r <= 0xF0FF {
		r &= 0xFF
	}
	if r >= ' ' && utf8.ValidRune(r) {
		var b [utf8.UTFMax]byte
		w.add(b[:utf8.EncodeRune(b[:], r)])
	}
}
