package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"postern.dev/postern/internal/evidence"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
)

// endsAtOnce is how many holds are read at a time.
const endsAtOnce = 100

// byRetention is who ends what has waited for as long as octets are kept.
const byRetention = "retention"

// EndHolds ends the holds of a tenant that have waited since before a moment:
// octets are not kept for longer for somebody who does not decide. They end as
// a deadline ends them that refuses: the sender is told, and so are those who
// did not decide. What is pinned stays. It returns for how many recipients.
func (g *Gateway) EndHolds(ctx context.Context, tenant string, before time.Time) (n int, err error) {
	for behind := (spool.Pending{}); ; {
		var list []spool.Pending
		bad := g.DB.View(ctx, func(tx *store.Tx) (err error) {
			list, err = spool.PendingSince(tx, tenant, before, behind, endsAtOnce)
			return err
		})
		if bad != nil {
			return n, errors.Join(err, bad)
		}
		done := map[string]bool{}
		for _, p := range list {
			if p.Altered || p.AtEnd == toJudge || done[p.Message] {
				continue
			}
			done[p.Message] = true
			d, bad := g.Decide(ctx, Decision{Message: p.Message, To: waitingSince(list, p.Message), Actor: byRetention, Expired: true})
			switch {
			case ctx.Err() != nil:
				return n, ctx.Err()
			case bad != nil: // it must not stand in front of everybody else's
				err = fmt.Errorf("gateway: end the hold of %s: %w", p.Message, bad)
			default:
				n += d.Done
			}
		}
		if len(list) < endsAtOnce {
			return n, err
		}
		behind = list[endsAtOnce-1]
	}
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
