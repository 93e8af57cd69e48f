package gateway

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern.dev/postern/internal/durable"
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
	if diff := cmp.Diff(row, fresh.row, cmpopts.IgnoreUnexported(spool.Message{}), cmpopts.EquateEmpty()); err != nil || !found || diff != "" {
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
		f.put(spool.Message{ID: fmt.Sprint(n)}, nil)
	}
	if _, found := f.find(fmt.Sprint(maxFresh)); found || len(f.list) != maxFresh {
		t.Errorf("%d messages", len(f.list))
	}
}

// What is sent at once need not be read again; what is not here any more is
// read from the spool.
func TestABodyThatIsTakenIsThereForItsFirstAttempt(t *testing.T) {
	var f fresh
	buffer := durable.NewBuffer(1<<20, t.TempDir())
	if _, err := buffer.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	f.put(spool.Message{ID: "a"}, buffer)
	f.put(spool.Message{ID: "b"}, mail.Bytes("goes with its arrival"))
	if err := buffer.Close(); err != nil { // the connection is over
		t.Fatal(err)
	}
	got, found := f.find("a")
	if !found || got.body == nil {
		t.Fatal("the body is not remembered")
	}
	f.forget("a") // another attempt of the message has ended
	text := make([]byte, 5)
	if _, err := got.body.ReadAt(text, 0); err != nil || string(text) != "hello" {
		t.Errorf("%q, %v", text, err)
	}
	if err := got.body.Close(); err != nil {
		t.Error(err)
	}
	if _, err := buffer.ReadAt(text, 0); err == nil {
		t.Error("a body that nobody needs is still there")
	}
	if got, found := f.find("b"); !found || got.body != nil {
		t.Error("a body is used that nobody keeps")
	}
}
