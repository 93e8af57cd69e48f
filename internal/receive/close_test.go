package receive

import (
	"context"
	"errors"
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
