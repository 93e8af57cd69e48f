package ole

import (
	"bytes"
	"fmt"

	"postern.dev/postern/internal/extract/cfb"
	"postern.dev/postern/internal/extract/codepage"
	"postern.dev/postern/internal/extract/officecrypt"
)

// Records of workbooks (MS-XLS §2.3).
const (
	recFormula    = 0x0006
	recEOF        = 0x000A
	recHeader     = 0x0014
	recFooter     = 0x0015
	recNote       = 0x001C
	rec1904       = 0x0022
	recFilePass   = 0x002F
	recContinue   = 0x003C
	recCodePage   = 0x0042
	recCRN        = 0x005A
	recBoundSheet = 0x0085
	recMulRK      = 0x00BD
	recSXNum      = 0x00C9
	recSXString   = 0x00CD
	recRString    = 0x00D6
	recXF         = 0x00E0
	recDrawings   = 0x00EB
	recSST        = 0x00FC
	recLabelSST   = 0x00FD
	recTXO        = 0x01B6
	recHLink      = 0x01B8
	recNumber     = 0x0203
	recLabel      = 0x0204
	recBoolErr    = 0x0205
	recString     = 0x0207
	recRK         = 0x027E
	recFormat     = 0x041E
	recSeriesText = 0x100D
)

// maxFormats is how many formats of cells are remembered; Excel allows 65,490.
const maxFormats = 1 << 16

// book97 is a workbook that is read.
type book97 struct {
	*reader
	p     octets
	biff  int  // 2, 3, 4, 5 or 8
	graph bool // of Microsoft Graph
	page  int
	is904 bool

	shared  sharedStrings
	formats map[int]string
	cells   []int // the format of each kind of cell

	sheets   map[int]sheet // by where they begin
	number   int           // of the sheet that is read
	title    string        // of the same
	grid     bool
	row, col int
	waits    *waiting // a formula whose text comes in the next record
	beside   [bookSides][]byte
	drawings []byte
	depth    int
}

type sheet struct {
	number int
	name   string
}

type waiting struct{ row, col int }

// The places beside the cells of a sheet.
const (
	bookComments = iota
	bookHeaders
	bookLinks
	bookCharts
	bookOthers
	bookSides
)

var bookSideNames = [bookSides]string{
	"comments and text boxes", "page header or footer", "links", "charts", "cells of other workbooks",
}

func (r *reader) workbook(s *cfb.Entry) {
	r.sheets(s.Stream("Workbook"))
	r.pivots(s)
	for _, c := range s.Children {
		if c.Storage && len(c.Name) > 3 && (c.Name[:3] == "MBD" || c.Name[:3] == "LNK") {
			r.object(c)
		}
	}
	r.macros(s.Child("_VBA_PROJECT_CUR"))
}

func (r *reader) book(s *cfb.Entry) {
	if s.Child("Workbook") == nil {
		for _, c := range s.Children {
			if c.Storage && len(c.Name) > 3 && c.Name[:3] == "MBD" {
				r.object(c)
			}
		}
		defer r.macros(s.Child("_VBA_PROJECT"))
	}
	r.sheets(s.Stream("Book"))
}

// IsSheet reports whether octets begin like a sheet of Excel 2 to 4, or a
// workbook that lies in no compound file.
func IsSheet(head []byte) bool {
	p := octets(head)
	size, kind := p.u16(2), p.u16(6)
	switch p.u16(0) {
	case 0x0009, 0x0209, 0x0409:
		return (size == 4 || size == 6) && (kind == 0x10 || kind == 0x20 || kind == 0x40 || kind == 0x100)
	case 0x0809:
		version := p.u16(4)
		return (size == 8 || size == 16) && (version == 0x500 || version == 0x600) && kind == 0x05
	}
	return false
}

// ReadSheet reads a file for which IsSheet is true.
func ReadSheet(p []byte, passwords []string, out Out) error {
	r := &reader{out: out, passwords: passwords, room: maxUnpacked}
	r.sheets(p)
	return r.err
}

// sheets reads the records of a workbook.
func (r *reader) sheets(p octets) {
	b := &book97{reader: r, p: p, page: codepage.Windows, biff: 8, formats: map[int]string{}, sheets: map[int]sheet{}}
	for at := 0; at+4 <= len(b.p) && b.err == nil; {
		kind, size := b.p.u16(at), b.p.u16(at+2)
		body := b.p.part(at+4, size)
		if len(body) < size {
			r.out.Note(malformed, "the workbook ends within a record")
		}
		if kind == recFilePass && !b.open(body, at) {
			r.out.Note(encrypted, "the workbook is locked with a password")
			return
		}
		next := at + 4 + size
		switch kind {
		case recSST, recTXO, recDrawings, recHLink, recNote:
			var more []octets
			more, next = b.continued(next)
			b.long(kind, body, more)
		default:
			b.record(kind, body, at)
		}
		at = next
	}
	b.closeSheet()
	r.pictures(b.drawings)
}

// continued are the records that go on with the one before.
func (b *book97) continued(at int) (more []octets, next int) {
	for b.p.u16(at) == recContinue && at+4 <= len(b.p) {
		size := b.p.u16(at + 2)
		more = append(more, b.p.part(at+4, size))
		at += 4 + size
	}
	return more, at
}

// open decrypts the workbook: all bodies of records but a few (MS-XLS
// §2.2.10).
func (b *book97) open(body octets, at int) bool {
	plain := bytes.Clone(b.p)
	var key *officecrypt.Key
	var x *officecrypt.Obfuscation
	var err error
	switch {
	case b.biff < 8:
		x, err = officecrypt.XOR(uint16(body.u16(0)), uint16(body.u16(2)), b.keys())
	case body.u16(0) == 0:
		x, err = officecrypt.XOR(uint16(body.u16(2)), uint16(body.u16(4)), b.keys())
	default:
		key, err = officecrypt.Binary(body.from(2), b.keys())
	}
	if err != nil {
		return false
	}
	if key != nil {
		key.Stream(plain, 1024)
	}
	for i := 0; i+4 <= len(b.p); {
		kind, size := b.p.u16(i), b.p.u16(i+2)
		end := min(i+4+size, len(b.p))
		copy(plain[i:i+4], b.p[i:])
		keep := 0
		switch kind {
		case 0x0809, recFilePass, 0x0194, 0x0195, 0x00E1, 0x0196, 0x0138:
			keep = size
		case recBoundSheet:
			keep = 4
		}
		if i <= at {
			keep = size
		}
		keep = min(i+4+keep, end)
		copy(plain[i+4:keep], b.p[i+4:])
		if x != nil && keep < end {
			copy(plain[keep:end], b.p[keep:])
			x.Excel(plain[keep:end], keep)
		}
		i = end
		if end-i < 0 {
			break
		}
	}
	b.p = plain
	return true
}

// record reads a record that stands in one piece.
func (b *book97) record(kind int, p octets, at int) {
	switch kind {
	case 0x0009, 0x0209, 0x0409, 0x0809:
		b.begin(kind, p, at)
	case recEOF:
		if b.depth--; b.depth <= 0 {
			b.depth = 0
			b.closeSheet()
		}
	case recCodePage:
		if b.page = p.u16(0); b.page == 0x8001 {
			b.page = codepage.Windows
		}
	case rec1904:
		b.is904 = p.u16(0) == 1
	case recBoundSheet:
		if len(b.sheets) < maxFormats {
			b.sheets[p.u32(0)] = b.boundSheet(p)
		}
	case recFormat:
		b.format(p)
	case recXF:
		if len(b.cells) < maxFormats {
			b.cells = append(b.cells, p.u16(2))
		}
	case recHeader, recFooter:
		b.side(bookHeaders, b.short(p, b.biff < 8))
	case recSeriesText:
		b.side(bookCharts, b.short(p.from(2), true))
	case recCRN:
		b.cached(p)
	default:
		b.cell(kind, p)
	}
}

// begin starts a part of the workbook: the globals, a sheet, a chart.
func (b *book97) begin(kind int, p octets, at int) {
	switch kind {
	case 0x0009:
		b.biff = 2
	case 0x0209:
		b.biff = 3
	case 0x0409:
		b.biff = 4
	default:
		if b.biff = 8; p.u16(0) == 0x0500 {
			b.biff = 5
		}
		b.graph = p.u16(0) == 0x0680
	}
	b.depth++
	if b.depth > 1 && kind == 0x0809 && p.u16(2) != 5 {
		if _, known := b.sheets[at]; !known {
			return // a chart inside a sheet
		}
		b.depth = 1
	}
	b.closeSheet()
	if p.u16(2) == 5 && b.biff >= 5 {
		return // the globals
	}
	b.number++
	b.title = ""
	if s, known := b.sheets[at]; known {
		b.number, b.title = s.number, s.name
	}
}

// place names the sheet that is read.
func (b *book97) place() string {
	if b.title != "" {
		return fmt.Sprintf("sheet %d (%s)", b.number, b.title)
	}
	return fmt.Sprintf("sheet %d", max(b.number, 1))
}

func (b *book97) boundSheet(p octets) sheet {
	name := string(b.short(p.from(6), true))
	if p.u8(4)&3 != 0 {
		name += ", hidden"
	}
	return sheet{len(b.sheets) + 1, name}
}

// closeSheet ends the cells of a sheet and gives out what stands beside them.
func (b *book97) closeSheet() {
	b.endGrid()
	for k := range b.beside {
		if len(b.beside[k]) > 0 {
			b.reader.beside(b.place()+", "+bookSideNames[k], b.beside[k])
			b.beside[k] = b.beside[k][:0]
		}
	}
}

func (b *book97) side(k int, text []byte) {
	if len(text) > 0 {
		b.beside[k] = append(append(b.beside[k], text...), '\n')
	}
}

// format remembers a number format.
func (b *book97) format(p octets) {
	if len(b.formats) >= maxFormats {
		return
	}
	switch {
	case b.biff >= 8:
		b.formats[p.u16(0)] = string(b.short(p.from(2), false))
	case b.biff == 5:
		b.formats[p.u16(0)] = string(b.short(p.from(2), true))
	}
}

// short is a text with its length in front, of one octet or of two.
func (b *book97) short(p octets, one bool) []byte {
	count, at := p.u16(0), 2
	if one {
		count, at = p.u8(0), 1
	}
	if b.biff < 8 {
		return codepage.Append(nil, b.page, p.part(at, count))
	}
	return unicodeText(p.from(at), count)
}

// unicodeText reads the characters of an XLUnicodeString (MS-XLS §2.5.294):
// flags, and characters of one octet or of two.
func unicodeText(p octets, count int) []byte {
	flags, at := p.u8(0), 1
	if flags&8 != 0 {
		at += 2
	}
	if flags&4 != 0 {
		at += 4
	}
	if flags&1 != 0 {
		return codepage.AppendUTF16(nil, p.part(at, 2*count))
	}
	return latin(nil, p.part(at, count))
}

// latin decodes characters whose high octet, zero, was left out.
func latin(dst, p []byte) []byte {
	for _, c := range p {
		if c < 0x80 {
			dst = append(dst, c)
		} else {
			dst = append(dst, 0xC0|c>>6, 0x80|c&0x3F)
		}
	}
	return dst
}
