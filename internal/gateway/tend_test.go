package gateway

import (
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
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
