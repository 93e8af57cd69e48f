//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// bulk is what the test reads of a bulk decision.
type bulk struct {
	ID                   string
	Total, Done, Skipped int
	Ended                time.Time
}

// fill has n messages held, over several connections.
func (g *gateway) fill(t *testing.T, n int) {
	t.Helper()
	const connections = 8
	var all sync.WaitGroup
	for part := range connections {
		all.Go(func() {
			var c *client
			for i := part; i < n; i += connections {
				if i/connections%500 == 0 { // a connection takes a thousand
					var err error
					if c, err = g.connect(); err != nil {
						t.Error(err)
						return
					}
					defer c.conn.Close()
				}
				_ = c.conn.SetDeadline(time.Now().Add(2 * time.Minute))
				sent, _ := routed(message(fmt.Sprintf("bulk-%06d", i), ibanText))
				if r, err := c.bdat(sent, ann, bob); err != nil || r.Code != 250 {
					t.Errorf("message %d: %v %v", i, r, err)
					return
				}
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// how far a bulk decision is.
func (g *gateway) bulk(t *testing.T) bulk {
	t.Helper()
	list := lines[bulk](t, g.ok(t, "held", "bulk", "list", "--json"))
	if len(list) != 1 {
		t.Fatalf("%d bulk decisions", len(list))
	}
	return list[0]
}

// The real program carries out a decision about 500 held messages (10,000 in
// the long form) and is killed with SIGKILL again and again, somewhere. Each
// time it goes on; how far it is never goes back; in the end every message was
// let go once, is at the next hop once, and none is left. The next hop is away
// while the program is killed: an attempt that a kill cuts off there may be
// repeated, as anybody's, and that is another test's.
func TestABulkDecisionOfTheRealProgramIsKilledAndGoesOn(t *testing.T) {
	t.Parallel()
	many, most := 500, 3
	if os.Getenv("POSTERN_LONG") != "" {
		many, most = 10_000, 60
	}
	g := start(t, setup{})
	var away atomic.Bool // for connections that are open and used again
	g.sink.watch = func(stage, _ string, _ *delivery) string {
		if stage == atRcpt && away.Load() {
			return "451 4.3.2 away"
		}
		return ""
	}
	began := time.Now()
	g.fill(t, many)
	filled := time.Since(began)
	away.Store(true)
	g.sink.ln.Close()
	began = time.Now()
	g.ok(t, "held", "bulk", "approve", "--yes", "--most", fmt.Sprint(many), "--comment", "all of them")
	kills, far := 0, 0
	for b := g.bulk(t); b.Ended.IsZero(); b = g.bulk(t) {
		if b.Done < far || b.Done > many || b.Total != many || b.Skipped != 0 {
			t.Fatalf("after %d kills: %+v, and it was at %d", kills, b, far)
		}
		far = b.Done
		if kills == most {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		must(t, g.cmd.Process.Kill())
		g.waitEnd(t, 10*time.Second)
		kills++
		g.up(t)
	}
	decided := time.Since(began)
	if b := g.bulk(t); b.Done != many || b.Skipped != 0 || kills == 0 {
		t.Errorf("%d kills: %+v", kills, b)
	}
	if list := g.held(t); len(list) != 0 {
		t.Errorf("%d are left", len(list))
	}
	away.Store(false)
	g.sink.listen(t)
	g.ok(t, "queue", "retry", "--all")
	eventually(t, 10*time.Minute, "all are at the next hop", func() bool { return len(g.sink.to(bob, "Subject: bulk-")) >= many })
	g.quiet(t)
	there := map[string]int{}
	for _, d := range g.sink.to(bob, "Subject: bulk-") {
		_, rest, _ := strings.Cut(string(d.Raw), "Subject: bulk-")
		there[rest[:6]]++
	}
	released := map[string]int{}
	for _, e := range lines[struct{ Kind, Message string }](t, g.ok(t, "audit", "export", "--chain", "contoso")) {
		if e.Kind == "released" {
			released[e.Message]++
		}
	}
	twice := 0
	for _, counts := range []map[string]int{there, released} {
		for id, n := range counts {
			if n != 1 {
				twice++
				t.Errorf("%s: %d times", id, n)
			}
		}
	}
	if len(there) != many || len(released) != many {
		t.Errorf("%d of %d are at the next hop, %d were let go", len(there), many, len(released))
	}
	if b := g.balance(t); !b.OK || b.Held != 0 || b.Open != 0 || b.Delivered != many {
		t.Errorf("%+v", b)
	}
	t.Logf("%d held messages (in %s), decided about in %s over %d kills (kill -9), %d twice, 0 left",
		many, filled.Round(time.Second), decided.Round(time.Second), kills, twice)
}
