package receive

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/problem"
)

// The house's own buffer in place of the tests': memory first, then a file.
func TestLargeAndSmallMessagesThroughTheRealBuffer(t *testing.T) {
	d := new(desk)
	dir := t.TempDir()
	s := New(Config{NewBuffer: func() Buffer { return durable.NewBuffer(1<<16, dir) }}, d)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(ln)
	var clients sync.WaitGroup
	want := map[string]bool{}
	for i := range 4 {
		for _, size := range []int{10, 3 << 20} {
			content := strings.Repeat(fmt.Sprintf("line of client %d\r\n", i), size/19+1)
			want[content] = true
			clients.Go(func() {
				nc, err := net.Dial("tcp", ln.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				defer nc.Close()
				c := &client{t: t, nc: nc}
				c.talk(to...)
				if size > 10 {
					c.talk(">DATA", "<354", "="+content+".\r\n", "<250")
				} else {
					c.talk(fmt.Sprintf(">BDAT %d LAST", len(content)), "="+content, "<250")
				}
				c.talk(">QUIT", "<221", "<closed")
			})
		}
	}
	clients.Wait()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	for _, m := range d.messages() {
		delete(want, m.content)
	}
	if settled, unsettled := d.fates(); len(want) != 0 || settled != 8 || unsettled != 0 {
		t.Errorf("%d messages are missing, %d settled, %d unsettled", len(want), settled, unsettled)
	}
}

func TestShutdownSpeaksInsideTLS(t *testing.T) {
	ours := newAuthority(t)
	s := New(withMemory(secured(t, ours, ours)), new(desk))
	c := connect(t, s)
	c.talk(hello...)
	c.startTLS(&tls.Config{RootCAs: ours.pool, ServerName: "mx.postern.example"})
	c.talk(">EHLO x", "<250-")
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(t.Context()) }()
	c.talk("<421 4.3.2", "<closed")
	c.nc.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAPipelinedCommandSettlesNothingInsideTLS(t *testing.T) {
	ours := newAuthority(t)
	for _, test := range []struct {
		script             []string
		settled, unsettled int
	}{
		{[]string{"=x\r\n.\r\nQUIT\r\n", "<250 2.6.0", "<221"}, 0, 1},
		{[]string{"=x\r\n.\r\nNOOP\r\n", "<250 2.6.0", "<250", ">NOOP", "<250"}, 1, 0},
	} {
		d := new(desk)
		c := dial(t, secured(t, ours, ours), d)
		c.talk(hello...)
		c.startTLS(&tls.Config{RootCAs: ours.pool, ServerName: "mx.postern.example"})
		c.talk(to[1:]...)
		c.talk(">DATA", "<354")
		c.talk(test.script...)
		c.finish()
		if s, u := d.fates(); s != test.settled || u != test.unsettled {
			t.Errorf("%q: settled %d, unsettled %d", test.script, s, u)
		}
	}
}

func TestEveryProblemOfTheRoomIsInTheCatalogue(t *testing.T) {
	for _, code := range []problem.Code{problem.ConnectionsFull, problem.PeerConnectionsFull, problem.HandshakeFailed,
		problem.BufferFull, problem.ReceiveFault, problem.CannotListen, problem.BareNewline} {
		if p, found := problem.Find(code); !found || p.Title == "" || p.Impact == "" || p.Action == "" {
			t.Errorf("%s is not described", code)
		}
	}
}

// The table is closed: every pair of phase and verb has one row at most, and
// those without a row have an answer that is a refusal.
func TestEveryPairOfPhaseAndCommandHasOneMeaning(t *testing.T) {
	verbs := map[string]bool{}
	for _, row := range rows {
		verbs[row.verb] = true
	}
	for verb := range verbs {
		for p := fresh; p <= spoiled; p <<= 1 {
			n := 0
			for _, row := range rows {
				if row.verb == verb && row.in&p != 0 {
					n++
				}
			}
			if n > 1 {
				t.Errorf("%s in phase %b has %d rows", verb, p, n)
			}
			if r := misplaced(verb, p); n == 0 && (!r.Permanent() || r.Enhanced == "" || r.Text == "") {
				t.Errorf("%s in phase %b is answered %q", verb, p, r)
			}
		}
	}
}
