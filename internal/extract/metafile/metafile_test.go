package metafile_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"unicode/utf16"

	"postern.dev/postern/internal/extract/metafile"
)

type paper struct {
	bytes.Buffer
	files []string
	notes []string
}

func (p *paper) Note(cause, _ string) { p.notes = append(p.notes, cause) }
func (p *paper) Embed(_, _ string, octets []byte) error {
	p.files = append(p.files, string(octets))
	return nil
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

func join(list ...[]byte) []byte { return bytes.Join(list, nil) }

func wide(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

func emr(kind int, body []byte) []byte {
	body = append(body, make([]byte, -len(body)&3)...)
	return join(u32(kind, len(body)+8), body)
}

// out writes EMR_EXTTEXTOUTW: each character is ten wide.
func out(x, y int, s string) []byte {
	text := wide(s)
	text = append(text, make([]byte, -len(text)&3)...)
	n := len([]rune(s))
	var gaps []byte
	for range n {
		gaps = append(gaps, u32(10)...)
	}
	return emr(84, join(make([]byte, 28), u32(x, y, n, 76, 0), make([]byte, 16), u32(76+len(text)), text, gaps))
}

func emf(records ...[]byte) []byte {
	head := make([]byte, 88)
	copy(head, u32(1, 88))
	copy(head[40:], " EMF")
	return join(append(append([][]byte{head}, records...), emr(14, nil))...)
}

func wmf() []byte {
	record := func(kind int, body []byte) []byte { return join(u32((len(body)+6)/2), u16(kind), body) }
	return join(u16(1, 9, 0x300), u32(100), u16(0), u32(50), u16(0),
		record(0x02FB, join(u16(0, 0, 0, 0, 0, 0, 204<<8))),
		record(0x0521, join(u16(4), []byte("\xcf\xf0\xe8!"), u16(10, 20))),
		record(0x0A32, join(u16(30, 40, 4, 0), []byte("4111"), u16(5, 5, 5, 5))),
		record(0x0A32, join(u16(30, 60, 4, 0), []byte("1111"), u16(5, 5, 5, 5))), u32(3), u16(0))
}

func read(t *testing.T, in []byte) *paper {
	t.Helper()
	p := &paper{}
	if err := metafile.Read(in, p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRunsOfTextBecomeLines(t *testing.T) {
	in := emf(out(0, 5, "card 41"), out(70, 5, "11"), out(200, 5, "é"), out(0, 30, "next"))
	if p := read(t, in); !metafile.IsEMF(in) || p.String() != "card 4111 é\nnext" || len(p.notes) > 0 {
		t.Errorf("%q %q", p, p.notes)
	}
	if p := read(t, wmf()); !metafile.IsWMF(wmf()) || p.String() != "При!\n41111111" {
		t.Errorf("%q", p)
	}
}

func TestFilesInCommentsAreGivenOut(t *testing.T) {
	pdf := "%PDF-1.4 and so on"
	p := read(t, emf(emr(70, join(u32(len(pdf)+4), []byte("MAC "), []byte(pdf)))))
	if len(p.files) != 1 || p.files[0] != pdf {
		t.Errorf("%q", p.files)
	}
	text := wide("drawn 4111")
	plus := join([]byte("EMF+"), u16(0x401C, 0), u32(12+28+len(text), 28+len(text)), u32(0, 0, len(text)/2), make([]byte, 16), text)
	if p := read(t, emf(emr(70, join(u32(len(plus)), plus)))); p.String() != "drawn 4111" {
		t.Errorf("%q", p)
	}
}

func TestPixelsAreNotRead(t *testing.T) {
	if p := read(t, emf(emr(81, make([]byte, 80)))); len(p.notes) != 1 || p.notes[0] != "unsupported" {
		t.Errorf("%q", p.notes)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(emf(out(0, 5, "card"), out(40, 5, "4111"), emr(108, make([]byte, 60)), emr(97, make([]byte, 120))))
	f.Add(wmf())
	f.Fuzz(func(t *testing.T, in []byte) {
		p := &paper{}
		if err := metafile.Read(in, p); err != nil {
			t.Fatal(err)
		}
		if p.Len() > 64*len(in)+1024 {
			t.Errorf("%d octets became %d", len(in), p.Len())
		}
	})
}
