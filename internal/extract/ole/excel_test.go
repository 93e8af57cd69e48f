package ole_test

import (
	"encoding/binary"
	"math"
	"testing"

	"postern.dev/postern/internal/extract/cfb"
	"postern.dev/postern/internal/extract/ole"
)

// rec writes a record of a workbook.
func rec(kind int, body ...[]byte) []byte {
	var all []byte
	for _, b := range body {
		all = append(all, b...)
	}
	out := binary.LittleEndian.AppendUint16(nil, uint16(kind))
	return append(binary.LittleEndian.AppendUint16(out, uint16(len(all))), all...)
}

func u16(list ...int) []byte {
	var out []byte
	for _, n := range list {
		out = binary.LittleEndian.AppendUint16(out, uint16(n))
	}
	return out
}

func u32(list ...int) []byte {
	var out []byte
	for _, n := range list {
		out = binary.LittleEndian.AppendUint32(out, uint32(n))
	}
	return out
}

func f64(v float64) []byte { return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)) }

func join(list ...[]byte) []byte {
	var out []byte
	for _, p := range list {
		out = append(out, p...)
	}
	return out
}

// workbookStream is a workbook of Excel 97: its shared texts go on in a
// second record in the middle of a word, with another width.
func workbookStream() []byte {
	globals := join(
		rec(0x0809, u16(0x0600, 5, 0, 0), u32(0, 0)),
		rec(0x041E, u16(164, 8), []byte{0}, []byte("00000000")),
		rec(0x00E0, u16(0, 0), make([]byte, 16)),
		rec(0x00E0, u16(0, 164), make([]byte, 16)),
		rec(0x00FC, u32(3, 3), u16(5), []byte{0}, []byte("first"), u16(11), []byte{0}, []byte("card 4")),
		rec(0x003C, []byte{1}, wide("111 é"), u16(4), []byte{8}, u16(1), []byte("rich"), make([]byte, 4)),
	)
	bound := func(at int) []byte {
		return join(rec(0x0085, u32(at), []byte{1, 0, 3, 0}, []byte("Pay")), rec(0x000A))
	}
	sheet := join(
		rec(0x0809, u16(0x0600, 0x10, 0, 0), u32(0, 0)),
		rec(0x0014, u16(3), []byte{0}, []byte("&Lx")),
		rec(0x00FD, u16(0, 0, 0), u32(0)), rec(0x00FD, u16(0, 1, 0), u32(1)), rec(0x00FD, u16(0, 2, 0), u32(2)),
		rec(0x0203, u16(1, 0, 0), f64(4111111111111111)),
		rec(0x0203, u16(1, 1, 1), f64(1234)),
		rec(0x00BD, u16(2, 0, 0), u32(123<<2|2), u16(0), u32(12345<<2|3), u16(1)),
		rec(0x0006, u16(3, 0, 0, 0, 0, 0, 0xFFFF), make([]byte, 8)), rec(0x0207, u16(6), []byte{0}, []byte("result")),
		rec(0x01B6, make([]byte, 10), u16(4), make([]byte, 6)), rec(0x003C, []byte{0}, []byte("note")),
		rec(0x005A, []byte{1, 0, 0, 0}, []byte{1}, f64(4222), []byte{2}, u16(5), []byte{0}, []byte("other")),
		rec(0x000A),
	)
	return join(globals, bound(len(globals)+len(bound(0))), sheet)
}

func workbook() *cfb.Entry { return storage("", stream("Workbook", workbookStream())) }

func TestTheCellsOfAWorkbook(t *testing.T) {
	p := read(t, workbook())
	has(t, p, "[table sheet 1 (Pay, hidden)]", "1,1=first\n1,2=card 4111 é\n1,3=rich\n", "2,1=4111111111111111\n",
		"2,2=00001234\n", "3,1=123\n3,2=123.45\n", "4,1=result", "comments and text boxes]\nnote", "header or footer]\n&Lx",
		"cells of other workbooks]\n4222\nother")
	if len(p.notes) > 0 {
		t.Errorf("%q", p.notes)
	}
}

func TestASheetThatLiesInNoCompoundFile(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		want string
	}{
		{"Excel 2", join(rec(0x0009, u16(2, 0x10)), rec(0x0004, u16(0, 0), []byte{0, 0, 0, 4}, []byte("4111")),
			rec(0x0003, u16(0, 1), []byte{0, 0, 0}, f64(12.5)), rec(0x000A)), "1,1=4111\n1,2=12.5"},
		{"Excel 4", join(rec(0x0409, u16(0, 0x10, 0)), rec(0x0204, u16(0, 0, 0, 4), []byte("caf\xe9")), rec(0x000A)), "1,1=café"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &paper{}
			if !ole.IsSheet(tt.in) {
				t.Fatal("not seen as a sheet")
			}
			if err := ole.ReadSheet(tt.in, nil, p); err != nil {
				t.Fatal(err)
			}
			has(t, p, tt.want)
		})
	}
}

func TestCellsInAnyOrderAreRead(t *testing.T) {
	p := read(t, storage("", stream("Workbook", join(rec(0x0809, u16(0x0600, 0x10, 0, 0), u32(0, 0)),
		rec(0x0203, u16(5, 5, 0), f64(1)), rec(0x0203, u16(1, 1, 0), f64(2)), rec(0x000A)))))
	has(t, p, "6,6=1", "2,2=2")
}
