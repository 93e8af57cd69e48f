package mail

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Single octets of a message with much base64 are changed.
func TestLinesThatAreTakenTogetherAreReadLikeLinesOneByOne(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("Content-Type: multipart/mixed; boundary=\"a-b_c\"\r\n\r\n")
	for part := range 3 {
		fmt.Fprintf(&b, "--a-b_c\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n")
		for range 40 + 900*part {
			for range 76 {
				b.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[r.IntN(64)])
			}
			b.WriteString("\r\n")
		}
		b.WriteString("QUJD\r\nQQ==\r\n")
	}
	for i, encoding := range []string{"quoted-printable", "8bit", "x-uuencode", "unknown"} {
		fmt.Fprintf(&b, "--a-b_c\r\nContent-Type: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n",
			[]string{"text/html", "text/plain"}[i%2], encoding)
		for line := range 60 {
			for range r.IntN(20) {
				b.WriteString([]string{"word ", "begin 644 a", "=20", "- ", "a-b_c", "=ybegin ", "(This file"}[r.IntN(8)%7])
			}
			b.WriteString([]string{"\r\n", "\r\n", "\n"}[line%3*i%3])
		}
	}
	b.WriteString("--a-b_c--\r\n")
	whole := []byte(b.String())
	for i := range 1500 {
		raw := bytes.Clone(whole)
		for range i % 4 {
			at := r.IntN(len(raw))
			raw[at] = "\r\n-_= \t\x00A\xe9"[r.IntN(10)]
		}
		if got, want := outline(raw, false), outline(raw, true); got != want {
			t.Fatalf("message %d\n got %s\nwant %s", i, got, want)
		}
		if got, want := outlineOf(ParseUnder(ParseHeader(Bytes(raw)), Limits{})), outline(raw, true); got != want {
			t.Fatalf("message %d, its header read before\n got %s\nwant %s", i, got, want)
		}
	}
}

// outline is what Parse finds.
func outline(raw []byte, singly bool) string {
	return outlineOf(index(Bytes(raw), Limits{}, nil, singly))
}

func outlineOf(m *Message) string {
	var b strings.Builder
	for _, p := range m.Parts() {
		fmt.Fprintf(&b, "%s %s %v %v; ", p.Path, p.Type, p.Range, p.Content)
	}
	fmt.Fprintf(&b, "%v %v %v %v", m.Unseen, m.Bare, m.EightBit, m.NUL)
	return b.String()
}
