package gateway

import (
	"context"
	"slices"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/notice"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
)

// keptBack is a line of the digest of what was kept back for somebody: what it
// says is read when the mail is written, so that it is true then.
type keptBack struct {
	Message   string       `json:"message"`
	Recipient mail.Address `json:"recipient"`
	// See is the token of its link.
	See string `json:"see,omitempty"`
}

// mostLinks is how many mails of a digest have a link of their own: more are
// not listed in one mail.
const mostLinks = 100

// digests writes the digests whose hour has come: to each person one, of all
// that he was not told of. That he is told is noted in the transaction that
// writes the mail, so that a stop at any moment costs none and doubles none. It
// returns when the next ones are due.
func (g *Gateway) digests(ctx context.Context, now time.Time) (next time.Time) {
	for _, t := range g.Tenants.Current().Tenants() {
		last, following := t.Digest.Around(now)
		if last.IsZero() || t.Disabled {
			continue
		}
		if next.IsZero() || following.Before(next) {
			next = following
		}
		if g.digested[t.ID].Equal(last) { // nothing from before it is left
			continue
		}
		made, err := true, error(nil)
		for made && err == nil && ctx.Err() == nil {
			made, err = g.digest(ctx, t, last, now)
		}
		switch {
		case ctx.Err() != nil:
		case err != nil:
			g.Log.Error("the digest of what was kept back could not be written", telemetry.KeyCode, problem.LateWrite,
				telemetry.KeyTenant, t.ID, telemetry.KeyError, err)
		default:
			if g.digested == nil {
				g.digested = map[string]time.Time{}
			}
			g.digested[t.ID] = last
		}
	}
	return next
}

// digest writes that of one person for whom something was kept back before a
// moment. made is false when there is nobody left.
func (g *Gateway) digest(ctx context.Context, t *tenant.Tenant, before, now time.Time) (made bool, err error) {
	err = g.DB.Update(ctx, func(tx *store.Tx) error {
		u, found, err := quarantine.UntoldBefore(tx, t.ID, before)
		if made = found; err != nil || !found {
			return err
		}
		if err := quarantine.Told(tx, u); err != nil || len(u.Holds) == 0 {
			return err
		}
		people := g.People(t.ID, now)
		to := people.Addresses(u.Holds[0].Recipient)[0]
		if !people.Decides(to) && !shared(people, to) { // nobody is there who could look
			return nil
		}
		d := dispatch{Kind: notice.Digest, All: u.All, Ref: refOf(store.NewID(now)), Languages: g.reads(t, to)}
		for i, h := range u.Holds {
			k := keptBack{Message: h.Message, Recipient: h.Recipient}
			if i < mostLinks {
				e := enacting{g: g, tx: tx, now: now}
				e.row.ID, e.row.Tenant = h.Message, t.ID
				if k.See = e.token(quarantine.ToSee, to, h.Until); e.err != nil {
					return e.err
				}
			}
			d.Kept = append(d.Kept, k)
		}
		return g.send(tx, t.ID, to, d, now)
	})
	return made, err
}

// reads are the languages of a person, the best first: his own, and those of
// the tenant.
func (g *Gateway) reads(t *tenant.Tenant, a mail.Address) []string {
	if d := g.Directories.Of(t.ID); d != nil {
		if e, found := d.Find(a); found && e.Language() != "" {
			return append([]string{e.Language()}, t.Languages...)
		}
	}
	return t.Languages
}

// keptLines puts into a digest what is true of its mails now. What the reader
// has got meanwhile, and what its sender took back, is left out; ok is false
// when nothing is left to tell.
func (g *Gateway) keptLines(ctx context.Context, t *tenant.Tenant, to mail.Address, d dispatch, a *notice.About) (ok bool) {
	people := g.People(t.ID, time.Now())
	reader := quarantine.Person{Tenant: t.ID, Address: people.Addresses(to)[0], By: quarantine.ByDevice}
	a.Further = d.All - len(d.Kept)
	for _, k := range d.Kept {
		list, err := g.holdsOf(ctx, k.Message)
		at := slices.IndexFunc(list, func(h quarantine.Hold) bool { return h.Recipient == k.Recipient })
		if err != nil || at < 0 || list[at].Altered {
			continue
		}
		h := list[at]
		line := notice.Kept{At: h.Since, From: h.Sender, Subject: h.Subject, Why: inWords(t, notice.Digest, a.Languages, foundWords(h.Because))}
		if k.See != "" {
			line.Link = seeLink(t, k.See)
		}
		switch {
		case h.Ended == nil:
			line.May = rightsOf(&h, reader)
			if !h.Until.IsZero() && (a.Times["until"].IsZero() || h.Until.Before(a.Times["until"])) {
				a.Times["until"] = h.Until
			}
		case h.Ended.How == quarantine.Rejected || h.Ended.How == quarantine.Expired:
			line.Ended = string(h.Ended.How)
		default:
			continue
		}
		if since := a.Times["since"]; since.IsZero() || h.Since.Before(since) {
			a.Times["since"] = h.Since
		}
		a.Kept = append(a.Kept, line)
	}
	return len(a.Kept)+max(a.Further, 0) > 0
}

// rightsOf are those that somebody has about a mail that was kept back for him.
func rightsOf(h *quarantine.Hold, p quarantine.Person) (list []string) {
	add := func(r policy.Right, is bool) {
		if is {
			list = append(list, string(r))
		}
	}
	_, _, closed := h.Shows(p)
	add(policy.RightPreview, closed == nil)
	add(policy.RightRequest, h.May(p, quarantine.Request) == nil)
	add(policy.RightRelease, h.May(p, quarantine.Release) == nil)
	add(policy.RightSee, len(list) == 0)
	return list
}
