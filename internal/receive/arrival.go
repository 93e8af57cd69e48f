package receive

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"log/slog"
	"strconv"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
)

// handedIn is a message that the Handler has answered.
//
// Input that arrives after our answer was sent, with nothing waiting before,
// shows that the client has read the answer. Input that was pipelined behind
// the message shows nothing; wire.pending and wire.reads look for it below
// TLS, and then a later reply has to do.
type handedIn struct {
	arrival *mail.Arrival
	body    Buffer
	said    bool // a reply was sent while no input was waiting
	reads   int  // of the wire until then
}

// deepen makes the stack of a goroutine as deep at once as a message needs it:
// it would be copied several times on its way there, which costs more.
//
//go:noinline
func deepen() (sum byte) {
	var room [20 << 10]byte
	for i := 0; i < len(room); i += 4 << 10 {
		sum += room[i]
	}
	return sum
}

// conclude hands in a message whose end was seen, and answers it.
func (c *conn) conclude(k keeper, chunked bool) {
	deepen()
	limit := c.s.cfg.MaxSize
	switch {
	case k.size > limit:
		c.reset(ready)
		c.fault(replyTooBig(limit))
		return
	case k.err != nil:
		c.storeFailed(k.err)
		c.reset(ready)
		c.reply(replyStoreFull())
		return
	}
	// A client that is here without having read our last answer has
	// pipelined; whether it ever reads it cannot be known any more.
	c.unsettle()
	a := &mail.Arrival{
		Trace:    newTrace(time.Now()),
		Peer:     c.peer,
		Envelope: c.tx.envelope,
		Body:     c.tx.body,
		Chunked:  chunked,
		Bare:     chunked && c.tx.newlines.bare(),
		Began:    c.tx.began,
		Ended:    time.Now(),
	}
	body := c.tx.body
	c.tx.body = nil // it belongs to the arrival now
	c.reset(ready)
	// Sending fails when the client is gone. It is not asked: the message is
	// whole, and its outcome is recorded for the client's next try.
	_ = c.flush()
	c.last = &handedIn{arrival: a, body: body}
	r := c.s.handler.Accept(c.s.ctx, a)
	c.note(a, r)
	c.answer(r)
	if err := c.flush(); err != nil {
		c.over = true
	}
}

// note counts a message and its answer.
func (c *conn) note(a *mail.Arrival, r mail.Reply) {
	if r.Ok() {
		c.errors, c.idles = 0, 0
	}
	cfg := &c.s.cfg
	took := time.Since(a.Ended)
	cfg.Metrics.Count("receive_messages", 1, "answer", class(r))
	cfg.Metrics.Count("receive_octets", int(a.Body.Size()))
	cfg.Metrics.Observe("receive_accept", took.Seconds())
	if cfg.Log.Enabled(c.s.ctx, slog.LevelDebug) {
		cfg.Log.Debug("message answered", telemetry.KeyMessage, a.Trace, telemetry.KeyPeer, a.Peer.Addr.String(),
			telemetry.KeyCode, r.Code, telemetry.KeySize, a.Body.Size(), telemetry.KeyTook, took)
	}
}

// class names the first digit of a reply.
func class(r mail.Reply) string {
	switch r.Code / 100 {
	case 2:
		return "2xx"
	case 4:
		return "4xx"
	case 5:
		return "5xx"
	}
	return strconv.Itoa(r.Code/100) + "xx"
}

// settle says that the client has read the answer to its last message.
func (c *conn) settle() {
	if h := c.last; h != nil {
		c.last = nil
		defer c.closeBody(h.body)
		c.s.handler.Settled(h.arrival)
	}
}

// unsettle says that nobody knows whether it has.
func (c *conn) unsettle() {
	if h := c.last; h != nil {
		c.last = nil
		defer c.closeBody(h.body)
		c.s.handler.Unsettled(h.arrival)
	}
}

// storeFailed notes that the octets of a message could not be kept.
func (c *conn) storeFailed(err error) {
	c.s.alarm(slog.LevelError, problem.BufferFull, telemetry.KeyPeer, c.peer.Addr.String(), telemetry.KeyError, err)
}

// newTrace names an arrival: 48 bits of time in milliseconds and 80 random
// ones, in 26 lower-case characters that sort by time.
func newTrace(now time.Time) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], uint64(now.UnixMilli())<<16)
	_, _ = rand.Read(raw[6:]) // never fails (crypto/rand)
	return base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding).EncodeToString(raw[:])
}
