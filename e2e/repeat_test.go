//go:build e2e

package e2e

import (
	"sync"
	"testing"
	"time"
)

// pause makes the sink wait with its answer until release is called.
func (s *sink) pause() (asked chan struct{}, release func()) {
	asked, open := make(chan struct{}, 10), make(chan struct{})
	s.answer(func(*delivery) string {
		asked <- struct{}{}
		<-open
		return ""
	})
	return asked, sync.OnceFunc(func() { s.answer(nil); close(open) })
}

func TestARepeatGetsTheRecordedAnswerAndIsNotSentTwice(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	sent, back := routed(message("once", "Hello\n"))
	asked, release := g.sink.pause()
	defer release()
	c := g.dial(t)
	if r, err := c.envelope(ann, bob); err != nil || r.Code != 250 {
		t.Fatal(r, err)
	}
	_, _ = c.conn.Write([]byte("BDAT " + itoa(len(sent)) + " LAST\r\n"))
	_, _ = c.conn.Write(sent)
	<-asked
	if r := g.send(t, sent); r.Code != 451 {
		t.Errorf("a repeat while the first is in flight: %v", r)
	}
	c.conn.Close() // the client never reads the answer
	release()
	eventually(t, 10*time.Second, "the next hop has it", func() bool { return len(g.sink.got()) == 1 })
	eventually(t, 10*time.Second, "the repeat has the recorded answer", func() bool { return g.send(t, sent).Code == 250 })
	if all := g.sink.got(); len(all) != 1 {
		t.Fatalf("sent %d times", len(all))
	}
	below(t, g.sink.got()[0], back)
	// That answer was read: an equal message after it is a new one.
	eventually(t, 5*time.Second, "an equal message is a new one", func() bool {
		return g.send(t, sent).Code == 250 && len(g.sink.got()) == 2
	})
}

func TestAKillBeforeTheNextHopsAnswerIsShownAsSuch(t *testing.T) {
	t.Parallel()
	g := start(t, setup{})
	sent, _ := routed(message("in-between", "Hello\n"))
	asked, release := g.sink.pause()
	defer release()
	c := g.dial(t)
	ended := make(chan error, 1)
	go func() {
		_, err := c.bdat(sent, ann, bob)
		ended <- err
	}()
	<-asked
	must(t, g.cmd.Process.Kill())
	g.waitEnd(t, 10*time.Second)
	if err := <-ended; err == nil {
		t.Error("the client had an answer from a dead gateway")
	}
	release()
	g.up(t)
	list := g.recorded(t, 1, "in-between")
	shown := false
	for _, s := range list[0].Steps {
		shown = shown || s.Detail == "delivered, or retried by Exchange"
	}
	if !shown {
		t.Errorf("the record does not say what is not known: %+v", list[0])
	}
	if r := g.send(t, sent); r.Code != 250 {
		t.Errorf("Exchange tries again: %v", r)
	}
	if b := g.balance(t); !b.OK {
		t.Errorf("balance: %+v", b)
	}
}
