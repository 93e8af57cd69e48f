package task

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// A claimed task stands in the table as one that was found and leased, and is
// attempted at once.
func TestAClaimedTaskIsWhatALeasedOneIs(t *testing.T) {
	var seen chan Task
	c := Config{Door: func(ctx context.Context, task Task) []Result {
		seen <- task
		time.Sleep(time.Minute)
		return everyone(task, Done{Reply: mail.NewReply(250, "2.0.0", "ok")})
	}}
	bubble(t, c, func(t *testing.T, h *house) {
		seen = make(chan Task, 2)
		synctest.Wait()
		h.add(Task{ID: "found", Message: "m1", Recipients: to("a"), Hop: "mx"})
		synctest.Wait()
		h.update(func(tx *store.Tx) error {
			place := h.Claim("contoso", "mx")
			tx.OnCommit(place.Begin)
			return place.Add(tx, Task{ID: "claimed", Message: "m2", Kind: Return, Recipients: to("a")})
		})
		found, claimed := <-seen, <-seen
		for _, pair := range [][2]Task{{found, claimed}, {h.tasks(Filter{Message: "m1"})[0], h.tasks(Filter{Message: "m2"})[0]}} {
			a, b := pair[0], pair[1]
			a.ID, a.Message, a.Due = b.ID, b.Message, b.Due // the pause is drawn
			if fmt.Sprintf("%+v", a) != fmt.Sprintf("%+v", b) {
				t.Errorf("found\n%+v, claimed\n%+v", a, b)
			}
			if pair[1].Due.Before(time.Now()) {
				t.Errorf("it would be taken again at %v", pair[1].Due)
			}
		}
		time.Sleep(time.Minute)
		settleDown()
		if got := h.fates("m1") + ", " + h.fates("m2"); got != "a delivered, a delivered" {
			t.Error(got)
		}
	})
}

// Nobody jumps the queue, no next hop gets more than its places, the last place
// is for another tenant, and a next hop in trouble gets nothing.
func TestNobodyClaimsWhatIsNotFree(t *testing.T) {
	var hold chan struct{}
	c := Config{Workers: 6, PerHop: 3, Door: func(ctx context.Context, task Task) []Result {
		if task.Hop == "dead" {
			return everyone(task, Later{Why: "down", Trouble: Down})
		}
		select {
		case <-hold:
		case <-ctx.Done():
		}
		return everyone(task, Done{Reply: mail.NewReply(250, "2.0.0", "ok")})
	}}
	bubble(t, c, func(t *testing.T, h *house) {
		hold = make(chan struct{})
		synctest.Wait()
		var places []*Claim
		claim := func(tenant, hop string, want bool) {
			t.Helper()
			place := h.Claim(tenant, hop)
			if (place != nil) != want {
				t.Errorf("%s at %s: %v", tenant, hop, place != nil)
			}
			if place != nil {
				places = append(places, place)
				return
			}
			h.Wake() // who was refused waits in the line, and so do those behind him
			if h.Claim("adatum", "idle") != nil {
				t.Error("somebody jumps the queue")
			}
			settleDown()
		}
		for n := range 4 {
			claim("contoso", "mx", n < 3)
		}
		claim("contoso", "other", true)
		claim("contoso", "other", true)
		claim("contoso", "other", false) // the last one
		claim("fabrikam", "mx", true)
		for _, place := range places {
			place.GiveBack()
		}
		h.add(Task{Message: "d", Recipients: to("a"), Hop: "dead"})
		settleDown()
		claim("contoso", "dead", false)
		for n := range 4 {
			h.add(Task{Message: fmt.Sprint("q", n), Recipients: to("a"), Hop: "mx"})
		}
		settleDown()
		claim("contoso", "free", false) // q3 waits
		close(hold)
		settleDown()
		claim("contoso", "free", true)
		places[len(places)-1].GiveBack()
	})
}

// A place whose task was not committed is free again, and the runner ends.
func TestAClaimThatIsUndoneLeavesNothing(t *testing.T) {
	bubble(t, Config{Workers: 1, Door: func(_ context.Context, task Task) []Result { return everyone(task, Done{}) }},
		func(t *testing.T, h *house) {
			synctest.Wait()
			for range 3 {
				var place *Claim
				err := h.db.Update(context.Background(), func(tx *store.Tx) error {
					place = h.Claim("contoso", "mx")
					if err := place.Add(tx, Task{Message: "m", Kind: Return, Recipients: to("a")}); err != nil {
						return err
					}
					return errors.New("no room")
				})
				if err == nil {
					t.Fatal("it was committed")
				}
				place.GiveBack()
			}
			settleDown()
			if left := h.tasks(Filter{}); len(left) > 0 {
				t.Error(left)
			}
			h.stop()
			if h.Claim("contoso", "mx") != nil {
				t.Error("a place of a runner that has ended")
			}
		})
}
