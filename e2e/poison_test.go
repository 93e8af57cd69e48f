//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestPoisonDoesNotStopGoodMail: every poison message kills the child that
// looks at it, or makes it hang; good mail comes beside it all the time.
func TestPoisonDoesNotStopGoodMail(t *testing.T) {
	t.Parallel()
	for _, kind := range []struct {
		how         string
		short, long int
	}{{"garbage", 120, 10000}, {"hang", 4, 400}} {
		t.Run("the child does "+kind.how, func(t *testing.T) {
			t.Parallel()
			n := kind.short
			if inFull() {
				n = kind.long
			}
			poison(t, kind.how, n)
		})
	}
}

func poison(t *testing.T, how string, n int) {
	g := start(t, setup{
		env: []string{"POSTERN_FAULT=credit-card:" + how + ":poison"}, policies: onlyCards,
		tenant: "on: { engine-failed: open, out-of-time: open }\n",
	})
	var left, bad, good, wrong, children atomic.Int64
	left.Store(int64(n))
	stop := make(chan struct{})
	var poisoners, others sync.WaitGroup
	began := time.Now()
	for range 4 {
		poisoners.Go(func() {
			for left.Add(-1) >= 0 {
				if a := g.post("poison "+unique(), "some poison\n"); a.code == 250 {
					bad.Add(1)
				} else {
					t.Errorf("poison: %d %s", a.code, a.text)
				}
			}
		})
	}
	for range 2 {
		others.Go(func() {
			for {
				if a := g.post("wholesome "+unique(), "Hello\n"); a.code == 250 {
					good.Add(1)
				} else {
					wrong.Add(1)
					t.Errorf("good mail: %d %s", a.code, a.text)
				}
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
	others.Go(func() {
		for {
			children.Store(max(children.Load(), int64(childrenOf(g.pid))))
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	poisoners.Wait()
	took := time.Since(began)
	close(stop)
	others.Wait()
	eventually(t, 2*time.Minute, "nothing is on its way", func() bool {
		b := g.balance(t)
		return b.OK && b.Open+b.Held == 0
	})
	peak := megabytes(t, g.pid, "VmHWM")
	t.Logf("%d poison and %d good messages in %s; at most %d children; the gateway took %.1f MiB at most",
		bad.Load(), good.Load(), took.Round(time.Millisecond), children.Load(), peak)
	if len(g.sink.find("Subject: wholesome")) != int(good.Load()) || len(g.sink.find("Subject: poison")) != n {
		t.Errorf("%d good and %d poison messages came", len(g.sink.find("Subject: wholesome")), len(g.sink.find("Subject: poison")))
	}
	for _, d := range g.sink.got() {
		if partial := strings.Contains(string(d.Raw), "X-Postern-Inspected: partial"); partial != strings.Contains(string(d.Raw), "Subject: poison") {
			t.Errorf("marked partial: %v\n%q", partial, d.Raw)
			break
		}
	}
	// One for each processor at a time, at least two; some are about to end,
	// and some about to begin, when they are counted.
	if int(children.Load()) > 4+4*processors() || peak > 192 {
		t.Errorf("%d children, %.1f MiB", children.Load(), peak)
	}
	if !g.alive() {
		t.Error("the gateway died of it")
	}
}

// processors is how many the gateway uses.
func processors() int { return number("GOMAXPROCS", runtime.NumCPU()) }

// post sends one message with a text of its own.
func (g *gateway) post(subject, text string) (a answered) {
	c, err := g.connect()
	if err != nil {
		return answered{text: err.Error()}
	}
	defer c.conn.Close()
	sent, _ := routed(message(subject, text))
	r, err := c.bdat(sent, ann, bob)
	if err != nil {
		return answered{text: err.Error()}
	}
	_, _ = c.ask("QUIT")
	return answered{code: r.Code, text: r.Text}
}

// childrenOf counts the processes that a process has started and that run.
func childrenOf(pid int) (n int) {
	all, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		var state string
		var parent int
		if _, err := fmt.Sscan(rest, &state, &parent); err == nil && parent == pid && state != "Z" {
			n++
		}
	}
	return n
}
