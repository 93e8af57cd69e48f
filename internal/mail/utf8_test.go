package mail

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"golang.org/x/text/transform"
)

func utf8Alike(t *testing.T, text []byte) {
	t.Helper()
	for name, of := range map[string]func(io.Reader) io.Reader{
		"whole":     func(r io.Reader) io.Reader { return r },
		"in octets": iotest.OneByteReader,
		"in halves": iotest.HalfReader,
		"early end": iotest.DataErrReader,
	} {
		want, err1 := io.ReadAll(transform.NewReader(of(bytes.NewReader(text)), ended{newUTF8Text()}))
		got, err2 := io.ReadAll(&utf8Reader{r: of(bytes.NewReader(text))})
		if !bytes.Equal(got, want) || err1 != err2 {
			t.Fatalf("%s: %q is %q, %v, not %q, %v", name, text, got, err2, want, err1)
		}
		got, err2 = io.ReadAll(iotest.OneByteReader(&utf8Reader{r: of(bytes.NewReader(text))}))
		if !bytes.Equal(got, want) || err1 != err2 {
			t.Fatalf("%s, read in octets: %q is %q, %v, not %q, %v", name, text, got, err2, want, err1)
		}
	}
	r := &utf8Reader{r: iotest.HalfReader(bytes.NewReader(text))}
	want, _ := io.ReadAll(transform.NewReader(bytes.NewReader(text), ended{newUTF8Text()}))
	first := make([]byte, 16)
	n, _ := r.Read(first)
	if rest, _ := io.ReadAll(iotest.OneByteReader(r)); string(first[:n])+string(rest) != string(want) {
		t.Fatalf("%q is %q and %q, not %q", text, first[:n], rest, want)
	}
	r = &utf8Reader{r: io.MultiReader(bytes.NewReader(text), iotest.ErrReader(io.ErrClosedPipe))}
	if _, err := io.ReadAll(r); err != io.ErrClosedPipe {
		t.Fatalf("%q: a source that broke is %v", text, err)
	}
}

func utf8Texts() []string {
	return []string{
		"", "a", "\ufeff", "\ufeffa", "\xef\xbb", "\xef", "\xef\xbbx", "a\ufeffb", "\ufeff\ufeffa", "žluťoučký kůň 🐎",
		"a\xffb", "\xc3", "a\xc3", "a\xe2\x82", "\xe2\x82x\xf0\x9f\x90", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80",
		"0123456789012345678901234567890123456789\xf0\x9f\x90\x8e0123456789012345\x80\x80",
	}
}

func TestUTF8PassesAsTheDecoderGivesIt(t *testing.T) {
	for _, text := range utf8Texts() {
		utf8Alike(t, []byte(text))
	}
}

func FuzzUTF8(f *testing.F) {
	for _, text := range utf8Texts() {
		f.Add([]byte(text))
	}
	f.Fuzz(utf8Alike)
}
