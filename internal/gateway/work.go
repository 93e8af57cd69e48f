package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
)

// Do makes one attempt at a task: it is the Door of the task runner.
func (g *Gateway) Do(ctx context.Context, t task.Task) []task.Result {
	var p parcel
	if err := json.Unmarshal(t.Payload, &p); err != nil {
		return g.all(t, g.damaged(t, err))
	}
	owner := g.Tenants.Current().Find(t.Tenant)
	if owner == nil {
		return g.all(t, task.Stuck{Problem: problem.TenantGone})
	}
	row, body, err := g.inCustody(ctx, t.Message)
	if err != nil && spool.Problem(err) == "" && !errors.Is(err, spool.ErrGone) && !errors.Is(err, spool.ErrNotFound) {
		return g.all(t, task.Later{Why: "our copy cannot be read just now"})
	}
	if err != nil {
		return g.all(t, g.damaged(t, err))
	}
	defer body.Close()
	if t.Kind == task.Return && !wasAccepted(row, t.Recipients) {
		return g.all(t, g.damaged(t, errors.New("the task is for somebody whom the message is not for")))
	}
	if p.Letter != nil {
		text := p.Letter.write(g, owner, row, body, t.ID, time.Now())
		out := &mail.Outgoing{Body: mail.Bytes(text)}
		env := mail.Envelope{To: t.Recipients}
		return g.attempt(ctx, t, owner.RouteOwn(t.Recipients[0].Address), env, out, changes{})
	}
	out := row.Outgoing(body)
	out.Cut = append([]mail.Range(nil), out.Cut...)
	changed := shaping{tenant: owner, limits: g.Limits}.shape(out, string(row.Front), p.Inspected, p.shape)
	if p.Apart {
		markCopy(out, refOf(row.ID))
	}
	g.seal(ctx, sealing(owner, row.Kind, body), out, &changed, row.Received)
	route := owner.Route(row.Direction, row.Envelope.From, t.Recipients[0].Address)
	return g.attempt(ctx, t, route, row.Envelope.With(t.Recipients), out, changed)
}

// wasAccepted reports whether a message is for all of these: a bit that turned
// in the database must not send it to somebody else.
func wasAccepted(row spool.Message, to []mail.Recipient) bool {
	return !slices.ContainsFunc(to, func(r mail.Recipient) bool {
		return !slices.ContainsFunc(row.Envelope.To, func(e mail.Recipient) bool { return e.Address == r.Address })
	})
}

// attempt speaks with the next hop and says what it came to for everybody.
func (g *Gateway) attempt(ctx context.Context, t task.Task, r mail.Route, e mail.Envelope, o *mail.Outgoing, c changes) []task.Result {
	x, err := g.Door.Open(ctx, r, e, o)
	if err != nil {
		var c *Closed
		if errors.As(err, &c) && c.Outcome != nil {
			return g.all(t, c.Outcome)
		}
		return g.all(t, task.Later{Why: err.Error()})
	}
	results := make([]task.Result, len(e.To))
	taken := 0
	for i, reply := range x.Rcpts() {
		results[i] = task.Result{Recipient: e.To[i].Address}
		if reply.Ok() {
			taken++
			continue
		}
		results[i].Outcome = x.Judge(reply, true)
	}
	if taken == 0 {
		x.Reset()
		return results
	}
	final := x.Send(ctx)
	outcome := task.Outcome(task.Later{Why: "no answer after the message: it may have been taken", Host: x.Host()})
	if !final.None() {
		outcome = x.Judge(final, false)
	} else {
		g.Metrics.Count("possible_duplicates", 1, "tenant", t.Tenant)
		g.Log.Warn("no answer after the onward dot", telemetry.KeyCode, problem.PossibleDuplicate,
			telemetry.KeyMessage, t.Message, telemetry.KeyTenant, t.Tenant, telemetry.KeyHost, x.Host())
	}
	for i := range results {
		if results[i].Outcome == nil {
			results[i].Outcome = outcome
		}
	}
	c.changed = append(c.changed, x.Modified()...)
	if final.Ok() && !c.none() {
		g.write("change of octets", func(tx *store.Tx) error {
			return g.Audit.Change(tx, t.Message, func(m *audit.Message) { c.note(m, time.Now()) })
		})
	}
	if final.Ok() && len(x.Relayed()) > 0 && t.Kind.Accounts() {
		g.mu.Lock()
		g.relayed[t.ID] = x.Relayed()
		g.mu.Unlock()
	}
	return results
}

func (g *Gateway) all(t task.Task, o task.Outcome) []task.Result {
	list := make([]task.Result, len(t.Recipients))
	for i, r := range t.Recipients {
		list[i] = task.Result{Recipient: r.Address, Outcome: o}
	}
	return list
}

// damaged: our own copy cannot be read. It is kept and alarmed; nothing that
// might be wrong is ever sent.
func (g *Gateway) damaged(t task.Task, err error) task.Outcome {
	g.Log.Error("a message in custody cannot be read", telemetry.KeyCode, problem.BodyUnreadable,
		telemetry.KeyMessage, t.Message, telemetry.KeyTenant, t.Tenant, telemetry.KeyError, err)
	return task.Stuck{Problem: problem.BodyUnreadable}
}

// openBody is a body to be closed.
type openBody interface {
	mail.Body
	io.Closer
}

// inCustody reads row and body of a message in custody: what was taken just
// now from memory, else from store and spool, where all of it is verified.
func (g *Gateway) inCustody(ctx context.Context, id string) (row spool.Message, body openBody, err error) {
	if t, found := g.fresh.find(id); found {
		if t.body != nil {
			return t.row, t.body, nil
		}
		if body, err = g.Spool.OpenBody(t.row); err == nil {
			return t.row, body, nil
		}
	}
	err = g.DB.View(ctx, func(tx *store.Tx) error {
		row, err = spool.Get(tx, id)
		return err
	})
	if err != nil {
		return row, nil, err
	}
	body, err = g.Spool.OpenBody(row)
	return row, body, err
}

// Settle writes what follows from the results of an attempt, in the
// transaction that writes the results themselves.
func (g *Gateway) Settle(tx *store.Tx, t task.Task, results []task.Result, now time.Time) error {
	g.fresh.forget(t.Message)
	if task.PutOff(results) && t.Attempts > 1 {
		return nil // nothing new: the record says already that it waits
	}
	if err := g.recordResults(tx, t, results, now); err != nil {
		return err
	}
	if t.Kind.Accounts() || slices.ContainsFunc(results, failed) {
		if err := g.follow(tx, t, results, now); err != nil {
			return err
		}
	}
	return g.finish(tx, t.Message, now)
}

func failed(r task.Result) bool {
	_, is := r.Outcome.(task.Failed)
	return is
}

// follow plans what people are told of the results.
func (g *Gateway) follow(tx *store.Tx, t task.Task, results []task.Result, now time.Time) error {
	row, err := spool.Get(tx, t.Message)
	if err != nil {
		return err
	}
	if t.Kind.Accounts() {
		return g.tellSender(tx, t, row, results, now)
	}
	g.lament(t, results)
	return g.redirectFailed(tx, t, row, now)
}

// tellSender plans the reports about failures, and those of success that the
// next hop does not give.
func (g *Gateway) tellSender(tx *store.Tx, t task.Task, row spool.Message, results []task.Result, now time.Time) error {
	var x extra
	if err := json.Unmarshal(row.Extra, &x); err != nil {
		return fmt.Errorf("gateway: row of %s: %w", row.ID, err)
	}
	if err := g.noteDelivered(tx, row, x, results, now); err != nil {
		return err
	}
	e := enacting{g: g, tx: tx, row: row, extra: x, now: now}
	e.said(t, results)
	all := len(unique(row.Envelope.To))
	l := letter{Kind: letterUndelivered, All: all, Ref: x.Ref, Outside: x.Outside}
	var silent []mail.Address
	for _, r := range results {
		f, failed := r.Outcome.(task.Failed)
		if !failed {
			continue
		}
		to := recipientOf(t, r.Recipient)
		if x.Robotic || row.Envelope.From.Null() || !to.WantsFailure() {
			silent = append(silent, r.Recipient)
			continue
		}
		l.About = append(l.About, reported{Address: r.Recipient, ORcpt: to.ORcpt, Reply: f.Reply, Host: f.Host})
	}
	if len(l.About) > 0 && !e.mayTell() {
		silent, l.About = append(silent, addressesOf(l.About)...), nil
	}
	if len(l.About) > 0 {
		id := e.add(task.Report, []mail.Recipient{{Address: row.Envelope.From, Notify: mail.NotifyNever}}, "", parcel{Letter: &l})
		if e.err == nil {
			e.err = task.Tell(tx, row.ID, addressesOf(l.About), id)
		}
	}
	if e.err == nil && len(silent) > 0 {
		e.err = task.Tell(tx, row.ID, silent, task.Silent)
	}
	g.mu.Lock()
	relayed := g.relayed[t.ID]
	g.mu.Unlock()
	tx.OnCommit(func() { // not before: an undone transaction is tried again
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.relayed, t.ID)
	})
	if len(relayed) > 0 && !x.Robotic && !row.Envelope.From.Null() {
		host := ""
		gone := map[mail.Address]bool{}
		for _, r := range results {
			if d, ok := r.Outcome.(task.Done); ok {
				host, gone[r.Recipient] = d.Host, true
			}
		}
		relayed = slices.DeleteFunc(relayed, func(a mail.Address) bool { return !gone[a] })
		if len(relayed) == 0 {
			return e.err
		}
		l := relayedLetter(relayed, host, x, all)
		e.add(task.Report, []mail.Recipient{{Address: row.Envelope.From, Notify: mail.NotifyNever}}, "", parcel{Letter: &l})
	}
	if e.err == nil && len(l.About) > 0 {
		tx.OnCommit(g.Wake)
	}
	return e.err
}

// lament: a report, notice or copy could not be delivered. Nobody is told by
// mail (RFC 5321 §4.5.5); the operator is.
func (g *Gateway) lament(t task.Task, results []task.Result) {
	for _, r := range results {
		if f, failed := r.Outcome.(task.Failed); failed {
			g.Log.Error("a mail of our own was not taken", telemetry.KeyCode, problem.LetterRefused,
				telemetry.KeyMessage, t.Message, telemetry.KeyTenant, t.Tenant, telemetry.KeyKind, string(t.Kind),
				telemetry.KeyHost, f.Host)
		}
	}
}

func recipientOf(t task.Task, a mail.Address) mail.Recipient {
	for _, r := range t.Recipients {
		if r.Address == a {
			return r
		}
	}
	return mail.Recipient{Address: a}
}

func addressesOf(list []reported) []mail.Address {
	var out []mail.Address
	for _, r := range list {
		out = append(out, r.Address)
	}
	return out
}

// Sweep erases what a crash left behind: messages that are done and still
// have their octets, but for those that are kept because their senders may ask
// again.
func (g *Gateway) Sweep(ctx context.Context) error {
	for after, more := "", true; more; {
		var list []spool.Message
		kept := map[string]bool{}
		err := g.DB.View(ctx, func(tx *store.Tx) (err error) {
			list, err = spool.List(tx, spool.Filter{State: spool.Done, After: after, Limit: 500})
			for _, m := range list {
				if err == nil {
					kept[m.ID], err = spool.IsKept(tx, m.ID)
				}
			}
			return err
		})
		more = len(list) == 500
		for _, m := range list {
			after = m.ID
			if err == nil && !kept[m.ID] {
				err = g.Spool.Erase(ctx, m.ID, time.Now())
			}
		}
		if err != nil {
			g.died(err)
			return err
		}
	}
	return nil
}

// Ledger is the accounts of what was accepted, for task.Balance.
func Ledger(tx *store.Tx, row func(message string, to, waiting []mail.Address, done bool) error) error {
	return spool.Ledger(tx, row)
}

// tenantOf returns the tenant of a message, or an error that names it.
func (g *Gateway) tenantOf(id string) (*tenant.Tenant, error) {
	if t := g.Tenants.Current().Find(id); t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("gateway: tenant %s is not configured", id)
}
