package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
)

// Decision is what a person, or the deadline, says about held recipients.
type Decision struct {
	Message string
	// To are the recipients; empty for all that wait.
	To []mail.Address
	// Release sends; otherwise the message is refused and the sender told.
	Release bool
	// Actor is who decided, Comment what goes to the sender.
	Actor, Comment string
	// Expired says that nobody decided in time.
	Expired bool
}

// Decided is what came of a decision.
type Decided struct {
	// Done is for how many recipients it was carried out; those that somebody
	// else decided meanwhile are not among them.
	Done int
	// Agreed is for how many it counts, but others have to agree too; Needed
	// is how many people that are, and Missing how many of them, at most.
	Agreed, Needed, Missing int
}

// Decide carries out a decision: one transaction. A release that needs several
// people waits until so many of them have released; one who says no is enough.
func (g *Gateway) Decide(ctx context.Context, d Decision) (done Decided, err error) {
	err = g.DB.Update(ctx, func(tx *store.Tx) error {
		done = Decided{}
		row, err := spool.Get(tx, d.Message)
		if err != nil {
			return err
		}
		var x extra
		if err := json.Unmarshal(row.Extra, &x); err != nil {
			return fmt.Errorf("gateway: row of %s: %w", row.ID, err)
		}
		waiting, err := spool.PendingOf(tx, d.Message)
		if err != nil {
			return err
		}
		var list, agreed []spool.Pending
		left := 0
		for _, p := range waiting {
			if p.AtEnd == toJudge || len(d.To) > 0 && !among(d.To, p.Recipient.Address) {
				left++
				continue
			}
			if p.Altered {
				if p, err = asAccepted(row, x, p, d); err != nil {
					return err
				}
			}
			_, ended, err := spool.EndPending(tx, d.Message, p.Recipient.Address)
			if err != nil {
				return err
			}
			switch {
			case !ended:
			case done.wants(&p, d):
				left++
				agreed = append(agreed, p)
				if err := spool.AddPending(tx, p); err != nil {
					return err
				}
			default:
				list = append(list, p)
			}
		}
		done.Done, done.Agreed = len(list), len(agreed)
		if len(agreed) > 0 {
			if err := g.recordAgreement(tx, row, d, agreed, time.Now()); err != nil {
				return err
			}
		}
		if len(list) == 0 {
			return nil
		}
		tx.OnCommit(g.Wake)
		return g.decided(tx, row, x, d, list, left == 0, time.Now())
	})
	return done, err
}

// wants notes that somebody agreed to a release, and reports whether others
// must agree too.
func (x *Decided) wants(p *spool.Pending, d Decision) bool {
	if !d.Release || d.Expired || p.Of < 2 {
		return false
	}
	if !slices.Contains(p.Agreed, d.Actor) {
		p.Agreed = append(slices.Clone(p.Agreed), d.Actor)
	}
	missing := p.Of - len(p.Agreed)
	if missing > 0 {
		x.Needed, x.Missing = max(x.Needed, p.Of), max(x.Missing, missing)
	}
	return missing > 0
}

// asAccepted is a hold whose row was changed, as far as the message's own row
// vouches for it: a person may decide about it, a deadline may not.
func asAccepted(row spool.Message, x extra, p spool.Pending, d Decision) (spool.Pending, error) {
	at := slices.IndexFunc(row.Envelope.To, func(r mail.Recipient) bool { return r.Address == p.Recipient.Address })
	if at < 0 || d.Expired {
		return p, fmt.Errorf("gateway: %s waits for %s: %w: its row was changed", p.Recipient.Address, row.ID, spool.ErrDamaged)
	}
	return spool.Pending{
		Message: row.ID, Tenant: row.Tenant, Recipient: row.Envelope.To[at], Since: row.Received, Rules: []string{""},
		Of: x.Fields[p.Recipient.Address].Of,
	}, nil
}

func (g *Gateway) decided(tx *store.Tx, row spool.Message, x extra, d Decision, list []spool.Pending, last bool, now time.Time) error {
	e := enacting{g: g, tx: tx, row: row, extra: x, now: now}
	event := spool.Release
	if d.Release {
		e.release(list, g.hopOf(row))
	} else {
		event = spool.Refuse
		if d.Expired {
			event = spool.Expire
		}
		e.decline(list, d)
	}
	if e.err == nil && last {
		_, e.err = spool.Move(tx, row.ID, event, now)
	}
	if e.err == nil {
		e.err = g.recordDecision(tx, row, d, list, now)
	}
	if e.err == nil {
		e.err = g.finish(tx, row.ID, now)
	}
	return e.err
}

// release plans the ordinary return of held recipients, grouped by hop.
func (e *enacting) release(list []spool.Pending, hop func(mail.Address) string) {
	var order []string
	by := map[string][]mail.Recipient{}
	with := map[string]fields{}
	e.letGo(list)
	for _, p := range list {
		own := e.extra.Fields[p.Recipient.Address]
		text, _ := json.Marshal(own.shape)
		key := hop(p.Recipient.Address) + "\x00" + string(text)
		if by[key] == nil {
			order = append(order, key)
		}
		by[key], with[key] = append(by[key], p.Recipient), own
	}
	for _, key := range order {
		for rest := range slices.Chunk(by[key], maxGroup) {
			e.add(task.Return, rest, e.row.Envelope.From, parcel{shape: with[key].shape, Inspected: e.extra.Inspected})
		}
	}
}

// decline tells the sender that somebody said no, or nobody said anything.
func (e *enacting) decline(list []spool.Pending, d Decision) {
	l := letter{
		Kind: letterDeclined, All: len(unique(e.row.Envelope.To)), Rule: first(list[0].Rules), Why: foundWords(list[0].Because),
		Ref: e.extra.Ref, Outside: e.extra.Outside, Who: d.Actor, Comment: d.Comment,
	}
	text := "Declined by a moderator. ref " + e.extra.Ref
	if d.Expired {
		l.Kind, l.Waited = letterExpired, e.now.Sub(list[0].Since)
		text = "No decision was made in time. ref " + e.extra.Ref
	}
	var fates []fate
	for _, p := range list {
		fates = append(fates, fate{to: p.Recipient})
	}
	l.about(fates, mail.NewReply(550, "5.7.1", text), "")
	why := "declined by " + d.Actor
	if d.Expired {
		why = "no decision in time"
	}
	e.report(fates, l, task.Refused, why)
}

func (g *Gateway) hopOf(row spool.Message) func(mail.Address) string {
	t := g.Tenants.Current().Find(row.Tenant)
	return func(to mail.Address) string {
		if t == nil {
			return ""
		}
		r := t.Route(row.Direction, row.Envelope.From, to)
		return r.Host + r.Domain
	}
}

func among(list []mail.Address, a mail.Address) bool {
	for _, x := range list {
		if x.Fold() == a.Fold() {
			return true
		}
	}
	return false
}

// Tend does what is due by the clock: it ends holds whose time is over, and
// judges messages that were taken before they could be judged. It returns
// when ctx does.
func (g *Gateway) Tend(ctx context.Context, wake <-chan struct{}) {
	for {
		wait := g.tendOnce(ctx)
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-time.After(wait):
		}
	}
}

// longestWait bounds how late a deadline can be that another node wrote.
const longestWait = time.Minute

func (g *Gateway) tendOnce(ctx context.Context) time.Duration {
	var due []spool.Pending
	var next time.Time
	failed := false
	now := time.Now()
	err := g.DB.View(ctx, func(tx *store.Tx) (err error) {
		if due, err = spool.Overdue(tx, now, 5000); err == nil {
			next, err = spool.NextDeadline(tx, now)
		}
		return err
	})
	if err != nil {
		return longestWait
	}
	done := map[string]bool{}
	acted := false
	for _, p := range due {
		if p.Altered {
			g.holdChanged(p)
			continue
		}
		if done[p.Message] || ctx.Err() != nil {
			continue
		}
		done[p.Message] = true
		if p.AtEnd == toJudge { // beside the deadlines, which must not wait for it
			acted = g.judgeLater(ctx, p) || acted
			continue
		}
		if g.Calm() {
			continue
		}
		acted = true
		if err := g.overdue(ctx, p); err != nil {
			g.Log.Error("a deadline could not be carried out", telemetry.KeyCode, problem.LateWrite,
				telemetry.KeyMessage, p.Message, telemetry.KeyError, err)
			// It must not stand in front of everybody else's.
			err := g.DB.Update(ctx, func(tx *store.Tx) error { return putBack(tx, p, time.Now().Add(15*time.Minute)) })
			failed = failed || err != nil
		}
	}
	switch {
	case failed:
		return longestWait
	case acted:
		return time.Millisecond
	case next.IsZero(): // and what is being judged wakes us
		return longestWait
	}
	return min(max(time.Until(next), time.Millisecond), longestWait)
}

// holdChanged calls an administrator. The row stays as it is.
func (g *Gateway) holdChanged(p spool.Pending) {
	if _, due := g.refused.Due(string(problem.HoldChanged)+p.Message, time.Now()); due {
		g.Log.Error("a hold was changed in the database", telemetry.KeyCode, problem.HoldChanged,
			telemetry.KeyMessage, p.Message, telemetry.KeyTenant, p.Tenant)
	}
}

func (g *Gateway) overdue(ctx context.Context, p spool.Pending) error {
	d := Decision{Message: p.Message, Actor: "deadline", Expired: true}
	switch policy.End(p.AtEnd) {
	case policy.EndReleaseEncrypted:
		return g.waitOn(ctx, p)
	case policy.EndRelease:
		d.Release = true
	}
	// All of the message whose time is over too: one report, one attempt.
	err := g.DB.View(ctx, func(tx *store.Tx) error {
		list, err := spool.PendingOf(tx, p.Message)
		for _, x := range list {
			if !x.Altered && !x.Until.IsZero() && !x.Until.After(time.Now()) && x.AtEnd == p.AtEnd {
				d.To = append(d.To, x.Recipient.Address)
			}
		}
		return err
	})
	if err != nil || len(d.To) == 0 { // somebody decided meanwhile
		return err
	}
	_, err = g.Decide(ctx, d)
	return err
}

// waitOn keeps a message whose end is secure delivery, which is not built: it
// is neither sent in the clear nor thrown away, but waits for an
// administrator, who is called once a day.
func (g *Gateway) waitOn(ctx context.Context, p spool.Pending) error {
	g.Log.Error("a hold ended that only secure delivery can release", telemetry.KeyCode, problem.NoSecureWay,
		telemetry.KeyMessage, p.Message, telemetry.KeyTenant, p.Tenant)
	return g.DB.Update(ctx, func(tx *store.Tx) error { return putBack(tx, p, time.Now().Add(24*time.Hour)) })
}

// putBack gives a recipient who still waits a later deadline; one that was
// decided meanwhile stays decided.
func putBack(tx *store.Tx, p spool.Pending, until time.Time) error {
	_, waited, err := spool.EndPending(tx, p.Message, p.Recipient.Address)
	if err != nil || !waited {
		return err
	}
	p.Until = until
	return spool.AddPending(tx, p)
}

// judgeInCustody judges a message that was taken before it could be judged.
// A gate that is closed for a passing cause makes it wait; policy itself
// ends that after 3 tries or 30 minutes.
func (g *Gateway) judgeInCustody(ctx context.Context, id string) error {
	row, body, err := g.inCustody(ctx, id)
	if err != nil {
		return err
	}
	defer body.Close()
	t, err := g.tenantOf(row.Tenant)
	if err != nil {
		return err
	}
	var x extra
	if err := json.Unmarshal(row.Extra, &x); err != nil {
		return fmt.Errorf("gateway: row of %s: %w", row.ID, err)
	}
	s := subject{
		trace: id, tenant: t, kind: tenant.Kind(row.Kind), dir: row.Direction, monitor: x.Monitor, ooo: x.OOO, envelope: row.Envelope,
		header: mail.ParseHeader(body), body: body, passes: x.Passes,
	}
	if x.Peer != nil {
		s.peer, s.secured = mail.TLS{Version: x.Peer.Version, Verified: x.Peer.Verified, Names: x.Peer.Names}, true
	}
	now := time.Now()
	err = g.DB.View(ctx, func(tx *store.Tx) (err error) {
		s.deferred, err = spool.FindDeferral(tx, x.Key+"/custody", now)
		return err
	})
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, g.Judge)
	defer cancel()
	j := g.judge(limited, s, func(string) {})
	p := planFor(row.Envelope.To, j.verdict, g.mannerOf(matter{subject: s}))
	return g.DB.Update(ctx, func(tx *store.Tx) error {
		mine := false
		for _, r := range unique(row.Envelope.To) {
			_, ended, err := spool.EndPending(tx, id, r.Address)
			if err != nil {
				return err
			}
			mine = mine || ended
		}
		if !mine { // another node judged it
			return nil
		}
		if p.way == wayDefer {
			if _, err := spool.PutDeferral(tx, x.Key+"/custody", now); err != nil {
				return err
			}
			return waitForJudgment(tx, row, now.Add(11*time.Minute))
		}
		x.Inspected, x.Robotic = j.verdict.Inspected, x.Robotic || j.class.Automatic
		x.Fields = fieldsOf(p.held, x, len(unique(row.Envelope.To)))
		row.Extra = x.json()
		if err := spool.SetExtra(tx, row.ID, row.Extra); err != nil {
			return err
		}
		if err := spool.EndDeferral(tx, x.Key+"/custody"); err != nil {
			return err
		}
		tx.OnCommit(g.Wake)
		if err := g.recordJudgment(tx, row, j, p, now); err != nil {
			return err
		}
		return g.enact(tx, row, p, now)
	})
}
