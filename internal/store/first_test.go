package store_test

import (
	"runtime"
	"slices"
	"sync"
	"testing"

	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

// Those who fail before anybody has done something have no savepoint.
func TestFailingFirstMembersHurtNobodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		table(t, db)
		queued, undone := make(chan struct{}), db.Stats().Undone
		bad := func(how func() error) func(*store.Tx) error {
			return func(tx *store.Tx) error {
				<-queued
				tx.OnCommit(func() { t.Error("a failed member was committed") })
				if err := insert("bad")(tx); err != nil {
					return err
				}
				return how()
			}
		}
		fns := []func(*store.Tx) error{
			bad(func() error { return errMine }), bad(func() error { panic("oops") }), insert("good"),
			bad(func() error { return errMine }), insert("bad"),
		}
		errs := make([]any, len(fns))
		var wg sync.WaitGroup
		for i, fn := range fns {
			wg.Go(func() {
				defer func() {
					if v := recover(); v != nil {
						errs[i] = v
					}
				}()
				if err := db.Update(t.Context(), fn); err != nil {
					errs[i] = err
				}
			})
			for range 1000 { // in this order, most likely
				runtime.Gosched()
			}
		}
		close(queued)
		wg.Wait()
		for i, failed := range []bool{true, true, false, true, false} {
			if (errs[i] != nil) != failed {
				t.Errorf("member %d: %v", i, errs[i])
			}
		}
		if got := ids(t, db); !slices.Equal(got, []string{"bad", "good"}) || db.Stats().Undone != undone {
			t.Errorf("rows %q, %d groups undone", got, db.Stats().Undone-undone)
		}
	})
}
