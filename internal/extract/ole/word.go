package ole

import (
	"bytes"
	"encoding/binary"

	"postern.dev/postern/internal/extract/cfb"
	"postern.dev/postern/internal/extract/codepage"
	"postern.dev/postern/internal/extract/officecrypt"
)

// Flags of the FIB (MS-DOC §2.5.2).
const (
	fibComplex    = 0x0004
	fibEncrypted  = 0x0100
	fibTable1     = 0x0200
	fibWide       = 0x1000 // Word 95: characters of two octets
	fibObfuscated = 0x8000
)

// plainFIB is how much of an encrypted document stays plain (MS-OFFCRYPTO
// §2.3.6.2).
const plainFIB = 68

// wordText is a document of Word that is read.
type wordText struct {
	*reader
	main, table octets
	old         bool // Word 6 and 95
	page        int  // of characters of one octet
	pieces      []piece
	marks       []mark
	lists       *lists
	budget      int

	text, codes, hidden, deleted []byte
	fields                       []bool // open fields; true while in the code
	cell                         bool   // the last character ended a cell
}

// piece is a run of text that stands together in the file (MS-DOC §2.8.35).
type piece struct {
	cp, end int // of characters
	fc      int // where it stands
	narrow  bool
}

// word reads the stream WordDocument and its table.
func (r *reader) word(s *cfb.Entry) {
	w := &wordText{reader: r, main: s.Stream("WordDocument"), page: codepage.Windows}
	ident, flags := w.main.u16(0), w.main.u16(10)
	if len(w.main) < plainFIB || ident != 0xA5EC && ident != 0xA5DC {
		r.out.Note(malformed, "the document has no head")
		return
	}
	w.old = w.main.u16(2) < 0xC0
	name := "0Table"
	if flags&fibTable1 != 0 {
		name = "1Table"
	}
	if w.table = s.Stream(name); w.old {
		w.table = w.main
	}
	if flags&fibEncrypted != 0 && !w.open(flags) {
		r.out.Note(encrypted, "the document is locked with a password")
		return
	}
	w.budget = 4*len(w.main) + 1<<16
	if w.old {
		w.readOld(flags)
	} else {
		w.readFIB()
	}
	w.finish()
	r.objects(s.Child("ObjectPool"))
	r.macros(s.Child("Macros"))
	r.pictures(s.Stream("Data"))
	r.pictures(w.main)
}

// open decrypts the streams, if a password fits.
func (w *wordText) open(flags int) bool {
	key := w.main.u32(14)
	plain := bytes.Clone(w.main[:plainFIB])
	if flags&fibObfuscated != 0 || w.old {
		x, err := officecrypt.XOR(uint16(key), uint16(key>>16), w.passwords)
		if err != nil {
			return false
		}
		w.main = bytes.Clone(w.main)
		x.Word(w.main)
		if !w.old {
			w.table = bytes.Clone(w.table)
			x.Word(w.table)
		} else {
			w.table = w.main
		}
		copy(w.main, plain)
		return true
	}
	k, err := officecrypt.Binary(w.table.part(0, key), w.keys())
	if err != nil {
		return false
	}
	w.main, w.table = bytes.Clone(w.main), bytes.Clone(w.table)
	k.Stream(w.main, 512)
	copy(w.main, plain)
	k.Stream(w.table, 512)
	return true
}

// readFIB reads a document of Word 97 and later.
func (w *wordText) readFIB() {
	at := 32                   // after FibBase
	at += 2 + 2*w.main.u16(at) // FibRgW
	long := at + 2             // FibRgLw: ccpText is its fourth number
	at += 2 + 4*w.main.u16(at) // after FibRgLw
	pairs, count := at+2, w.main.u16(at)
	pair := func(n int) octets {
		if n >= count {
			return nil
		}
		return w.table.part(w.main.u32(pairs+8*n), w.main.u32(pairs+8*n+4))
	}
	w.readClx(pair(33))
	w.readMarks(pair(12))
	if at := pairs + 8*73; count > 74 {
		w.readLists(w.main.u32(at), w.main.u32(at+4), pair(74), pair(13))
	}
	if len(w.pieces) == 0 {
		w.out.Note(malformed, "the document has no table of its text")
		w.rest()
		return
	}
	w.stories([]story{
		{"", w.main.u32(long + 12)},
		{"footnotes", w.main.u32(long + 16)},
		{"page header or footer", w.main.u32(long + 20)},
		{"macro", w.main.u32(long + 24)},
		{"comments", w.main.u32(long + 28)},
		{"endnotes", w.main.u32(long + 32)},
		{"text boxes", w.main.u32(long + 36)},
		{"text boxes of headers", w.main.u32(long + 40)},
	})
}

// readOld reads a document of Word 6 or 95. Its FIB is described in the
// specification of the binary format of 1994 only.
func (w *wordText) readOld(flags int) {
	w.page = codepage.OfLanguage(w.main.u16(6))
	if w.main.u16(20) == 256 {
		w.page = codepage.Roman
	}
	if flags&fibComplex != 0 {
		w.readClx(w.main.part(w.main.u32(0x160), w.main.u32(0x164)))
	}
	if len(w.pieces) == 0 {
		from, to := w.main.u32(0x18), w.main.u32(0x1C)
		if wide := flags&fibWide != 0; wide {
			w.pieces = []piece{{0, (to - from) / 2, from, false}}
		} else {
			w.pieces = []piece{{0, to - from, from, true}}
		}
	}
	w.stories([]story{
		{"", w.main.u32(0x34)},
		{"footnotes", w.main.u32(0x38)},
		{"page header or footer", w.main.u32(0x3C)},
		{"macro", w.main.u32(0x40)},
		{"comments", w.main.u32(0x44)},
		{"endnotes", w.main.u32(0x48)},
		{"text boxes", w.main.u32(0x4C)},
		{"text boxes of headers", w.main.u32(0x50)},
	})
}

// readClx finds the table of pieces (MS-DOC §2.9.38).
func (w *wordText) readClx(p octets) {
	at := 0
	for p.u8(at) == 1 { // changes of formats
		at += 3 + p.u16(at+1)
	}
	if p.u8(at) != 2 {
		return
	}
	plc := p.part(at+5, p.u32(at+1))
	n := (len(plc) - 4) / 12
	last := 0
	for i := range max(n, 0) {
		from, to := plc.u32(4*i), plc.u32(4*i+4)
		fc := plc.u32(4*(n+1) + 8*i + 2)
		if to <= from || from < last {
			continue
		}
		last = to
		q := piece{cp: from, end: to, fc: fc}
		switch {
		case w.old:
			q.narrow = true
		case fc&0x40000000 != 0:
			q.fc, q.narrow = fc&^0xC0000000/2, true
		default:
			q.fc &^= 0xC0000000
		}
		w.pieces = append(w.pieces, q)
	}
}

// story is one of the texts of a document; they follow each other.
type story struct {
	name string
	size int
}

func (w *wordText) stories(list []story) {
	at := 0
	for i, s := range list {
		if s.size <= 0 {
			continue
		}
		end := at + s.size
		if i == 0 && s.size >= w.pieces[len(w.pieces)-1].end {
			end = w.pieces[len(w.pieces)-1].end
		}
		if s.name != "" {
			w.flush()
			w.section(s.name)
		}
		w.characters(at, end)
		w.fields = w.fields[:0]
		at = end
	}
	if end := w.pieces[len(w.pieces)-1].end; at+1 < end { // more text than the head says
		w.flush()
		w.section("more text")
		w.characters(at, end)
	}
}

// characters reads the text from one position to another.
func (w *wordText) characters(from, to int) {
	for _, q := range w.pieces {
		if q.end <= from {
			continue
		}
		if q.cp >= to || w.err != nil {
			return
		}
		a, b := max(from, q.cp), min(to, q.end)
		width := 2
		if q.narrow {
			width = 1
		}
		fc := q.fc + (a-q.cp)*width
		p := w.main.part(fc, (b-a)*width)
		if w.budget -= len(p); w.budget < 0 {
			w.out.Note(malformed, "the pieces of the document are longer than the document")
			return
		}
		if len(p) < (b-a)*width {
			w.out.Note(malformed, "the document is shorter than it says")
		}
		w.marked(p, fc, q.narrow)
	}
}

// marked takes octets of a piece, apart where the format changes between
// shown, hidden and deleted.
func (w *wordText) marked(p octets, fc int, narrow bool) {
	for len(p) > 0 {
		kind, n := w.markAt(fc)
		here, next := w.lists.nextList(fc)
		if here != nil && kind == markShown {
			w.text = append(append(w.text, w.lists.number(here)...), '\t')
		}
		n = min(n, next, len(p))
		if !narrow && n > 1 {
			n &^= 1
		}
		w.decoded(p[:n], kind, narrow)
		p, fc = p[n:], fc+n
	}
}

func (w *wordText) decoded(p octets, kind markKind, narrow bool) {
	var text []byte
	switch {
	case !narrow:
		text = codepage.AppendUTF16(nil, p)
	default:
		text = codepage.Append(nil, w.page, p)
	}
	for i := 0; i < len(text); {
		j := i
		for j < len(text) && text[j] >= 0x20 {
			j++
		}
		if j > i {
			w.give(text[i:j], kind)
			w.cell = false
		}
		if j < len(text) {
			w.sign(text[j], kind)
			j++
		}
		i = j
	}
	if len(w.text) > 8<<10 {
		w.flush()
	}
}

// sign are the characters that mean something (MS-DOC §2.4.1). Anchors of
// notes, comments and pictures are left out, so that they part no number.
func (w *wordText) sign(c byte, kind markKind) {
	switch c {
	case 0x07: // the mark after a cell, and once more after a row
		end := "\t"
		if w.cell {
			end = "\n"
		}
		w.cell = !w.cell
		w.give([]byte(end), kind)
	case '\t', '\n':
		w.give([]byte{c}, kind)
	case 0x0B, 0x0C, 0x0D, 0x0E:
		w.give([]byte("\n"), kind)
	case 0x13:
		if len(w.fields) < 1000 {
			w.fields = append(w.fields, true)
		}
		w.codes = append(w.codes, '\n')
	case 0x14:
		if n := len(w.fields); n > 0 {
			w.fields[n-1] = false
		}
	case 0x15:
		if n := len(w.fields); n > 0 {
			w.fields = w.fields[:n-1]
		}
	case 0x1E:
		w.give([]byte("\u2011"), kind)
	case 0x1F:
		w.give([]byte("\u00ad"), kind)
	}
}

func (w *wordText) give(p []byte, kind markKind) {
	for _, code := range w.fields {
		if code {
			w.codes = append(w.codes, p...)
			return
		}
	}
	switch kind {
	case markHidden:
		w.hidden = append(w.hidden, p...)
	case markDeleted:
		w.deleted = append(w.deleted, p...)
	default:
		w.text = append(w.text, p...)
	}
}

func (w *wordText) flush() {
	w.write(w.text)
	w.text = w.text[:0]
}

func (w *wordText) finish() {
	w.flush()
	w.beside("field codes", w.codes)
	w.beside("hidden text", w.hidden)
	w.beside("deleted text", w.deleted)
}

// rest gives out the pieces of text of a document whose table is lost.
func (w *wordText) rest() {
	codepage.Runs(w.page, w.main.from(512), func(text []byte) bool {
		w.write(append(bytes.Clone(text), '\n'))
		return w.err == nil
	})
}

// markKind says whether text is shown.
type markKind byte

const (
	markShown markKind = iota
	markHidden
	markDeleted
)

// mark is a run of text that is not shown.
type mark struct {
	from, to int // in the file
	kind     markKind
}

// readMarks reads the formats of characters (MS-DOC §2.8.5 and §2.9.33) as
// far as they hide or delete.
func (w *wordText) readMarks(plc octets) {
	n := (len(plc) - 4) / 8
	budget := len(w.main) / 5
	for i := range max(n, 0) {
		number := plc.u32(4*(n+1)+4*i) & 0x3FFFFF
		page := w.main.part(512*number, 512)
		if len(page) < 512 {
			continue
		}
		runs := page.u8(511)
		if budget -= runs + 1; budget < 0 {
			return
		}
		for j := range runs {
			at := 2 * page.u8(4*(runs+1)+j)
			if at == 0 {
				continue
			}
			kind := hides(page.part(at+1, page.u8(at)))
			from, to := page.u32(4*j), page.u32(4*j+4)
			if kind == markShown || to <= from {
				continue
			}
			if k := len(w.marks); k > 0 && from < w.marks[k-1].to {
				continue
			}
			w.marks = append(w.marks, mark{from, to, kind})
		}
	}
}

// hides looks for the properties of characters that hide them (MS-DOC
// §2.6.1).
func hides(p octets) markKind {
	kind := markShown
	for at := 0; at+2 < len(p); {
		op := int(binary.LittleEndian.Uint16(p[at:]))
		size := 1
		switch op >> 13 {
		case 2, 4, 5:
			size = 2
		case 3:
			size = 4
		case 6:
			size = 1 + p.u8(at+2)
		case 7:
			size = 3
		}
		on := p.u8(at+2)&1 != 0
		switch {
		case op == 0x083C && on:
			kind = markHidden
		case op == 0x0800 && on:
			return markDeleted
		}
		at += 2 + size
	}
	return kind
}

// markAt is how the text at a place is shown, and for how many octets.
func (w *wordText) markAt(fc int) (markKind, int) {
	low, high := 0, len(w.marks)
	for low < high {
		mid := (low + high) / 2
		if w.marks[mid].to <= fc {
			low = mid + 1
		} else {
			high = mid
		}
	}
	switch {
	case low == len(w.marks):
		return markShown, 1 << 30
	case fc < w.marks[low].from:
		return markShown, w.marks[low].from - fc
	}
	return w.marks[low].kind, w.marks[low].to - fc
}
