package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
)

// Who got no decision may ask again: the octets of what expired are kept for
// some days, and on a press of its sender they are taken as a new message, which
// is looked into and judged as if he had sent it again. The first one stays what
// it is: refused, and reported.

// How long the octets of what expired are kept so that its sender may ask again.
// When the clock of bytes leaves less than leastAgain, he is not offered it.
const (
	keepAgain  = 5 * 24 * time.Hour
	leastAgain = 2 * 24 * time.Hour
)

// mayAskAgain is until when the sender may ask again for what expires now; zero
// for never. He must be a person of the tenant whom a link reaches.
func (e *enacting) mayAskAgain(d Decision) time.Time {
	t := e.g.Tenants.Current().Find(e.row.Tenant)
	if !d.Expired || d.Release || d.Actor == byRetention || e.g.Doors == nil || t == nil || t.Console == "" ||
		e.extra.Robotic || e.extra.Outside || e.row.Envelope.From.Null() {
		return time.Time{}
	}
	until := e.now.Add(keepAgain)
	if e.g.KeepsBytes != nil {
		if end := e.row.Received.Add(e.g.KeepsBytes(e.row.Tenant)); end.Before(until) {
			until = end
		}
	}
	if until.Before(e.now.Add(leastAgain)) {
		return time.Time{}
	}
	return until
}

// offerAgain keeps the octets, and notes with the holds that their sender may
// ask again.
func (e *enacting) offerAgain(d Decision, list []spool.Pending) (until time.Time) {
	until = e.mayAskAgain(d)
	if e.err != nil || until.IsZero() {
		return time.Time{}
	}
	n := 0
	for _, h := range e.holds(list) {
		if h.Delay || e.err != nil {
			continue
		}
		n++
		h.AskUntil = until
		e.err = quarantine.Put(e.tx, h)
	}
	if e.err != nil || n == 0 {
		return time.Time{}
	}
	e.err = spool.Keep(e.tx, e.row.ID, until)
	return until
}

// AskAgain takes a message that expired as a new one, for those of its
// recipients for whom its sender may ask again, and returns the new one's id.
// Who may not gets a *quarantine.Refusal.
func (g *Gateway) AskAgain(ctx context.Context, d Deed) (id string, n int, err error) {
	now := time.Now()
	holds, err := g.holdsOf(ctx, d.Message)
	if err != nil {
		return "", 0, err
	}
	if _, err := g.askable(holds, d, now); err != nil { // nothing is stored for nobody
		return "", 0, err
	}
	gone := &quarantine.Refusal{Code: quarantine.NotPossible, Text: "the mail is not here any more: send it again"}
	row, body, err := g.inCustody(ctx, d.Message)
	if errors.Is(err, spool.ErrGone) || errors.Is(err, spool.ErrNotFound) {
		return "", 0, gone
	}
	if err != nil {
		return "", 0, err
	}
	defer body.Close()
	id = store.NewID(now)
	stored, err := g.Spool.Store(ctx, id, body)
	if err != nil {
		g.died(err)
		return "", 0, err
	}
	header := mail.ParseHeader(body)
	err = g.DB.Update(ctx, func(tx *store.Tx) error {
		all, err := quarantine.Of(tx, d.Message)
		if err != nil {
			return err
		}
		list, err := g.askable(all, d, now)
		if err != nil {
			return err
		}
		n = len(list)
		return g.takeAgain(tx, again{from: row, id: id, stored: stored, header: header, holds: list, all: all}, d, now)
	})
	if err != nil {
		g.discard(stored, err)
		return "", 0, err
	}
	return id, n, nil
}

// askable are the holds for which somebody may ask again now, or why he may
// not.
func (g *Gateway) askable(holds []quarantine.Hold, d Deed, now time.Time) (list []quarantine.Hold, err error) {
	err = &quarantine.Refusal{Code: quarantine.NotPossible, Text: "nobody waited there: the id is wrong, or it is long over"}
	for _, h := range holds {
		if len(d.To) > 0 && !among(d.To, h.Recipient) {
			continue
		}
		who, no := g.identified(h.Tenant, d.Person, quarantine.AskAgain, now)
		if no == nil {
			no = h.MayAskAgain(who, now)
		}
		if no != nil {
			err = no
			continue
		}
		list = append(list, h)
	}
	if len(list) > 0 {
		return list, nil
	}
	return nil, err
}

// again is a message that is taken once more.
type again struct {
	from   spool.Message
	id     string
	stored spool.Stored
	header *mail.Header
	// holds are those for which it was asked, all of the first message.
	holds, all []quarantine.Hold
}

// takeAgain writes the new message, what is known of it, and in the first one
// that it was asked for.
func (g *Gateway) takeAgain(tx *store.Tx, a again, d Deed, now time.Time) error {
	t, err := g.tenantOf(a.from.Tenant)
	if err != nil {
		return err
	}
	var x extra
	if err := json.Unmarshal(a.from.Extra, &x); err != nil {
		return fmt.Errorf("gateway: row of %s: %w", a.from.ID, err)
	}
	x.Ref, x.Key, x.Fields = refOf(a.id), spool.Key(a.id), nil
	row := a.from
	row.ID, row.Stored, row.State, row.Received, row.Changed, row.BytesGone = a.id, a.stored, "", now, now, false
	row.Extra = x.json()
	row.Envelope.To = slices.DeleteFunc(slices.Clone(a.from.Envelope.To), func(r mail.Recipient) bool {
		return !slices.ContainsFunc(a.holds, func(h quarantine.Hold) bool { return h.Recipient == r.Address })
	})
	tr := &trail{g: g, trace: a.id, tenant: row.Tenant, began: now, m: audit.Message{
		ID: a.id, Tenant: row.Tenant, Ref: x.Ref, From: row.Envelope.From, Received: now, Size: a.stored.Size, Kind: row.Kind,
		Direction: row.Direction, Mode: "inline",
	}}
	for _, r := range unique(row.Envelope.To) {
		tr.m.Recipients = append(tr.m.Recipients, audit.Recipient{Address: r.Address})
	}
	tr.words(a.header, t.Secrets())
	tr.did("asked again", "for "+refOf(a.from.ID)+", by its sender")
	tr.unjudged(replyTaken(a.id))
	if err := errors.Join(spool.Add(tx, row), waitForJudgment(tx, row, now), tr.save(tx)); err != nil {
		return err
	}
	for i := range a.holds {
		h := &a.holds[i]
		h.Again = &quarantine.AskedAgain{By: d.Person.Key(), At: now, Message: a.id}
		if err := quarantine.Put(tx, *h); err != nil {
			return err
		}
	}
	if err := g.letGoOfBytes(tx, a, now); err != nil {
		return err
	}
	tx.OnCommit(g.Wake)
	return g.recordDeed(tx, d, a.holds, now)
}

// letGoOfBytes gives up the octets of the first message when nobody can ask for
// it any more.
func (g *Gateway) letGoOfBytes(tx *store.Tx, a again, now time.Time) error {
	for _, h := range a.all {
		asked := slices.ContainsFunc(a.holds, func(x quarantine.Hold) bool { return x.Recipient == h.Recipient })
		if !asked && now.Before(h.AskUntil) && h.Again == nil {
			return nil
		}
	}
	return g.unkeep(tx, a.from.ID, now)
}

// unkeep keeps the octets of a message no longer than it needs itself.
func (g *Gateway) unkeep(tx *store.Tx, id string, now time.Time) error {
	if err := spool.Unkeep(tx, id); err != nil {
		return err
	}
	if state, err := spool.StateOf(tx, id); err != nil || state != spool.Done {
		if errors.Is(err, spool.ErrNotFound) {
			err = nil
		}
		return err
	}
	file, err := spool.GiveUp(tx, id, now)
	if err == nil {
		tx.OnCommit(func() { g.unlink(id, file) })
	}
	return err
}

// mostUnkept is how many messages one transaction gives up.
const mostUnkept = 100

// EndKept gives up the octets of what nobody has asked for again in time. It
// returns of how many.
func (g *Gateway) EndKept(ctx context.Context, now time.Time) (n int, err error) {
	for more := true; more && err == nil; {
		err = g.DB.Update(ctx, func(tx *store.Tx) error {
			due, err := spool.NoLongerKept(tx, now, mostUnkept)
			more = len(due) == mostUnkept
			for _, id := range due {
				if err == nil {
					err = g.unkeep(tx, id, now)
				}
			}
			tx.OnCommit(func() { n += len(due) })
			return err
		})
	}
	return n, err
}
