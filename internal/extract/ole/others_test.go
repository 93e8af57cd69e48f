package ole_test

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"testing"

	"postern.dev/postern/internal/extract/cfb"
	"postern.dev/postern/internal/extract/ole"
)

func deflated(p []byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	_, _ = w.Write(p)
	_ = w.Close()
	return b.Bytes()
}

// hangul writes a document of Hangul 5 with one paragraph, and a file.
func hangul(flags int) *cfb.Entry {
	head := make([]byte, 256)
	copy(head[36:], u32(flags))
	text := join(wide("card 4111"), u16(9, 0, 0, 0, 0, 0, 0, 9), wide("end"), u16(13))
	section := join(u32(67|len(text)<<20), text)
	return storage("", stream("FileHeader", head), storage("BodyText", stream("Section0", deflated(section))),
		storage("BinData", stream("BIN0001.txt", deflated([]byte("a file")))))
}

// publication writes a text in the chunks of Publisher.
func publication() *cfb.Entry {
	text := wide("published 4111\r")
	p := join([]byte("CHNKINK "), make([]byte, 24), u16(0x18), []byte("TEXT"), u16(0, 0, 0), []byte("TEXT"), u32(64, len(text)))
	return storage("", storage("Quill", storage("QuillSub", stream("CONTENTS", join(p, make([]byte, 64-len(p)), text)))))
}

// drawing writes streams of Visio: a pointer at 0x24 to a list of pointers,
// and a packed stream with text.
func drawing() *cfb.Entry {
	packed := join([]byte{0xFF}, []byte("headdraw"), []byte{0xFF}, []byte("n 4111 x"))
	list := join(u32(4, 1, 0), make([]byte, 0))
	at := 0x24 + 18
	pointer := func(offset, size, format int) []byte { return join(u32(0x15, 0, offset, size), u16(format)) }
	list = join(list, pointer(at+30, len(packed), 0xD2))
	head := make([]byte, 0x24)
	head[26] = 11
	return storage("", stream("VisioDocument", join(head, pointer(at, len(list), 0x40), list, packed)))
}

// macros writes a project with one module, packed as it is.
func macros() *cfb.Entry {
	chunk := func(p []byte) []byte { // of single octets only
		var out []byte
		for i, c := range p {
			if i%8 == 0 {
				out = append(out, 0)
			}
			out = append(out, c)
		}
		return join([]byte{1}, u16(0xB000|len(out)-1), out)
	}
	dir := join(u16(0x0003), u32(2), u16(1252), u16(0x001A), u32(6), []byte("Module"), u16(0x0031), u32(4), u32(3))
	return storage("", storage("VBA", stream("dir", chunk(dir)), stream("Module", join([]byte("xyz"), chunk([]byte("Sub A() '4111"))))))
}

func TestOtherDocuments(t *testing.T) {
	p := read(t, hangul(1))
	if has(t, p, "card 4111\tend\n"); p.files["BIN0001.txt"] != "a file" {
		t.Errorf("%q", p.files)
	}
	if p := read(t, hangul(3)); len(p.notes) != 1 || p.notes[0] != "encrypted" {
		t.Errorf("%q", p.notes)
	}
	has(t, read(t, publication()), "published 4111\n")
	has(t, read(t, macros()), "[macro Module]\nSub A() '4111")
	p = read(t, drawing())
	if has(t, p, "drawn 4111 x"); len(p.notes) != 1 || p.notes[0] != "unsupported" {
		t.Errorf("%q", p.notes)
	}
}

func TestEmbeddedObjectsAreFiles(t *testing.T) {
	packed := join([]byte{2, 0}, []byte("a.txt\x00C:\\a.txt\x00"), u16(0, 3), u32(6), []byte("a.txt\x00"), u32(4), []byte("4111"))
	d := document("text", 0)
	d.Children = append(d.Children, storage("ObjectPool",
		storage("_1", stream("\x01Ole10Native", join(u32(len(packed)), packed))),
		storage("_2", stream("CONTENTS", []byte("%PDF"))),
		storage("_3", workbook().Children...),
		storage("_4", stream("\x02OlePres000", []byte("picture")))))
	p := read(t, d)
	inner, err := cfb.Open([]byte(p.files["object 2"]))
	if p.files["a.txt"] != "4111" || p.files["object 1"] != "%PDF" || err != nil || len(p.files) != 3 {
		t.Fatalf("%d files, %v", len(p.files), err)
	}
	has(t, read(t, inner), "card 4111")

	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write(macros().File())
	_ = w.Close()
	s := slides()
	s.Child("PowerPoint Document").Content = join(s.Child("PowerPoint Document").Content, pp(0x1011, 1, false, u32(0), b.Bytes()))
	has(t, read(t, s), "Sub A() '4111")
}

func TestPicturesAreFiles(t *testing.T) {
	png := join([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 600))
	s := slides()
	s.Children = append(s.Children, stream("Pictures", join(u16(0x6E00, 0xF01E), u32(17+len(png)), make([]byte, 17), png)))
	if p := read(t, s); p.files["picture 1.png"] != string(png) {
		t.Errorf("%d files", len(p.files))
	}
}

func TestPackedStreamsAreBounded(t *testing.T) {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	for range 60 {
		_, _ = w.Write(make([]byte, 1<<20))
	}
	_ = w.Close()
	s := slides()
	object := pp(0x1011, 1, false, u32(0), b.Bytes())
	for range 6 {
		s.Child("PowerPoint Document").Content = join(s.Child("PowerPoint Document").Content, object)
	}
	p := &forgetful{}
	if err := ole.Read(s.File(), nil, p); err != nil || len(p.notes) == 0 || p.notes[0] != "too-large" {
		t.Errorf("%v %q", err, p.notes)
	}
}

// forgetful does not keep the files that it is given.
type forgetful struct{ paper }

func (f *forgetful) Embed(string, string, []byte) error { return nil }
