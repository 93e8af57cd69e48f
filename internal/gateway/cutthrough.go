package gateway

import (
	"context"
	"errors"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/telemetry"
)

// cutThrough hands a message back while the client waits. The order is
// fixed (architecture.md):
//
//  1. MAIL and RCPT at the next hop; all taken → go on; all refused alike →
//     the client gets that answer; mixed → custody;
//  2. verdict and intent are committed;
//  3. the message and its final dot; from there on we only wait. (DATA may
//     have been said with RCPT: without the dot nothing was handed over.)
//
// taken is false when the message must go into custody instead: nothing of
// it has been sent then.
func (g *Gateway) cutThrough(ctx context.Context, tr *trail, m *matter) (reply mail.Reply, taken bool) {
	grp := m.plan.back[0]
	env := m.envelope.With(grp.To)
	out, changed := g.outgoing(*m, grp.shape)
	route := m.tenant.Route(m.dir, env.From, grp.To[0].Address)

	patient, cancel := context.WithDeadline(ctx, m.until)
	g.seal(patient, m.subject, out, &changed, m.arrival.Ended)
	x, err := g.Door.Open(patient, route, env, out)
	late := patient.Err() != nil
	cancel()
	tr.step("onward-rcpt")
	if err != nil {
		return g.notOpened(tr, err, late)
	}
	switch verdict, answer := rcptVerdict(x); verdict {
	case rcptMixed:
		x.Reset()
		m.plan.apart = true
		return mail.Reply{}, false
	case rcptRefused:
		x.Reset()
		if stuck(x.Judge(answer, true)) {
			return mail.Reply{}, false
		}
		tr.handed(x.Host(), answer)
		g.write("refusal of the next hop", tr.save)
		return answer, true
	}

	if len(x.Relayed()) > 0 { // the sender asked for a report that only we can write
		x.Reset()
		return mail.Reply{}, false
	}

	tr.changed(changed)
	tr.intended(x.Host())
	if reply, ok := g.commitIntent(ctx, tr, *m); !ok {
		x.Reset()
		return reply, true
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.Last)
	defer cancel()
	final := x.Send(last)
	tr.step("onward-dot")
	tr.changed(changes{changed: x.Modified()})
	return g.afterDot(tr, x, final)
}

// notOpened answers when there was no transaction with the next hop. A fault
// of configuration, and an outworn patience, lead into custody; whatever else
// is temporary stays with Exchange, which has the message safe.
func (g *Gateway) notOpened(tr *trail, err error, late bool) (mail.Reply, bool) {
	var c *Closed
	if !errors.As(err, &c) {
		c = &Closed{Outcome: task.Later{Why: err.Error()}, Why: err.Error()}
	}
	if stuck(c.Outcome) || late {
		return mail.Reply{}, false
	}
	reply := c.Reply
	if reply.None() {
		reply = mail.NewReply(451, "4.4.1", "The next hop cannot be reached; try again")
	}
	tr.handed(c.Host, reply)
	g.Log.Warn("next hop gave no transaction", telemetry.KeyCode, problem.NextHopSilent, telemetry.KeyMessage, tr.trace,
		telemetry.KeyTenant, tr.tenant, telemetry.KeyHost, c.Host, telemetry.KeyError, c.Why)
	g.write("refusal of the next hop", tr.save)
	return reply, true
}

// commitIntent makes verdict and intent durable before the onward dot.
func (g *Gateway) commitIntent(ctx context.Context, tr *trail, m matter) (mail.Reply, bool) {
	record, err := tr.intention()
	if err == nil {
		err = g.keepIntent(ctx, keptIntent{
			intent: spool.Intent{ID: tr.trace, Tenant: m.tenant.ID, Record: record, At: time.Now()},
			ends:   m.key, was: m.deferred.Count > 0,
		})
	}
	tr.step("intent")
	if err == nil {
		tr.intent = true
		return mail.Reply{}, true
	}
	if m.tenant.StoreFull == policy.Open && isFull(err) {
		g.Log.Error("handed back without a record, as the tenant's store-full says",
			telemetry.KeyCode, problem.UnrecordedPass, telemetry.KeyMessage, tr.trace, telemetry.KeyTenant, tr.tenant)
		return mail.Reply{}, true
	}
	return g.cannotKeep(tr, err), false
}

// afterDot turns the answer to the onward dot into ours.
func (g *Gateway) afterDot(tr *trail, x Transaction, final mail.Reply) (mail.Reply, bool) {
	if final.None() {
		tr.ended("unknown", replyUnknownOutcome())
		g.Metrics.Count("possible_duplicates", 1, "tenant", tr.tenant)
		g.Log.Warn("no answer after the onward dot", telemetry.KeyCode, problem.PossibleDuplicate,
			telemetry.KeyMessage, tr.trace, telemetry.KeyTenant, tr.tenant, telemetry.KeyHost, x.Host())
		g.write("outcome", tr.settle)
		return replyUnknownOutcome(), true
	}
	if !final.Ok() && stuck(x.Judge(final, false)) {
		// Not taken, and only an administrator can help: custody keeps the
		// sender from a report that would blame the recipient. Its transaction
		// ends the intent.
		return mail.Reply{}, false
	}
	tr.handed(x.Host(), final)
	g.write("outcome", tr.settle)
	return final, true
}

type rcptAnswer int

const (
	rcptTaken rcptAnswer = iota
	rcptRefused
	rcptMixed
)

// rcptVerdict sums up the answers to RCPT: only when all are refused with
// the same code can the client get it as the answer to its message.
func rcptVerdict(x Transaction) (rcptAnswer, mail.Reply) {
	list := x.Rcpts()
	ok := 0
	for _, r := range list {
		if r.Ok() {
			ok++
		}
	}
	switch {
	case ok == len(list) && ok > 0:
		return rcptTaken, mail.Reply{}
	case ok > 0 || len(list) == 0:
		return rcptMixed, mail.Reply{}
	}
	for _, r := range list[1:] {
		if r.Code != list[0].Code || r.Enhanced != list[0].Enhanced {
			return rcptMixed, mail.Reply{}
		}
	}
	return rcptRefused, list[0]
}

func stuck(o task.Outcome) bool {
	_, is := o.(task.Stuck)
	return is
}
