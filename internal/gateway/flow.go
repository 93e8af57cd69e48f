package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
)

// Rcpt refuses a recipient before any content, when connection and addresses
// contradict each other already. nil takes it, for now.
func (g *Gateway) Rcpt(ctx context.Context, p mail.Peer, e mail.Envelope, to mail.Recipient) *mail.Reply {
	s := g.Tenants.Current()
	switch ours := s.Ours(to.Address); {
	case ours:
		return g.ownRcpt(ctx, p, e, to)
	case len(e.To) == 1 && s.Ours(e.To[0].Address):
		r := replyComesAlone()
		return &r
	}
	if r := s.AtRcpt(p, e.From, to.Address); r != nil {
		g.Metrics.Count("refused_at_rcpt", 1, "fact", r.Fact)
		if silent, due := g.refused.Due(string(r.Code)+r.Fact+r.Tenant, time.Now()); due {
			g.Log.Warn("recipient refused", telemetry.KeyCode, r.Code, telemetry.KeyPeer, p.Addr.Addr(),
				telemetry.KeyTenant, r.Tenant, telemetry.KeyCause, r.Fact, telemetry.KeyDomain, to.Address.Domain(),
				telemetry.KeyCount, silent+1)
		}
		return &r.Reply
	}
	return nil
}

// Accept takes one message in at the front door and says what the client is
// told. This is the way of a message, from top to bottom.
func (g *Gateway) Accept(ctx context.Context, a *mail.Arrival) mail.Reply {
	tr := g.open(a)
	header := mail.ParseHeader(a.Body)

	if g.forOurselves(a.Envelope) {
		return g.toOurselves(ctx, tr, a, header)
	}

	// Whose is it? Everything must agree, or it is nobody's.
	id, refusal := g.Tenants.Current().Identify(a.Peer, a.Envelope, header)
	if refusal != nil {
		return g.turnAway(tr, header, refusal)
	}
	tr.identified(id, header)

	// Has it been here? A loop is stopped; a repeat gets the recorded answer.
	print, err := g.fingerprint(header, a.Body)
	if err != nil {
		g.Log.Error("body unreadable", telemetry.KeyCode, problem.BodyUnreadable, telemetry.KeyMessage, a.Trace, telemetry.KeyError, err)
		return replyStoreDown()
	}
	ours, hops := g.passes(header, id.Tenant, id.Direction, print)
	if !watchedOnly(id.Kind) && (ours >= maxPasses || hops >= maxReceived) {
		return g.stopLoop(tr, ours, hops)
	}
	key := repeatKey(id.Tenant.ID, a.Envelope, print, ours)
	reply, mine := g.flights.begin(key, id.Tenant.ID, a.Trace, g.share())
	if !mine {
		return tr.repeated(reply)
	}
	before, err := g.known(ctx, key)
	if err != nil {
		return g.answer(tr, replyStoreDown(), false)
	}
	if before.repeat != nil {
		return g.answer(tr, tr.repeated(*before.repeat), true)
	}

	// A connector validation goes through unseen: no rule has run for it.
	if id.Kind == tenant.Validation {
		return g.answer(tr, g.validation(ctx, tr, a, id, print), false)
	}

	// Look and decide, as long as the client's patience lasts.
	s := subject{
		trace: a.Trace, tenant: id.Tenant, kind: id.Kind, dir: id.Direction, monitor: id.Monitor, ooo: id.OOO, envelope: a.Envelope,
		header: header, body: a.Body, passes: ours, deferred: before.deferral,
	}
	s = g.unwrap(s, tr)
	if tag := id.Tenant.TrustedTag(header); tag != "" && id.Direction == mail.Out {
		s.monitor = true // the tenant's endpoint has judged it already
		tr.did("trusted tag", tag)
	}
	if a.Peer.TLS != nil {
		s.peer, s.secured = *a.Peer.TLS, true
	}
	m := matter{subject: s, arrival: a, id: id, print: print, key: key, until: a.Ended.Add(g.Patience)}
	patient, cancel := context.WithDeadline(ctx, m.until)
	defer cancel()
	m.judgment = g.judge(patient, s, tr.step)
	if patient.Err() != nil && g.Judge > g.Patience && !watchedOnly(id.Kind) {
		reply, kept := g.takeUnjudged(ctx, tr, m)
		return g.answer(tr, reply, kept)
	}
	tr.judged(m.judgment)

	// Do what was decided.
	m.plan = planFor(s.envelope.To, m.judgment.verdict, g.mannerOf(m))
	tr.planned(m.plan)
	g.countOpen(m)
	reply, kept := g.carryOut(ctx, tr, m)
	return g.answer(tr, reply, kept)
}

// watchedOnly are the kinds that end here: they are never refused for what
// they are, nor kept, and cannot loop.
func watchedOnly(k tenant.Kind) bool { return k == tenant.Copy || k == tenant.Journal }

// matter is a message with everything that has been found out about it.
type matter struct {
	subject
	arrival  *mail.Arrival
	id       tenant.Identity
	print    identityOf
	key      spool.Key
	until    time.Time // the end of the client's patience
	judgment judgment
	plan     plan
}

// carryOut goes the way that the plan chose. kept says that the answer is
// in the store, for a repeat.
func (g *Gateway) carryOut(ctx context.Context, tr *trail, m matter) (reply mail.Reply, kept bool) {
	switch m.plan.way {
	case wayThrough:
		reply, taken := g.cutThrough(ctx, tr, &m)
		if taken {
			return reply, false
		}
		m.plan.way = wayCustody
		return g.takeCustody(ctx, tr, m)
	case wayCustody:
		return g.takeCustody(ctx, tr, m)
	case wayRefuse:
		return g.refuse(ctx, tr, m), false
	case wayDefer:
		return g.putOff(ctx, tr, m), false
	case wayWatch:
		return g.watch(ctx, tr, m)
	}
	panic(fmt.Sprintf("gateway: plan without a way: %q", m.plan.way))
}

// answer notes what the client is told, so that a repeat is told the same.
func (g *Gateway) answer(tr *trail, r mail.Reply, kept bool) mail.Reply {
	tr.step("answered")
	g.flights.answer(tr.trace, r, kept)
	g.Metrics.Count("answers", 1, "code", fmt.Sprint(r.Code), "tenant", tr.tenant)
	g.Metrics.Observe("taking", time.Since(tr.began).Seconds(), "way", tr.way)
	g.Log.Info("answered", telemetry.KeyMessage, tr.trace, telemetry.KeyTenant, tr.tenant,
		telemetry.KeyCode, r.Code, telemetry.KeyKind, tr.way, telemetry.KeyTook, time.Since(tr.began))
	return r
}

// Settled is called when the client went on after our answer: it has read
// it, and an equal message after it is a new one.
func (g *Gateway) Settled(a *mail.Arrival) {
	x := g.flights.find(a.Trace)
	if x != nil && (x.kept || x.trace != a.Trace) {
		// Before the client's next command is read: an equal message may stand
		// in the same segment.
		g.settle(x.key)
	}
	g.flights.confirm(a.Trace)
}

// settle forgets a repeat. An equal message that comes before its row is gone
// waits for that (known). Other nodes look into the store only, so that where
// there may be some the client waits.
func (g *Gateway) settle(key spool.Key) {
	forget := func(tx *store.Tx) error { return spool.SettleRepeat(tx, key) }
	if g.DB.Postgres() {
		g.settled(key, g.DB.UpdateSoon(context.Background(), g.patience(), forget))
		return
	}
	over := g.memory.settle(key)
	g.later.Add(1)
	go func() {
		defer g.later.Done()
		defer over()
		g.settled(key, g.DB.UpdateSoon(context.Background(), forCompany, forget))
	}()
}

func (g *Gateway) settled(key spool.Key, err error) {
	if err == nil {
		g.memory.dropRepeat(key)
		return
	}
	g.Log.Error("a settled answer could not be forgotten", telemetry.KeyRoom, "gateway",
		telemetry.KeyCode, problem.LateWrite, telemetry.KeyError, err)
}

// Unsettled is called when the connection broke before the client's next
// command: it may not have read our answer, and will come again.
func (g *Gateway) Unsettled(a *mail.Arrival) {
	x := g.flights.unread(a.Trace)
	if x == nil {
		return
	}
	if !x.answered || x.kept || x.trace != a.Trace {
		g.flights.end(a.Trace)
		return
	}
	g.memory.noteRepeat(x.key)
	g.later.Add(1)
	go func() {
		defer g.later.Done()
		err := g.DB.Update(context.Background(), func(tx *store.Tx) error {
			return spool.PutRepeat(tx, spool.Repeat{Key: x.key, Tenant: x.tenant, Message: x.trace, Reply: x.reply, At: time.Now()})
		})
		if err != nil {
			g.Log.Error("an answer that the client may not have read could not be kept",
				telemetry.KeyCode, problem.LateWrite, telemetry.KeyMessage, x.trace, telemetry.KeyError, err)
		}
		g.flights.end(a.Trace) // only now: until here memory answers a repeat
	}()
}

// share is how many messages of one tenant may be handled at a time: where
// there are several, one with a slow next hop must not take all connections.
func (g *Gateway) share() int {
	if len(g.Tenants.Current().Tenants()) < 2 {
		return 0
	}
	return g.PerTenant
}

// repeatKey recognizes the same arrival. The number of passes belongs to it:
// a message that Exchange routes to us again comes back equal in everything
// else, often before the client has confirmed our answer to the first pass,
// and must not be taken for a repeat of it: it would be swallowed.
func repeatKey(tenant string, e mail.Envelope, id identityOf, passes int) spool.Key {
	return spool.RepeatKey(tenant, e.Addresses(), fmt.Sprintf("%s pass %d", id.messageID, passes), id.body, id.date)
}

// turnAway answers a message that belongs to nobody here, and records it.
func (g *Gateway) turnAway(tr *trail, h *mail.Header, r *tenant.Refusal) mail.Reply {
	tr.refused(h, r)
	g.Metrics.Count("not_identified", 1, "fact", r.Fact, "tenant", r.Tenant)
	g.Log.Warn("message belongs to nobody", telemetry.KeyCode, r.Code, telemetry.KeyMessage, tr.trace,
		telemetry.KeyTenant, r.Tenant, telemetry.KeyCause, r.Fact, telemetry.KeyPeer, tr.peer)
	g.write("refusal", tr.save)
	return r.Reply
}

// stopLoop ends a loop: the report that Exchange writes names its cause.
func (g *Gateway) stopLoop(tr *trail, ours, hops int) mail.Reply {
	reply := replyLoop()
	code := problem.MailLoop
	if ours < maxPasses {
		reply, code = replyTooManyHops(), problem.TooManyHops
	}
	tr.m.Problem = string(code)
	tr.ended("loop", reply)
	g.Metrics.Count("loops", 1, "tenant", tr.tenant)
	back := counted{Message: tr.trace, Why: reply.Text, N: ours}
	if code == problem.TooManyHops {
		back.N = hops
	}
	g.count(g.Tenants.Current().Find(tr.tenant), countLoop, back, waitLoop)
	g.Log.Error("loop stopped", telemetry.KeyCode, code, telemetry.KeyMessage, tr.trace,
		telemetry.KeyTenant, tr.tenant, telemetry.KeyCount, hops)
	g.write("loop", tr.save)
	return reply
}

// validation handles Exchange's test of its connector: swallowed at our own
// probe address; at the address outside handed back, five times at most.
func (g *Gateway) validation(ctx context.Context, tr *trail, a *mail.Arrival, id tenant.Identity, print identityOf) mail.Reply {
	m := matter{
		subject: subject{tenant: id.Tenant, kind: id.Kind, dir: mail.Out, envelope: a.Envelope, body: a.Body},
		arrival: a, id: id, print: print, until: a.Ended.Add(g.Patience),
	}
	if !id.External {
		reply := replyTaken(a.Trace)
		tr.ended("probe", reply)
		if err := g.DB.Update(ctx, tr.save); err != nil {
			return replyStoreDown()
		}
		return reply
	}
	spent := false
	err := g.DB.Update(ctx, func(tx *store.Tx) error {
		n, err := tenant.CountValidation(tx, id.Tenant.ID)
		spent = n > tenant.MaxValidations
		return err
	})
	switch {
	case err != nil:
		return replyStoreDown()
	case spent:
		tr.ended("refused", replyValidationSpent())
		g.write("validation", tr.save)
		return replyValidationSpent()
	}
	m.plan = planFor(a.Envelope.To, m.judgment.verdict, g.mannerOf(m))
	reply, taken := g.cutThrough(ctx, tr, &m)
	if !taken {
		return mail.NewReply(451, "4.4.1", "The next hop did not take the validation message; try again")
	}
	return reply
}

// refuse blocks in the session: Exchange writes the report, nothing is kept.
func (g *Gateway) refuse(_ context.Context, tr *trail, m matter) mail.Reply {
	reply := replyBlocked(g.shortReason(tr, m))
	tr.ended("refused", reply)
	g.write("refusal", tr.save)
	return reply
}

// putOff defers a message because something passing kept us from seeing all
// of it, and counts.
func (g *Gateway) putOff(ctx context.Context, tr *trail, m matter) mail.Reply {
	reply := replyNotNow(m.judgment.verdict.Code)
	tr.ended("deferred", reply)
	g.memory.noteDeferral(m.key)
	err := g.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := spool.PutDeferral(tx, m.key, time.Now()); err != nil {
			return err
		}
		return tr.save(tx)
	})
	if err != nil {
		g.Log.Error("a deferral could not be counted", telemetry.KeyCode, problem.LateWrite, telemetry.KeyError, err)
	}
	g.Log.Warn("message deferred", telemetry.KeyCode, m.judgment.verdict.Code, telemetry.KeyMessage, tr.trace,
		telemetry.KeyTenant, tr.tenant)
	return reply
}

// watch records a copy. It has been delivered already, so nothing is kept;
// the record is durable before the 250, because it is all that remains.
func (g *Gateway) watch(ctx context.Context, tr *trail, m matter) (mail.Reply, bool) {
	reply := replyTaken(m.arrival.Trace)
	tr.ended("watched", reply)
	err := g.DB.Update(ctx, func(tx *store.Tx) error {
		if err := spool.PutRepeat(tx, g.repeatOf(m, reply)); err != nil {
			return err
		}
		if err := g.Contacts.Note(tx, m.tenant.ID, m.judgment.contacts, time.Now()); err != nil {
			return err
		}
		return tr.save(tx)
	})
	if err != nil {
		return g.cannotKeep(tr, err), false
	}
	return reply, true
}

func (g *Gateway) repeatOf(m matter, r mail.Reply) spool.Repeat {
	g.memory.noteRepeat(m.key)
	return spool.Repeat{Key: m.key, Tenant: m.tenant.ID, Message: m.arrival.Trace, Reply: r, At: time.Now()}
}

// cannotKeep answers when the store or the spool did not take the message.
func (g *Gateway) cannotKeep(tr *trail, err error) mail.Reply {
	if errors.Is(err, store.ErrFull) || isFull(err) {
		g.Log.Error("no room to keep a message", telemetry.KeyCode, problem.NoRoom, telemetry.KeyMessage, tr.trace, telemetry.KeyError, err)
		return replyStoreFull()
	}
	g.Log.Error("a message could not be kept", telemetry.KeyCode, problem.StoreSilent, telemetry.KeyMessage, tr.trace, telemetry.KeyError, err)
	return replyStoreDown()
}
