package gateway

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
)

// A message that is taken into custody is sent from its commit on, with what
// its row holds, and is done when its attempts are.
func TestAMessageThatIsTakenIsSentAtOnce(t *testing.T) {
	ok := mail.NewReply(250, "2.1.5", "ok")
	w := newWorld(t, &script{rcpts: []mail.Reply{mail.NewReply(550, "5.7.64", "TenantAttribution"), ok}, dot: ok})
	began, release := make(chan task.Task, 2), make(chan struct{})
	run := task.NewRunner(task.Config{DB: w.g.DB, Settle: w.g.Settle, Door: func(ctx context.Context, t task.Task) []task.Result {
		began <- t
		<-release
		return w.g.all(t, task.Done{Reply: ok})
	}})
	w.g.Claim = run.Claim
	w.g.Work = func() { t.Error("the runner was woken although it has nothing to look for") }
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- run.Run(ctx) }()
	for { // until it runs
		if place := run.Claim("contoso", "x"); place != nil {
			place.GiveBack()
			break
		}
		run.Wake()
		time.Sleep(time.Millisecond)
	}
	if r := w.g.Accept(t.Context(), w.arrive()); r.Code != 250 {
		t.Fatal(r)
	}
	<-began
	fresh, found := w.g.fresh.find(w.id)
	var row spool.Message
	err := w.g.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		row, err = spool.Get(tx, w.id)
		return err
	})
	if diff := cmp.Diff(row, fresh, cmpopts.IgnoreUnexported(spool.Message{}), cmpopts.EquateEmpty()); err != nil || !found || diff != "" {
		t.Error(err, found, diff)
	}
	close(release)
	for began := time.Now(); w.state() != "done" && time.Since(began) < 10*time.Second; {
		time.Sleep(time.Millisecond)
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := w.state(); got != "done" {
		t.Error(got)
	}
	if _, found := w.g.fresh.find(w.id); found {
		t.Error("its row is remembered for ever")
	}
	w.g.Wait()
}

func TestOnlySoManyRowsAreRemembered(t *testing.T) {
	var f fresh
	for n := range maxFresh + 1 {
		f.put(spool.Message{ID: fmt.Sprint(n)})
	}
	if _, found := f.find(fmt.Sprint(maxFresh)); found || len(f.rows) != maxFresh {
		t.Errorf("%d rows", len(f.rows))
	}
}
