package audit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

// Whatever is changed of a record, its row is that of a record which was
// written as a whole.
func TestAChangedRecordStandsAsOneThatWasSaved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newLog(t, db)
		r := rand.New(rand.NewPCG(1, 2))
		changes := []func(m *Message){
			func(m *Message) { m.Did("attempted", "1 delivered", start) },
			func(m *Message) {
				m.Recipients[0].Delivery, m.Recipients[0].Reply = Delivered, mail.NewReply(250, "2.0.0", "ok")
			},
			func(m *Message) { m.Recipients[1].Verdict = "hold" },
			func(m *Message) { m.Recipients[1].Address = "Other@contoso.example" },
			func(m *Message) { m.Recipients[0].At = start.Add(time.Hour) },
			func(m *Message) { m.Recipients = append(m.Recipients, Recipient{Address: "more@x.example"}) },
			func(m *Message) { m.Way, m.Problem = CutThrough, "PST-1" },
			func(m *Message) { m.Subject = "Another subject" },
			func(m *Message) { m.Findings = nil },
			func(m *Message) { m.Parts[0].Name = "other.docx" },
			func(m *Message) { m.Erased = true },
		}
		for n := range 60 {
			id := fmt.Sprintf("m%d", n)
			update(t, db, func(tx *store.Tx) error { return l.Add(tx, sample(id, "contoso"), Facts{}) })
			if n%3 == 0 {
				update(t, db, func(tx *store.Tx) error { _, err := l.Erase(tx, "contoso", id, "a", "b", start); return err })
			}
			change := func(m *Message) {
				for range 1 + r.IntN(3) {
					changes[r.IntN(len(changes))](m)
				}
			}
			var changed, saved string
			update(t, db, func(tx *store.Tx) (err error) {
				if err = l.Change(tx, id, change); err != nil {
					return err
				}
				changed = rowsOf(t, tx, id)
				m, err := l.Get(tx, id)
				if err == nil {
					err = l.Save(tx, m)
				}
				saved = rowsOf(t, tx, id)
				return err
			})
			if diff := cmp.Diff(saved, changed); diff != "" {
				t.Fatal(diff)
			}
		}
		err := db.Update(context.Background(), func(tx *store.Tx) error { return l.Change(tx, "nobody", func(*Message) {}) })
		if err == nil {
			t.Error("a record that is not there was changed")
		}
	})
}

// rowsOf is all that the tables have of a record.
func rowsOf(t *testing.T, tx *store.Tx, id string) string {
	t.Helper()
	text := ""
	for _, query := range []string{
		`SELECT tenant || '|' || received || '|' || kind || '|' || direction || '|' || mode || '|' || way || '|' || ref || '|' ||
			detectors || '|' || erased || '|' || sender || '|' || header_from || '|' || subject || '|' || message_id || '|' ||
			words || '|' || data FROM audit_message WHERE id = ?`,
		"SELECT place || '|' || address || '|' || verdict || '|' || delivery FROM audit_recipient WHERE message = ? ORDER BY place",
	} {
		list, err := column[string](tx, query, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range list {
			text += row + "\n"
		}
	}
	return text
}
