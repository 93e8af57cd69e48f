package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

// backend is the server process behind the writer.
func backend(t *testing.T, db *store.DB) (pid int) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.QueryRow("SELECT pg_backend_pid()").Scan(&pid) })
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// kill ends a server process and waits until it is gone.
func kill(t *testing.T, db *store.DB, pid int) {
	t.Helper()
	err := db.View(context.Background(), func(tx *store.Tx) error {
		var done bool
		return tx.QueryRow("SELECT pg_terminate_backend(?, 10000)", pid).Scan(&done)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAServerThatWentAwayBetweenGroupsIsConnectedAgain(t *testing.T) {
	db := storetest.Postgres(t)
	table(t, db)
	kill(t, db, backend(t, db))
	if err := db.Update(t.Context(), insert("a")); err != nil {
		t.Error(err)
	}
	if got := ids(t, db); len(got) != 1 {
		t.Errorf("%q", got)
	}
}

func TestAServerThatGoesAwayBeforeCommitPasses(t *testing.T) {
	db := storetest.Postgres(t)
	table(t, db)
	pid := backend(t, db)
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		if err := insert("lost")(tx); err != nil {
			return err
		}
		kill(t, db, pid)
		return insert("lost too")(tx)
	})
	if !errors.Is(err, store.ErrLocked) {
		t.Errorf("%v", err)
	}
	if err := db.Update(t.Context(), insert("a")); err != nil {
		t.Error(err)
	}
	if got := ids(t, db); len(got) != 1 || got[0] != "a" {
		t.Errorf("%q", got)
	}
}

func TestAServerThatGoesAwayInCommitIsDeath(t *testing.T) {
	db := storetest.Postgres(t)
	table(t, db)
	pid := backend(t, db)
	db.BeforeCommit(func(*store.Tx) error { kill(t, db, pid); return nil })
	if err := db.Update(t.Context(), insert("who knows")); !errors.Is(err, store.ErrDead) {
		t.Errorf("%v", err)
	}
	if cause := <-db.Dead(); cause == nil {
		t.Error("no cause")
	}
}

func TestTwoProcessesTakeTurnsAtALock(t *testing.T) {
	config := store.Config{URL: storetest.PostgresURL(t), Unsafe: true, Patience: 30 * time.Second}
	var dbs [2]*store.DB
	for i := range dbs {
		db, err := store.Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		table(t, db)
		dbs[i] = db
	}
	// Without the lock both would read 0 and one addition would be lost.
	add := func(tx *store.Tx) error {
		if err := tx.Lock("counter"); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRow("SELECT count(*) FROM item").Scan(&n); err != nil {
			return err
		}
		_, err := tx.Exec("INSERT INTO item (id, n) VALUES (?, ?)", store.NewID(time.Now()), n)
		return err
	}
	const each = 30
	errs := make(chan error)
	for _, db := range dbs {
		for range each {
			go func() { errs <- db.Update(context.Background(), add) }()
		}
	}
	for range 2 * each {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	err := dbs[0].View(t.Context(), func(tx *store.Tx) error {
		var distinct int
		if err := tx.QueryRow("SELECT count(DISTINCT n) FROM item").Scan(&distinct); err != nil || distinct != 2*each {
			t.Errorf("%d numbers, want %d (%v)", distinct, 2*each, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestADeadlockHurtsOneOnly lets two processes take two locks in opposite
// order: the server ends one member, its group goes on.
func TestADeadlockHurtsOneOnly(t *testing.T) {
	config := store.Config{URL: storetest.PostgresURL(t), Unsafe: true, Patience: 30 * time.Second}
	errs := make(chan error)
	first := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	for i := range 2 {
		db, err := store.Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		table(t, db)
		locks := []string{"a", "b"}
		go func() {
			errs <- db.Update(context.Background(), func(tx *store.Tx) error {
				if err := tx.Lock(locks[i]); err != nil {
					return err
				}
				close(first[i])
				<-first[1-i]
				return tx.Lock(locks[1-i])
			})
		}()
	}
	a, b := <-errs, <-errs
	if (a == nil) == (b == nil) || !errors.Is(errors.Join(a, b), store.ErrLocked) {
		t.Errorf("%v, %v", a, b)
	}
}

func TestOneProcessHasTheDatabaseForItself(t *testing.T) {
	config := store.Config{URL: storetest.PostgresURL(t), Unsafe: true, Patience: 30 * time.Second}
	open := func() *store.DB {
		db, err := store.Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	alone := func(db *store.DB, patience time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return db.Alone(ctx)
	}
	first, second := open(), open()
	defer second.Close()
	table(t, first)
	if err := alone(first, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := alone(second, 300*time.Millisecond); !errors.Is(err, store.ErrShared) {
		t.Errorf("the second: %v", err)
	}
	kill(t, first, backend(t, first)) // it connects again
	if err := first.Update(t.Context(), insert("a")); err != nil {
		t.Errorf("the first writes on: %v", err)
	}
	if err := alone(second, 300*time.Millisecond); !errors.Is(err, store.ErrShared) {
		t.Errorf("the second, after the first has connected again: %v", err)
	}
	first.Close()
	if err := alone(second, time.Minute); err != nil {
		t.Errorf("the second, when the first has ended: %v", err)
	}
	third := open()
	defer third.Close()
	if err := alone(third, 300*time.Millisecond); !errors.Is(err, store.ErrShared) {
		t.Errorf("a third: %v", err)
	}
}
