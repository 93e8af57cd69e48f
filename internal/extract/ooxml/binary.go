package ooxml

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Records of binary workbooks, MS-XLSB 2.3.
const (
	brtRowHdr       = 0
	brtCellBlank    = 1
	brtCellRk       = 2
	brtCellError    = 3
	brtCellBool     = 4
	brtCellReal     = 5
	brtCellSt       = 6
	brtCellIsst     = 7
	brtFmlaString   = 8
	brtFmlaNum      = 9
	brtFmlaBool     = 10
	brtFmlaError    = 11
	brtSSTItem      = 19
	brtFmt          = 44
	brtXF           = 47
	brtCellRString  = 62
	brtWbProp       = 153
	brtBundleSh     = 156
	brtBeginCellXFs = 617
	brtEndCellXFs   = 618
	brtCommentText  = 637
	brtHeaderFooter = 479
)

// maxRecord bounds one record.
const maxRecord = 16 << 20

// record reads the next record: a number and a size, seven bits to an octet
// (MS-XLSB 2.1.4), then the data, which is valid until the next call.
func record(r *bufio.Reader, buf []byte) (kind int, data []byte, err error) {
	for i := range 2 {
		c, err := r.ReadByte()
		if err != nil {
			return 0, nil, err
		}
		kind |= int(c&0x7F) << (7 * i)
		if c < 0x80 {
			break
		}
	}
	size := 0
	for i := range 4 {
		c, err := r.ReadByte()
		if err != nil {
			return 0, nil, io.ErrUnexpectedEOF
		}
		size |= int(c&0x7F) << (7 * i)
		if c < 0x80 {
			break
		}
	}
	if size > maxRecord {
		return 0, nil, io.ErrUnexpectedEOF
	}
	data = buf[:0]
	for len(data) < size {
		piece := min(size-len(data), 64<<10)
		n := len(data)
		data = append(data, make([]byte, piece)...)
		if _, err := io.ReadFull(r, data[n:]); err != nil {
			return kind, data[:n], io.ErrUnexpectedEOF
		}
	}
	return kind, data, nil
}

// binary reads a part of a binary workbook, whichever it is.
func (p *pack) binary(t *part, in io.Reader, place string) {
	r := bufio.NewReaderSize(in, 32<<10)
	head, _ := r.Peek(8)
	if foreign(head) || strings.Contains(t.name, "printersettings") {
		p.embed(t, r)
		return
	}
	if place == "" {
		place = "binary part " + t.name
		if strings.Contains(t.name, "comments") {
			place = "comments"
		}
	}
	p.w.begin(place)
	c := &cells{p: p, place: place}
	b := &p.book
	b.extra, b.headers = b.extra[:0], b.headers[:0]
	z := &biff{p: p, c: c}
	var buf []byte
	for p.err == nil {
		kind, data, err := record(r, buf)
		if err == io.EOF {
			break
		}
		z.take(kind, data)
		if err != nil {
			p.out.Note("malformed", "a part of the workbook is damaged")
			break
		}
		buf = data
	}
	c.end()
	if err := p.w.finish(); p.err == nil {
		p.err = err
	}
	c.split.end(c)
	p.besides(place)
}

// foreign reports whether a part that should be binary records is a file of
// another kind.
func foreign(head []byte) bool {
	for _, magic := range []string{"PK\x03\x04", "%PDF", "\xD0\xCF\x11\xE0", "{\\rt", "Rar!", "7z\xBC\xAF", "\x1F\x8B", "<"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return false
}

// biff is the state of a binary part.
type biff struct {
	p      *pack
	c      *cells
	styles bool
	effort int // octets that were looked at for strings
}

func (z *biff) take(kind int, data []byte) {
	b, c, le := &z.p.book, z.c, binary.LittleEndian
	switch kind {
	case brtRowHdr:
		if len(data) >= 4 {
			c.row = int(le.Uint32(data)&0xFFFFF) + 1
		}
	case brtCellBlank, brtCellRk, brtCellError, brtCellBool, brtCellReal, brtCellSt, brtCellIsst, brtFmlaString,
		brtFmlaNum, brtFmlaBool, brtFmlaError, brtCellRString:
		if len(data) >= 8 {
			c.row = max(c.row, 1)
			c.col = int(le.Uint32(data)&0x3FFF) + 1
			c.style = int(le.Uint32(data[4:]) & 0xFFFFFF)
			z.cell(kind, data[8:])
		}
	case brtSSTItem:
		if text, _, ok := rich(data); ok && len(b.strings) < maxStrings {
			b.strings = append(b.strings, text...)
			z.p.endString()
		}
	case brtFmt:
		if len(data) > 2 && len(b.custom) < 10000 {
			if s, _, ok := wide(data[2:]); ok {
				b.custom[int(le.Uint16(data))] = string(s)
			}
		}
	case brtBeginCellXFs, brtEndCellXFs:
		z.styles = kind == brtBeginCellXFs
	case brtXF:
		if z.styles && len(data) >= 4 && len(b.formats) < 100000 {
			b.formats = append(b.formats, int(le.Uint16(data[2:])))
		}
	case brtCommentText:
		if text, _, ok := rich(data); ok {
			z.p.w.line(text)
		}
	case brtHeaderFooter:
		for rest := data[min(2, len(data)):]; len(rest) >= 4; {
			s, more, ok := wide(rest)
			if !ok {
				break
			}
			b.headers = append(append(b.headers, s...), '\n')
			rest = more
		}
	default:
		z.unknown(data)
	}
}

func (z *biff) cell(kind int, data []byte) {
	c, le := z.c, binary.LittleEndian
	switch {
	case kind == brtCellIsst && len(data) >= 4:
		c.give(z.p.book.shared(int(le.Uint32(data))))
	case (kind == brtCellSt || kind == brtFmlaString):
		if s, rest, ok := wide(data); ok {
			c.give(s)
			z.unknown(rest)
		}
	case kind == brtCellRString:
		if s, _, ok := rich(data); ok {
			c.give(s)
		}
	case kind == brtCellRk && len(data) >= 4:
		z.number(rk(le.Uint32(data)))
	case (kind == brtCellReal || kind == brtFmlaNum) && len(data) >= 8:
		z.number(math.Float64frombits(le.Uint64(data)))
		z.unknown(data[8:])
	case (kind == brtCellBool || kind == brtFmlaBool) && len(data) >= 1:
		c.give([]byte(strings.ToUpper(strconv.FormatBool(data[0] != 0))))
	}
}

func (z *biff) number(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	c := z.c
	c.value = strconv.AppendFloat(c.value[:0], v, 'f', -1, 64)
	c.text = z.p.book.shape(c.text[:0], c.value, c.style)
	c.give(c.text)
}

// rk is a number in 30 bits (MS-XLSB 2.5.123).
func rk(n uint32) float64 {
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

// wide reads a counted UTF-16 string (XLWideString; a null one is empty).
func wide(data []byte) (text, rest []byte, ok bool) {
	if len(data) < 4 {
		return nil, nil, false
	}
	n := binary.LittleEndian.Uint32(data)
	if n == math.MaxUint32 {
		return nil, data[4:], true
	}
	if uint64(n)*2 > uint64(len(data)-4) {
		return nil, nil, false
	}
	raw := data[4 : 4+2*n]
	return utf8Of(raw), data[4+2*n:], true
}

// rich reads a string with runs of format (RichStr): only its text.
func rich(data []byte) (text, rest []byte, ok bool) {
	if len(data) < 5 {
		return nil, nil, false
	}
	text, rest, ok = wide(data[1:])
	if !ok || data[0]&2 == 0 {
		return text, rest, ok
	}
	// What is pronounced stands behind the runs.
	if data[0]&1 != 0 && len(rest) >= 4 {
		runs := uint64(binary.LittleEndian.Uint32(rest)) * 4
		if runs > uint64(len(rest)-4) {
			return text, nil, true
		}
		rest = rest[4+runs:]
	}
	if said, more, fine := wide(rest); fine {
		return append(append(text, ' '), said...), more, true
	}
	return text, rest, ok
}

func utf8Of(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i+1 < len(raw); i += 2 {
		r := rune(binary.LittleEndian.Uint16(raw[i:]))
		if utf16.IsSurrogate(r) && i+3 < len(raw) {
			if full := utf16.DecodeRune(r, rune(binary.LittleEndian.Uint16(raw[i+2:]))); full != utf8.RuneError {
				r = full
				i += 2
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

// minUnknown is the shortest string that is taken out of a record whose form
// is not known.
const minUnknown = 3

// maxEffort bounds the search for such strings in one part.
const maxEffort = 64 << 20

// unknown gives out what looks like a string in a record: a count that fits
// and characters that print.
func (z *biff) unknown(data []byte) {
	b := &z.p.book
	for i := 0; i+4+2*minUnknown <= len(data); {
		n := binary.LittleEndian.Uint32(data[i:])
		fits := n >= minUnknown && uint64(n)*2 <= uint64(len(data)-i-4)
		if fits {
			if z.effort += int(n); z.effort > maxEffort {
				z.p.out.Note("too-large", "a part of the workbook is not read to its end")
				return
			}
		}
		if !fits || !prints(data[i+4:i+4+int(2*n)]) {
			i++
			continue
		}
		b.extra = append(append(b.extra, utf8Of(data[i+4:i+4+int(2*n)])...), '\n')
		i += 4 + int(2*n)
	}
}

func prints(raw []byte) bool {
	for i := 0; i+1 < len(raw); i += 2 {
		u := binary.LittleEndian.Uint16(raw[i:])
		if u < ' ' && u != '\n' && u != '\r' && u != '\t' || u == 0xFFFF || u == 0xFFFE {
			return false
		}
	}
	return true
}

// sheetsBinary reads the list of sheets (BrtBundleSh, MS-XLSB 2.4.311).
func (p *pack) sheetsBinary(main int) []sheet {
	r := p.open(main)
	if r == nil {
		return nil
	}
	defer r.Close()
	in := bufio.NewReader(p.counted(r))
	var list []sheet
	var buf []byte
	for len(list) < 10000 {
		kind, data, err := record(in, buf)
		if err != nil {
			break
		}
		buf = data
		switch {
		case kind == brtWbProp && len(data) >= 4:
			p.book.date1904 = data[0]&1 != 0
		case kind == brtBundleSh && len(data) > 8:
			state := binary.LittleEndian.Uint32(data)
			id, rest, ok := wide(data[8:])
			name, _, fine := wide(rest)
			if ok && fine {
				s := sheet{name: string(name), id: string(id)}
				if state != 0 {
					s.state = "hidden"
				}
				list = append(list, s)
			}
		}
	}
	return list
}
