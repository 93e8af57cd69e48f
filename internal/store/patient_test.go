package store

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Members that can wait go with the group that somebody else needs.
func TestPatientMembersGoWithTheNextGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openFile(t, filepath.Join(t.TempDir(), "x.db"))
		began, before := time.Now(), db.Stats()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if err := db.UpdateSoon(context.Background(), time.Hour, func(*Tx) error { return nil }); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if err := db.Update(context.Background(), func(*Tx) error { return nil }); err != nil {
			t.Error(err)
		}
		all.Wait()
		if now := db.Stats(); now.Groups != before.Groups+1 || now.Members != before.Members+6 {
			t.Errorf("%+v after %+v", now, before)
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("they waited %v", waited)
		}
	})
}

// When nobody else comes they are a group of their own, in time.
func TestPatientMembersDoNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openFile(t, filepath.Join(t.TempDir(), "x.db"))
		began, before := time.Now(), db.Stats()
		var all sync.WaitGroup
		for n := range 3 {
			all.Go(func() {
				if err := db.UpdateSoon(context.Background(), time.Duration(n+1)*time.Second, func(*Tx) error { return nil }); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("they waited %v", waited)
		}
		if n := db.Stats().Groups - before.Groups; n != 1 {
			t.Errorf("%d groups", n)
		}
	})
}

func TestPatientMembersHearOfTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openFile(t, filepath.Join(t.TempDir(), "x.db"))
		told := make(chan error)
		go func() { told <- db.UpdateSoon(context.Background(), time.Hour, func(*Tx) error { return nil }) }()
		synctest.Wait()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err := <-told; !errors.Is(err, ErrClosed) {
			t.Errorf("who waits is told %v", err)
		}
		if err := db.UpdateSoon(context.Background(), time.Hour, func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
			t.Errorf("who comes is told %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		db := openFile(t, filepath.Join(t.TempDir(), "x.db"))
		told := make(chan error)
		go func() { told <- db.UpdateSoon(context.Background(), time.Hour, func(*Tx) error { return nil }) }()
		synctest.Wait()
		db.commit = func(*conn) error { return io.ErrUnexpectedEOF }
		err := db.Update(context.Background(), func(*Tx) error { return nil })
		if !errors.Is(err, ErrDead) {
			t.Errorf("%v", err)
		}
		if err := <-told; !errors.Is(err, ErrDead) {
			t.Errorf("who waits is told %v", err)
		}
		if err := db.UpdateSoon(context.Background(), time.Hour, func(*Tx) error { return nil }); !errors.Is(err, ErrDead) {
			t.Errorf("who comes is told %v", err)
		}
	})
}
