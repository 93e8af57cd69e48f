package extract

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// meeting is a part that ends when all have come to read theirs.
type meeting struct{ all *sync.WaitGroup }

func (m meeting) Read([]byte) (int, error) {
	m.all.Done()
	m.all.Wait()
	return 0, io.EOF
}

// crowd does n jobs at the same time.
func crowd(t *testing.T, p *Pool, n int) {
	t.Helper()
	var at, jobs sync.WaitGroup
	at.Add(n)
	for range n {
		jobs.Go(func() {
			err := p.Run(context.Background(), Job{
				Request: []byte("echo"), Parts: parts(meeting{&at}), Record: func([]byte) error { return nil },
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	jobs.Wait()
}

func TestChildrenAboveTheWarmOnesEndWhenTheyHadNothingToDo(t *testing.T) {
	p := NewPool(Config{Args: []string{"test-child"}, Max: 4, Warm: 1})
	defer p.Close()
	crowd(t, p, 4)
	// later makes the first n of them idle for longer than they may be, and
	// lets the time come at which they are looked at.
	later := func(n int) (left int, again bool) {
		p.mu.Lock()
		for _, c := range p.idle[:n] {
			c.since = c.since.Add(-2 * idleFor)
		}
		p.mu.Unlock()
		p.thinOut()
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.idle), p.thin != nil
	}
	p.mu.Lock()
	idle := append([]*child(nil), p.idle...)
	waits := p.thin != nil && p.thin.Stop()
	p.mu.Unlock()
	if len(idle) != 4 || !waits {
		t.Fatalf("%d children have nothing to do; they will be looked at: %v", len(idle), waits)
	}
	if left, again := later(0); left != 4 || !again {
		t.Errorf("none was idle for long: %d left, looked at again %v", left, again)
	}
	if left, again := later(2); left != 2 || !again {
		t.Errorf("two were idle for long: %d left, looked at again %v", left, again)
	}
	for i, c := range idle {
		select {
		case <-c.gone:
			if i > 1 {
				t.Errorf("child %d was ended", i)
			}
		default:
			if i < 2 {
				t.Errorf("child %d lives", i)
			}
		}
	}
	if left, again := later(2); left != 1 || again {
		t.Errorf("all were idle for long: %d left, looked at again %v", left, again)
	}
	crowd(t, p, 2)
	p.mu.Lock()
	again := p.thin != nil
	p.mu.Unlock()
	if !again {
		t.Error("a second crowd is never looked at")
	}
	p.Close()
	p.thinOut() // its timer may have run already
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.thin != nil || len(p.idle) != 0 {
		t.Error("a closed pool goes on")
	}
}

func TestAChildThatDiedWhileItWasIdleIsNotGivenAJob(t *testing.T) {
	p := NewPool(Config{Args: []string{"test-child"}, Max: 2})
	defer p.Close()
	crowd(t, p, 1)
	p.mu.Lock()
	dead := p.idle[0]
	p.mu.Unlock()
	killGroup(dead.pid())
	var got []string
	for range 20 { // its end is seen a moment later
		got = nil
		err := p.Run(context.Background(), Job{
			Request: []byte("echo"), Parts: parts(strings.NewReader("12")),
			Record: func(b []byte) error { got = append(got, string(b)); return nil },
		})
		if err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if strings.Join(got, ",") != "all of a xx" {
		t.Errorf("got %q", got)
	}
}
