package deliver

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/mail"
)

func send(t *testing.T, w *world, r mail.Route) {
	t.Helper()
	tx, err := w.Open(t.Context(), r, envelope("b@y.example"), outgoing("a\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if r := tx.Send(t.Context()); !r.Ok() {
		t.Fatal(r)
	}
}

func TestConnectionsAreUsedAgainByTheSameTenantOnly(t *testing.T) {
	f := &fake{offers: everything()}
	w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
	a, b := routeTo("1"), routeTo("1")
	b.Tenant = "t2"
	for range 3 {
		send(t, w, a)
	}
	if len(w.dials) != 1 {
		t.Errorf("one tenant needed %d connections", len(w.dials))
	}
	send(t, w, b)
	if len(w.dials) != 2 {
		t.Errorf("two tenants needed %d connections", len(w.dials))
	}
	c := a
	c.ServerName = "other.example"
	send(t, w, c)
	if len(w.dials) != 3 {
		t.Error("a connection was used for a route that demands another name")
	}
}

func TestAConnectionCarriesALimitedNumberOfMessages(t *testing.T) {
	for name, f := range map[string]*fake{"by our limit": {}, "by the host's": {offers: []string{"LIMITS MAILMAX=2"}}} {
		t.Run(name, func(t *testing.T) {
			limits := Limits{}
			if f.offers == nil {
				limits.Messages = 2
			}
			w := newWorld(t, limits, nil, map[string]*fake{"1": f})
			for range 5 {
				send(t, w, routeTo("1"))
			}
			if len(w.dials) != 3 {
				t.Errorf("5 messages over %d connections", len(w.dials))
			}
		})
	}
}

func TestResetGivesTheConnectionBack(t *testing.T) {
	f := &fake{offers: everything()}
	w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
	tx, err := w.Open(t.Context(), routeTo("1"), envelope("b@y.example"), outgoing("a\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	tx.Reset()
	tx.Close()
	send(t, w, routeTo("1"))
	if len(w.dials) != 1 || len(f.told("RSET")) != 1 || len(f.got()) != 1 {
		t.Errorf("%d dials; told %v", len(w.dials), f.told(""))
	}
}

func TestIdleConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{offers: everything()}
		w := newWorld(t, Limits{Idle: time.Minute}, nil, map[string]*fake{"1": f})
		send(t, w, routeTo("1"))
		time.Sleep(59 * time.Second)
		send(t, w, routeTo("1"))
		if len(w.dials) != 1 {
			t.Error("a connection was closed before its time")
		}
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if w.pool.total != 0 || len(f.told("QUIT")) != 1 {
			t.Errorf("%d connections at rest, told %v", w.pool.total, f.told("QUIT"))
		}
		w.Close()
		time.Sleep(time.Hour)
	})
}

// staleDial gives connections whose server side the test can end.
func staleDial(w *world, f *fake, servers *[]net.Conn) {
	w.config.Dial = func(_ context.Context, _, a string) (net.Conn, error) {
		client, server := net.Pipe()
		*servers = append(*servers, server)
		w.dials = append(w.dials, a)
		go f.serve(server)
		return client, nil
	}
}

func TestAConnectionThatTheHostClosedIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{offers: everything()}
		w := newWorld(t, Limits{}, nil, nil)
		var servers []net.Conn
		staleDial(w, f, &servers)
		send(t, w, routeTo("1"))
		servers[0].Close()
		synctest.Wait()
		if w.pool.total != 0 {
			t.Error("a dead connection is still at rest")
		}
		send(t, w, routeTo("1"))
		// The host says 421 to the next MAIL over the idle connection, as it
		// does when both sides act at the same moment.
		f.mu.Lock()
		f.answers = map[string]string{"MAIL": "421 4.4.1 timeout"}
		f.mu.Unlock()
		go func() {
			time.Sleep(time.Second)
			f.mu.Lock()
			f.answers = nil
			f.mu.Unlock()
		}()
		dial := w.config.Dial
		w.config.Dial = func(ctx context.Context, n, a string) (net.Conn, error) {
			time.Sleep(2 * time.Second)
			return dial(ctx, n, a)
		}
		send(t, w, routeTo("1"))
		if len(w.dials) != 3 || len(f.got()) != 3 {
			t.Errorf("%d dials, %d messages", len(w.dials), len(f.got()))
		}
		w.Close()
		time.Sleep(time.Hour)
	})
}

func TestASilentHostIsLeftAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{}, nil, nil)
		w.config.Dial = func(context.Context, string, string) (net.Conn, error) {
			client, _ := net.Pipe()
			return client, nil
		}
		began := time.Now()
		_, err := w.Open(t.Context(), routeTo("1"), envelope("b@y.example"), outgoing("a\r\n"))
		if f := failure(t, err); f.Outcome().Kind != Later || time.Since(began) != 5*time.Minute {
			t.Errorf("%v after %s", f, time.Since(began))
		}
	})
}

func TestTheAnswerToTheEndMayTakeTenMinutes(t *testing.T) {
	for name, offers := range map[string][]string{"BDAT": everything(), "DATA": nil} {
		for _, wait := range []time.Duration{9 * time.Minute, 11 * time.Minute} {
			t.Run(name+" after "+wait.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := &fake{offers: offers, hang: func() { time.Sleep(wait) }}
					w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
					tx, err := w.Open(t.Context(), routeTo("1"), envelope("b@y.example"), outgoing("a\r\n"))
					if err != nil {
						t.Fatal(err)
					}
					r := tx.Send(t.Context())
					if r.Ok() != (wait < 10*time.Minute) || r.None() != (wait > 10*time.Minute) {
						t.Errorf("Send = %v", r)
					}
					w.Close()
					time.Sleep(time.Hour)
				})
			})
		}
	}
}

func TestThrottling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle(8)
		ctx := t.Context()
		first, err := th.acquire(ctx, "slow", "mx")
		if err != nil {
			t.Fatal(err)
		}
		busy := Classify(mail.NewReply(451, "4.7.500", "busy"), PhaseMail)
		for range 3 { // answers to what was already under way
			first.saw(busy)
		}
		if n := th.limitOf("slow", "mx"); n != 4 {
			t.Errorf("limit %d after one round of throttling, want 4", n)
		}
		for range 5 {
			time.Sleep(cutPause)
			first.saw(busy)
		}
		if n := th.limitOf("slow", "mx"); n != 1 {
			t.Errorf("limit %d, want 1", n)
		}
		if n := th.limitOf("fast", "mx"); n != 8 {
			t.Errorf("another tenant has limit %d", n)
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := th.acquire(short, "slow", "mx"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second transaction was allowed: %v", err)
		}
		began := time.Now()
		for range 8 {
			s, err := th.acquire(ctx, "fast", "mx")
			if err != nil {
				t.Fatal(err)
			}
			defer s.release()
		}
		if time.Since(began) > 0 {
			t.Error("the other tenant had to wait")
		}
		got := make(chan *slot, 1)
		go func() {
			s, _ := th.acquire(ctx, "slow", "mx")
			got <- s
		}()
		synctest.Wait()
		first.saw(Outcome{Kind: Done})
		first.release()
		first.release()
		second := <-got
		for range 100 {
			second.saw(Outcome{Kind: Done})
		}
		if n := th.limitOf("slow", "mx"); n != 8 {
			t.Errorf("limit %d after many successes", n)
		}
		second.release()
		th.mu.Lock()
		if th.lanes[laneKey{"slow", "mx"}] != nil {
			t.Error("an idle lane is kept")
		}
		th.mu.Unlock()
	})
}
