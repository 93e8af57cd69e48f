package onenote_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"postern.dev/postern/internal/extract/onenote"
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

func u32(list ...int) []byte {
	var out []byte
	for _, n := range list {
		out = binary.LittleEndian.AppendUint32(out, uint32(n))
	}
	return out
}

func wide(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

func join(list ...[]byte) []byte { return bytes.Join(list, nil) }

const fileMark = "\xE4\x52\x5C\x7B\x8C\xD8\xA7\x4D\xAE\xB1\x53\x78\xD0\x29\x96\xD3"

// section writes a section: a set of properties, a list with a node that
// refers to it, and a stored file.
func section() []byte {
	text := wide("a note 4111")
	inner := join([]byte{1, 0}, u32(0x1C003498), u32(5), []byte("caf\xe9!"))
	object := join(u32(1<<31|1), u32(7),
		[]byte{4, 0}, u32(0x14001D00, 0x1C001C22, 0x24001C00, 0x44001C01), u32(42), u32(len(text)), text, u32(3), inner)
	head := join([]byte(fileMark), make([]byte, 48))
	node := 0x41 | 12<<10 | 1<<23 | 0<<25 | 1<<27
	list := join([]byte("\xC4\xF4\xF7\xF5\xB1\x7A\x56\xA4"), u32(16, 0), u32(node, len(head), len(object)), u32(0))
	stored := join([]byte("\xE7\x16\xE3\xBD\x65\x26\x11\x45\xA4\xC4\x8D\x4D\x0B\x7A\x9E\xAC"), u32(4, 0, 0, 0, 0), []byte("file"))
	return join(head, object, list, stored)
}

func read(t *testing.T, in []byte) *paper {
	t.Helper()
	p := &paper{}
	if err := onenote.Read(in, p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheTextOfASection(t *testing.T) {
	p := read(t, section())
	if p.String() != "a note 4111\ncafé!\n" || len(p.files) != 1 || p.files[0] != "file" || len(p.notes) > 0 {
		t.Errorf("%q %q %q", p, p.files, p.notes)
	}
}

func TestAFormThatIsNotKnownIsSaid(t *testing.T) {
	p := read(t, join([]byte(fileMark), make([]byte, 20), wide("pieces of text")))
	if !strings.Contains(p.String(), "pieces of text") || len(p.notes) != 1 || p.notes[0] != "unsupported" {
		t.Errorf("%q %q", p, p.notes)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(section())
	f.Fuzz(func(t *testing.T, in []byte) {
		p := &paper{}
		if err := onenote.Read(in, p); err != nil {
			t.Fatal(err)
		}
		onenote.Is(in)
	})
}
