package tnef_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"postern.dev/postern/internal/extract/tnef"
)

// paper writes down what is read.
type paper struct {
	bytes.Buffer
	files map[string]string
	notes []string
}

func (p *paper) Section(name string) error   { fmt.Fprintf(p, "\n[%s]\n", name); return nil }
func (p *paper) Property(name, value string) { fmt.Fprintf(p, "%s=%s|", name, value) }
func (p *paper) Note(cause, _ string)        { p.notes = append(p.notes, cause) }
func (p *paper) Embed(name, _ string, octets []byte) error {
	if p.files == nil {
		p.files = map[string]string{}
	}
	p.files[name] = string(octets)
	return nil
}

func read(t *testing.T, in []byte) *paper {
	t.Helper()
	p := &paper{}
	if err := tnef.Read(in, p); err != nil {
		t.Fatal(err)
	}
	return p
}

func u16(n int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(n)) }
func u32(n int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }

func join(list ...[]byte) []byte { return bytes.Join(list, nil) }

func wide(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s + "\x00")) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

// attr writes an attribute.
func attr(level byte, id int, value ...[]byte) []byte {
	v := join(value...)
	sum := 0
	for _, c := range v {
		sum += int(c)
	}
	return join([]byte{level}, u32(id), u32(len(v)), v, u16(sum))
}

func padded(p []byte) []byte { return join(u32(len(p)), p, make([]byte, -len(p)&3)) }

// prop writes a property of variable length with one value, named when set.
func prop(id, kind int, name string, value []byte) []byte {
	head := u32(id<<16 | kind)
	if name != "" {
		head = join(head, make([]byte, 16), u32(1), padded(wide(name)))
	}
	return join(head, u32(1), padded(value))
}

func start(parts ...[]byte) []byte {
	return join(u32(0x223E9F78), u16(1), join(parts...))
}

// letter is a stream with everything: a message in Cyrillic with properties,
// recipients, files and a message inside.
func letter() []byte {
	inner := start(attr(1, 0x00018004, []byte("inner subject\x00")))
	return start(
		attr(1, 0x00069007, u32(1251), u32(0)),
		attr(1, 0x00018004, []byte("\xcf\xf0\xe8\x00")),
		attr(1, 0x0002800C, []byte("body 4111\x00")),
		attr(1, 0x00069003, u32(5),
			prop(0x1000, 0x1F, "", wide("wide body")),
			prop(0x8001, 0x1F, "MSIP_Label_x", wide("Secret")),
			prop(0x1013, 0x102, "", []byte("<p>html</p>")),
			join(u32(0x0E06<<16|0x40), make([]byte, 8)),
			prop(0x1009, 0x102, "", join(u32(20), u32(7), u32(0x414C454D), u32(0), []byte(`{\rtf1}`)))),
		attr(1, 0x00069004, u32(1), u32(2), join(u32(0x0C15<<16|3), u32(2)), prop(0x3001, 0x1F, "", wide("Ann"))),
		attr(2, 0x00069002, make([]byte, 14)),
		attr(2, 0x00018010, []byte("a.txt\x00")),
		attr(2, 0x0006800F, []byte("file 4111")),
		attr(2, 0x00069005, u32(1), prop(0x3707, 0x1F, "", wide("long name.txt"))),
		attr(2, 0x00069002, make([]byte, 14)),
		attr(2, 0x00069005, u32(2), prop(0x3001, 0x1F, "", wide("message")), prop(0x3701, 0x0D, "", join(make([]byte, 16), inner))),
	)
}

func TestAMessageIsRead(t *testing.T) {
	p := read(t, letter())
	for _, want := range []string{"subject=При", "Subject: При", "[body]\nbody 4111", "wide body", "custom:MSIP_Label_x=Secret", "Cc: Ann",
		"Attachment: a.txt"} {
		if !strings.Contains(p.String(), want) {
			t.Errorf("%q is missing in %q", want, p)
		}
	}
	if p.files["long name.txt"] != "file 4111" || p.files["body.html"] != "<p>html</p>" || p.files["body.rtf"] != `{\rtf1}` ||
		!strings.Contains(p.files["message"], "inner subject") {
		t.Errorf("%q", p.files)
	}
	if len(p.notes) > 0 {
		t.Errorf("%q", p.notes)
	}
}

func TestFilesWithoutNameOrInAnotherOrderAreGivenOut(t *testing.T) {
	p := read(t, start(attr(2, 0x0006800F, []byte("one")), attr(2, 0x00018010, []byte("b.txt\x00")), attr(2, 0x0006800F, []byte("two"))))
	if p.files["b.txt"] != "one" || p.files["attachment 2"] != "two" {
		t.Errorf("%q", p.files)
	}
}

func TestAStreamThatIsCutOffIsDamagedAndReadSoFar(t *testing.T) {
	whole := letter()
	for n := range whole {
		read(t, whole[:n])
	}
	p := read(t, start(attr(2, 0x00018010, []byte("a\x00")), attr(2, 0x0006800F, []byte("file 4111"))[:14]))
	if p.files["a"] != "file " || len(p.notes) != 1 || p.notes[0] != "malformed" {
		t.Errorf("%q %q", p.files, p.notes)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(letter())
	f.Add(start(attr(1, 0x8000, []byte("\x04\x00\x0c\x00\x06\x00\x06\x00Ann\x00x@y.z\x00"))))
	f.Fuzz(func(t *testing.T, in []byte) {
		p := &paper{}
		if err := tnef.Read(in, p); err != nil {
			t.Fatal(err)
		}
		if p.Len() > 64*len(in)+4096 {
			t.Errorf("%d octets became %d", len(in), p.Len())
		}
	})
}
