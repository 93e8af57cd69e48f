//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// backlog is what is owed to a next hop that is away.
type backlog struct {
	g       *gateway
	mu      sync.Mutex
	brought map[string]time.Time // by word in the subject: when the 250 came
	arrived map[string][]time.Time
}

// startBacklog starts a gateway with the retry schedule of a real one, before
// a next hop that is counted.
func startBacklog(t *testing.T) *backlog {
	b := &backlog{brought: map[string]time.Time{}, arrived: map[string][]time.Time{}}
	g := prepare(t, setup{config: "deliver: { connect: 5s, idle: 500ms }\n"})
	text, err := os.ReadFile(g.file)
	must(t, err)
	write(t, g.file, strings.Replace(string(text), "retry: { schedule: [1s, 2s], give_up: 24h }\n", "", 1))
	g.sink.marker = "no message has these words" // keep no content
	g.sink.watch = func(stage, to string, d *delivery) string {
		if stage == atRcpt {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.arrived[d.From+" "+to] = append(b.arrived[d.From+" "+to], time.Now())
		}
		return ""
	}
	b.g = g
	g.up(t)
	return b
}

// bring hands n messages over that must be kept, and of each a copy.
func (b *backlog) bring(t *testing.T, name string, n, clients int) {
	t.Helper()
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			var conn *client
			for i := c; i < n; i += clients {
				if i/clients%500 == 0 { // a connection carries a thousand
					var err error
					if conn, err = b.g.connect(); err != nil {
						t.Error(err)
						return
					}
					defer conn.conn.Close()
				}
				b.one(t, conn, fmt.Sprintf("%s-%d@contoso.example", name, i))
			}
		})
	}
	all.Wait()
}

func (b *backlog) one(t *testing.T, c *client, from string) {
	_ = c.conn.SetDeadline(time.Now().Add(2 * time.Minute))
	raw, _ := routed(message("archive-it", "It is owed.\n"))
	r, err := c.bdat(raw, from, bob)
	if err != nil || r.Code != 250 {
		t.Errorf("%s: %v %v", from, r, err)
		return
	}
	b.mu.Lock()
	b.brought[from] = time.Now()
	b.mu.Unlock()
}

// rate waits until everything is there, and says how fast it came, from the
// first to the last.
func (b *backlog) rate(t *testing.T, name string, n int, patience time.Duration) float64 {
	t.Helper()
	var times []time.Time
	eventually(t, patience, name+" is at the next hop", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		times = times[:0]
		for who, at := range b.arrived {
			if strings.HasPrefix(who, name+"-") {
				times = append(times, at...)
			}
		}
		return len(times) >= 2*n
	})
	slices.SortFunc(times, time.Time.Compare)
	return float64(len(times)-1) / times[len(times)-1].Sub(times[0]).Seconds()
}

// late is how long fresh messages took at most from the 250 to the next hop.
func (b *backlog) late(name string) (most time.Duration, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for who, at := range b.arrived {
		from, _, _ := strings.Cut(who, " ")
		if strings.HasPrefix(from, name+"-") {
			most, n = max(most, at[0].Sub(b.brought[from])), n+1
		}
	}
	return most, n
}

// The next hop is away while mail is owed to it, then it is back: everything
// arrives once, about as fast as if it had never been away, and what comes
// meanwhile does not wait behind it.
//
// The long form has 20,000 messages (POSTERN_BACKLOG), each with a copy, and
// an outage of two minutes; six hours of a fake clock are a story and a test
// of the task room.
func TestABacklogGoesAboutAsFastAsMailThatNeverWaited(t *testing.T) {
	n, m, away := 150, 150, 2*time.Second
	long := inFull()
	if long {
		n, away = number("POSTERN_BACKLOG", 20_000), 2*time.Minute
		m = n / 4
	} else {
		t.Parallel()
	}
	b := startBacklog(t)
	g := b.g

	// As fast as may be: nothing is down, nothing was ever tried.
	g.sink.ln.Close()
	began := time.Now()
	b.bring(t, "peak", m, 8)
	t.Logf("%d messages with a copy each were taken into custody in %v", m, time.Since(began).Round(time.Millisecond))
	g.ok(t, "queue", "hold", "--all")
	g.sink.listen(t)
	g.ok(t, "queue", "retry", "--all")
	peak := b.rate(t, "peak", m, 30*time.Minute)

	// The same after an outage, with fresh mail among it.
	g.sink.ln.Close()
	time.Sleep(time.Second) // idle connections end
	b.bring(t, "owed", n, 8)
	time.Sleep(away)
	g.sink.listen(t)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		conn, err := g.connect()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.conn.Close()
		for i := 0; ; i++ {
			b.one(t, conn, fmt.Sprintf("fresh-%d@contoso.example", i))
			select {
			case <-stop:
				return
			case <-time.After(250 * time.Millisecond):
			}
		}
	}()
	drain := b.rate(t, "owed", n, 90*time.Minute)
	close(stop)
	<-ended
	b.mu.Lock()
	fresh := len(b.brought) - n - m
	b.mu.Unlock()
	b.rate(t, "fresh", fresh, 2*time.Minute)
	most, _ := b.late("fresh")
	t.Logf("peak %.0f a second, after the outage %.0f a second (%.0f %%); of %d fresh messages none took longer than %v",
		peak, drain, 100*drain/peak, fresh, most.Round(time.Millisecond))
	if long && (drain < 0.8*peak || most > time.Minute) {
		t.Error("the backlog goes slower than four fifths of the peak, or fresh mail waits longer than a minute")
	}
	b.mu.Lock()
	for who, at := range b.arrived {
		if len(at) != 1 {
			t.Errorf("%s came %d times", who, len(at))
		}
	}
	b.mu.Unlock()
	eventually(t, time.Minute, "nothing is open", func() bool { return g.balance(t).Open == 0 })
	if x := g.balance(t); x.In != x.Delivered || x.In != n+m+fresh {
		t.Errorf("the balance of %d messages: %+v", n+m+fresh, x)
	}
}
