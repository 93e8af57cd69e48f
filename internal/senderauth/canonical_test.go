package senderauth

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"hash"
	"strings"
	"testing"
	"testing/iotest"
)

// kept is a hash that keeps what it is given.
type kept struct{ bytes.Buffer }

func (k *kept) Sum(p []byte) []byte { return append(p, k.Bytes()...) }
func (*kept) Size() int             { return 0 }
func (*kept) BlockSize() int        { return 1 }

var _ hash.Hash = (*kept)(nil)

func TestBodiesHaveTheFormsOfTheStandard(t *testing.T) {
	tests := []struct{ name, in, simple, relaxed string }{
		{"the example of the standard", " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"},
		{"nothing at all", "", "\r\n", ""},
		{"only empty lines", "\r\n\r\n", "\r\n", ""},
		{"only white space", "  \r\n", "  \r\n", ""},
		{"white space without line end", "a\r\n \t", "a\r\n \t\r\n", "a\r\n"},
		{"no line end", "a", "a\r\n", "a\r\n"},
		{"a CR at the end", "a\r", "a\r\r\n", "a\r\r\n"},
		{"a bare LF is no line end", "a \nb\r\n", "a \nb\r\n", "a \nb\r\n"},
		{"a bare CR is no line end", "a \rb\r\n", "a \rb\r\n", "a \rb\r\n"},
		{"CR CR LF", "a\r\r\nb", "a\r\r\nb\r\n", "a\r\r\nb\r\n"},
		{"empty lines between", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n"},
		{"white space before", "\r\n a", "\r\n a\r\n", "\r\n a\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, relaxed := range []bool{false, true} {
				want := tt.simple
				if relaxed {
					want = tt.relaxed
				}
				for cut := range len(tt.in) + 1 { // wherever the octets are torn apart
					b := newBodyHash(bodyForm{relaxed, -1}, &kept{})
					b.Write([]byte(tt.in[:cut]))
					b.Write([]byte(tt.in[cut:]))
					if got := string(b.Sum()); got != want || b.size != int64(len(want)) {
						t.Fatalf("relaxed %v, cut at %d: %q (%d), want %q", relaxed, cut, got, b.size, want)
					}
				}
			}
		})
	}
}

func TestOnlyTheSignedLengthIsHashed(t *testing.T) {
	for limit := int64(0); limit < 9; limit++ {
		b := newBodyHash(bodyForm{true, limit}, &kept{})
		b.Write([]byte("ab  c\r\n\r\n"))
		if got, want := string(b.Sum()), "ab c\r\n"; got != want[:min(int64(len(want)), limit)] || b.size != 6 {
			t.Errorf("%d: %q of %d", limit, got, b.size)
		}
	}
}

func TestALongBodyIsHashedAsAWhole(t *testing.T) {
	in := strings.Repeat(strings.Repeat("x", 9000)+" \t y\r\n", 20)
	want := sha256.Sum256([]byte(strings.ReplaceAll(in, " \t y", " y")))
	b := newBodyHash(bodyForm{true, -1}, sha256.New())
	b.Write([]byte(in))
	if !bytes.Equal(b.Sum(), want[:]) {
		t.Error("another hash")
	}
}

func TestFieldsHaveTheRelaxedForm(t *testing.T) {
	tests := []struct{ in, want string }{
		{"A: X", "a:X"},
		{"B : Y\t\r\n\tZ  ", "b:Y Z"},
		{"SUBJECT:\r\n a", "subject:a"},
		{"x:", "x:"},
		{"x:  \t", "x:"},
		{"no colon", "no colon:"},
		{"x: a\nb\rc", "x:a\nb\rc"},
	}
	for _, tt := range tests {
		if got := string(relaxedField(nil, []byte(tt.in))); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestAHeaderIsReadFieldByField(t *testing.T) {
	in := "A : 1\r\nb: 2\r\n  3\r\nC: x\ny\r\n\r\nbody"
	for _, r := range []*bufio.Reader{
		bufio.NewReader(strings.NewReader(in)), bufio.NewReaderSize(iotest.OneByteReader(strings.NewReader(in)), 16),
	} {
		fields, err := readHead(r)
		if err != nil || len(fields) != 3 || fields[0].name != "a" || string(fields[1].raw) != "b: 2\r\n  3" || string(fields[2].raw) != "C: x\ny" {
			t.Fatalf("%q %v", fields, err)
		}
		rest, _ := r.ReadString(0)
		if rest != "body" {
			t.Errorf("the body is %q", rest)
		}
	}
	if _, err := readHead(bufio.NewReader(strings.NewReader(strings.Repeat("a: b\r\n", maxHead/6+1)))); err != errHead {
		t.Error("a header without end was read:", err)
	}
	if fields, err := readHead(bufio.NewReader(strings.NewReader("a: 1\r\nb"))); err != nil || len(fields) != 2 {
		t.Error(fields, err)
	}
}

func BenchmarkBody(b *testing.B) {
	body := []byte(strings.Repeat("SGVsbG8gd29ybGQsIHRoaXMgaXMgYSBsaW5lIG9mIGJhc2U2NCBhcyBpdCBzdGFuZHMgaW4gbWFpbA\r\n", 960))
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		h := newBodyHash(bodyForm{true, -1}, sha256.New())
		h.Write(body)
		h.Sum()
	}
}
