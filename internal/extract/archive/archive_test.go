package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"postern.dev/postern/internal/extract/zipped"
)

// page is a sink that writes all down.
type page struct {
	strings.Builder
	notes     []string
	passwords []string
}

func (p *page) Section(place string) { fmt.Fprintf(p, "[%s]", place) }
func (p *page) Note(cause, _ string) { p.notes = append(p.notes, cause) }
func (p *page) Passwords() []string  { return p.passwords }
func (p *page) Embed(name, _ string, octets io.Reader) error {
	b, err := io.ReadAll(octets)
	fmt.Fprintf(p, "<%s: %s>", name, b)
	return err
}

func compressed(t testing.TB, kind, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch kind {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "xz":
		w, err = xz.NewWriter(&b)
	case "zstd":
		w, err = zstd.NewWriter(&b)
	case "lz4":
		w = lz4.NewWriter(&b)
	case "bzip2": // "text" as bzip2 writes it
		raw, _ := hex.DecodeString("425a683931415926535906e5d4d7000000800020002100820b177245385090" + "06e5d4d7")
		return raw
	}
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, content)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCompressedFiles(t *testing.T) {
	content := strings.Repeat("some text to pack; ", 2000)
	for _, kind := range []string{"gzip", "xz", "zstd", "lz4"} {
		t.Run(kind+" gives its file out", func(t *testing.T) {
			p := &page{}
			b := compressed(t, kind, content)
			if err := Compressed(kind, bytes.NewReader(b), "a.txt.gz", p); err != nil || p.String() != "<a.txt: "+content+">" || len(p.notes) > 0 {
				t.Errorf("%v %v, %d characters", err, p.notes, p.Len())
			}
			p = &page{}
			if err := Compressed(kind, bytes.NewReader(b[:len(b)-8]), "", p); err != nil || !slices.Contains(p.notes, "malformed") {
				t.Errorf("cut off: %v %v", err, p.notes)
			}
		})
	}
}

func TestCompressReadsWhatCompressWrites(t *testing.T) {
	// The codes of "aaaa" and of a table that is begun anew, nine bits each.
	pack := func(codes ...uint) []byte {
		out := []byte{0x1F, 0x9D, 0x90}
		var bits, have uint
		for _, c := range codes {
			bits |= c << have
			for have += 9; have >= 8; have -= 8 {
				out = append(out, byte(bits))
				bits >>= 8
			}
		}
		return append(out, byte(bits))
	}
	for _, tt := range []struct {
		codes []uint
		want  string
	}{
		{[]uint{'a', 257, 'a'}, "aaaa"},
		{[]uint{'a', 'b', 257, 259, 'c'}, "abababac"[:2] + "ab" + "aba" + "c"},
	} {
		p := &page{}
		if err := Compressed("compress", bytes.NewReader(pack(tt.codes...)), "x.Z", p); err != nil || p.String() != "<x: "+tt.want+">" {
			t.Errorf("%v: %v %q, want %q", tt.codes, err, p.String(), tt.want)
		}
	}
}

func TestTar(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"dir/a.txt", "b.txt"} {
		_ = w.WriteHeader(&tar.Header{Name: name, Size: 4, Mode: 0o600})
		_, _ = io.WriteString(w, "text")
	}
	_ = w.WriteHeader(&tar.Header{Name: "link", Linkname: "4111111111111111", Typeflag: tar.TypeSymlink})
	w.Close()
	p := &page{}
	if err := Tar(&b, p); err != nil {
		t.Fatal(err)
	}
	want := "[names in the archive]dir/a.txt\n<dir/a.txt: text>b.txt\n<b.txt: text>link\n4111111111111111\n"
	if p.String() != want {
		t.Errorf("got %q", p.String())
	}
}

func zipOf(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := range n {
		f, err := w.Create(fmt.Sprintf("f%d", i))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(f, "x")
	}
	_ = w.SetComment("4111")
	w.Close()
	return b.Bytes()
}

func TestZip(t *testing.T) {
	p := &page{}
	if err := Zip(zipped.Open(zipOf(t, 2)), p); err != nil {
		t.Fatal(err)
	}
	if want := "[names in the archive]4111\nf0\nf1\n<f0: x><f1: x>"; p.String() != want || len(p.notes) > 0 {
		t.Errorf("got %q %v", p.String(), p.notes)
	}
	p = &page{}
	b := zipOf(t, 2)
	b[6] |= 1
	b[bytes.Index(b, []byte("PK\x01\x02"))+8] |= 1
	if err := Zip(zipped.Open(b), p); err != nil || !slices.Contains(p.notes, "encrypted") {
		t.Errorf("encrypted: %v %v", err, p.notes)
	}
}

func TestTooManyFilesOfAnArchiveAreSaid(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for range maxEntries + 1 {
		_ = w.WriteHeader(&tar.Header{Name: "a", Mode: 0o600})
	}
	w.Close()
	p := &page{}
	if err := Tar(&b, p); err != nil || !slices.Contains(p.notes, "too-many-parts") {
		t.Errorf("%v %v", err, p.notes)
	}
	p = &page{}
	if err := Zip(&zipped.Archive{Full: true}, p); err != nil || !slices.Contains(p.notes, "too-many-parts") {
		t.Errorf("%v %v", err, p.notes)
	}
}

func TestAWindowThatIsTooLargeIsSaid(t *testing.T) {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(2*maxWindow))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(bytes.Repeat([]byte("0123456789abcdef"), 4096))
	_ = w.Flush()
	_, _ = w.Write([]byte("more"))
	w.Close()
	p := &page{}
	if err := Compressed("zstd", &b, "", p); err != nil || len(p.notes) == 0 {
		t.Errorf("%v %v", err, p.notes)
	}
}

func FuzzArchives(f *testing.F) {
	f.Add(byte(0), zipOf(f, 3))
	for i, kind := range []string{"gzip", "xz", "zstd", "lz4"} {
		f.Add(byte(i+1), compressed(f, kind, "some text"))
	}
	f.Add(byte(5), []byte{0x1F, 0x9D, 0x90, 'a', 3, 0})
	f.Add(byte(6), []byte("Rar!\x1A\x07\x00"))
	f.Add(byte(7), []byte("7z\xBC\xAF\x27\x1C\x00\x04"))
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		p := &bounded{}
		switch k := kind % 8; k {
		case 0:
			_ = Zip(zipped.Open(b), p)
		case 6:
			_ = Rar(b, p)
		case 7:
			_ = SevenZip(b, p)
		default:
			kinds := []string{"", "gzip", "xz", "zstd", "lz4", "compress"}
			_ = Compressed(kinds[k], bytes.NewReader(b), "a", p)
		}
	})
}

// bounded takes little of each file.
type bounded struct{ page }

func (p *bounded) Embed(_, _ string, octets io.Reader) error {
	_, err := io.Copy(io.Discard, io.LimitReader(octets, 1<<20))
	return err
}
