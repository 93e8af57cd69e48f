package cfb_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"postern.dev/postern/internal/extract/cfb"
)

// sample is a storage with streams of every size.
func sample() *cfb.Entry {
	deep := &cfb.Entry{Name: "deep", Storage: true, Children: []*cfb.Entry{{Name: "\x01Ole10Native", Content: []byte("in the deep")}}}
	root := &cfb.Entry{Storage: true, Class: [16]byte{6, 9, 2}, Children: []*cfb.Entry{
		deep,
		{Name: "empty"},
		{Name: "small", Content: bytes.Repeat([]byte("s"), 65)},
		{Name: "edge", Content: bytes.Repeat([]byte("e"), 4096)},
		{Name: "large", Content: bytes.Repeat([]byte("0123456789"), 9000)},
	}}
	for i := range 40 {
		root.Children = append(root.Children, &cfb.Entry{Name: fmt.Sprintf("n%d", i), Content: []byte{byte(i)}})
	}
	return root
}

func equal(t *testing.T, want, got *cfb.Entry) {
	t.Helper()
	if len(want.Children) != len(got.Children) {
		t.Fatalf("%q: %d entries, want %d", want.Name, len(got.Children), len(want.Children))
	}
	for _, w := range want.Children {
		g := got.Child(w.Name)
		if g == nil {
			t.Fatalf("%q is missing", w.Name)
		}
		if w.Storage {
			equal(t, w, g)
			continue
		}
		if !bytes.Equal(w.Content, g.Bytes()) {
			t.Errorf("%q: %d octets, want %d", w.Name, len(g.Bytes()), len(w.Content))
		}
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	root, err := cfb.Open(sample().File())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, sample(), root)
	if root.Class != sample().Class {
		t.Error("the class is lost")
	}
	inner, err := cfb.Open(root.Child("DEEP").File())
	if err != nil || string(inner.Stream("\x01ole10native")) != "in the deep" {
		t.Errorf("a storage as a file of its own: %v", err)
	}
}

func TestALargeFileHasMoreThan109TablesOfSectors(t *testing.T) {
	big := bytes.Repeat([]byte("abcdefgh"), 1<<20)
	root, err := cfb.Open((&cfb.Entry{Storage: true, Children: []*cfb.Entry{{Name: "big", Content: big}}}).File())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(root.Stream("big"), big) {
		t.Error("the stream is not the same")
	}
}

func TestDamageIsSaidAndTheRestIsRead(t *testing.T) {
	whole := sample().File()
	tests := []struct {
		name   string
		damage func(p []byte) []byte
	}{
		{"the end is cut off", func(p []byte) []byte { return p[:len(p)-700] }},
		{"a chain goes in a circle", func(p []byte) []byte {
			dir := 512 * (1 + int(binary.LittleEndian.Uint32(p[48:])))
			for row := 0; row < 49; row++ { // every sibling is the row itself
				binary.LittleEndian.PutUint32(p[dir+128*row+68:], uint32(row))
			}
			return p
		}},
		{"only the header is there", func(p []byte) []byte { return p[:512] }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root, err := cfb.Open(tt.damage(bytes.Clone(whole)))
			if err == nil && !root.Damaged() {
				t.Error("the damage is not said")
			}
		})
	}
	if _, err := cfb.Open([]byte("no compound file")); !errors.Is(err, cfb.ErrNotCompound) {
		t.Errorf("another file: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(sample().File())
	f.Add((&cfb.Entry{Storage: true}).File())
	f.Fuzz(func(t *testing.T, p []byte) {
		root, err := cfb.Open(p)
		if root == nil {
			if err == nil {
				t.Fatal("neither a file nor an error")
			}
			return
		}
		total := 0
		var walk func(e *cfb.Entry)
		walk = func(e *cfb.Entry) {
			for _, c := range e.Children {
				total += len(c.Bytes())
				walk(c)
			}
		}
		walk(root)
		again, err := cfb.Open(root.File())
		if again == nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
	})
}
