package gateway

import (
	"testing"
	"time"

	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
)

// What is kept to ask again goes when its time is over, also when there is more
// of it than one transaction takes; what is still being sent is only not kept
// any longer.
func TestWhatIsKeptToAskAgainEnds(t *testing.T) {
	w := newWorld(t, &script{})
	now := time.Now()
	ids := w.keep(t, 2, nil)
	if _, err := w.g.Decide(t.Context(), Decision{Message: ids[0], Release: true, Person: root()}); err != nil {
		t.Fatal(err)
	}
	err := w.g.DB.Update(t.Context(), func(tx *store.Tx) error {
		for range 2*mostUnkept + 3 { // of messages that are long forgotten
			if err := spool.Keep(tx, store.NewID(now), now.Add(time.Hour)); err != nil {
				return err
			}
		}
		if err := spool.Keep(tx, ids[0], now.Add(time.Hour)); err != nil {
			return err
		}
		if err := spool.Keep(tx, ids[0], now); err != nil { // the later moment counts
			return err
		}
		return spool.Keep(tx, ids[1], now.Add(3*time.Hour))
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.g.EndKept(t.Context(), now.Add(time.Minute)); n != 0 || err != nil {
		t.Errorf("%d end at once, %v", n, err)
	}
	if n, err := w.g.EndKept(t.Context(), now.Add(time.Hour)); n != 2*mostUnkept+4 || err != nil {
		t.Errorf("%d end, %v", n, err)
	}
	err = w.g.DB.View(t.Context(), func(tx *store.Tx) error {
		for i, id := range ids {
			if kept, err := spool.IsKept(tx, id); kept != (i == 1) || err != nil {
				t.Error(i, kept, err)
			}
			if row, err := spool.Get(tx, id); err != nil || row.BytesGone {
				t.Error("its octets are gone before it is done", err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
