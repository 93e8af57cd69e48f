package gateway

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/buffers"
	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/spool"
)

func TestABodyIsKnownByEachOfItsOctets(t *testing.T) {
	g := &Gateway{prints: newPrints(spool.PrintKey{1})}
	other := &Gateway{prints: newPrints(spool.PrintKey{2})}
	random := rand.New(rand.NewPCG(1, 2))
	bodies := map[string]bool{}
	print := func(g *Gateway, b mail.Body) [32]byte {
		t.Helper()
		id, err := g.fingerprint(mail.ParseHeader(b), b)
		if err != nil || id.messageID != "<a@b.example>" || id.date != "Mon, 05 Jan 2026 09:00:00 +0000" {
			t.Fatalf("%+v %v", id, err)
		}
		return id.body
	}
	const header = "Message-ID: <a@b.example>\r\nDate: Mon, 05 Jan 2026 09:00:00 +0000\r\n"
	for _, size := range []int{0, 1, 2, buffers.Size - 1, buffers.Size, buffers.Size + 1, 3 * buffers.Size} {
		body := make([]byte, size)
		for i := range body {
			body[i] = byte(random.Uint32())
		}
		first := print(g, mail.Bytes(header+"\r\n"+string(body)))
		// The header may grow on the way, and the body lie in pages.
		long := durable.NewBuffer(buffers.Size, t.TempDir())
		defer long.Close()
		if _, err := fmt.Fprintf(long, "X: %s\r\n%s\r\n%s", strings.Repeat("x", 777), header, body); err != nil {
			t.Fatal(err)
		}
		if again := print(g, long); again != first {
			t.Errorf("%d octets in pages and a file: another hash", size)
		}
		if print(other, mail.Bytes(header+"\r\n"+string(body))) == first {
			t.Errorf("%d octets: the key does not matter", size)
		}
		bodies[string(body)], bodies[string(body)+"\x00"] = true, true
		for _, at := range []int{0, size / 2, size - 1} {
			if size > 0 {
				changed := slices.Clone(body)
				changed[at] ^= 1 << (at % 8)
				bodies[string(changed)] = true
			}
		}
	}
	hashes := map[[32]byte]bool{}
	for body := range bodies {
		hashes[print(g, mail.Bytes(header+"\r\n"+body))] = true
	}
	if len(hashes) != len(bodies) {
		t.Errorf("%d bodies have %d hashes", len(bodies), len(hashes))
	}
}

// broken is a body that cannot be read to its end.
type broken struct{ mail.Bytes }

var errUnread = errors.New("unreadable")

func (b broken) ReadAt(p []byte, off int64) (int, error) {
	if off > 100 {
		return 0, errUnread
	}
	return b.Bytes.ReadAt(p[:min(len(p), 64)], off)
}

func TestABodyThatCannotBeReadHasNoHash(t *testing.T) {
	b := broken{mail.Bytes(strings.Repeat("line\r\n", 1000))}
	if sum, err := newPrints(spool.PrintKey{}).hash(b, 10); !errors.Is(err, errUnread) {
		t.Errorf("%x %v", sum, err)
	}
}
