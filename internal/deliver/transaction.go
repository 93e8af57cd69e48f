package deliver

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/telemetry"
)

// Transaction is one message on its way to one host, up to the answers to
// RCPT. It ends with Send, Reset or Close. It is not for several goroutines.
type Transaction struct {
	d     *Deliverer
	c     *conn
	slot  *slot
	env   mail.Envelope
	out   *mail.Outgoing
	plan  plan
	rcpts []mail.Reply
	asked bool       // DATA was said with the envelope
	data  mail.Reply // the answer to it; none when there was none
	over  bool
}

// begin says MAIL and RCPT over a connection.
func (d *Deliverer) begin(ctx context.Context, c *conn, e mail.Envelope, o *mail.Outgoing) (*Transaction, *Failure) {
	p, no := fit(peer{c.ext, c.verified, c.hop.exchange()}, e, o, c.limits)
	if no != nil {
		d.pool.put(c)
		return nil, refused(c.hop.host, *no)
	}
	stop := c.watch(ctx)
	defer func() { stop() }()
	t := &Transaction{d: d, c: c, env: e, out: o, plan: p, rcpts: make([]mail.Reply, len(e.To))}
	replies, want, err := t.introduce(ctx)
	if f := t.beginFailure(replies, err, want); f != nil {
		if !c.broken && len(replies) > 0 && !replies[0].Ok() {
			stop()
			stop = func() {}
			d.pool.put(c)
		} else {
			c.broken = true
			c.Close()
		}
		return nil, f
	}
	copy(t.rcpts, replies[1:])
	c.old = false
	c.used++
	return t, nil
}

// introduce says MAIL and RCPT, and DATA where it may. want is how many answers
// there are when all is well; that to DATA is not among them.
func (t *Transaction) introduce(ctx context.Context) (replies []mail.Reply, want int, err error) {
	limit := MaxRecipients
	if t.c.ext.maxRcpts > 0 {
		limit = min(limit, t.c.ext.maxRcpts)
	}
	lines := []string{"MAIL FROM:<" + string(t.env.From) + ">" + t.plan.mail}
	for i, r := range t.env.To {
		if i < limit {
			lines = append(lines, t.plan.rcpt(r))
		} else {
			t.rcpts[i] = replyTooMany()
		}
	}
	want = len(lines)
	if t.asked = t.mayAsk(); t.asked {
		lines = append(lines, "DATA")
	}
	replies, err = t.say(ctx, lines)
	if len(replies) > want {
		t.data = replies[want]
		replies = replies[:want]
		if awaits(t.data) && !(replies[0].Ok() && replies[1].Ok()) {
			t.c.broken = true // it waits for a content that is nobody's
		}
	}
	if slices.ContainsFunc(replies, func(r mail.Reply) bool { return r.Code/100 == 3 }) {
		// Neither MAIL nor RCPT is answered so: what we hear is the answer to
		// something else.
		t.c.broken = true
		return nil, want, errMixed
	}
	return replies, want, err
}

// mayAsk reports whether DATA goes with the envelope (RFC 2920 §3.1), which
// spares a way there and back. It must not be taken back: after the answer only
// a content can follow, or the end of the connection. So it is said for a single
// recipient, of whom the caller will hardly have to give the message up.
func (t *Transaction) mayAsk() bool {
	to := t.env.To
	return t.c.ext.pipelining && !t.plan.chunked && len(to) == 1 && (t.plan.dsn || !to[0].WantsSuccess())
}

// awaits reports whether a host that answered so to DATA may wait for a content.
func awaits(data mail.Reply) bool { return data.Code/100 < 4 }

// say sends the lines at once where the host allows it, one by one where not;
// then a refused MAIL ends it.
func (t *Transaction) say(ctx context.Context, lines []string) ([]mail.Reply, error) {
	if t.c.ext.pipelining {
		return t.c.commands(ctx, lines)
	}
	var replies []mail.Reply
	for _, line := range lines {
		r, err := t.c.command(ctx, line)
		if err != nil {
			return replies, err
		}
		if replies = append(replies, r); !replies[0].Ok() || t.c.broken {
			return replies, nil
		}
	}
	return replies, nil
}

func (t *Transaction) beginFailure(replies []mail.Reply, err error, want int) *Failure {
	host := t.c.hop.host
	switch {
	case t.c.old && (len(replies) == 0 || replies[0].Code == 421):
		// The host closed an idle connection in the moment we took it.
		f := broke(host, "idle connection to", errMixed)
		if err != nil {
			f = broke(host, "idle connection to", err)
		}
		f.stale = true
		return f
	case len(replies) > 0 && !replies[0].Ok():
		return said(host, PhaseMail, replies[0])
	case len(replies) == want:
		return nil
	case len(replies) > 1 && replies[len(replies)-1].Code == 421:
		f := said(host, PhaseRcpt, replies[len(replies)-1])
		f.final = false
		return f
	case err != nil:
		return broke(host, "MAIL and RCPT to", err)
	}
	return broke(host, "MAIL and RCPT to", errMixed)
}

// judgeRcpts tells the throttle what the answers to RCPT say.
func (t *Transaction) judgeRcpts() {
	for _, r := range t.rcpts {
		if o := Classify(r, PhaseRcpt); o.Throttled {
			t.slot.saw(o)
			return
		}
	}
}

// Rcpts gives the answer for each recipient of the envelope, in order.
func (t *Transaction) Rcpts() []mail.Reply { return slices.Clone(t.rcpts) }

// Host is the host at the other end.
func (t *Transaction) Host() string { return t.c.hop.host }

// Verified reports whether the connection uses TLS and the certificate
// carries the name that the route demands.
func (t *Transaction) Verified() bool { return t.c.verified }

// Chunked reports whether the message goes by BDAT.
func (t *Transaction) Chunked() bool { return t.plan.chunked }

// Modified lists what is not sent as it came, as sentences; nothing in nearly
// all cases. It is complete after Send.
func (t *Transaction) Modified() []string { return slices.Clone(t.plan.modified) }

// Relayed lists the accepted recipients whose sender asked to hear of success
// while the host does not know DSN: the caller reports them as relayed (RFC
// 3461 §5.2.2).
func (t *Transaction) Relayed() []mail.Address {
	if t.plan.dsn {
		return nil
	}
	var list []mail.Address
	for i, r := range t.env.To {
		if r.WantsSuccess() && t.rcpts[i].Ok() {
			list = append(list, r.Address)
		}
	}
	return list
}

// Send sends the content and returns the host's last word, which holds for
// the recipients that were accepted. The zero Reply means that the connection
// broke after the last octet had been sent: the host may have the message or
// not. The transaction is over.
func (t *Transaction) Send(ctx context.Context) mail.Reply {
	if t.over {
		return replyBroken()
	}
	if t.c.broken && t.data.None() {
		t.end()
		return replyBroken()
	}
	if !slices.ContainsFunc(t.rcpts, mail.Reply.Ok) {
		t.Reset()
		return replyNoRecipients()
	}
	began := time.Now()
	stop := t.c.watch(ctx)
	var r mail.Reply
	if t.plan.chunked {
		r = t.sendChunks(ctx)
	} else {
		r = t.sendData(ctx)
	}
	t.asked = false
	stop()
	o := Classify(r, PhaseEnd)
	t.slot.saw(o)
	t.d.config.Metrics.Count("deliver_sent", 1, "tenant", t.tenant(), "kind", o.Kind.String())
	t.d.config.Metrics.Observe("deliver_send", time.Since(began).Seconds())
	if log := t.d.config.Log; log.Enabled(ctx, slog.LevelDebug) {
		log.Debug("sent", telemetry.KeyRoom, "deliver", telemetry.KeyTenant, t.tenant(),
			telemetry.KeyHost, t.Host(), telemetry.KeyCode, r.Code, telemetry.KeySize, t.out.Size())
	}
	if r.Ok() || t.c.broken {
		t.end()
		return r
	}
	t.Reset() // after a failed chunk the host must forget the others (RFC 3030 §2)
	return r
}

func (t *Transaction) tenant() string { return t.c.key.tenant }

// Reset gives the message up: the host forgets it, and the connection is free
// for another.
func (t *Transaction) Reset() {
	if t.over {
		return
	}
	if t.asked && awaits(t.data) {
		t.c.broken = true
	}
	if !t.c.broken {
		ctx, cancel := context.WithTimeout(context.Background(), resetTime)
		if r, err := t.c.command(ctx, "RSET"); err != nil || !r.Ok() {
			t.c.broken = true
		}
		cancel()
	}
	t.end()
}

// resetTime is short: a connection that needs longer is not worth keeping.
const resetTime = 10 * time.Second

// Close ends the transaction if Send has not, as Reset does.
func (t *Transaction) Close() { t.Reset() }

func (t *Transaction) end() {
	t.over = true
	t.d.pool.put(t.c)
	t.slot.release()
}
