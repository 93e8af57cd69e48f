package gateway

import (
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
)

// A client that goes on has read the answer: an equal message that it sends
// at once is another one, has its own answer, and that one is kept although
// the row of the first was about to go.
func TestAnEqualMessageBehindASettledOneIsNew(t *testing.T) {
	ok := mail.NewReply(250, "2.0.0", "ok")
	w := newWorld(t, &script{rcpts: []mail.Reply{ok, mail.NewReply(550, "5.1.1", "no")}, dot: ok}) // custody
	first := w.arrive()
	if r := w.g.Accept(t.Context(), first); r.Code != 250 {
		t.Fatal(r)
	}
	w.g.Settled(first)
	again := w.arrive()
	if r := w.g.Accept(t.Context(), again); r.Code != 250 {
		t.Fatal(r)
	}
	w.g.Unsettled(again) // the client is gone: nobody knows what it has read
	w.g.Wait()
	third := w.arrive()
	if r := w.g.Accept(t.Context(), third); r.Code != 250 {
		t.Fatal(r)
	}
	taken := map[string]bool{}
	err := w.g.DB.View(t.Context(), func(tx *store.Tx) error {
		list, err := spool.List(tx, spool.Filter{Limit: 10})
		for _, m := range list {
			taken[m.ID] = true
		}
		return err
	})
	if err != nil || len(taken) != 2 || !taken[first.Trace] || !taken[again.Trace] {
		t.Errorf("taken: %v %v; want the first two", taken, err)
	}
	w.g.Settled(third)
	w.g.Wait()
	if len(w.g.memory.settling)+len(w.g.memory.repeats) > 0 {
		t.Errorf("remembered for ever: %v %v", w.g.memory.settling, w.g.memory.repeats)
	}
}
