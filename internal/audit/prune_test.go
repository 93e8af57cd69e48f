package audit

import (
	"context"
	"fmt"
	"testing"
	"time"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

func TestAChainWithoutItsOldestPartStillAddsUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		l, err := Open(ctx, db, []byte("0123456789abcdef"))
		if err != nil {
			t.Fatal(err)
		}
		other, err := Open(ctx, db, []byte("another key of it"))
		if err != nil {
			t.Fatal(err)
		}
		update := func(fn func(tx *store.Tx) error) {
			t.Helper()
			if err := db.Update(ctx, fn); err != nil {
				t.Fatal(err)
			}
		}
		day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
		update(func(tx *store.Tx) error {
			for i := 1; i <= 10; i++ {
				id := fmt.Sprintf("m%02d", i)
				if err := l.Add(tx, Message{ID: id, Tenant: "t", Received: day(i), Recipients: []Recipient{{Address: "a@x.example"}}}, Facts{}); err != nil {
					return err
				}
				if err := l.Append(tx, Event{Tenant: "t", Message: id, Kind: "taken", At: day(i), Personal: []byte(`{"a":1}`)}); err != nil {
					return err
				}
			}
			return nil
		})
		prune := func(before time.Time, limit int, spared string) (n int, gone []string) {
			update(func(tx *store.Tx) (err error) {
				n, gone, err = l.Prune(tx, "t", before, limit, func(m string) (bool, error) { return m == spared, nil }, day(20))
				return err
			})
			return n, gone
		}
		verify := func(l *Log) Result {
			t.Helper()
			r, err := l.Verify(ctx, "t")
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		if n, _ := prune(day(1), 100, ""); n != 0 {
			t.Errorf("%d events went too early", n)
		}
		if n, gone := prune(day(8), 3, ""); n != 3 || len(gone) != 3 {
			t.Errorf("%d %v", n, gone)
		}
		if n, _ := prune(day(8), 100, "m06"); n != 2 {
			t.Errorf("%d events went before one that must stay", n)
		}
		if n, gone := prune(day(8), 100, ""); n != 2 || gone[1] != "m07" {
			t.Errorf("%d %v", n, gone)
		}
		// m08 to m10 are left, and an event per removal.
		r := verify(l)
		if !r.Ok() || r.Events != 6 || r.Pruned != 7 {
			t.Errorf("%+v", r)
		}
		update(func(tx *store.Tx) error {
			gaps, err := Gaps(tx)
			page, _, err2 := Standings(tx, "", 100)
			if err != nil || err2 != nil || len(gaps) != 0 || len(page) != 3 || page["m08"].Events != 1 {
				t.Errorf("%v %v %v %v", gaps, page, err, err2)
			}
			if at, err := Oldest(tx, "t"); err != nil || !at.Equal(day(8)) {
				t.Error(at, err)
			}
			return l.Append(tx, Event{Tenant: "t", Kind: "taken", At: day(21)})
		})
		if r := verify(l); !r.Ok() || r.Events != 7 {
			t.Errorf("%+v", r)
		}
		// Somebody who removes more, or moves the beginning, is found.
		for name, statement := range map[string]string{
			"one event more":        "DELETE FROM audit_event WHERE seq = 8",
			"the beginning moved":   "UPDATE audit_base SET seq = 8",
			"the beginning removed": "DELETE FROM audit_base",
		} {
			_ = db.Update(ctx, func(tx *store.Tx) error {
				if _, err := tx.Exec(statement); err != nil {
					t.Error(err)
				}
				b, _ := readBase(tx, "t")
				v := verifier{result: Result{Tenant: "t"}, erased: map[int64]bool{}}
				h, _ := readHead(tx, "t")
				if !l.honest(b) {
					v.result.Problem = problem.ChainBroken
				} else {
					v.last.seq, v.last.hash = b.seq, b.hash
					_ = eachLink(tx, "t", v.add)
				}
				if v.end(l, h); v.result.Ok() {
					t.Errorf("%s: not found", name)
				}
				return fmt.Errorf("undone")
			})
		}
		if r := verify(other); r.Ok() {
			t.Error("a foreign key is content")
		}
	})
}
