package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/notice"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/post"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
)

// keepBack holds n messages from outside for somebody who may ask for them.
func (w *world) keepFrom(t *testing.T, to mail.Address, n int, now time.Time) (ids []string) {
	t.Helper()
	for range n {
		id := store.NewID(now)
		stored, err := w.g.Spool.Store(t.Context(), id, mail.Bytes("From: eve@fabrikam.example\r\n\r\nhello\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		row := spool.Message{
			ID: id, Tenant: "contoso", Kind: "inline-in", Direction: mail.In, Received: now, Stored: stored, Extra: []byte("{}"),
			Envelope: mail.Envelope{From: "eve@fabrikam.example", To: []mail.Recipient{{Address: to}}},
		}
		h := &policy.Hold{
			For: 240 * time.Hour, Then: policy.EndRefuse, Terms: policy.Terms{Recipient: []policy.Right{policy.RightRequest}},
		}
		held := fate{to: row.Envelope.To[0], verdict: policy.RecipientVerdict{Rules: []string{"cards"}, Because: "cards come in", Hold: h}}
		err = w.g.DB.Update(t.Context(), func(tx *store.Tx) error {
			return errors.Join(spool.Add(tx, row), w.g.Audit.Add(tx, audit.Message{ID: id, Tenant: "contoso"}, audit.Facts{}),
				w.g.enact(tx, row, plan{way: wayCustody, held: []fate{held}, subject: "offer"}, now))
		})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// posted is how many lines each person's digests have, one number per digest.
func (w *world) posted(t *testing.T) map[mail.Address][]int {
	t.Helper()
	by := map[mail.Address][]int{}
	err := w.g.DB.View(t.Context(), func(tx *store.Tx) error {
		list, err := post.Waiting(tx, time.Now().Add(1000*time.Hour), 1000)
		for _, o := range list {
			var d dispatch
			if err := json.Unmarshal(o.Data, &d); err != nil || d.Kind != notice.Digest {
				return fmt.Errorf("%s: %w", o.Data, err)
			}
			by[o.To] = append(by[o.To], d.All)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return by
}

// A crash before and after every commit of an hour in which digests are due:
// what the disk holds then is opened anew and goes on, and everybody has one
// digest with all that was kept back for him.
func TestDigestsSurviveACrashAtEveryCommit(t *testing.T) {
	if testing.Short() {
		t.Skip("many holds, and nothing that runs at the same time")
	}
	path, open := worldsOnDisk(t)
	w, end := open(path)
	defer end()
	now := time.Now()
	want := "map[ann@contoso.example:[3] bob@contoso.example:[1] cid@contoso.example:[2]]"
	w.keepFrom(t, "ann@contoso.example", 3, now)
	w.keepFrom(t, "bob@contoso.example", 1, now)
	w.keepFrom(t, "cid@contoso.example", 2, now)
	w.keepFrom(t, "eve@fabrikam.example", 1, now) // is not of the tenant
	var copies []string
	take := func() {
		to := filepath.Join(t.TempDir(), "copy.db")
		for _, suffix := range []string{"", "-wal"} {
			data, err := os.ReadFile(path + suffix)
			if err == nil {
				err = os.WriteFile(to+suffix, data, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		copies = append(copies, to)
	}
	w.g.Wake = take // after each commit
	take()
	later := now.Add(25 * time.Hour)
	if next := w.g.digests(t.Context(), later); !next.After(later) || len(copies) != 4 {
		t.Fatal(next, len(copies))
	}
	if w.g.digests(t.Context(), later.Add(24*time.Hour)); fmt.Sprint(w.posted(t)) != want {
		t.Errorf("without a crash: %v", w.posted(t))
	}
	for i, at := range copies {
		v, end := open(at)
		if n := len(v.posted(t)); n != i {
			t.Errorf("moment %d: %d have one", i, n)
		}
		for range 3 {
			v.g.digests(t.Context(), later)
			v.g.digested = nil // it starts again
		}
		if got := fmt.Sprint(v.posted(t)); got != want {
			t.Errorf("moment %d: %s", i, got)
		}
		end()
	}
}

func TestADigestSaysWhatIsTrueWhenItIsSent(t *testing.T) {
	if testing.Short() {
		t.Skip("many holds, and nothing that runs at the same time")
	}
	w := newWorld(t, &script{})
	now := time.Now()
	ids := w.keepFrom(t, "ann@contoso.example", 55, now)
	if w.g.digests(t.Context(), now); len(w.posted(t)) != 0 {
		t.Fatal("it comes at once")
	}
	w.g.digests(t.Context(), now.Add(25*time.Hour))
	text := func() string {
		var list []post.Out
		err := w.g.DB.View(t.Context(), func(tx *store.Tx) (err error) {
			list, err = post.Waiting(tx, now.Add(48*time.Hour), 10)
			return err
		})
		if err != nil || len(list) != 1 {
			t.Fatal(len(list), err)
		}
		var d dispatch
		if err := json.Unmarshal(list[0].Data, &d); err != nil {
			t.Fatal(err)
		}
		raw := w.g.dispatched(t.Context(), w.g.Tenants.Current().Find("contoso"), list[0], d, now)
		return strings.ReplaceAll(string(raw), "=\r\n", "")
	}
	if got := text(); strings.Count(got, "eve@fabrikam.example") != 2*50 || !strings.Contains(got, "55 messages were kept back") ||
		!strings.Contains(got, "and 5 more") || !strings.Contains(got, "Auto-Submitted: auto-generated") {
		t.Error(got)
	}
	release := func(ids []string) {
		err := w.g.DB.Update(t.Context(), func(tx *store.Tx) error {
			for _, id := range ids {
				h, _, err := quarantine.Find(tx, id, "ann@contoso.example")
				if err == nil {
					err = quarantine.End(tx, h, quarantine.Released, "boss@contoso.example", quarantine.ByDevice, "", now)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if release(ids[:21]); !strings.Contains(text(), "34 messages were kept back") {
		t.Error(text())
	}
	release(ids[21:])
	if got := text(); got != "" {
		t.Error("there is nothing to tell: ", got)
	}
}
