package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

var errMine = errors.New("mine")

// table makes the table of these tests.
func table(t testing.TB, db *store.DB) {
	t.Helper()
	err := db.Migrate(t.Context(), "test", []string{
		"CREATE TABLE item (id TEXT PRIMARY KEY, n BIGINT NOT NULL DEFAULT 0, b BLOB); CREATE INDEX item_n ON item (n)",
	})
	if err != nil {
		t.Fatal(err)
	}
}

func insert(id string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		_, err := tx.Exec("INSERT INTO item (id) VALUES (?)", id)
		return err
	}
}

func ids(t testing.TB, db *store.DB) (all []string) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Query("SELECT id FROM item ORDER BY id")
		if err != nil {
			return err
		}
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			all = append(all, id)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// together makes the updates one group: the first member waits until all the
// others are in the queue or about to be.
func together(t *testing.T, db *store.DB, fns ...func(*store.Tx) error) []error {
	t.Helper()
	errs := make([]error, len(fns))
	var wg sync.WaitGroup
	held, release := make(chan struct{}), make(chan struct{})
	wg.Go(func() {
		err := db.Update(t.Context(), func(*store.Tx) error {
			close(held)
			<-release
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	for i, fn := range fns {
		wg.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					errs[i] = fmt.Errorf("panic: %v", v)
				}
			}()
			errs[i] = db.Update(t.Context(), fn)
		})
	}
	for range 1000 { // let them reach the queue; the counts below do not rely on it
		runtime.Gosched()
	}
	close(release)
	wg.Wait()
	return errs
}

func TestWhatUpdateAnsweredIsSeenByView(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		if err := db.Update(t.Context(), insert("a")); err != nil {
			t.Fatal(err)
		}
		if got := ids(t, db); !slices.Equal(got, []string{"a"}) {
			t.Errorf("%q", got)
		}
	})
}

func TestManyUpdatesShareFewCommits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		const members = 200
		before := db.Stats()
		fns := make([]func(*store.Tx) error, members)
		for i := range fns {
			fns[i] = insert(fmt.Sprintf("%03d", i))
		}
		for _, err := range together(t, db, fns...) {
			if err != nil {
				t.Fatal(err)
			}
		}
		after := db.Stats()
		if got := after.Members - before.Members; got != members+1 {
			t.Errorf("%d members", got)
		}
		if got := after.Groups - before.Groups; got > members/4 {
			t.Errorf("%d commits for %d updates", got, members)
		}
		if got := ids(t, db); len(got) != members {
			t.Errorf("%d rows", len(got))
		}
	})
}

func TestAFailingMemberHurtsNobodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		committed := map[string]bool{}
		errs := together(t, db,
			insert("good 1"),
			func(tx *store.Tx) error {
				tx.OnCommit(func() { committed["own error"] = true })
				if err := insert("own error")(tx); err != nil {
					return err
				}
				return errMine
			},
			func(tx *store.Tx) error {
				if err := insert("panic")(tx); err != nil {
					return err
				}
				panic("oops")
			},
			func(tx *store.Tx) error { // ignores its failed statement
				_, _ = tx.Exec("INSERT INTO item (id) VALUES (?)", "swallowed")
				_, _ = tx.Exec("INSERT INTO nowhere (id) VALUES (?)", "x")
				return nil
			},
			func(tx *store.Tx) error {
				if err := insert("twice")(tx); err != nil {
					return err
				}
				return insert("twice")(tx)
			},
			func(tx *store.Tx) error { // leaves its rows open
				_, err := tx.Query("SELECT id FROM item")
				return err
			},
			func(tx *store.Tx) error {
				tx.OnCommit(func() { committed["good 2"] = true })
				return insert("good 2")(tx)
			},
		)
		wants := []string{"", "mine", "panic: store: panic in a transaction: oops", "nowhere", "constraint violated", "", ""}
		for i, want := range wants {
			if got := fmt.Sprint(errs[i]); (want == "") != (errs[i] == nil) || !strings.Contains(got, want) && want != "" {
				t.Errorf("member %d: %v, want %q", i, errs[i], want)
			}
		}
		if !errors.Is(errs[1], errMine) || !errors.Is(errs[4], store.ErrExists) {
			t.Errorf("kinds: %v, %v", errs[1], errs[4])
		}
		if got := ids(t, db); !slices.Equal(got, []string{"good 1", "good 2"}) {
			t.Errorf("rows %q", got)
		}
		if len(committed) != 1 || !committed["good 2"] {
			t.Errorf("after commit: %v", committed)
		}
	})
}

func TestHooksRunOncePerGroupBeforeItsCommit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		var hooks, after int
		db.BeforeCommit(func(tx *store.Tx) error {
			hooks++
			tx.OnCommit(func() { after++ })
			_, err := tx.Exec("UPDATE item SET n = n + 1")
			return err
		})
		before := db.Stats()
		for _, err := range together(t, db, insert("a"), insert("b"), insert("c")) {
			if err != nil {
				t.Fatal(err)
			}
		}
		groups := int(db.Stats().Groups - before.Groups)
		if hooks != groups || after != groups {
			t.Errorf("%d groups, %d hooks, %d after commit", groups, hooks, after)
		}
		err := db.View(t.Context(), func(tx *store.Tx) error {
			var unseen int
			if err := tx.QueryRow("SELECT count(*) FROM item WHERE n = 0").Scan(&unseen); err != nil || unseen != 0 {
				t.Errorf("%d rows escaped the hook (%v)", unseen, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestAFailingHookUndoesItsGroupAndNothingElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		kinds := []func(*store.Tx) error{
			func(*store.Tx) error { return errMine },
			func(*store.Tx) error { panic("hook") },
			func(tx *store.Tx) error { _, _ = tx.Exec("nonsense"); return nil },
			func(*store.Tx) error { return nil },
		}
		var now int
		db.BeforeCommit(func(tx *store.Tx) error { return kinds[now](tx) })
		for now = range kinds {
			err := db.Update(t.Context(), insert("a"))
			if last := now == len(kinds)-1; last != (err == nil) {
				t.Errorf("hook %d: %v", now, err)
			}
		}
		if got := ids(t, db); !slices.Equal(got, []string{"a"}) {
			t.Errorf("%q", got)
		}
	})
}

func TestWhoLeavesTheQueueIsNotRun(t *testing.T) {
	db := storetest.SQLite(t)
	table(t, db)
	held, release := make(chan struct{}), make(chan struct{})
	go db.Update(t.Context(), func(*store.Tx) error { close(held); <-release; return nil })
	<-held
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() { gone <- db.Update(ctx, insert("a")) }()
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(release)
	if err := db.Update(t.Context(), insert("b")); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, db); !slices.Equal(got, []string{"b"}) {
		t.Errorf("%q", got)
	}
}

func TestWhoRunsIsWaitedFor(t *testing.T) {
	db := storetest.SQLite(t)
	table(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Update(ctx, func(tx *store.Tx) error {
		cancel()
		return insert("a")(tx)
	})
	if err != nil || len(ids(t, db)) != 1 {
		t.Errorf("%v, %q", err, ids(t, db))
	}
}

func TestArgumentsMeanTheSameOnBothEngines(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		type name string
		when := time.Date(2026, 2, 3, 4, 5, 6, 7, time.UTC)
		tests := []struct {
			id   string
			arg  any
			want int64
		}{
			{"an int", 5, 5}, {"true", true, 1}, {"false", false, 0},
			{"a time", when, when.UnixNano()}, {"no time", time.Time{}, 0}, {"a duration", time.Second, 1e9},
			{"uint32", uint32(7), 7},
		}
		for _, test := range tests {
			var got int64
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				n, err := tx.Exec("INSERT INTO item (id, n) VALUES (?, ?)", name(test.id), test.arg)
				if err == nil && n != 1 {
					t.Errorf("%d rows", n)
				}
				if err != nil {
					return err
				}
				return tx.QueryRow("SELECT n FROM item WHERE id = ?", test.id).Scan(&got)
			})
			if err != nil || got != test.want {
				t.Errorf("%s: %d, want %d (%v)", test.id, got, test.want, err)
			}
		}
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Exec("INSERT INTO item (id, b) VALUES (?, ?)",
				json.RawMessage(`{"a":"?"}`), []byte{0, 255}); err != nil {
				return err
			}
			var b []byte
			if err := tx.QueryRow("SELECT b FROM item WHERE id = '{\"a\":\"?\"}' AND id = ?", `{"a":"?"}`).Scan(&b); err != nil {
				return err
			}
			if string(b) != "\x00\xff" {
				t.Errorf("%x", b)
			}
			var n int
			return tx.QueryRow("SELECT count(*) FROM item WHERE id LIKE ?", "A%").Scan(&n)
		})
		if err != nil {
			t.Error(err)
		}
		err = db.Update(t.Context(), func(tx *store.Tx) error {
			var upper, null int
			if err := tx.QueryRow("SELECT count(*) FROM item WHERE id LIKE ?", "A %").Scan(&upper); err != nil {
				return err
			}
			if err := tx.QueryRow("SELECT count(*) FROM item WHERE b IS NULL").Scan(&null); err != nil {
				return err
			}
			if upper != 0 || null != len(tests) {
				t.Errorf("LIKE ignores case (%d) or NULL is lost (%d)", upper, null)
			}
			return tx.QueryRow("SELECT id FROM item WHERE id = ?", "nobody").Scan(new(string))
		})
		if !errors.Is(err, store.ErrNoRows) {
			t.Errorf("no rows: %v", err)
		}
	})
}

func TestNoRowsIsNotAFailure(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			if err := tx.QueryRow("SELECT id FROM item").Scan(new(string)); err != store.ErrNoRows {
				t.Errorf("%v", err)
			}
			var id string
			err := tx.QueryRow("INSERT INTO item (id) VALUES (?) ON CONFLICT (id) DO NOTHING RETURNING id", "a").Scan(&id)
			if err != nil || id != "a" {
				t.Errorf("%q, %v", id, err)
			}
			n, err := tx.Exec("INSERT INTO item (id, n) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET n = excluded.n", "a")
			if n != 1 {
				t.Errorf("%d rows", n)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestMistakesWithRowsAreCaughtOnBothEngines(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		if err := db.Update(t.Context(), insert("a")); err != nil {
			t.Fatal(err)
		}
		var leaked *store.Tx
		err := db.View(t.Context(), func(tx *store.Tx) error {
			leaked = tx
			rows, err := tx.Query("SELECT id FROM item")
			if err != nil {
				return err
			}
			defer rows.Close()
			_, err = tx.Query("SELECT n FROM item")
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "still open") {
			t.Errorf("two queries at once: %v", err)
		}
		if _, err := leaked.Exec("SELECT 1"); err == nil {
			t.Error("a transaction was used after its end")
		}
		if err := db.View(t.Context(), insert("b")); err == nil {
			t.Error("a View wrote")
		}
		if got := ids(t, db); !slices.Equal(got, []string{"a"}) {
			t.Errorf("%q", got)
		}
	})
}

func TestAViewSeesOneMoment(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		count := func(tx *store.Tx) (n int) {
			if err := tx.QueryRow("SELECT count(*) FROM item").Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		err := db.View(t.Context(), func(tx *store.Tx) error {
			before := count(tx)
			if err := db.Update(context.Background(), insert("a")); err != nil {
				return err
			}
			if after := count(tx); after != before {
				t.Errorf("%d rows became %d", before, after)
			}
			return nil
		})
		if err != nil || len(ids(t, db)) != 1 {
			t.Error(err)
		}
	})
}

func TestAPanicOrACanceledViewLeavesThePoolWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		for range 10 { // more than there are readers
			func() {
				defer func() { _ = recover() }()
				_ = db.View(t.Context(), func(*store.Tx) error { panic("x") })
			}()
			ctx, cancel := context.WithCancel(t.Context())
			err := db.View(ctx, func(tx *store.Tx) error {
				cancel()
				return tx.QueryRow("SELECT count(*) FROM item").Scan(new(int))
			})
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("%v", err)
			}
		}
		ids(t, db)
	})
}

func TestAfterCloseNothingRuns(t *testing.T) {
	db := storetest.SQLite(t)
	table(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Update(t.Context(), insert("a")); err != store.ErrClosed {
		t.Errorf("update: %v", err)
	}
	if err := db.View(t.Context(), func(*store.Tx) error { return nil }); err != store.ErrClosed {
		t.Errorf("view: %v", err)
	}
	if err := db.Close(); err != store.ErrClosed {
		t.Errorf("close: %v", err)
	}
}
