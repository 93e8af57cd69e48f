package gateway

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
)

// A message that is being judged is overdue until its judgment ends, which
// may take minutes. The deadlines of others once waited for it.
func TestADeadlineDoesNotWaitForAJudgment(t *testing.T) {
	w := newWorld(t, &script{})
	now := time.Now()
	err := w.g.DB.Update(t.Context(), func(tx *store.Tx) error {
		for _, p := range []spool.Pending{
			{Message: "judged", AtEnd: toJudge, Until: now.Add(-time.Second)},
			{Message: "held", AtEnd: "refuse", Until: now.Add(10 * time.Second)},
		} {
			p.Tenant, p.Since, p.Recipient = "contoso", now, mail.Recipient{Address: "bob@fabrikam.example"}
			if err := spool.AddPending(tx, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !w.g.judges.begin("judged", "contoso") {
		t.Fatal("no place")
	}
	if wait := w.g.tendOnce(t.Context()); wait > 10*time.Second {
		t.Errorf("the next look is in %s", wait)
	}
}

// holdsThree is a message of which three wait until an hour ago, whose holds
// would release it.
func (w *world) holdsThree(t *testing.T) (id string, to []mail.Address) {
	t.Helper()
	now := time.Now()
	id = store.NewID(now)
	stored, err := w.g.Spool.Store(t.Context(), id, mail.Bytes("hello\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	row := spool.Message{
		ID: id, Tenant: "contoso", Kind: "inline-out", Direction: mail.Out, Received: now, Stored: stored, Extra: []byte("{}"),
		Envelope: mail.Envelope{From: "ann@contoso.example", To: recipientsOf(3)},
	}
	err = w.g.DB.Update(t.Context(), func(tx *store.Tx) error {
		err := spool.Add(tx, row)
		if err == nil {
			_, err = spool.Move(tx, id, spool.Hold, now)
		}
		if err == nil {
			err = w.g.Audit.Add(tx, audit.Message{ID: id, Tenant: "contoso"}, audit.Facts{})
		}
		for _, r := range row.Envelope.To {
			to = append(to, r.Address)
			if err == nil {
				err = spool.AddPending(tx, spool.Pending{
					Message: id, Tenant: "contoso", Recipient: r, Since: now.Add(-2 * time.Hour), Until: now.Add(-time.Hour),
					Rules: []string{"rule"}, AtEnd: "release",
				})
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id, to
}

func (w *world) change(t *testing.T, statement string, args ...any) {
	t.Helper()
	err := w.g.DB.Update(t.Context(), func(tx *store.Tx) error {
		n, err := tx.Exec(statement, args...)
		if err == nil && n != 1 {
			err = errors.New("no row was changed")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) waits(t *testing.T, id string) (list []spool.Pending) {
	t.Helper()
	err := w.g.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		list, err = spool.PendingOf(tx, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A bit that turned must not release anything: a deadline passes over a hold
// that was changed, and ends the others; a person may still decide, but only
// about somebody whom the message is for.
func TestADeadlineDoesNotDecideAboutAHoldThatWasChanged(t *testing.T) {
	w := newWorld(t, &script{})
	log := new(said)
	w.g.Log = slog.New(slog.NewTextHandler(log, nil))
	id, to := w.holdsThree(t)
	w.change(t, "UPDATE pending SET since = since + 1 WHERE message = ? AND recipient = ?", id, string(to[0]))
	w.change(t, "UPDATE pending SET recipient = 'mallory@evil.example' WHERE message = ? AND recipient = ?", id, string(to[1]))
	for range 3 {
		w.g.tendOnce(t.Context())
	}
	list := w.waits(t, id)
	if len(list) != 2 || !list[0].Altered || !list[1].Altered {
		t.Fatalf("waiting: %+v", list)
	}
	if n := strings.Count(log.String(), string(problem.HoldChanged)); n != 1 {
		t.Errorf("the operator was told %d times: %s", n, log)
	}
	w.id = id
	if left := w.state(); left != "held, 1 tasks" {
		t.Errorf("the third went, the others wait: %s", left)
	}
	_, err := w.g.Decide(t.Context(), Decision{Message: id, To: []mail.Address{"mallory@evil.example"}, Release: true, Person: root()})
	if !errors.Is(err, spool.ErrDamaged) {
		t.Errorf("somebody for whom the message is not was decided about: %v", err)
	}
	boss := quarantine.Person{Tenant: "contoso", Address: "boss@contoso.example", By: quarantine.ByDevice}
	_, err = w.g.Decide(t.Context(), Decision{Message: id, To: to[:1], Release: true, Person: boss})
	if quarantine.WhyOf(err) != quarantine.NotYours {
		t.Errorf("somebody decides about a hold without terms: %v", err)
	}
	n, err := w.g.Decide(t.Context(), Decision{Message: id, To: to[:1], Release: true, Person: root()})
	if n.Done != 1 || err != nil {
		t.Errorf("a person decided about %+v, %v", n, err)
	}
	if left := w.state(); left != "held, 2 tasks" || len(w.waits(t, id)) != 1 {
		t.Errorf("in the end: %s, %+v", left, w.waits(t, id))
	}
	n, err = w.g.Decide(t.Context(), Decision{Message: id, To: to[:1], Release: false, Person: root()})
	if n.Done != 0 || err != nil {
		t.Errorf("a second decision: %+v, %v", n, err)
	}
}
