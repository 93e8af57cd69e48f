package audit

import (
	"context"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

func TestFactsOfHeldMailStandEncryptedAndAreReadBackWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		old, fresh, foreign := []byte("the key of before"), []byte("the key of now...."), []byte("somebody else's key")
		open := func(keys ...[]byte) *Log {
			l, err := Open(ctx, db, keys...)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		const text = `{"attachments":[{"name":"prices.xlsx"}]}`
		update := func(fn func(tx *store.Tx) error) {
			t.Helper()
			if err := db.Update(ctx, fn); err != nil {
				t.Fatal(err)
			}
		}
		l, both, other := open(old), open(fresh, old), open(foreign)
		update(func(tx *store.Tx) error {
			for _, id := range []string{"a", "b"} {
				m := Message{ID: id, Tenant: "t", Received: time.Unix(1, 0)}
				if err := l.Add(tx, m, Facts{Schema: 1, Data: []byte(text), Sealed: true}); err != nil {
					return err
				}
			}
			return l.Add(tx, Message{ID: "c", Tenant: "t", Received: time.Unix(1, 0)}, Facts{Schema: 1, Data: []byte(text)})
		})
		update(func(tx *store.Tx) error {
			list, err := column[string](tx, "SELECT facts FROM audit_message WHERE id IN ('a', 'b')")
			if err != nil || len(list) != 2 || strings.Contains(strings.Join(list, ""), "prices") {
				t.Errorf("%v %v", list, err)
			}
			for _, l := range []*Log{l, both} {
				list, err := l.FactsKept(tx, Kept{Limit: 10})
				if err != nil || len(list) != 3 || string(list[0].Data) != text || !list[0].Sealed || list[2].Sealed {
					t.Errorf("%+v %v", list, err)
				}
			}
			if list, err := other.FactsKept(tx, Kept{Limit: 10}); err != nil || len(list) != 1 {
				t.Errorf("with a foreign key: %+v %v", list, err)
			}
			if _, err := tx.Exec("UPDATE audit_message SET facts = (SELECT facts FROM audit_message WHERE id = 'a') WHERE id = 'b'"); err != nil {
				return err
			}
			if list, err := l.FactsKept(tx, Kept{Limit: 10}); err != nil || len(list) != 2 {
				t.Errorf("moved to another message: %+v %v", list, err)
			}
			_, err = tx.Exec("UPDATE audit_message SET facts = 'sealed1.x' WHERE id = 'b'")
			if list, err := l.FactsKept(tx, Kept{Limit: 10}); err != nil || len(list) != 2 {
				t.Errorf("damaged: %+v %v", list, err)
			}
			return err
		})
	})
}
