//go:build e2e

package power

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/spool"
)

// mailGoesOn lets the gateway run on after some cuts: whatever was promised
// must reach whom it is for, or its sender must be told.
func (r *recording) mailGoesOn(t *testing.T) {
	c := r.campaign(t)
	promised := c.Told("promised")
	n := 4
	if long() {
		n = 40
	}
	chosen := map[int]bool{}
	for i := range n {
		chosen[promised[i*(len(promised)-1)/(n-1)]] = true
	}
	c.At = func(p int) bool { return chosen[p] }
	cuts := Cuts(n, 7)
	c.Cuts = cuts
	at := 0
	_, err := c.replay(func(s schedule) bool {
		if s.cut.String() == cuts[at%len(cuts)].String() { // one way of losing a place, all of them in turn
			r.goOn(t, filepath.Join(c.Scratch, s.cut.String()), s)
		}
		if s.cut.String() == cuts[len(cuts)-1].String() {
			at += 3
		}
		return true
	})
	must(t, err)
}

func (r *recording) goOn(t *testing.T, dir string, s schedule) {
	t.Helper()
	must(t, s.state.Write(dir))
	ctx, hop := context.Background(), &nextHop{}
	a, err := r.serve(t, dir, hop, &logged{})
	must(t, err)
	defer a.Close()
	until := time.Now().Add(time.Minute)
	for still := 0; still < 3; time.Sleep(50 * time.Millisecond) {
		sum, _, err := a.Balance(ctx)
		must(t, err)
		queue, err := a.Do(ctx, "queue-list", app.Call{}, "test")
		must(t, err)
		held, err := a.Do(ctx, "held-list", app.Call{}, "test")
		must(t, err)
		soon := slices.ContainsFunc(held.Held, func(p spool.Pending) bool { return time.Until(p.Until) < time.Hour })
		if still++; soon || sum.Open > 0 || len(queue.Tasks) > 0 {
			still = 0
		}
		if time.Now().After(until) {
			t.Fatalf("prefix %d, %s: mail does not go on: %+v, %d tasks", s.place, s.cut, sum, len(queue.Tasks))
		}
	}
	if _, lines, err := a.Balance(ctx); err != nil || len(lines) > 0 {
		t.Errorf("prefix %d, %s: %v %v", s.place, s.cut, lines, err)
	}
	held, err := a.Do(ctx, "held-list", app.Call{}, "test")
	must(t, err)
	waiting := map[string]bool{}
	for _, p := range held.Held {
		waiting[p.Message] = true
	}
	for id, token := range s.told.Promised {
		if why := r.unkept(token, waiting[id], s.told, hop); why != "" {
			t.Errorf("prefix %d, %s: %s (%s): %s", s.place, s.cut, token, r.sorts[token], why)
		}
	}
	t.Logf("after prefix %d, %s: %d promises, %d copies taken after the cut", s.place, s.cut, len(s.told.Promised), len(hop.copies()))
}

// unkept says what is missing of a promise when nothing moves any more.
func (r *recording) unkept(token string, waits bool, told *Outside, hop *nextHop) string {
	has := func(to string) bool { return told.Taken[token+" "+to] || hop.took(token, to) }
	const bob, ann = "bob@fabrikam.example", "ann@contoso.example"
	var need []string
	switch r.sorts[token] {
	case "held":
		if !waits {
			return "does not wait"
		}
		return ""
	case "released", "rejected": // unless the cut came before the decision
		if waits || has(ann) || has(bob) {
			return ""
		}
		return "neither waits nor went anywhere"
	case "blocked with a report", "expired", "archived, refused later":
		need = []string{ann}
	case "half refused":
		need = []string{bob, ann}
	case "redirected":
		need = []string{"office@contoso.example"}
	case "archived", "large, archived":
		need = []string{bob, "archive@contoso.example"}
	case "archived, deferred once":
		need = []string{"later@fabrikam.example", "archive@contoso.example"}
	default:
		need = []string{bob}
	}
	for _, to := range need {
		if !has(to) {
			return "nothing went to " + to
		}
	}
	return ""
}
