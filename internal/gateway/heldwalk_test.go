package gateway

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
)

// keepMany holds a message of ann's for some recipients at different terms.
func (w *world) keepMany(t *testing.T, r *rand.Rand) string {
	t.Helper()
	now := time.Now()
	id := store.NewID(now)
	stored, err := w.g.Spool.Store(t.Context(), id, mail.Bytes("From: ann@contoso.example\r\n\r\nhello\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	row := spool.Message{
		ID: id, Tenant: "contoso", Kind: "inline-out", Direction: mail.Out, Received: now, Stored: stored, Extra: []byte("{}"),
		Envelope: mail.Envelope{From: "ann@contoso.example", To: recipientsOf(1 + r.IntN(4))},
	}
	var held []fate
	for _, to := range row.Envelope.To {
		h := &policy.Hold{
			Approvers: []string{"boss@contoso.example", "cid@contoso.example", "dan@contoso.example"}[:r.IntN(4)],
			For:       time.Hour, Then: []policy.End{policy.EndRefuse, policy.EndRelease}[r.IntN(2)], Override: r.IntN(4) == 0,
		}
		h.Of, h.Delay = r.IntN(4), !h.Override && r.IntN(5) == 0
		if r.IntN(3) == 0 {
			h.Deputies = []string{"eva@contoso.example"}
		}
		if r.IntN(5) == 0 {
			h.For = time.Nanosecond
		}
		held = append(held, fate{to: to, verdict: policy.RecipientVerdict{Rules: []string{"cards"}, Because: "cards", Hold: h}})
	}
	err = w.g.DB.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(spool.Add(tx, row), w.g.Audit.Add(tx, audit.Message{ID: id, Tenant: "contoso"}, audit.Facts{}),
			w.g.enact(tx, row, plan{way: wayCustody, held: held, subject: "offer"}, now))
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// agree holds the rows of both rooms and the outcomes against each other.
func (w *world) agree(t *testing.T, ids []string) {
	t.Helper()
	err := w.g.DB.View(t.Context(), func(tx *store.Tx) error {
		_, lines, err := task.Balance(tx, Ledger)
		listed, err2 := quarantine.Standings(tx, "", "")
		if len(lines) > 0 {
			t.Errorf("%q", lines)
		}
		for _, id := range ids {
			list, err := spool.PendingOf(tx, id)
			if err != nil {
				return err
			}
			var waits []mail.Address
			for _, p := range list {
				waits = append(waits, p.Recipient.Address)
				h, _, err := quarantine.Find(tx, id, p.Recipient.Address)
				if err != nil || !h.Until.Equal(p.Until) || string(h.End) != p.AtEnd {
					t.Errorf("%s: two deadlines: %s %s, %s %s, %v", id, h.Until, h.End, p.Until, p.AtEnd, err)
				}
			}
			if !slices.Equal(slices.Sorted(slices.Values(waits)), slices.Sorted(slices.Values(listed[id]))) {
				t.Errorf("%s waits for %q, and in the lists for %q", id, waits, listed[id])
			}
		}
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Whoever does whatever in whatever order: the books balance after each step,
// both rooms say the same, an ended hold stays as it ended, and the sender
// never approves his own mail.
func TestWhateverPeopleDoTheBooksBalance(t *testing.T) {
	if testing.Short() {
		t.Skip("too slow with the race detector; the stage without it runs this")
	}
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	defer func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}()
	w := newWorld(t, &script{})
	var ids []string
	for range 12 {
		ids = append(ids, w.keepMany(t, r))
	}
	people := []quarantine.Person{{Name: "uid:0", By: quarantine.ByAdmin, Rights: quarantine.Rights{Metadata: true, Decide: true}}, {}}
	for _, name := range []string{"ann", "boss", "cid", "dan", "eva", "fay"} {
		people = append(people, quarantine.Person{
			Tenant: "contoso", Address: mail.Address(name + "@contoso.example"), By: quarantine.ByDevice,
		})
	}
	over := map[string]quarantine.Ending{}
	refused := map[quarantine.Why]int{}
	for range 250 {
		who, act, id := people[r.IntN(len(people))], quarantine.Acts()[r.IntN(len(quarantine.Acts()))], ids[r.IntN(len(ids))]
		var to []mail.Address
		if r.IntN(2) == 0 {
			to = []mail.Address{mail.Address(fmt.Sprintf("r%d@fabrikam.example", r.IntN(4)))}
		}
		var err error
		switch act {
		case quarantine.Approve, quarantine.Reject, quarantine.Cancel, quarantine.Remove, quarantine.Send:
			_, err = w.g.Decide(t.Context(), Decision{Message: id, To: to, Act: act, Person: who})
		default:
			_, err = w.g.Handle(t.Context(), Deed{
				Message: id, To: to, Act: act, Person: who, Text: "because", Other: people[r.IntN(len(people))].Address,
			})
		}
		if err != nil && quarantine.WhyOf(err) == "" {
			t.Fatalf("%s %s: %v", who.Key(), act, err)
		}
		refused[quarantine.WhyOf(err)]++
		if r.IntN(20) == 0 {
			w.g.tendOnce(t.Context())
		}
		w.agree(t, ids)
		w.stays(t, ids, over)
	}
	if refused[""] == 0 || refused[quarantine.OverAlready] == 0 || refused[quarantine.NotYours] == 0 || len(over) == 0 {
		t.Errorf("not much happened: %v, %d ended", refused, len(over))
	}
	t.Logf("%v, %d ended", slices.Sorted(maps.Keys(refused)), len(over))
}

// stays checks that what has ended stays as it was.
func (w *world) stays(t *testing.T, ids []string, over map[string]quarantine.Ending) {
	t.Helper()
	err := w.g.DB.View(t.Context(), func(tx *store.Tx) error {
		for _, id := range ids {
			list, err := quarantine.Of(tx, id)
			if err != nil {
				return err
			}
			for _, h := range list {
				key := id + " " + string(h.Recipient)
				before, ended := over[key]
				switch {
				case ended && (h.Ended == nil || *h.Ended != before):
					t.Errorf("%s was %+v, and is %+v", key, before, h.Ended)
				case h.Ended != nil:
					over[key] = *h.Ended
					if h.Ended.By == "ann@contoso.example" && h.Ended.How == quarantine.Released {
						t.Errorf("%s: approved by its sender", key)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
