package mail

import (
	"bytes"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// The groups that are decoded in one piece give what each character alone
// gives, wherever the source and the room for the text end.
func TestWholeGroupsAreWhatTheirCharactersAre(t *testing.T) {
	const text = "TWFu\r\nIGlz\r\n IGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24s+/-_\n=AA==BB\r\n\r\nZm9v!YmFy\r"
	slow := func(src string) (out []byte) {
		var d base64Decoder
		var room [3]byte
		for i := range src {
			n, _ := d.step(room[:], []byte{src[i]}, i == len(src)-1)
			out = append(out, room[:n]...)
		}
		return out
	}
	for from := range text {
		for size := 3; size < 40; size++ {
			src := []byte(text[from:])
			var d base64Decoder
			var got []byte
			for len(src) > 0 {
				room := make([]byte, size)
				n, taken := d.step(room, src, true)
				got, src = append(got, room[:n]...), src[taken:]
				if n == 0 && taken == 0 {
					t.Fatalf("%q with room for %d stands still", text[from:], size)
				}
			}
			if want := slow(text[from:]); string(got) != string(want) {
				t.Fatalf("%q with room for %d: %q, not %q", text[from:], size, got, want)
			}
		}
	}
}

// cut lies in memory in pages, some of which are gone.
type cut struct {
	Bytes
	size int64
	gone bool
}

func (p cut) Page(off int64) []byte {
	if off < 0 || off >= p.Size() || p.gone && off/p.size%5 == 4 {
		return nil
	}
	return p.Bytes[off:min(off/p.size*p.size+p.size, p.Size())]
}

// onDisk has no pages.
type onDisk struct{ Body }

// Single octets of lines of every encoding are changed, and each is read out
// of one piece, out of pages and out of none.
func TestWhatLiesInPagesIsDecodedLikeOnePiece(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	octets := make([]byte, 57*40+r.IntN(50))
	for i := range octets {
		octets[i] = byte(r.Uint32())
	}
	text := map[string]string{
		"base64":           wrapped(base64.StdEncoding.EncodeToString(octets)),
		"quoted-printable": strings.Repeat("word=3D=20and  \r\nsoft=\r\n break= \t\r\n=E4\r\n", 60),
		"x-uuencode":       strings.Repeat("text\r\nbegin 644 a\r\n#86)C\r\n`\r\nend\r\n", 60),
	}
	for encoding, whole := range text {
		for i := range 400 {
			raw := []byte(whole)
			for range i % 4 {
				raw[r.IntN(len(raw))] = "\r\n-_= \t\x00A\xe9"[r.IntN(10)]
			}
			raw = raw[:len(raw)-r.IntN(100)]
			all := Range{int64(r.IntN(80)), int64(len(raw))}
			want, err := io.ReadAll(iotest.OneByteReader(decodeTransfer(onDisk{Bytes(raw)}, all, encoding)))
			if err != nil {
				t.Fatal(err)
			}
			bodies := []Body{Bytes(raw), onDisk{Bytes(raw)}, cut{Bytes(raw), 1 + r.Int64N(200), i%2 == 0}}
			for k, b := range bodies {
				got, err := io.ReadAll(decodeTransfer(b, all, encoding))
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%s %d, body %d: %v\n got %q\nwant %q", encoding, i, k, err, got, want)
				}
			}
		}
	}
}

// wrapped is text in lines of 76 characters.
func wrapped(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		n := min(len(s), 76)
		b.WriteString(s[:n] + "\r\n")
		s = s[n:]
	}
	return b.String()
}
