package object_test

import (
	"encoding/binary"
	"testing"

	"postern.dev/postern/internal/extract/object"
)

func ansi(s string) []byte {
	out := binary.LittleEndian.AppendUint32(nil, uint32(len(s)+1))
	return append(append(out, s...), 0)
}

func packaged(name, path, data string) []byte {
	out := []byte{2, 0}
	out = append(append(out, name...), 0)
	out = append(append(out, path...), 0)
	out = append(out, 0, 0, 3, 0)
	out = append(out, ansi(path)...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(data)))
	return append(out, data...)
}

func embedded(class string, data []byte) []byte {
	out := []byte{1, 5, 0, 0, 2, 0, 0, 0}
	out = append(out, ansi(class)...)
	out = append(out, 0, 0, 0, 0, 0, 0, 0, 0)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(data)))
	return append(out, data...)
}

func TestAPackageGivesItsFile(t *testing.T) {
	o, ok := object.Embedded(embedded("Package", packaged("a.txt", `C:\tmp\a.txt`, "4111")))
	if !ok || o.Name != "a.txt" || string(o.Data) != "4111" || o.Class != "Package" || o.Path != `C:\tmp\a.txt` {
		t.Errorf("%+v %v", o, ok)
	}
	p := packaged("b.txt", "b.txt", "native")
	o = object.Native(append(binary.LittleEndian.AppendUint32(nil, uint32(len(p))), p...))
	if o.Name != "b.txt" || string(o.Data) != "native" {
		t.Errorf("%+v", o)
	}
}

func TestTheDataOfAProgramIsGivenAsItIs(t *testing.T) {
	o, ok := object.Embedded(embedded("Word.Document.8", []byte("\xD0\xCF\x11\xE0 and so on")))
	if !ok || o.Class != "Word.Document.8" || len(o.Data) != 14 {
		t.Errorf("%+v %v", o, ok)
	}
	if o := object.Native([]byte{3, 0, 0, 0, 'a', 'b', 'c', 'd'}); string(o.Data) != "abc" {
		t.Errorf("%+v", o)
	}
}

func TestALengthIsAClaim(t *testing.T) {
	p := embedded("Package", packaged("a.txt", "a", "4111"))
	for n := range p {
		object.Embedded(p[:n])
		object.Native(p[:n])
	}
	binary.LittleEndian.PutUint32(p[8:], 0xFFFFFFFF)
	if o, _ := object.Embedded(p); len(o.Data) > len(p) {
		t.Error("more than is there")
	}
}

func FuzzObject(f *testing.F) {
	f.Add(embedded("Package", packaged("a.txt", `C:\a.txt`, "data")))
	f.Add(embedded("Word.Document.8", []byte("data")))
	f.Add(packaged("a.txt", "a.txt", "data"))
	f.Fuzz(func(t *testing.T, p []byte) {
		o, _ := object.Embedded(p)
		if n := object.Native(p); len(o.Data) > len(p) || len(n.Data) > len(p) {
			t.Error("more than is there")
		}
	})
}
