package receive

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
)

// Close cuts the connections; Wait is how its caller knows that nobody writes
// any more what a message left behind.
func TestWaitAfterCloseLastsUntilTheArrivalsAreOver(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	var over atomic.Bool
	d := &desk{onAccept: func(ctx context.Context, _ *mail.Arrival) mail.Reply {
		close(begun)
		<-ctx.Done() // Close ends it
		<-release    // and it still has something to write
		over.Store(true)
		return mail.NewReply(451, "4.3.0", "Cut off")
	}}
	s := New(withMemory(Config{}), d)
	c := connect(t, s)
	c.send("EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 2 LAST\r\n\r\n")
	<-begun
	s.Close()
	limited, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.Wait(limited); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody was waited for: %v", err)
	}
	close(release)
	if err := s.Wait(t.Context()); err != nil || !over.Load() {
		t.Errorf("%v, over: %v", err, over.Load())
	}
}

// The last reply and the end of the connection leave together; neither may
// take the other along.
func TestTheGoodbyeArrivesWhateverFollowsTheQUIT(t *testing.T) {
	s := New(Config{NewBuffer: func() Buffer { return new(memory) }}, new(desk))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(ln)
	defer s.Close()
	for _, last := range []string{"QUIT\r\n", "QUIT\r\nNOOP\r\n", "NOOP\r\nQUIT\r\n", "QUIT\r\n" + strings.Repeat("x", 100_000)} {
		nc, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(nc)
		if _, err := r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		_, _ = nc.Write([]byte(last)) // the server may be gone already
		var heard string
		for !strings.HasPrefix(heard, "221 ") {
			if heard, err = r.ReadString('\n'); err != nil {
				t.Fatalf("%.20q: %v before the goodbye", last, err)
			}
		}
		if len(last) < 20 && last[:4] != "QUIT" {
			if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
				t.Errorf("%q behind the goodbye, %v", rest, err)
			}
		}
		nc.Close()
	}
}
