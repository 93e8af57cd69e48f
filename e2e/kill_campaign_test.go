//go:build e2e

package e2e

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// campaign is one data folder: mail is brought and kills strike it until the
// account is closed.
type campaign struct {
	g    *gateway
	cert tls.Certificate
	trap atomic.Pointer[trap]
	stop chan struct{} // senders end after the message they have
	wait sync.WaitGroup

	closing atomic.Pointer[time.Time] // when stop was closed

	mu     sync.Mutex
	pieces []*piece
	kills  []killed
	late   map[string]bool // tokens that the next hop has deferred
}

// trap kills at the left-th sight of a stage.
type trap struct {
	stage string
	own   bool
	left  atomic.Int32
	delay time.Duration
	kill  func()
}

const senders = 6

// see is told of what a peer sees, and kills when the trap is for it. It
// reports whether it did.
func (c *campaign) see(stage string, own bool) bool {
	tr := c.trap.Load()
	if tr == nil || tr.stage != stage || tr.own != own || tr.left.Add(-1) != 0 {
		return false
	}
	if tr.delay > 0 {
		time.AfterFunc(tr.delay, tr.kill)
		return false
	}
	tr.kill()
	return true
}

// hop is what the next hop does besides taking mail: it refuses and defers,
// and sometimes breaks the connection after it has taken a message.
func (c *campaign) hop(r *rand.Rand) func(stage, to string, d *delivery) string {
	var mu sync.Mutex
	return func(stage, to string, d *delivery) string {
		c.see(stage, d.From == "")
		mu.Lock()
		defer mu.Unlock()
		switch {
		case stage == atRcpt && to == toNobody:
			return "550 5.1.1 no such user"
		case stage == atRcpt && to == toLater && !c.late[d.From]:
			c.late[d.From] = true
			return "451 4.2.1 later"
		case stage == atDot:
			switch n := r.IntN(100); {
			case n < 2:
				return "451 4.3.0 not now"
			case n < 4:
				return hangUp
			}
		}
		return ""
	}
}

// sender brings messages, one after the other, each until it has an answer
// that ends it.
func (c *campaign) sender(r *rand.Rand) {
	defer c.wait.Done()
	var conn *client
	for {
		select {
		case <-c.stop:
			if conn != nil {
				conn.conn.Close()
			}
			return
		default:
		}
		p := compose(r)
		c.mu.Lock()
		c.pieces = append(c.pieces, p)
		c.mu.Unlock()
		leave, abandon := r.IntN(100) < 6, r.IntN(100) < 3
		for !p.given && !p.left && !c.over() {
			if conn == nil {
				var err error
				if conn, err = connect(c.g.smtp, c.g.authority, &c.cert); err != nil {
					conn = nil
					time.Sleep(time.Duration(5+r.IntN(10)) * time.Millisecond)
					continue
				}
			}
			t := p.bring(conn, leave, func(step string) bool {
				return !c.see(step, false) && !(abandon && step == sentHalf)
			})
			leave = false
			c.mu.Lock()
			p.tries = append(p.tries, t)
			p.given = !t.broke && (t.reply.Code/100 == 2 || t.reply.Code/100 == 5)
			p.left = t.broke && !p.whole() && (abandon || r.IntN(3) == 0)
			c.mu.Unlock()
			if !t.broke && !p.given {
				_, err := conn.ask("RSET")
				t.broke = err != nil
				time.Sleep(20 * time.Millisecond)
			}
			if t.broke || r.IntN(8) == 0 {
				conn.conn.Close()
				conn = nil
			}
		}
	}
}

// over reports whether senders have been asked long ago to come to an end.
func (c *campaign) over() bool {
	at := c.closing.Load()
	return at != nil && time.Since(*at) > time.Minute
}

// whole reports whether any try sent the end of the message.
func (p *piece) whole() bool {
	return slices.ContainsFunc(p.tries, func(t try) bool { return t.whole })
}

// strike ends the gateway at one step and returns how.
func (c *campaign) strike(t *testing.T, s step, r *rand.Rand) killed {
	t.Helper()
	k, patience := killed{step: s.name}, 3*time.Second
	if s.kind != atStart {
		c.up(t)
	}
	if s.kind == ofChild {
		k.call, k.lives = c.killChild(t, r), true
		return k
	}
	var tr *tracer
	switch n := 1 + r.IntN(s.most); s.kind {
	case byClock:
		patience = time.Duration(r.IntN(250)) * time.Millisecond
	case bySight:
		k.call = fmt.Sprint("number ", n)
		c.set(s, n, r)
	case beforeCall, afterCall:
		var out string
		tr, out = follow(t, killer(c.g.cmd.Process))
		tr.attach(t, c.g.pid, traceArgs(s, n, out))
	case atStart:
		tr = c.startTraced(t, s, n)
	}
	select {
	case <-c.g.ended:
	case <-time.After(patience):
		if s.kind != byClock {
			k.step, k.call = "by the clock", "instead of "+s.name
		}
		killer(c.g.cmd.Process)()
	}
	c.g.waitEnd(t, time.Minute) // on a busy machine strace is the last to notice
	c.trap.Store(nil)
	k.at = time.Now()
	if tr != nil {
		if call := tr.end(); call != "" && k.call == "" {
			k.call = call
		}
	}
	return k
}

// set lays the trap for a step that a peer sees. What follows such a step in
// the gateway takes a moment; some kills come within it.
func (c *campaign) set(s step, n int, r *rand.Rand) {
	p := &trap{stage: s.at, own: s.own, kill: killer(c.g.cmd.Process)}
	p.left.Store(int32(n))
	if s.at == sentEnd || s.at == atAnswered || s.at == decisionSent {
		p.delay = time.Duration(r.IntN(12_000)) * time.Microsecond
	}
	c.trap.Store(p)
}

// startTraced starts the gateway so that its n-th call kills it.
func (c *campaign) startTraced(t *testing.T, s step, n int) *tracer {
	t.Helper()
	c.down(t)
	c.unlocked(t)
	tr, out := follow(t, nil)
	c.g.before = append([]string{"strace", "-D"}, traceArgs(s, n, out)...)
	c.g.spawn(t)
	c.g.before = nil
	return tr
}

// killer kills this process and no later one.
func killer(p *os.Process) func() {
	return func() { _ = p.Kill() } // it may have ended meanwhile
}

// up makes sure that the gateway runs.
func (c *campaign) up(t *testing.T) {
	t.Helper()
	if !c.running() {
		c.unlocked(t)
		c.g.up(t)
	}
}

func (c *campaign) running() bool {
	if c.g.cmd == nil {
		return false
	}
	select {
	case <-c.g.ended:
		return false
	default:
		return true
	}
}

// down kills a gateway that still runs.
func (c *campaign) down(t *testing.T) {
	t.Helper()
	if c.running() {
		killer(c.g.cmd.Process)()
		c.g.waitEnd(t, time.Minute) // on a busy machine strace is the last to notice
		c.note(killed{step: "by the clock", call: "to start it again", at: time.Now()})
	}
}

func (c *campaign) note(k killed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kills = append(c.kills, k)
}

// unlocked waits until the data folder is free. A child that the gateway was
// about to start when it was killed holds its lock until it is the other
// program, and a traced one takes its time.
func (c *campaign) unlocked(t *testing.T) {
	t.Helper()
	f, err := os.Open(filepath.Join(c.g.dir, "data/lock"))
	if err != nil {
		return // it has never been started
	}
	defer f.Close()
	eventually(t, time.Minute, "nobody holds the lock of a dead gateway", func() bool {
		return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
	})
}

// killChild kills a process in which a message is looked at. The gateway
// must live on.
func (c *campaign) killChild(t *testing.T, r *rand.Rand) string {
	t.Helper()
	for range 300 {
		if list := offspring(c.g.pid); len(list) > 0 {
			if syscall.Kill(pick(r, list), syscall.SIGKILL) == nil {
				time.Sleep(20 * time.Millisecond)
				select {
				case <-c.g.ended:
					t.Errorf("the gateway ended with its child: %d", c.g.exit)
				default:
				}
				return "of a child"
			}
		}
		time.Sleep(time.Millisecond)
	}
	return "no child"
}

// settle lets the gateway finish, closes the account, then releases what is
// held and looks at that too.
func (c *campaign) settle(t *testing.T) *ledger {
	t.Helper()
	c.up(t)
	time.Sleep(300 * time.Millisecond)
	now := time.Now()
	c.closing.Store(&now)
	close(c.stop)
	c.wait.Wait()
	l := &ledger{kills: c.kills}
	c.stop = make(chan struct{})
	c.wait.Add(1)
	go c.person()
	c.drain(t, toKeep)
	close(c.stop)
	c.wait.Wait()
	c.books(t, l)
	c.second(t, l)
	var list waiting
	must(t, c.ask("held-list", struct{}{}, &list))
	for _, h := range list.Held {
		var answer struct{}
		if h.Recipient.Address != toKeep {
			l.add(unbalance, nil, nil, "%s waits in %s", h.Recipient.Address, h.Message)
		}
		must(t, c.ask("held-release", decision{Message: h.Message, To: []string{h.Recipient.Address}}, &answer))
	}
	c.drain(t, "")
	c.books(t, l)
	c.second(t, l)
	l.recorded(lines[attempt](t, c.g.ok(t, "audit", "export", "--chain", "contoso")))
	if code := c.g.stop(t); code != 0 {
		l.add(unbalance, nil, nil, "the gateway ended with %d", code)
	}
	bodies, _ := filepath.Glob(filepath.Join(c.g.dir, "data/bodies/*/*"))
	if len(bodies) > 0 {
		l.add(unbalance, nil, nil, "%d bodies are left", len(bodies))
	}
	l.close(c.pieces, c.g.sink.got())
	return l
}

// drain waits until nothing is on its way, and nobody waits but who must.
func (c *campaign) drain(t *testing.T, who string) {
	t.Helper()
	for until := time.Now().Add(3 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var list struct {
			waiting
			Tasks []struct {
				ID, Kind string
				Due      time.Time
			}
		}
		must(t, c.ask("queue-list", struct{}{}, &list))
		must(t, c.ask("held-list", struct{}{}, &list))
		list.Held = slices.DeleteFunc(list.Held, func(h waiter) bool { return h.Recipient.Address == who })
		if len(list.Tasks)+len(list.Held) == 0 {
			return
		}
		if time.Now().After(until) {
			_ = c.g.cmd.Process.Signal(syscall.SIGQUIT) // it says what it is doing
			c.g.waitEnd(t, time.Minute)                 // on a busy machine strace is the last to notice
			t.Fatalf("there is still something on its way: %+v\n%s", list, c.g.log.tail(60_000))
		}
	}
}

// books asks the gateway for its own account.
func (c *campaign) books(t *testing.T, l *ledger) {
	t.Helper()
	if b := c.g.balance(t); !b.OK || b.Open > 0 {
		l.add(unbalance, nil, nil, "%+v", b)
	}
	if code, out, errs := c.g.cli(t, "audit", "verify"); code != 0 {
		l.add(unbalance, nil, nil, "audit verify: %s%s", out, errs)
	}
}

// wage is one campaign over one data folder: its steps in this order. In
// every second one the client's patience is so short that much is taken
// before it is judged.
func wage(t *testing.T, seed uint64, order []step, config string) *ledger {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	c := &campaign{stop: make(chan struct{}), late: map[string]bool{}}
	s := setup{policies: killPolicies, config: config}
	if seed%2 == 0 {
		// What could not be seen in time waits in custody for ten minutes, so
		// the gates are open here.
		s.config += "patience: 100ms\n"
		s.tenant = "on: { engine-down: open, engine-failed: open, out-of-time: open }\n"
	}
	c.g = prepare(t, s)
	var said []string
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%sthe kills:\n%s", s.config, strings.Join(said, "\n"))
			if keep := os.Getenv("POSTERN_KILL_KEEP"); keep != "" {
				to := filepath.Join(keep, strconv.FormatUint(seed, 10))
				_ = os.Remove(filepath.Join(c.g.dir, "data/admin.sock")) // the dead gateway's
				t.Logf("its folder is kept as %s: %v", to, os.CopyFS(to, os.DirFS(c.g.dir)))
			}
		}
	})
	var err error
	c.cert, err = c.g.authority.Certificate(exchangeID)
	must(t, err)
	c.g.sink.watch = c.hop(rand.New(rand.NewPCG(seed, 2)))
	c.up(t)
	for i := range senders {
		c.wait.Add(1)
		go c.sender(rand.New(rand.NewPCG(seed, uint64(10+i))))
	}
	c.wait.Add(1)
	go c.person()
	for _, s := range order {
		began := time.Now()
		k := c.strike(t, s, r)
		if k.at.IsZero() {
			k.at = time.Now()
		}
		said = append(said, fmt.Sprintf("%s, %s after its start", k, time.Since(began).Round(time.Millisecond)))
		c.note(k)
	}
	return c.settle(t)
}
