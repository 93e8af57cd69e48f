package gateway

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
)

// root is an administrator of everything.
func root() quarantine.Person {
	return quarantine.Person{Name: "uid:0", By: quarantine.ByAdmin, Rights: quarantine.Rights{Metadata: true, Decide: true, Malware: true}}
}

// keep holds n messages of ann's, each for one recipient, for boss.
func (w *world) keep(t *testing.T, n int, change func(*policy.Hold)) (ids []string) {
	t.Helper()
	now := time.Now()
	for i := range n {
		id := store.NewID(now)
		stored, err := w.g.Spool.Store(t.Context(), id, mail.Bytes("From: ann@contoso.example\r\n\r\nhello\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		row := spool.Message{
			ID: id, Tenant: "contoso", Kind: "inline-out", Direction: mail.Out, Received: now, Stored: stored, Extra: []byte("{}"),
			Envelope: mail.Envelope{From: "ann@contoso.example", To: []mail.Recipient{
				{Address: mail.Address(fmt.Sprintf("r%d@fabrikam.example", i))},
			}},
		}
		h := &policy.Hold{Approvers: []string{"boss@contoso.example"}, For: 48 * time.Hour, Then: policy.EndRefuse}
		if change != nil {
			change(h)
		}
		held := fate{to: row.Envelope.To[0], verdict: policy.RecipientVerdict{Rules: []string{"cards"}, Because: "cards", Hold: h}}
		err = w.g.DB.Update(t.Context(), func(tx *store.Tx) error {
			if err := spool.Add(tx, row); err != nil {
				return err
			}
			if err := w.g.Audit.Add(tx, audit.Message{ID: id, Tenant: "contoso"}, audit.Facts{}); err != nil {
				return err
			}
			return w.g.enact(tx, row, plan{way: wayCustody, held: []fate{held}, subject: "offer"}, now)
		})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// outcomes counts the messages by what is planned for them, and fails when one
// is planned twice.
func (w *world) outcomes(t *testing.T, ids []string) map[string]int {
	t.Helper()
	n := map[string]int{}
	err := w.g.DB.View(t.Context(), func(tx *store.Tx) error {
		for _, id := range ids {
			row, err := spool.Get(tx, id)
			if err != nil {
				return err
			}
			n[string(row.State)]++
			list, err := task.List(tx, task.Filter{Message: id})
			if err != nil {
				return err
			}
			returns := 0
			for _, k := range list {
				if k.Kind == task.Return {
					returns++
				}
			}
			if returns > 1 {
				t.Errorf("%s is sent %d times", id, returns)
			}
			n["sent"] += returns
		}
		sum, lines, err := task.Balance(tx, Ledger)
		if len(lines) > 0 {
			t.Errorf("%+v %q", sum, lines)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRemindersAreWrittenAHundredAtATime(t *testing.T) {
	w := newWorld(t, &script{})
	var asked, reminded int
	w.g.Tell = func(_ *store.Tx, o quarantine.Occasion) error {
		switch o.Kind {
		case quarantine.Asked:
			asked++
		case quarantine.Reminded:
			reminded++
		}
		return nil
	}
	w.keep(t, mostReminders+5, func(h *policy.Hold) { h.Remind = []time.Duration{time.Minute} })
	if asked != mostReminders+5 || reminded != 0 {
		t.Errorf("%d were asked, %d reminded", asked, reminded)
	}
	later := time.Now().Add(time.Hour)
	for _, want := range []int{mostReminders, mostReminders + 5, mostReminders + 5} {
		if _, _ = w.g.remind(t.Context(), later); reminded != want {
			t.Errorf("%d were reminded, want %d", reminded, want)
		}
	}
}

func TestOneReminderThatCannotBeWrittenStopsNoOther(t *testing.T) {
	w := newWorld(t, &script{})
	ids := w.keep(t, 3, func(h *policy.Hold) { h.Remind = []time.Duration{time.Minute} })
	reminded := map[string]bool{}
	w.g.Tell = func(_ *store.Tx, o quarantine.Occasion) error {
		if o.Holds[0].Message == ids[0] {
			return fmt.Errorf("no room for this one")
		}
		reminded[o.Holds[0].Message] = true
		return nil
	}
	w.g.remind(t.Context(), time.Now().Add(time.Hour))
	if len(reminded) != 2 {
		t.Errorf("%d of 2 were reminded", len(reminded))
	}
}

func (w *world) beginBulk(t *testing.T, approve bool, total int) {
	t.Helper()
	err := w.g.DB.Update(t.Context(), func(tx *store.Tx) error {
		return quarantine.AddBulk(tx, quarantine.Bulk{
			ID: "b1", Tenant: "contoso", Filter: quarantine.Filter{Tenant: "contoso"}, By: "uid:0", Approve: approve, Total: total,
			Rights: quarantine.Rights{Decide: true}, Begun: time.Now(),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// POSTERN_BULK=10000 is the full size, and prints how long it takes.
func TestABulkDecisionIsCarriedOutAHundredAtATime(t *testing.T) {
	w := newWorld(t, &script{})
	many := mostAtOnce + 20
	if n, err := strconv.Atoi(os.Getenv("POSTERN_BULK")); err == nil {
		many = n
	}
	ids := w.keep(t, many, nil)
	w.beginBulk(t, true, len(ids))
	began := time.Now()
	defer func() { t.Logf("%d messages in %s", many, time.Since(began).Round(time.Millisecond)) }()
	b, over, err := w.g.BulkStep(t.Context(), "b1", mostAtOnce)
	if err != nil || over || b.Done != mostAtOnce {
		t.Fatalf("%+v %t %v", b, over, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { w.g.Bulks(ctx, nil); close(ended) }()
	for b.Ended.IsZero() && err == nil {
		time.Sleep(time.Millisecond)
		err = w.g.DB.View(t.Context(), func(tx *store.Tx) (err error) {
			b, _, err = quarantine.FindBulk(tx, "b1")
			return err
		})
	}
	cancel()
	<-ended
	if n := w.outcomes(t, ids); err != nil || b.Done != len(ids) || b.Skipped != 0 || n["sent"] != len(ids) || n["sending"] != len(ids) {
		t.Errorf("%+v %v %v", b, n, err)
	}
}

// One message whose record is gone is left out, and said; the others go.
func TestABulkDecisionLeavesOutWhatCannotBeDecided(t *testing.T) {
	w := newWorld(t, &script{})
	ids := w.keep(t, 5, nil)
	w.change(t, "DELETE FROM audit_message WHERE id = ?", ids[1])
	w.beginBulk(t, true, len(ids))
	var b quarantine.Bulk
	over, err := false, error(nil)
	for n := 0; !over && err == nil && n < 10; n++ {
		b, over, err = w.g.BulkStep(t.Context(), "b1", 3)
	}
	if err != nil || b.Done != 4 || b.Skipped != 1 {
		t.Errorf("%+v %v", b, err)
	}
	if n := w.outcomes(t, ids); n["sent"] != 4 || n["held"] != 1 {
		t.Errorf("%v", n)
	}
}

// Who has left, or is of another tenant, decides nothing.
func TestOnlyPeopleOfTheTenantDecide(t *testing.T) {
	w := newWorld(t, &script{})
	ids := w.keep(t, 1, func(h *policy.Hold) { h.Approvers = append(h.Approvers, "old@elsewhere.example") })
	decide := func(tenant string, a mail.Address) error {
		_, err := w.g.Decide(t.Context(), Decision{
			Message: ids[0], Act: quarantine.Approve,
			Person: quarantine.Person{Tenant: tenant, Address: a, By: quarantine.ByDevice},
		})
		return err
	}
	for _, tt := range []struct {
		tenant string
		who    mail.Address
		why    quarantine.Why
	}{
		{"", "", quarantine.NotIdentified}, {"contoso", "", quarantine.NotIdentified},
		{"contoso", "old@elsewhere.example", quarantine.NotIdentified}, {"fabrikam", "boss@contoso.example", quarantine.NotYours},
		{"contoso", "eve@contoso.example", quarantine.NotYours}, {"contoso", "ann@contoso.example", quarantine.OwnMail},
		{"", "boss@contoso.example", quarantine.NotYours}, {"contoso", "Boss@contoso.example", ""},
		{"contoso", "boss@contoso.example", quarantine.OverAlready},
	} {
		if err := decide(tt.tenant, tt.who); quarantine.WhyOf(err) != tt.why || (err == nil) != (tt.why == "") {
			t.Errorf("%s of %q: %v", tt.who, tt.tenant, err)
		}
	}
	if n := w.outcomes(t, ids); n["sent"] != 1 {
		t.Errorf("%v", n)
	}
}

// later is a look that finds more than the first one did.
type later struct {
	found  []detect.Finding
	unseen []mail.Unseen
}

func (l *later) Look(context.Context, *mail.Message, look.Options) detect.Report {
	return detect.Report{Findings: l.found, Unseen: l.unseen}
}

func TestALookThatWasNotPossibleBeforeAReleaseIsSaid(t *testing.T) {
	w := newWorld(t, &script{})
	ids := w.keep(t, 1, func(h *policy.Hold) { h.Then = policy.EndRelease })
	w.g.Look = &later{unseen: []mail.Unseen{{Reason: mail.OutOfTime}, {Reason: mail.Encrypted}}}
	boss := quarantine.Person{Tenant: "contoso", Address: "boss@contoso.example", By: quarantine.ByDevice}
	if _, err := w.g.Decide(t.Context(), Decision{Message: ids[0], Act: quarantine.Approve, Person: boss}); err != nil {
		t.Fatal(err)
	}
	err := w.g.DB.View(t.Context(), func(tx *store.Tx) error {
		m, err := w.g.Audit.Get(tx, ids[0])
		said := slices.ContainsFunc(m.Steps, func(s audit.Step) bool {
			return s.Name == "looked again" && s.Detail == "not wholly: out-of-time"
		})
		if err == nil && !said {
			t.Errorf("%+v", m.Steps)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatALaterLookFindsIsLetGoByARightOnly(t *testing.T) {
	w := newWorld(t, &script{})
	ids := w.keep(t, 2, func(h *policy.Hold) { h.Then = policy.EndRelease })
	eye := &later{}
	w.g.Look = eye
	boss := quarantine.Person{Tenant: "contoso", Address: "boss@contoso.example", By: quarantine.ByDevice}
	approve := func(id string, who quarantine.Person) quarantine.Why {
		_, err := w.g.Decide(t.Context(), Decision{Message: id, Act: quarantine.Approve, Person: who})
		if err != nil && quarantine.WhyOf(err) == "" {
			t.Fatal(err)
		}
		return quarantine.WhyOf(err)
	}
	if why := approve(ids[0], boss); why != "" {
		t.Errorf("nothing new, and yet %q", why)
	}
	eye.found = []detect.Finding{{Type: "MALWARE_EICAR", Confidence: detect.High}, {Type: "IBAN", Confidence: detect.Low}}
	if why := approve(ids[1], boss); why != quarantine.NeedsRight {
		t.Errorf("the approver: %q", why)
	}
	eye.found = nil // it stays so, also when the next look misses it
	admin := quarantine.Person{Name: "uid:7", By: quarantine.ByAdmin, Rights: quarantine.Rights{Decide: true}}
	if why := approve(ids[1], admin); why != quarantine.NeedsRight {
		t.Errorf("an administrator without the right: %q", why)
	}
	admin.Rights.Malware = true
	if why := approve(ids[1], admin); why != "" {
		t.Errorf("who has the right: %q", why)
	}
	err := w.g.DB.View(t.Context(), func(tx *store.Tx) error {
		h, _, err := quarantine.Find(tx, ids[1], "r1@fabrikam.example")
		if !h.Danger || len(h.Later) != 1 || h.Later[0] != "MALWARE_EICAR" {
			t.Errorf("%+v", h)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// A deadline that would let it go refuses it, and the sender is told.
	eye.found = []detect.Finding{{Type: "MALWARE_EICAR", Confidence: detect.High}}
	due := w.keep(t, 1, func(h *policy.Hold) { h.For, h.Then = time.Nanosecond, policy.EndRelease })
	w.g.tendOnce(t.Context())
	if n := w.outcomes(t, due); n["sent"] != 0 || n["sending"] != 1 {
		t.Errorf("what a deadline does: %v", n)
	}
	eye.found = nil
	due = w.keep(t, 1, func(h *policy.Hold) { h.For, h.Then = time.Nanosecond, policy.EndRelease })
	w.g.tendOnce(t.Context())
	if n := w.outcomes(t, due); n["sent"] != 1 {
		t.Errorf("what a deadline does: %v", n)
	}
}
