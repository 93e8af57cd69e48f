package zipped

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// inflated is what a reader gives to its end, and how it ends.
func inflated(r io.Reader) (string, string) {
	all, err := io.ReadAll(io.LimitReader(r, 4<<20))
	var corrupt flate.CorruptInputError
	switch {
	case errors.As(err, &corrupt), errors.Is(err, errInflate):
		return string(all), "damaged"
	case err != nil:
		return string(all), err.Error()
	}
	return string(all), ""
}

// alike fails when our reader and the standard library's read a stream in two
// ways.
func alike(t *testing.T, name string, packed []byte) {
	t.Helper()
	z := newInflate(packed, deflate())
	got, end := inflated(z)
	inflaters.Put(z)
	whole, err := Inflate(packed, 4<<20)
	if string(whole) != got || (err == nil) != (end == "" || len(whole) == 4<<20) {
		t.Errorf("%s: Inflate gives %d octets and %v, a reader %d and %q", name, len(whole), err, len(got), end)
	}
	if half, _ := Inflate(packed, len(got)/2); string(half) != got[:len(got)/2] {
		t.Errorf("%s: Inflate gives %d octets, not the first %d", name, len(half), len(got)/2)
	}
	want, wantEnd := inflated(flate.NewReader(bytes.NewReader(packed)))
	if got != want || end != wantEnd {
		n := 0
		for n < min(len(got), len(want)) && got[n] == want[n] {
			n++
		}
		t.Errorf("%s: %d octets, %q; want %d, %q; the first %d are alike", name, len(got), end, len(want), wantEnd, n)
	}
}

// streams are compressed texts of many kinds: of one octet, of few, of noise,
// longer than the window, in blocks of all sorts.
func streams(t testing.TB) map[string][]byte {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 150_000)
	skewed := make([]byte, 150_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
		skewed[i] = byte(r.ExpFloat64() * 9)
	}
	var prose strings.Builder
	for prose.Len() < 200_000 {
		fmt.Fprintf(&prose, "<w:p><w:r><w:t>item %x of the order</w:t></w:r></w:p>", r.Uint32()>>r.IntN(32))
	}
	list := map[string][]byte{}
	for name, text := range map[string]string{
		"nothing": "", "an octet": "a", "few": "some text, some text, some more text", "zeros": strings.Repeat("\x00", 200_000),
		"pairs": strings.Repeat("ab", 50_000), "noise": string(noise), "skewed": string(skewed), "prose": prose.String(),
		"prose and noise": prose.String() + string(noise[:70_000]) + prose.String(),
	} {
		for _, level := range []int{flate.NoCompression, flate.HuffmanOnly, flate.BestSpeed, 6, flate.BestCompression} {
			var b bytes.Buffer
			w, err := flate.NewWriter(&b, level)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(text); i += 60_001 {
				_, _ = io.WriteString(w, text[i:min(len(text), i+60_001)])
				_ = w.Flush()
			}
			_ = w.Close()
			list[fmt.Sprintf("%s, level %d", name, level)] = b.Bytes()
		}
	}
	return list
}

func TestStreamsAreInflatedAsTheStandardLibraryDoes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	all := streams(t)
	for name, packed := range all {
		alike(t, name, packed)
		alike(t, name+", and more behind it", append(bytes.Clone(packed), "PK\x03\x04 and so on"...))
		for range 4 {
			cut := r.IntN(len(packed))
			alike(t, fmt.Sprintf("%s, cut at %d", name, cut), packed[:cut])
			damaged := bytes.Clone(packed)
			at, bit := min(r.IntN(len(packed)), r.IntN(300)), r.IntN(8)
			damaged[at] ^= 1 << bit
			alike(t, fmt.Sprintf("%s, bit %d of octet %d turned", name, bit, at), damaged)
		}
	}
	few := all["few, level 9"]
	for cut := range few {
		alike(t, fmt.Sprint("few, cut at ", cut), few[:cut])
	}
}

func TestAnInflaterGivesAsMuchAsIsAskedFor(t *testing.T) {
	packed := streams(t)["prose and noise, level 6"]
	want, _ := inflated(flate.NewReader(bytes.NewReader(packed)))
	z := newInflate(packed, deflate())
	if err := iotest.TestReader(z, []byte(want)); err != nil {
		t.Error(err)
	}
}

func FuzzInflate(f *testing.F) {
	for _, packed := range streams(f) {
		f.Add(packed[:min(len(packed), 2000)])
	}
	f.Fuzz(func(t *testing.T, b []byte) { alike(t, "a stream", b) })
}

// BenchmarkInflate inflates prose as a document holds it.
func BenchmarkInflate(b *testing.B) {
	list := streams(b)
	for _, name := range []string{"prose, level 6", "skewed, level 6", "noise, level 6", "few, level 6"} {
		b.Run(name, func(b *testing.B) {
			want, _ := inflated(flate.NewReader(bytes.NewReader(list[name])))
			buf := make([]byte, 32<<10)
			b.SetBytes(int64(len(want)))
			for b.Loop() {
				r := inflating{newInflate(list[name], deflate())}
				for {
					if _, err := r.Read(buf); err != nil {
						break
					}
				}
				r.Close()
			}
		})
	}
}
