package gateway

import (
	"context"
	"errors"
	"time"

	"postern.dev/postern/internal/evidence"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
)

// EndHolds ends the holds of a tenant that have waited since before a moment:
// octets are not kept for longer for somebody who does not decide. They end as
// a deadline ends them that refuses: the sender is told, and so are those who
// did not decide. What is pinned stays. It returns for how many recipients.
func (g *Gateway) EndHolds(ctx context.Context, tenant string, before time.Time) (n int, err error) {
	var list []spool.Pending
	err = g.DB.View(ctx, func(tx *store.Tx) (err error) {
		list, err = spool.PendingSince(tx, tenant, before, 1000)
		return err
	})
	done := map[string]bool{}
	for _, p := range list {
		if err != nil || p.Altered || p.AtEnd == toJudge || done[p.Message] {
			continue
		}
		done[p.Message] = true
		var d Decided
		d, err = g.Decide(ctx, Decision{Message: p.Message, To: waitingSince(list, p.Message), Actor: "retention", Expired: true})
		if quarantine.WhyOf(err) != "" { // pinned, or somebody decided meanwhile
			err = nil
		}
		n += d.Done
	}
	return n, err
}

// waitingSince are those of a message in a list.
func waitingSince(list []spool.Pending, message string) (to []mail.Address) {
	for _, p := range list {
		if p.Message == message {
			to = append(to, p.Recipient.Address)
		}
	}
	return to
}

// Spare reports whether the record of a message must stay whatever its age is:
// it is in custody, or a copy of it is kept. With rows it also stays until the
// rows of a finished message are forgotten, so that the books add up.
func Spare(tx *store.Tx, message string, rows bool) (bool, error) {
	state, err := spool.StateOf(tx, message)
	if err == nil && (rows || state != spool.Done) {
		return true, nil
	}
	if err != nil && !errors.Is(err, spool.ErrNotFound) {
		return false, err
	}
	c, err := evidence.Find(tx, message)
	if errors.Is(err, evidence.ErrNotFound) {
		return false, nil
	}
	return err == nil && c.Ended.IsZero(), err
}
