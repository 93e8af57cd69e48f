package gateway

import (
	"context"
	"slices"
	"time"

	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
)

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
	acted, later := g.remind(ctx, now)
	if next.IsZero() || !later.IsZero() && later.Before(next) {
		next = later
	}
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
		t := g.Tenants.Current().Find(p.Tenant)
		if t == nil {
			return g.waitOn(ctx, p)
		}
		if _, ok := HandoffField(t, policy.Encrypt); !ok {
			return g.waitOn(ctx, p)
		}
		d.Release, d.Encrypted = true, true
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
	done, err := g.Decide(ctx, d)
	if err == nil && done.Done == 0 && d.Release && quarantine.WhyOf(done.No) == quarantine.NeedsRight {
		d.Release = false // it does not go by itself: its sender is told
		done, err = g.Decide(ctx, d)
	}
	if err == nil && quarantine.WhyOf(done.No) == quarantine.WasAltered { // a person must decide
		g.holdChanged(p)
		return g.DB.Update(ctx, func(tx *store.Tx) error { return putBack(tx, p, time.Now().Add(24*time.Hour)) })
	}
	if err == nil && done.Done == 0 {
		err = done.No
	}
	if why := quarantine.WhyOf(err); why == quarantine.OverAlready || why == quarantine.IsPinned {
		return nil // somebody was faster
	}
	return err
}

// waitOn keeps a message whose end is encryption, when the tenant has no field
// by which Exchange is asked for it (any more): it is neither sent in the clear
// nor thrown away, but waits for an administrator, who is called once a day.
func (g *Gateway) waitOn(ctx context.Context, p spool.Pending) error {
	g.Log.Error("a hold ended that shall be encrypted, and the tenant has no way to it", telemetry.KeyCode, problem.NoSecureWay,
		telemetry.KeyMessage, p.Message, telemetry.KeyTenant, p.Tenant)
	return g.DB.Update(ctx, func(tx *store.Tx) error { return putBack(tx, p, time.Now().Add(24*time.Hour)) })
}

// putBack gives a recipient who still waits a later deadline; one that was
// decided meanwhile stays decided, and one that was pinned stays without any.
func putBack(tx *store.Tx, p spool.Pending, until time.Time) error {
	list, err := spool.PendingOf(tx, p.Message)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(list, func(x spool.Pending) bool { return x.Recipient.Address == p.Recipient.Address })
	if at < 0 || list[at].Altered || !list[at].Until.Equal(p.Until) {
		return nil
	}
	if err := moveDeadline(tx, p.Message, p.Recipient.Address, until); err != nil {
		return err
	}
	h, found, err := quarantine.Find(tx, p.Message, p.Recipient.Address)
	if err != nil || !found || h.Altered || h.Ended != nil {
		return err
	}
	h.Until = until
	return quarantine.Put(tx, h)
}
