package store_test

import (
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

func TestTwoDaysPassInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.SQLite(t)
		table(t, db)
		began := time.Now()
		released := make(chan error)
		go func() {
			time.Sleep(48 * time.Hour)
			released <- db.Update(t.Context(), insert("released"))
		}()
		ticks := time.NewTicker(time.Hour)
		defer ticks.Stop()
		var seen int
		for done := false; !done; {
			select {
			case <-ticks.C:
				seen++
				if err := db.View(t.Context(), func(*store.Tx) error { return nil }); err != nil {
					t.Fatal(err)
				}
			case err := <-released:
				if err != nil {
					t.Fatal(err)
				}
				done = true
			}
		}
		if passed := time.Since(began); passed != 48*time.Hour || seen < 47 {
			t.Errorf("%s passed, %d ticks", passed, seen)
		}
		if got := ids(t, db); len(got) != 1 {
			t.Errorf("%q", got)
		}
	})
}
