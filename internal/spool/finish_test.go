package spool

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

// What is done at once is the same as what is done step by step.
func TestShortWaysLeadWhereTheLongOnesDo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openSpool(t, t.TempDir(), db, testKeys(t))
		row := map[string]Message{}
		for _, id := range []string{"long", "short", "never"} {
			stored, err := s.Store(context.Background(), id, mail.Bytes("hello"))
			if err != nil {
				t.Fatal(err)
			}
			row[id] = message(id, stored)
		}
		now := start.Add(time.Minute)
		same := func(tx *store.Tx) {
			t.Helper()
			long, err := Get(tx, "long")
			if err != nil {
				t.Error(err)
			}
			short, err := Get(tx, "short")
			ids := cmpopts.IgnoreFields(Message{}, "ID", "MessageID", "Stored.File", "Stored.Wrapped")
			if diff := cmp.Diff(long, short, ids, cmpopts.IgnoreUnexported(Message{})); err != nil || diff != "" {
				t.Error(err, diff)
			}
		}
		update(t, db, func(tx *store.Tx) error {
			if err := Add(tx, row["long"]); err != nil {
				return err
			}
			if _, err := Move(tx, "long", Pass, now); err != nil {
				return err
			}
			state, err := AddDecided(tx, row["short"], Pass, now)
			if state != Sending || err != nil {
				t.Errorf("%s %v", state, err)
			}
			same(tx)
			if _, err := AddDecided(tx, row["never"], Settle, now); err == nil {
				t.Error("a move that the table does not have was made")
			}
			return errors.Join(s.Share(tx, row["long"]), s.Share(tx, row["short"]))
		})
		update(t, db, func(tx *store.Tx) error {
			if _, err := Move(tx, "long", Settle, now); err != nil {
				return err
			}
			want, err := GiveUp(tx, "long", now)
			if err != nil {
				return err
			}
			got, err := Finish(tx, "short", now)
			if want != row["long"].File || got != row["short"].File {
				t.Errorf("%q, %q", want, got)
			}
			same(tx)
			if m, err := Get(tx, "short"); err != nil || m.Wrapped != "" {
				t.Errorf("its key is left: %v %v", m.Wrapped, err)
			}
			if left, err := sharedOf(tx, "", "z"); err != nil || len(left) > 0 {
				t.Errorf("wrappings are left: %v %v", left, err)
			}
			return err
		})
	})
}

func TestOnlyWhatIsBeingSentIsFinished(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := openSpool(t, t.TempDir(), db, testKeys(t))
		take(t, s, "held", []byte("one"))
		take(t, s, "kept", []byte("two"))
		update(t, db, func(tx *store.Tx) error {
			_, err := Move(tx, "held", Hold, start)
			if err == nil {
				_, err = Move(tx, "kept", Pass, start)
			}
			return errors.Join(err, Keep(tx, "kept", start.Add(time.Hour)))
		})
		update(t, db, func(tx *store.Tx) error {
			for id, want := range map[string]State{"held": Held, "kept": Done} {
				file, err := Finish(tx, id, start)
				if err != nil || file != "" {
					t.Errorf("%s: %q %v", id, file, err)
				}
				if m, err := Get(tx, id); err != nil || m.State != want || m.BytesGone || m.Wrapped == "" {
					t.Errorf("%s: %+v %v", id, m, err)
				}
			}
			if _, err := Finish(tx, "nobody", start); !errors.Is(err, ErrNotFound) {
				t.Error(err)
			}
			return nil
		})
	})
}
