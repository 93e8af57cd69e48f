package task

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

// backlog fills a database with tasks that are due, n to each of the hops.
func backlog(tb testing.TB, db *store.DB, n int, hops ...hop) {
	tb.Helper()
	if err := Migrate(context.Background(), db); err != nil {
		tb.Fatal(err)
	}
	for done := 0; done < n; done += 1000 {
		err := db.Update(context.Background(), func(tx *store.Tx) error {
			for i := done; i < min(n, done+1000); i++ {
				for j, h := range hops {
					err := Add(tx, Task{
						ID: fmt.Sprintf("t%07d-%d", i, j), Message: fmt.Sprintf("m%07d-%d", i, j), Tenant: h.tenant, Hop: h.name,
						Kind: Return, Recipients: to("a@b.example"), Due: start.Add(time.Duration(i) * time.Millisecond),
					})
					if err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// lineAt reads the line of the moment, with all next hops working.
func lineAt(tx *store.Tx, now time.Time) (list []candidate, next time.Time, err error) {
	l := line{tx: tx, now: now, perHop: 16, state: func(hop) (bool, bool) { return false, false }, after: &cursors{hop: map[string]string{}}}
	list, err = l.read()
	return list, l.due, err
}

// However many tasks are due, only the first of each next hop are read, by the
// index, and none are sorted.
func TestTheLineIsReadByItsIndex(t *testing.T) {
	db := storetest.SQLite(t)
	backlog(t, db, 3000, hop{"contoso", "exchange"}, hop{"contoso", ""}, hop{"fabrikam", "exchange"})
	err := db.View(context.Background(), func(tx *store.Tx) error {
		list, _, err := lineAt(tx, start.Add(time.Hour))
		if len(list) > 3*8*16 || len(list) < 3*16 {
			t.Errorf("%d of 9000 tasks were read", len(list))
		}
		for i, want := range []hop{{"contoso", "exchange"}, {"fabrikam", "exchange"}, {"contoso", ""}, {"fabrikam", "exchange"}} {
			if list[i].hop != want {
				t.Errorf("place %d is for %v", i, list[i].hop)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	plan := func(query string, args ...any) {
		err := db.View(context.Background(), func(tx *store.Tx) error {
			rows, err := tx.Query("EXPLAIN QUERY PLAN "+query, args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var id, parent, unused int64
				var detail string
				if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
					return err
				}
				if !strings.Contains(detail, "INDEX task_line") {
					t.Errorf("%s\n%s", query, detail)
				}
			}
			return rows.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	plan(ofClass, "contoso", "exchange", 0, 0, 1, 8)
	plan(nextTenant, "contoso")
	plan(nextHop, "contoso", "exchange")
}

func TestFreshMessagesAndThoseThatHaveWaitedComeByTurns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := Migrate(context.Background(), db); err != nil {
			t.Fatal(err)
		}
		err := db.Update(context.Background(), func(tx *store.Tx) error {
			at := func(id string, due time.Duration, c class) {
				task := Task{ID: id, Message: id, Tenant: "t", Hop: "h", Kind: Return, Recipients: to("a"), Due: start.Add(due), class: c}
				if err := Add(tx, task); err != nil {
					t.Error(err)
				}
			}
			for i := range 200 { // more than are read of a class
				at(fmt.Sprintf("waited%03d", i), time.Duration(i-10_000)*time.Second, forTurn)
			}
			at("fresh1", -time.Second, forTurn)
			at("fresh2", 0, forTurn)
			at("tried", -9_999*time.Second-time.Millisecond, forTime)
			at("later", time.Minute, forTime)
			at("shut", time.Hour, forHop)
			names := func(shut bool) string {
				l := line{tx: tx, now: start, perHop: 16, after: &cursors{hop: map[string]string{}},
					state: func(hop) (bool, bool) { return shut, false }}
				list, err := l.read()
				if err != nil || !l.due.Equal(start.Add(time.Minute)) {
					t.Errorf("%v, next at %v", err, l.due)
				}
				got := ""
				for i, c := range list {
					if i < 6 || c.id == "shut" {
						got += c.id + " "
					}
				}
				return got
			}
			const first = "waited000 fresh1 tried fresh2 waited001 waited002 "
			if got := names(true); got != first {
				t.Errorf("shut: %q", got)
			}
			if got := names(false); got != first+"shut " {
				t.Errorf("open: %q", got)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkReadingTheLine(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n, " due"), func(b *testing.B) {
			db := storetest.SQLite(b)
			backlog(b, db, n/2, hop{"contoso", "exchange"}, hop{"fabrikam", "exchange"})
			b.ResetTimer()
			for range b.N {
				err := db.View(context.Background(), func(tx *store.Tx) error {
					list, _, err := lineAt(tx, start.Add(time.Hour))
					if err == nil && len(list) == 0 {
						b.Error("nothing is due")
					}
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
