//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// promise is a message that was answered 250.
type promise struct{ token, kind string }

// writers bring custody mail until stopped; what breaks is brought again
// under a new name, as nobody may count on it.
type writers struct {
	g    *gateway
	stop chan struct{}
	wait sync.WaitGroup

	mu   sync.Mutex
	kept []promise
	odd  []string
}

func (w *writers) run(n int) {
	for i := range n {
		w.wait.Add(1)
		go func() {
			defer w.wait.Done()
			for k := i; ; k++ {
				select {
				case <-w.stop:
					return
				default:
				}
				w.one([]string{"archived", "held", "blocked"}[k%3])
			}
		}()
	}
}

func (w *writers) one(kind string) {
	p := promise{token: "tok" + unique(), kind: kind}
	subject, text := p.token, "Hello\n"
	switch kind {
	case "archived":
		subject = "archive-it " + p.token
	case "held":
		text = ibanText
	case "blocked":
		text = cardText
	}
	c, err := w.g.connect()
	if err != nil {
		time.Sleep(20 * time.Millisecond) // it is down
		return
	}
	defer c.conn.Close()
	sent, _ := routed(message(subject, text))
	r, err := c.bdat(sent, ann, bob)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil:
	case r.Code == 250:
		w.kept = append(w.kept, p)
	case r.Code/100 != 4:
		w.odd = append(w.odd, r.String())
	}
}

func TestWhatWasAnswered250SurvivesTwentyKills(t *testing.T) {
	const kills = 20
	g := start(t, setup{})
	w := &writers{g: g, stop: make(chan struct{})}
	w.run(4)
	for i := range kills {
		time.Sleep(time.Duration(120+i*17%150) * time.Millisecond)
		must(t, g.cmd.Process.Kill())
		g.waitEnd(t, 10*time.Second)
		g.up(t)
	}
	time.Sleep(200 * time.Millisecond)
	close(w.stop)
	w.wait.Wait()

	eventually(t, 30*time.Second, "nothing is on its way, reports included", func() bool {
		return strings.TrimSpace(g.ok(t, "queue", "list", "--json")) == ""
	})
	b := g.balance(t)
	t.Logf("%d kills, %d messages answered 250, balance %+v", kills, len(w.kept), b)
	if !b.OK {
		t.Errorf("balance: %v", b.Differences)
	}
	if len(w.kept) < kills {
		t.Errorf("only %d messages were answered 250", len(w.kept))
	}
	if len(w.odd) > 0 {
		t.Errorf("%d answers were neither 2xx nor 4xx: %v", len(w.odd), w.odd[0])
	}
	g.ok(t, "audit", "verify")

	waits := map[string]bool{}
	for _, h := range g.held(t) {
		waits[h.Message] = true
	}
	bySubject := map[string]string{}
	for _, r := range g.records(t, "--limit", "100000") {
		bySubject[r.Subject] = r.ID
	}
	lost := 0
	for _, p := range w.kept {
		if why := p.missing(g, waits, bySubject); why != "" {
			lost++
			t.Errorf("%s %s: %s", p.kind, p.token, why)
		}
		if lost > 5 {
			break
		}
	}
	for _, p := range w.kept {
		if p.kind == "archived" && len(g.sink.to(bob, p.token)) > 1 {
			t.Logf("%s came twice: a kill between the next hop's 250 and our commit", p.token)
		}
	}
}

// missing says why a promise was not kept.
func (p promise) missing(g *gateway, waits map[string]bool, bySubject map[string]string) string {
	switch p.kind {
	case "archived":
		if a, b := len(g.sink.to(bob, p.token)), len(g.sink.to(archive, p.token)); a == 0 || b == 0 {
			return fmt.Sprintf("%d for the recipient, %d for the archive", a, b)
		}
	case "held":
		if !waits[bySubject[p.token]] {
			return "does not wait"
		}
	case "blocked":
		if len(g.sink.to(ann, p.token)) == 0 {
			return "no report"
		}
		if len(g.sink.to(bob, p.token)) != 0 {
			return "passed"
		}
	}
	return ""
}
