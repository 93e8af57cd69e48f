package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
)

// parcel is the payload of a task: what its attempt needs beside the row of
// the message.
type parcel struct {
	shape
	// Inspected is the value of that field.
	Inspected string `json:"inspected,omitempty"`
	// Apart is set for a copy for somebody whom the message is not for.
	Apart bool `json:"apart,omitempty"`
	// Redirect is set when the task takes the message to somebody else.
	Redirect *redirection `json:"redirect,omitempty"`
	// Letter is set when the task sends a mail of our own.
	Letter *letter `json:"letter,omitempty"`
	// Said is what the sender is told when everybody has the message who was
	// let go together.
	Said *letter `json:"said,omitempty"`
	// Wanted is set when a recipient has asked for it.
	Wanted bool `json:"wanted,omitempty"`
}

// extra is what the gateway keeps in the row of a message.
type extra struct {
	Ref       string `json:"ref"`
	Inspected string `json:"inspected,omitempty"`
	// Robotic is set for automatic mail and the null sender: nobody is told.
	Robotic bool `json:"robotic,omitempty"`
	// Outside is set when the sender is not of the tenant.
	Outside bool `json:"outside,omitempty"`
	// Fields are what policy adds for recipients that wait, by address.
	Fields map[mail.Address]fields `json:"fields,omitempty"`
	// Peer says how the client's connection was secured.
	Peer *peerTLS `json:"peer,omitempty"`
	// Key recognizes a repeat of the arrival.
	Key spool.Key `json:"key,omitempty"`
	// Monitor, OOO and Passes are facts when the message is judged again.
	Monitor bool `json:"monitor,omitempty"`
	OOO     bool `json:"ooo,omitempty"`
	Passes  int  `json:"passes,omitempty"`
	// Writer is who wrote the message, for the history of contacts; "" when no
	// person did.
	Writer mail.Address `json:"writer,omitempty"`
}

// peerTLS is what rules may look at of a client's TLS.
type peerTLS struct {
	Version  uint16   `json:"version"`
	Verified bool     `json:"verified,omitempty"`
	Names    []string `json:"names,omitempty"`
}

// takeCustody keeps a message: body durable, then one transaction with
// everything that follows from the verdict, then 250.
func (g *Gateway) takeCustody(ctx context.Context, tr *trail, m matter) (reply mail.Reply, kept bool) {
	stored, err := g.Spool.Store(ctx, m.arrival.Trace, m.body)
	tr.step("stored")
	if err != nil {
		g.died(err)
		return g.withoutSpool(tr, m, err), false
	}
	copied, err := g.copyOf(ctx, m.arrival.Trace, m.body, m.id.Cut, m.plan)
	if err != nil {
		g.died(err)
		g.discard(stored, err)
		return g.withoutSpool(tr, m, err), false
	}
	reply = replyTaken(m.arrival.Trace)
	row := g.rowOf(m, stored)
	tr.custody(reply)
	m.plan.subject, m.plan.found = tr.subject(), typesOf(m.judgment.report)
	copied.note(&tr.m)
	places := &claims{}
	err = g.DB.UpdateSoon(ctx, g.patience(), func(tx *store.Tx) (err error) {
		now, row := time.Now(), row
		row.Changed = now
		if row.State, err = spool.AddDecided(tx, row, m.plan.event(), now); err != nil {
			return err
		}
		if err := g.enactNow(tx, row, m.plan, now, places); err != nil {
			return err
		}
		if err := g.keepCopy(tx, row, copied); err != nil {
			return err
		}
		if err := g.endTries(tx, tr, m); err != nil {
			return err
		}
		if err := spool.PutRepeat(tx, g.repeatOf(m, reply)); err != nil {
			return err
		}
		tx.OnCommit(func() {
			places.begin(g, row, m.body)
			switch {
			case len(m.plan.held) > 0: // a deadline has begun
				g.Wake()
			case places.left:
				g.work()
			}
		})
		return tr.save(tx)
	})
	tr.step("committed")
	if err != nil {
		places.giveBack()
		g.discard(stored, err)
		g.discardCopy(copied, err)
		return g.withoutSpool(tr, m, err), false
	}
	return reply, true
}

// How long a commit that a client waits for may wait for others, and how many
// messages must be under way for that.
const (
	forCompany = 10 * time.Millisecond
	companions = 6
)

func (g *Gateway) patience() time.Duration {
	if g.flights.count() < companions {
		return 0
	}
	return forCompany
}

// endTries ends what an earlier try left: the intent of a cut-through that
// came to nothing, and the count of deferrals.
func (g *Gateway) endTries(tx *store.Tx, tr *trail, m matter) error {
	if err := tr.endIntent(tx); err != nil {
		return err
	}
	if m.deferred.Count == 0 {
		return nil
	}
	return spool.EndDeferral(tx, m.key)
}

// discard removes a body whose row was not committed. After an ambiguous
// COMMIT (ErrDead) nobody knows: the row, and the 250 for a repeat, may be
// there, so only the sweep of the next start may decide.
func (g *Gateway) discard(b spool.Stored, err error) {
	if !errors.Is(err, store.ErrDead) {
		g.died(g.Spool.Discard(b))
	}
}

// takeUnjudged keeps a message whose judging outlasted the client's
// patience: it is judged in custody, and no answer is lost.
func (g *Gateway) takeUnjudged(ctx context.Context, tr *trail, m matter) (reply mail.Reply, kept bool) {
	stored, err := g.Spool.Store(ctx, m.arrival.Trace, m.body)
	if err != nil {
		g.died(err)
		return g.cannotKeep(tr, err), false
	}
	reply = replyTaken(m.arrival.Trace)
	row := g.rowOf(m, stored)
	tr.unjudged(reply)
	err = g.DB.Update(ctx, func(tx *store.Tx) error {
		if err := spool.Add(tx, row); err != nil {
			return err
		}
		if err := waitForJudgment(tx, row, time.Now()); err != nil {
			return err
		}
		if err := spool.PutRepeat(tx, g.repeatOf(m, reply)); err != nil {
			return err
		}
		tx.OnCommit(g.Wake)
		return tr.save(tx)
	})
	if err != nil {
		g.discard(stored, err)
		return g.cannotKeep(tr, err), false
	}
	return reply, true
}

// toJudge is the end of a wait that is for us, not for a person.
const toJudge = "judge"

func waitForJudgment(tx *store.Tx, row spool.Message, until time.Time) error {
	for _, r := range unique(row.Envelope.To) {
		err := spool.AddPending(tx, spool.Pending{
			Message: row.ID, Tenant: row.Tenant, Recipient: r, Because: "not judged yet",
			Since: row.Received, Until: until, AtEnd: toJudge,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func unique(list []mail.Recipient) []mail.Recipient {
	seen := map[mail.Address]bool{}
	var out []mail.Recipient
	for _, r := range list {
		if !seen[r.Address] {
			seen[r.Address] = true
			out = append(out, r)
		}
	}
	return out
}

// withoutSpool answers when custody was needed and could not be had: what is
// only refused can be refused in the session; everything else waits in
// Exchange.
func (g *Gateway) withoutSpool(tr *trail, m matter, err error) mail.Reply {
	why := g.cannotKeep(tr, err)
	switch {
	case len(m.plan.blocked) > 0 && m.plan.onlyBlocked() && len(m.plan.back) == 0:
		why = replyBlocked(g.shortReason(tr, m))
		tr.ended("refused", why)
		g.write("refusal", tr.save)
		return why
	case len(m.plan.held) > 0 && isFull(err):
		why = replyHoldWithoutSpool()
	}
	tr.ended("deferred", why)
	g.write("deferral", tr.save)
	return why
}

func (g *Gateway) rowOf(m matter, stored spool.Stored) spool.Message {
	x := extra{
		Ref: refOf(m.arrival.Trace), Inspected: m.judgment.verdict.Inspected, Outside: !m.ownSender(),
		Robotic: m.judgment.class.Automatic || m.envelope.From.Null(), Key: m.key, Monitor: m.monitor, OOO: m.ooo, Passes: m.passes,
		Writer: m.judgment.writer,
	}
	x.Fields = fieldsOf(m.plan.held, x, len(unique(m.envelope.To)))
	if m.secured {
		x.Peer = &peerTLS{m.peer.Version, m.peer.Verified, m.peer.Names}
	}
	eight := m.judgment.message != nil && m.judgment.message.EightBit
	return spool.Message{
		ID: m.arrival.Trace, Tenant: m.tenant.ID, Kind: string(m.kind), Direction: m.dir,
		MessageID: m.print.messageID, Envelope: m.envelope, Received: m.arrival.Ended, Stored: stored,
		Cut: m.id.Cut, Front: []byte(g.received(m.arrival, m.tenant, m.dir, m.print)),
		Bare: m.arrival.Bare, EightBit: eight, Extra: x.json(),
	}
}

// json is x as the row keeps it; there is nothing in it that cannot be
// written.
func (x extra) json() json.RawMessage {
	text, err := json.Marshal(x)
	if err != nil {
		panic(fmt.Sprintf("gateway: extra: %v", err))
	}
	return text
}

// fields are what waits with a recipient until it is released: what policy puts
// in front and changes, whom it adds, and what the sender is told then.
type fields struct {
	shape
	Added []mail.Address `json:"added,omitempty"`
	Note  *letter        `json:"note,omitempty"`
	// Of is how many must agree, should the row of the hold be damaged.
	Of int `json:"of,omitempty"`
}

// fieldsOf are what waits with held recipients; all is how many the message
// has.
func fieldsOf(held []fate, x extra, all int) map[mail.Address]fields {
	by := map[mail.Address]fields{}
	for _, f := range held {
		w := fields{shape: shapeOf(f.verdict)}
		for _, a := range f.verdict.Added {
			w.Added = append(w.Added, a.Address)
		}
		if f.verdict.Notify {
			l := noteLetter([]fate{f}, x, all)
			w.Note = &l
		}
		if f.verdict.Hold != nil {
			w.Of = needed(f.verdict.Hold)
		}
		if len(w.Headers)+len(w.Added)+w.Of > 0 || !w.Edit.None() || w.Note != nil {
			by[f.to.Address] = w
		}
	}
	return by
}

// ownSender reports whether the sender is of the tenant, so that reports may
// say why.
func (s subject) ownSender() bool {
	return s.tenant.Owns(s.envelope.From) || s.envelope.From.Null() && s.dir == mail.Out
}

// enact writes everything that follows from a plan for a message in custody,
// inside the caller's transaction, and moves its state unless it was added in
// the state that the plan leads to.
func (g *Gateway) enact(tx *store.Tx, row spool.Message, p plan, now time.Time) error {
	return g.enactNow(tx, row, p, now, nil)
}

// enactNow is enact with places for the tasks, whose attempts begin with the
// commit.
func (g *Gateway) enactNow(tx *store.Tx, row spool.Message, p plan, now time.Time, places *claims) error {
	var x extra
	if err := json.Unmarshal(row.Extra, &x); err != nil {
		return fmt.Errorf("gateway: row of %s: %w", row.ID, err)
	}
	e := enacting{g: g, tx: tx, row: row, extra: x, now: now, claims: places}
	for _, grp := range p.back {
		e.handBack(grp, p.apart)
	}
	for _, f := range p.held {
		e.hold(f, p)
	}
	e.share(p.held)
	e.askToDecide()
	e.refuse(p.blocked)
	e.redirect(p.redirected)
	if len(p.copies) > 0 {
		e.add(task.Copy, recipients(p.copies), row.Envelope.From, parcel{Inspected: x.Inspected, Apart: true})
	}
	for _, grp := range p.added {
		e.add(task.Copy, grp.To, row.Envelope.From, parcel{shape: grp.shape, Inspected: x.Inspected})
	}
	e.note(p.noted)
	e.tellWaiting(p.held)
	if e.err == nil && row.State != spool.Sending && row.State != spool.Held {
		_, e.err = spool.Move(tx, row.ID, p.event(), now)
	}
	if e.err == nil && e.tasks == 0 {
		e.err = g.finish(tx, row.ID, now)
	}
	return e.err
}

// event is what a plan is for the state of its message.
func (p plan) event() spool.Event {
	switch {
	case len(p.held) > 0:
		return spool.Hold
	case len(p.back)+len(p.redirected)+len(p.copies)+len(p.added) == 0:
		return spool.Refuse
	}
	return spool.Pass
}
