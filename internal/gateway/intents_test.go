package gateway

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
)

// Intents that are committed together share nothing but the commit.
func TestAnIntentThatCannotBeWrittenCostsNoOther(t *testing.T) {
	w := newWorld(t, &script{})
	const many = 12
	for n := range many { // that many are under way
		w.g.flights.begin(spool.Key(fmt.Sprint("key", n)), "contoso", fmt.Sprint("trace", n), 0)
	}
	intent := func(id string) keptIntent {
		return keptIntent{intent: spool.Intent{ID: id, Tenant: "contoso", Record: "{}", At: time.Now()}}
	}
	if err := w.g.keepIntent(t.Context(), intent("7")); err != nil {
		t.Fatal(err)
	}
	var failed [many]error
	var all sync.WaitGroup
	for n := range many {
		all.Go(func() { failed[n] = w.g.keepIntent(t.Context(), intent(fmt.Sprint(n))) })
	}
	all.Wait()
	for n, err := range failed {
		if bad := err != nil; bad != (n == 7) { // that one is there already
			t.Errorf("intent %d: %v", n, err)
		}
	}
	err := w.g.DB.Update(t.Context(), func(tx *store.Tx) error {
		list, err := spool.OpenIntents(tx, time.Time{})
		if len(list) != many {
			t.Errorf("%d intents", len(list))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
