package receive

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
)

// pipe connects to a server over an in-memory pipe, for bubbles of synctest.
func pipe(t *testing.T, cfg Config, d *desk) *client {
	ours, theirs := net.Pipe()
	return begin(t, New(withMemory(cfg), d), ours, theirs)
}

func TestTimeouts(t *testing.T) {
	tests := []struct {
		name   string
		cfg    Config
		start  []string
		silent func(c *client) // what the client does before it is thrown out
		after  time.Duration
		want   string
	}{
		{"silence between commands", Config{}, hello, nil, 5 * time.Minute, "421 4.4.2"},
		{"a command line that never ends", Config{}, hello, func(c *client) {
			for range 4 {
				c.send("x")
				time.Sleep(time.Minute)
			}
		}, 5 * time.Minute, "421 4.4.2"},
		{"silence within DATA", Config{GraceTime: time.Hour}, append(to[:7:7], ">DATA", "<354"), nil,
			3 * time.Minute, "421 4.4.2"},
		{"silence within a chunk", Config{GraceTime: time.Hour}, append(to[:7:7], ">BDAT 10"), nil, 3 * time.Minute,
			"421 4.4.2"},
		{"a message that trickles", Config{}, append(to[:7:7], ">DATA", "<354"), func(c *client) {
			for range 59 {
				c.send("x\r\n")
				time.Sleep(time.Second)
			}
		}, time.Minute, "421 4.4.2 The message comes too slowly"},
		{"a chunk that trickles", Config{}, append(to[:7:7], ">BDAT 1000"), func(c *client) {
			for range 59 {
				c.send("x")
				time.Sleep(time.Second)
			}
		}, time.Minute, "421 4.4.2 The message comes too slowly"},
		{"chunks that trickle", Config{}, to, func(c *client) {
			for range 5 {
				c.talk(">BDAT 1", "=x", "<250")
				time.Sleep(10 * time.Second)
			}
		}, time.Minute, "421 4.4.2 The message comes too slowly"},
		{"a session that lasts", Config{}, hello, func(c *client) {
			for range 59 {
				time.Sleep(time.Minute)
				c.talk(">NOOP", "<250")
			}
		}, time.Hour, "421 4.4.2 The connection"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := new(desk)
				c := pipe(t, test.cfg, d)
				c.talk(test.start...)
				began := time.Now()
				if test.silent != nil {
					test.silent(c)
				}
				c.want(test.want)
				if took := time.Since(began); took < test.after-time.Second || took > test.after+time.Second {
					t.Errorf("after %s, want %s", took, test.after)
				}
				c.want("closed")
				if len(d.messages()) > 0 {
					t.Error("handed in")
				}
			})
		})
	}
}

func TestASlowButSteadyClientIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(desk)
		c := pipe(t, Config{}, d)
		c.talk(to...)
		c.talk(">DATA", "<354")
		for range 600 {
			c.send(strings.Repeat("0123456789abcd\r\n", 1024)) // 16 KiB
			time.Sleep(time.Second)
		}
		c.talk("=.\r\n", "<250 2.6.0")
		if len(d.messages()) != 1 {
			t.Error("it was not")
		}
	})
}

func TestAClientThatReadsNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := pipe(t, Config{}, new(desk))
		began := time.Now()
		<-c.done // the greeting is never read
		if took := time.Since(began); took > 3*time.Minute {
			t.Errorf("after %s", took)
		}
	})
}

func TestAHandshakeThatNeverComes(t *testing.T) {
	ours := newAuthority(t)
	cfg := secured(t, ours, ours)
	synctest.Test(t, func(t *testing.T) {
		c := pipe(t, cfg, new(desk))
		c.talk(hello...)
		c.talk(">STARTTLS", "<220")
		began := time.Now()
		<-c.done
		if took := time.Since(began); took != time.Minute {
			t.Errorf("after %s", took)
		}
	})
}

func TestAcceptGoesOnWhenTheClientIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finished := false
		d := &desk{onAccept: func(ctx context.Context, _ *mail.Arrival) mail.Reply {
			time.Sleep(9 * time.Minute)
			finished = ctx.Err() == nil
			return mail.NewReply(250, "2.6.0", "Queued")
		}}
		c := pipe(t, Config{}, d)
		c.talk(to...)
		c.talk(">DATA", "<354", "=x\r\n.\r\n")
		c.nc.Close()
		<-c.done
		if s, u := d.fates(); !finished || s != 0 || u != 1 {
			t.Errorf("finished %v, settled %d, unsettled %d", finished, s, u)
		}
	})
}

func TestShutdownFinishesWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{onAccept: func(context.Context, *mail.Arrival) mail.Reply {
			time.Sleep(time.Minute)
			return mail.NewReply(250, "2.6.0", "Queued")
		}}
		s := New(withMemory(Config{}), d)
		dial := func(script []string) *client {
			ours, theirs := net.Pipe()
			c := begin(t, s, ours, theirs)
			c.talk(script...)
			return c
		}
		idle, fresh, busy, sending := dial(hello), dial([]string{"<220"}), dial(to), dial(append(to[:7:7], ">DATA",
			"<354", "=x\r\n.\r\n"))
		synctest.Wait()
		done := make(chan error)
		go func() { done <- s.Shutdown(t.Context()) }()
		idle.talk("<421 4.3.2", "<closed")
		fresh.talk("<421 4.3.2", "<closed")
		sending.talk("<250 2.6.0", "<421 4.3.2", "<closed")
		busy.talk(">RCPT TO:<x@y.example>", "<250", ">DATA", "<354", "=y\r\n.\r\n", "<250 2.6.0", "<421 4.3.2", "<closed")
		if err := <-done; err != nil {
			t.Error(err)
		}
		if len(d.messages()) != 2 {
			t.Errorf("%d messages", len(d.messages()))
		}
	})
}

func TestShutdownDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(withMemory(Config{}), &desk{onAccept: func(ctx context.Context, _ *mail.Arrival) mail.Reply {
			<-ctx.Done()
			return mail.Reply{}
		}})
		ours, theirs := net.Pipe()
		c := begin(t, s, ours, theirs)
		c.talk(to...)
		c.talk(">BDAT 1 LAST", "=x")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		s.Close()
		<-c.done
	})
}

func TestServeTakesConnectionsUntilShutdown(t *testing.T) {
	s := New(withMemory(Config{MaxPerPeer: 2, MaxConnections: 3}), new(desk))
	ended := make(chan error, 2)
	var addrs []string
	for range 2 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addrs = append(addrs, ln.Addr().String())
		go func() { ended <- s.Serve(ln) }()
	}
	knock := func(addr string) *client {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close() })
		return &client{t: t, nc: nc}
	}
	knock(addrs[0]).want("220")
	knock(addrs[1]).want("220")
	knock(addrs[1]).talk("<421 4.7.0", "<closed")
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	}
	if ln, err := net.Listen("tcp", "127.0.0.1:0"); err != nil || !errors.Is(s.Serve(ln), ErrClosed) {
		t.Error("it serves after Shutdown", err)
	}
}

func TestThePeerLimitCountsCustomersAndSparesTheExempt(t *testing.T) {
	cfg := Config{
		Unlimited: []netip.Prefix{netip.MustParsePrefix("40.92.0.0/15")},
		Exempt:    func(a netip.Addr) bool { return a == netip.MustParseAddr("192.0.2.9") },
	}
	tests := []struct{ addr, key string }{
		{"192.0.2.1", "192.0.2.1"}, {"192.0.2.9", "invalid IP"}, {"40.93.1.2", "invalid IP"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"}, {"2001:db8:1:2::1", "2001:db8:1:2::"}, {"fe80::1%eth0", "fe80::"},
	}
	for _, test := range tests {
		if got := cfg.peerKey(netip.MustParseAddr(test.addr)); got.String() != test.key {
			t.Errorf("%s: %s, want %s", test.addr, got, test.key)
		}
	}
	g := gate{peers: map[netip.Addr]int{}}
	a, known := visitor{key: netip.MustParseAddr("192.0.2.1")}, visitor{known: true}
	if g.enter(a, 3, 1) != admitted || g.enter(a, 3, 1) != fullPeer || g.enter(known, 3, 1) != admitted ||
		g.enter(known, 3, 1) != admitted || g.enter(known, 3, 1) != fullTotal {
		t.Error("the gate miscounts")
	}
	g.leave(a)
	if g.open() != 2 || len(g.peers) != 0 {
		t.Error("the gate forgets to forget")
	}
}

func TestAFloodOfProblemsWritesOneLineAndCountsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s := New(withMemory(Config{Log: slog.New(slog.NewTextHandler(&log, nil))}), new(desk))
		for range 100 {
			s.alarm(slog.LevelWarn, problem.ConnectionsFull)
		}
		s.alarm(slog.LevelWarn, problem.BufferFull)
		time.Sleep(telemetry.SeldomEvery)
		s.alarm(slog.LevelWarn, problem.ConnectionsFull)
		if got := log.String(); strings.Count(got, "\n") != 3 || !strings.Contains(got, "code=P201 count=100") {
			t.Error(got)
		}
	})
}

func TestTracesSortByTime(t *testing.T) {
	now := time.Now()
	a, b := newTrace(now), newTrace(now.Add(time.Millisecond))
	if len(a) != 26 || a >= b || a == newTrace(now) || strings.ToLower(a) != a {
		t.Errorf("%q %q", a, b)
	}
}

func TestStrangersTakeHalfOfThePlacesAtMost(t *testing.T) {
	g := gate{peers: map[netip.Addr]int{}}
	cfg := Config{
		Exempt: func(a netip.Addr) bool { return a == netip.MustParseAddr("192.0.2.9") },
		Known:  func(a netip.Addr) bool { return a == netip.MustParseAddr("203.0.113.7") },
	}
	taken := 0
	for i := range 100 { // each from an address of its own
		if g.enter(cfg.visitor(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})), 10, 2) == admitted {
			taken++
		}
	}
	if taken != 5 {
		t.Errorf("strangers hold %d of 10 places", taken)
	}
	server, exchange := cfg.visitor(netip.MustParseAddr("203.0.113.7")), cfg.visitor(netip.MustParseAddr("192.0.2.9"))
	for i, step := range []struct {
		who  visitor
		want admission
	}{
		{server, admitted}, {server, admitted}, {server, fullPeer},
		{exchange, admitted}, {exchange, admitted}, {exchange, admitted}, {exchange, fullTotal},
	} {
		if got := g.enter(step.who, 10, 2); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
	for range 2 {
		g.leave(server)
	}
	for range 3 {
		g.leave(exchange)
	}
	if g.open() != taken || g.strangers != taken {
		t.Errorf("%d places, %d of strangers", g.open(), g.strangers)
	}
}

func TestHandshakesOfStrangersLeaveRoom(t *testing.T) {
	s := New(withMemory(Config{MaxHandshakes: 4}), new(desk))
	var ends []func()
	for i := range 3 {
		done, ok := s.mayShake(visitor{})
		if ok != (i < 2) {
			t.Fatalf("stranger %d: %v", i, ok)
		}
		if ok {
			ends = append(ends, done)
		}
	}
	for i := range 3 {
		if _, ok := s.mayShake(visitor{known: true}); ok != (i < 2) {
			t.Fatalf("a known server, %d: %v", i, ok)
		}
	}
	ends[0]()
	if _, ok := s.mayShake(visitor{}); !ok {
		t.Error("a place was not given back")
	}
}
