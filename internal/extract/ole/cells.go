package ole

import (
	"bytes"
	"math"
	"strconv"

	"postern.dev/postern/internal/extract/cfb"
	"postern.dev/postern/internal/extract/codepage"
	"postern.dev/postern/internal/extract/numfmt"
)

// cell reads a record that holds cells.
func (b *book97) cell(kind int, p octets) {
	row, col := p.u16(0), p.u16(2)
	switch kind {
	case recLabelSST:
		b.put(row, col, b.shared.text(p.u32(6)))
	case recLabel, recRString:
		b.put(row, col, b.label(p.from(6)))
	case recNumber:
		b.putNumber(row, col, p.u16(4), math.Float64frombits(p.u64(6)))
	case recRK:
		b.putNumber(row, col, p.u16(4), rk(p.u32(6)))
	case recMulRK:
		for i := 0; 4+6*i+6 <= len(p)-2; i++ {
			b.putNumber(row, col+i, p.u16(4+6*i), rk(p.u32(6+6*i)))
		}
	case recFormula, 0x0206, 0x0406:
		b.formula(row, col, p)
	case recString, 0x0007:
		if b.waits != nil {
			b.put(b.waits.row, b.waits.col, b.formulaText(kind, p))
			b.waits = nil
		}
	case 0x0002: // Excel 2: an integer
		b.putNumber(row, col, 0, float64(p.u16(7)))
	case 0x0003:
		b.putNumber(row, col, 0, math.Float64frombits(p.u64(7)))
	case 0x0004:
		b.put(row, col, b.shortLabel(p.from(7)))
	case recBoolErr:
		if p.u8(7) == 0 {
			b.put(row, col, []byte(truth(p.u8(6))))
		}
	}
}

func truth(n int) string {
	if n != 0 {
		return "TRUE"
	}
	return "FALSE"
}

func (b *book97) label(p octets) []byte {
	if b.biff < 8 {
		return codepage.Append(nil, b.page, p.part(2, p.u16(0)))
	}
	return unicodeText(p.from(2), p.u16(0))
}

// shortLabel is the text of a cell of Excel 2, or of Microsoft Graph
// (MS-OGRAPH §2.3.51).
func (b *book97) shortLabel(p octets) []byte {
	if b.graph {
		return unicodeText(p.from(1), p.u8(0))
	}
	return codepage.Append(nil, b.page, p.part(1, p.u8(0)))
}

// formulaText is the text that a formula gave.
func (b *book97) formulaText(kind int, p octets) []byte {
	if kind == 0x0007 {
		return codepage.Append(nil, b.page, p.part(1, p.u8(0)))
	}
	return b.label(p)
}

// formula gives out the value that a formula had (MS-XLS §2.4.127).
func (b *book97) formula(row, col int, p octets) {
	at, xf := 6, p.u16(4)
	if b.biff == 2 {
		at, xf = 7, 0
	}
	if p.u16(at+6) != 0xFFFF {
		b.putNumber(row, col, xf, math.Float64frombits(p.u64(at)))
		return
	}
	switch p.u8(at) {
	case 0:
		b.waits = &waiting{row, col}
	case 1:
		b.put(row, col, []byte(truth(p.u8(at+2))))
	}
}

// rk is a number that was packed into 30 bits (MS-XLS §2.5.217).
func rk(n int) float64 {
	var v float64
	if n&2 != 0 {
		v = float64(int32(n) >> 2)
	} else {
		v = math.Float64frombits(uint64(n&^3) << 32)
	}
	if n&1 != 0 {
		v /= 100
	}
	return v
}

// putNumber gives out a number as its cell shows it.
func (b *book97) putNumber(row, col, xf int, v float64) {
	code := ""
	if xf < len(b.cells) {
		id := b.cells[xf]
		if code = b.formats[id]; code == "" {
			code = numfmt.Builtin(id)
		}
	}
	b.put(row, col, []byte(numfmt.Format(code, v, b.is904)))
}

// put gives out a cell. Cells that come in another order begin a new table.
func (b *book97) put(row, col int, text []byte) {
	if len(text) == 0 || b.err != nil {
		return
	}
	if b.depth > 1 { // of a chart
		b.side(bookCharts, text)
		return
	}
	if b.grid && (row < b.row || row == b.row && col <= b.col) {
		b.endGrid()
	}
	if !b.grid {
		b.err = b.out.Begin(b.place())
		b.grid = true
	}
	b.row, b.col = row, col
	if b.err == nil {
		b.err = b.out.Cell(row+1, col+1, text)
	}
}

func (b *book97) endGrid() {
	if b.grid && b.err == nil {
		b.err = b.out.End()
	}
	b.grid, b.waits = false, nil
}

// long reads a record that may go on in others.
func (b *book97) long(kind int, p octets, more []octets) {
	switch kind {
	case recSST:
		b.shared.read(p, more)
	case recTXO:
		b.side(bookComments, boxText(p, more))
	case recNote:
		b.note(p)
		for _, m := range more {
			b.side(bookComments, codepage.Append(nil, b.page, m))
		}
	case recHLink:
		for _, q := range append([]octets{p.from(28)}, more...) {
			codepage.Runs(codepage.Windows, q, func(text []byte) bool {
				b.side(bookLinks, text)
				return true
			})
		}
	case recDrawings:
		b.drawings = append(b.drawings, p...)
		for _, m := range more {
			b.drawings = append(b.drawings, m...)
		}
	}
}

// note reads a comment. Its text lies in a text box since Excel 97, and the
// record has the author (MS-XLS §2.4.179).
func (b *book97) note(p octets) {
	if b.biff >= 8 {
		b.side(bookComments, unicodeText(p.from(10), p.u16(8)))
		return
	}
	b.side(bookComments, codepage.Append(nil, b.page, p.from(6)))
}

// boxText is the text of a box (MS-XLS §2.4.329): it comes in records of its
// own, each with flags in front.
func boxText(p octets, more []octets) []byte {
	left := p.u16(10)
	var text []byte
	for _, m := range more {
		if left <= 0 {
			break
		}
		if m.u8(0)&1 != 0 {
			q := m.part(1, 2*left)
			text = codepage.AppendUTF16(text, q)
			left -= len(q) / 2
			continue
		}
		q := m.part(1, left)
		text = latin(text, q)
		left -= len(q)
	}
	return text
}

// cached are cells of another workbook that this one remembers (MS-XLS
// §2.4.66).
func (b *book97) cached(p octets) {
	at := 4
	for n := p.u8(0) - p.u8(1) + 1; n > 0 && at < len(p); n-- {
		kind := p.u8(at)
		switch kind {
		case 1:
			b.side(bookOthers, []byte(numfmt.Plain(math.Float64frombits(p.u64(at+1)))))
		case 2:
			if b.biff < 8 {
				b.side(bookOthers, codepage.Append(nil, b.page, p.part(at+2, p.u8(at+1))))
				at += 2 + p.u8(at+1)
				continue
			}
			count, wide := p.u16(at+1), p.u8(at+3)&1
			b.side(bookOthers, unicodeText(p.from(at+3), count))
			at += 4 + count<<wide
			continue
		}
		at += 9
	}
}

// pivots reads what the tables of a workbook remember of their source.
func (r *reader) pivots(s *cfb.Entry) {
	cache := s.Child("_SX_DB_CUR")
	if cache == nil {
		return
	}
	for _, c := range cache.Children {
		p := octets(c.Bytes())
		var text []byte
		for at := 0; at+4 <= len(p); at += 4 + p.u16(at+2) {
			body := p.part(at+4, p.u16(at+2))
			switch p.u16(at) {
			case recSXString:
				text = append(append(text, unicodeText(body.from(2), body.u16(0))...), '\n')
			case recSXNum:
				text = strconv.AppendFloat(text, math.Float64frombits(body.u64(0)), 'f', -1, 64)
				text = append(text, '\n')
			}
		}
		r.beside("data of pivot tables", bytes.TrimSpace(text))
	}
}

// sharedStrings are the texts that cells share (MS-XLS §2.4.265). They stand
// in one piece of memory, so that many short ones cost little.
type sharedStrings struct {
	texts []byte
	ends  []uint32
}

func (s *sharedStrings) text(n int) []byte {
	if n < 0 || n >= len(s.ends) {
		return nil
	}
	from := uint32(0)
	if n > 0 {
		from = s.ends[n-1]
	}
	return s.texts[from:s.ends[n]]
}

// read takes the texts from a record and those that go on with it.
func (s *sharedStrings) read(p octets, more []octets) {
	j := &joined{now: p.from(8), more: more}
	for count := p.u32(4); count > 0 && !j.done(); count-- {
		chars, flags := j.u16(), j.u8()
		runs, extra := 0, 0
		if flags&8 != 0 {
			runs = j.u16()
		}
		if flags&4 != 0 {
			extra = j.u16() | j.u16()<<16
		}
		s.texts = j.chars(s.texts, chars, flags&1 != 0)
		j.skip(4*runs + extra)
		s.ends = append(s.ends, uint32(len(s.texts)))
	}
}

// joined reads records as one; where a text goes on in the next record, its
// flags stand there again.
type joined struct {
	now  octets
	more []octets
}

func (j *joined) done() bool {
	for len(j.now) == 0 && len(j.more) > 0 {
		j.now, j.more = j.more[0], j.more[1:]
	}
	return len(j.now) == 0
}

func (j *joined) u8() int {
	if j.done() {
		return 0
	}
	c := j.now[0]
	j.now = j.now[1:]
	return int(c)
}

func (j *joined) u16() int { return j.u8() | j.u8()<<8 }

func (j *joined) skip(n int) {
	for n > 0 && !j.done() {
		k := min(n, len(j.now))
		j.now = j.now[k:]
		n -= k
	}
}

func (j *joined) chars(dst []byte, count int, wide bool) []byte {
	for count > 0 {
		if len(j.now) == 0 {
			if j.done() {
				return dst
			}
			wide = j.u8()&1 != 0
		}
		if wide {
			q := j.now.part(0, 2*count)
			if len(q) < 2 {
				j.now = nil
				continue
			}
			q = q[:len(q)&^1]
			dst = codepage.AppendUTF16(dst, q)
			j.now = j.now[len(q):]
			count -= len(q) / 2
			continue
		}
		q := j.now.part(0, count)
		dst = latin(dst, q)
		j.now = j.now[len(q):]
		count -= len(q)
	}
	return dst
}
