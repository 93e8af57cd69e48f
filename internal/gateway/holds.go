package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
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
	// Act is what is done, Approve or Reject when it is "".
	Act quarantine.Act
	// Person is who decides; the zero Person may not.
	Person quarantine.Person
	// Choice is the reason that a sender chose.
	Choice string
	// Encrypted hands what is released to Exchange's encryption.
	Encrypted bool
}

// Decided is what came of a decision.
type Decided struct {
	// Done is for how many recipients it was carried out; those that somebody
	// else decided meanwhile are not among them.
	Done int
	// Agreed is for how many it counts, but others have to agree too; Needed
	// is how many people that are, and Missing how many of them, at most.
	Agreed, Needed, Missing int
	// No is why it does not count for others, a *quarantine.Refusal.
	No error
	// each says what became of which recipient.
	each map[mail.Address]quarantine.Fate
}

// Decide carries out a decision: one transaction. A release that needs several
// people waits until so many of them have agreed. Whoever may not decide gets a
// *quarantine.Refusal; whoever comes too late, how it ended.
func (g *Gateway) Decide(ctx context.Context, d Decision) (done Decided, err error) {
	again := g.lookAgain(ctx, d)
	err = g.DB.Update(ctx, func(tx *store.Tx) error {
		done, err = g.decide(tx, d, again, time.Now())
		return err
	})
	if err == nil && done.Done+done.Agreed == 0 && done.No != nil && !d.Expired {
		err = done.No
	}
	return done, err
}

// decide is Decide inside a transaction. again is what a new look has found.
func (g *Gateway) decide(tx *store.Tx, d Decision, again []string, now time.Time) (done Decided, err error) {
	done.each = map[mail.Address]quarantine.Fate{}
	d.Release = d.Release || d.Act == quarantine.Approve || d.Act == quarantine.Send || d.Act == quarantine.Release
	d.Actor = d.actor()
	row, err := spool.Get(tx, d.Message)
	if err != nil {
		return done, err
	}
	var x extra
	if err := json.Unmarshal(row.Extra, &x); err != nil {
		return done, fmt.Errorf("gateway: row of %s: %w", row.ID, err)
	}
	if d.Person, done.No = g.identified(row.Tenant, d.person(), d.act(), now); done.No != nil {
		return done, nil
	}
	waiting, err := spool.PendingOf(tx, d.Message)
	if err != nil {
		return done, err
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
				return done, err
			}
		}
		ended, open, err := g.decideOne(tx, &p, d, again, &done, now)
		switch {
		case err != nil:
			return done, err
		case ended:
			list = append(list, p)
		case open:
			agreed = append(agreed, p)
			left++
		default:
			left++
		}
	}
	done.Done, done.Agreed = len(list), len(agreed)
	if len(agreed) > 0 {
		if err := g.recordAgreement(tx, row, d, agreed, now); err != nil {
			return done, err
		}
	}
	if len(list) == 0 {
		if len(agreed) == 0 && done.No == nil {
			done.No = endedAlready(tx, d)
		}
		return done, nil
	}
	tx.OnCommit(g.Wake)
	return done, g.decided(tx, row, x, d, list, left == 0, now)
}

// decideOne ends the hold of one recipient, or notes that somebody agreed
// (open). Neither is set for one about whom the person may not decide.
func (g *Gateway) decideOne(
	tx *store.Tx, p *spool.Pending, d Decision, again []string, done *Decided, now time.Time,
) (ended, open bool, err error) {
	h, standing, found, err := g.weigh(tx, *p, d, again, now)
	var no *quarantine.Refusal
	if errors.As(err, &no) {
		done.No = err
		done.each[p.Recipient.Address] = quarantine.Fate{Err: err}
		return false, false, g.noteLater(tx, h, again, now)
	}
	if err != nil {
		return false, false, err
	}
	_, waited, err := spool.EndPending(tx, p.Message, p.Recipient.Address)
	if err != nil || !waited {
		return false, false, err
	}
	if found {
		p.Of, p.Agreed = h.Of, h.AgreedBy()
		open = standing == quarantine.Open
		if open {
			done.Needed, done.Missing = max(done.Needed, h.Of), max(done.Missing, h.Of-len(p.Agreed))
		}
	} else {
		open = done.wants(p, d)
	}
	if open {
		done.each[p.Recipient.Address] = quarantine.Fate{Voted: true}
		if err := spool.AddPending(tx, *p); err != nil || !found {
			return false, true, err
		}
		return false, true, quarantine.Put(tx, h)
	}
	done.each[p.Recipient.Address] = quarantine.Fate{}
	if h.Message == "" {
		return true, false, nil
	}
	how := d.how()
	if standing == quarantine.Refused && how == quarantine.Released {
		how = quarantine.Rejected
	}
	return true, false, quarantine.End(tx, h, how, d.who(), d.person().By, d.Comment, now)
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
	switch act := d.act(); {
	case d.Release:
		if d.Encrypted {
			e.handOver(policy.Encrypt)
		}
		e.release(list, g.hopOf(row), e.sentLetter(d, list))
	case act == quarantine.Cancel || act == quarantine.Remove:
		event = spool.Refuse
		e.withdraw(list, string(d.how())+" by its sender")
	default:
		event = spool.Refuse
		if d.Expired {
			event = spool.Expire
		}
		e.decline(list, d)
	}
	e.tellOthers(d, list)
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
// said is what the sender is told once they have it.
func (e *enacting) release(list []spool.Pending, hop func(mail.Address) string, said *letter) {
	var order []string
	by := map[string][]mail.Recipient{}
	with := map[string]fields{}
	e.letGo(list)
	wanted := slices.ContainsFunc(e.holds(list), func(h quarantine.Hold) bool { return h.Request != nil })
	for _, p := range list {
		own := e.extra.Fields[p.Recipient.Address]
		own.shape = own.with(e.front)
		text, _ := json.Marshal(own.shape)
		key := hop(p.Recipient.Address) + "\x00" + string(text)
		if by[key] == nil {
			order = append(order, key)
		}
		by[key], with[key] = append(by[key], p.Recipient), own
	}
	for _, key := range order {
		for rest := range slices.Chunk(by[key], maxGroup) {
			e.add(task.Return, rest, e.row.Envelope.From, parcel{shape: with[key].shape, Inspected: e.extra.Inspected, Said: said, Wanted: wanted})
		}
	}
}

// decline tells the sender that somebody said no, or nobody said anything.
func (e *enacting) decline(list []spool.Pending, d Decision) {
	l := letter{
		Kind: letterDeclined, All: len(unique(e.row.Envelope.To)), Rule: first(list[0].Rules), Why: foundWords(list[0].Because),
		Ref: e.extra.Ref, Outside: e.extra.Outside, Who: d.who(), Comment: d.Comment,
	}
	text := "Declined by a moderator. ref " + e.extra.Ref
	if d.Expired {
		l.Kind, l.Waited, l.Asked = letterExpired, e.now.Sub(list[0].Since), e.asked(list)
		if until := e.offerAgain(d, list); !until.IsZero() {
			l.Days, l.See = int(until.Sub(e.now)/(24*time.Hour)), e.token(quarantine.ToSee, e.row.Envelope.From, until)
		}
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
	p.found = typesOf(j.report)
	copied, err := g.copyOf(ctx, id, body, row.Cut, p)
	if err != nil {
		g.died(err)
		return err
	}
	kept := false
	err = g.DB.Update(ctx, func(tx *store.Tx) error {
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
		if p.subject, err = g.recordJudgment(tx, row, j, p, copied, now); err != nil {
			return err
		}
		tx.OnCommit(func() { kept = true })
		if err := g.keepCopy(tx, row, copied); err != nil {
			return err
		}
		return g.enact(tx, row, p, now)
	})
	if !kept {
		g.discardCopy(copied, err)
	}
	return err
}
