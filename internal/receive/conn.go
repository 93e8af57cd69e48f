package receive

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
)

// conn is one client. Only its own goroutine uses it, except for what stands
// under mu.
type conn struct {
	s     *Server
	raw   *wire
	net   net.Conn // raw, or TLS over it
	who   visitor
	began time.Time

	in  window
	out []byte // replies that are not sent yet

	peer     mail.Peer
	phase    phase
	esmtp    bool
	tx       transaction
	messages int // MAIL commands so far
	errors   int // since the last accepted message
	idles    int // commands since the last accepted message that led nowhere

	last *handedIn // answered, and we do not know yet whether the client read it
	over bool      // close after the replies are sent
	said bool      // a last reply that the client does not expect

	mu       sync.Mutex
	draining bool
	waiting  bool // for a command between transactions
}

// Why reading stopped.
var (
	errDraining = errors.New("receive: shutting down")
	errSlow     = errors.New("receive: message too slow")
	errBare     = errors.New("receive: bare LF in a command")
	errEndless  = errors.New("receive: endless input")
	errSession  = errors.New("receive: session too long")
	errLong     = errors.New("receive: line too long")
	errTLS      = errors.New("receive: TLS without STARTTLS")
	errNoHello  = errors.New("receive: not TLS after STARTTLS")
)

func newConn(s *Server, nc net.Conn, addr netip.AddrPort, who visitor) *conn {
	raw := newWire(nc)
	return &conn{
		s: s, raw: raw, net: raw, who: who, began: time.Now(),
		in: s.windows.open(), phase: fresh, peer: mail.Peer{Addr: addr},
	}
}

// run talks to the client until one of both has enough.
func (c *conn) run() {
	defer c.s.forget(c)
	defer c.hangUp()
	defer c.survive()
	c.s.cfg.Metrics.Set("receive_open_connections", float64(c.s.gate.open()))
	c.reply(replyGreeting(c.s.cfg.Name))
	for !c.over {
		line, err := c.readLine()
		switch {
		case err == nil:
			c.do(line)
		case errors.Is(err, errLong):
			c.fault(replyLineTooLong())
		default:
			c.stop(err)
		}
	}
}

// survive keeps a bug in handling one client from ending all the others.
func (c *conn) survive() {
	if p := recover(); p != nil {
		c.s.alarm(slog.LevelError, problem.ReceiveFault, telemetry.KeyPeer, c.peer.Addr.String(),
			telemetry.KeyCause, string(debug.Stack()))
		c.s.cfg.Metrics.Count("receive_faults", 1)
		c.bye(replyInternalFault())
	}
}

// hangUp sends what is left to say and gives everything back.
func (c *conn) hangUp() {
	func() {
		defer c.survive()
		c.unsettle()
	}()
	if c.farewell() == nil && c.said {
		c.linger()
	}
	c.reset(c.phase)
	c.net.Close()
	c.s.windows.close(&c.in)
}

// farewell sends the last replies. Those that a client waits for leave together
// with our end of the connection, unless it has said more: a socket with unread
// input is closed in a way that would take them along.
func (c *conn) farewell() error {
	if len(c.out) > 0 && !c.said && c.net == c.raw && len(c.in.unread()) == 0 && !c.raw.pending() {
		c.out = c.out[c.raw.hold(c.out):]
	}
	return c.flush()
}

// stop ends the conversation because reading failed.
func (c *conn) stop(err error) {
	cause := "gone"
	switch {
	case errors.Is(err, errDraining):
		c.bye(replyShutdown())
		cause = "shutdown"
	case errors.Is(err, errSession):
		c.bye(replySessionOver())
		cause = "session"
	case errors.Is(err, errSlow):
		c.bye(replyTooSlow())
		cause = "slow"
	case errors.Is(err, errBare):
		c.bye(replyBareCommand())
		cause = "bare-newline"
	case errors.Is(err, errTLS):
		c.bye(replyMustTLS())
		cause = "tls-without-starttls"
	case errors.Is(err, errEndless):
		c.bye(replyTooManyErrors())
		cause = "endless"
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.bye(replyTimeout())
		cause = "timeout"
	}
	c.over = true
	c.s.cfg.Metrics.Count("receive_closed", 1, "cause", cause)
	if log := c.s.cfg.Log; log.Enabled(c.s.ctx, slog.LevelDebug) {
		log.Debug("connection ended", telemetry.KeyPeer, c.peer.Addr.String(), telemetry.KeyCause, cause)
	}
}

// linger ends our side and waits a little for the client's, so that input
// that we did not read does not take our last reply from it (RFC 1122
// §4.2.2.13 resets such a connection).
func (c *conn) linger() {
	half, ok := c.raw.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	if c.await(time.Now().Add(time.Second), false) == nil {
		_, _ = io.CopyN(io.Discard, c.raw, maxDiscarded) // it may end as it likes
	}
}

// bye is the last reply of a connection.
func (c *conn) bye(r mail.Reply) {
	c.reply(r)
	c.over = true
	c.said = r.Code != 221
}

// fault answers a command that a correct client would not have sent.
func (c *conn) fault(r mail.Reply) {
	c.errors++
	c.s.cfg.Metrics.Count("receive_errors", 1)
	c.reply(r)
}

// reply queues an answer; it is sent before the next wait for input, so that
// the answers to a pipelined group share a segment (RFC 2920 §3.2).
func (c *conn) reply(r mail.Reply) {
	c.out = append(c.out, r.Wire()...)
	if len(c.out) > smallWindow {
		if err := c.flush(); err != nil {
			c.over = true
		}
	}
}

func (c *conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	if h := c.last; h != nil && !h.said {
		h.said = len(c.in.unread()) == 0 && !c.raw.pending()
		h.reads = c.raw.reads
	}
	if err := c.net.SetWriteDeadline(time.Now().Add(c.s.cfg.ReplyTimeout)); err != nil {
		return err
	}
	_, err := c.net.Write(c.out)
	c.out = c.out[:0]
	return err
}

// await sets the time until which the next fill may wait. In an idle wait,
// between transactions, Shutdown may interrupt it.
func (c *conn) await(until time.Time, idle bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if idle && c.draining {
		return errDraining
	}
	c.waiting = idle
	return c.raw.SetReadDeadline(until)
}

// drain makes the connection end once it is between two transactions.
func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
	if c.waiting {
		_ = c.raw.SetReadDeadline(time.Unix(1, 0)) // fails only when it is closed
	}
}

func (c *conn) isDraining() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.draining
}

// fill sends what we have to say and reads more input.
// What comes in may show that the client has read the answer to its message.
func (c *conn) fill() (int, error) {
	if err := c.flush(); err != nil {
		return 0, err
	}
	n, err := c.net.Read(c.in.room(&c.s.windows))
	if n == 0 {
		if err == nil {
			err = io.ErrNoProgress
		}
		return 0, err
	}
	c.in.filled(n)
	if h := c.last; h != nil && h.said && c.raw.reads > h.reads {
		c.settle()
	}
	return n, nil
}

// fillContent is fill for the octets of a message: silence and the average
// rate are limited.
func (c *conn) fillContent() error {
	return c.fillPaced(time.Now().Add(c.s.cfg.DataTimeout))
}

func (c *conn) fillPaced(until time.Time) error {
	start := time.Now()
	left := c.tx.pace.left()
	if left <= 0 {
		return errSlow
	}
	paced := start.Add(left)
	slow := paced.Before(until)
	if slow {
		until = paced
	}
	if err := c.await(until, false); err != nil {
		return err
	}
	n, err := c.fill()
	c.tx.pace.add(n, time.Since(start))
	if slow && errors.Is(err, os.ErrDeadlineExceeded) {
		return errSlow
	}
	return err
}

// readLine returns the next command without its CR LF. A line with a bare LF
// has two readings, so it has none here: errBare.
func (c *conn) readLine() (string, error) {
	idle := c.phase&(fresh|ready) != 0
	if idle && c.isDraining() {
		return "", errDraining
	}
	until := time.Now().Add(c.s.cfg.Timeout)
	end := c.began.Add(c.s.cfg.MaxSession)
	session := c.phase != chunking && end.Before(until)
	if session {
		until = end
	}
	if session && !time.Now().Before(end) {
		return "", errSession
	}
	discarded := 0
	for {
		n, bare := c.in.line()
		switch {
		case c.peer.TLS == nil && c.in.begins(handshakeRecord):
			return "", errTLS
		case bare:
			return "", errBare
		case n > 0:
			line := string(c.in.unread()[:n-2])
			c.in.consume(n)
			if discarded+n > maxLine {
				return "", errLong
			}
			return line, nil
		case len(c.in.unread()) > maxLine:
			// The last octet stays: it may be the CR of the CR LF.
			drop := len(c.in.unread()) - 1
			c.in.consume(drop)
			if discarded += drop; discarded > maxDiscarded {
				return "", errEndless
			}
		}
		if err := c.fillLine(until, idle); err != nil {
			if session && errors.Is(err, os.ErrDeadlineExceeded) && !c.isDraining() {
				return "", errSession
			}
			return "", err
		}
	}
}

func (c *conn) fillLine(until time.Time, idle bool) error {
	if c.phase == chunking {
		return c.fillPaced(until)
	}
	if err := c.await(until, idle); err != nil {
		return err
	}
	_, err := c.fill()
	if idle && errors.Is(err, os.ErrDeadlineExceeded) && c.isDraining() {
		return errDraining
	}
	return err
}

// addrOf is the address of a peer; the zero AddrPort for a pipe.
func addrOf(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		ap := tcp.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	if a == nil || !strings.Contains(a.String(), ":") {
		return netip.AddrPort{}
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
