package app

import (
	"context"
	"time"

	"postern.dev/postern/internal/store"
)

// Recover settles what a crash may have left: messages that are done and
// still have octets, and intents without an outcome. Start does it first.
func (a *App) Recover(ctx context.Context) error {
	now := time.Now()
	if err := a.Gateway.Sweep(ctx); err != nil {
		return err
	}
	before := time.Time{} // nobody else can have one
	if a.DB.Postgres() && !a.alone {
		before = now.Add(-longestFlight)
	}
	return a.settleIntents(ctx, before, now)
}

// longestFlight is longer than a message can be under way after its intent
// was written (10 minutes), on a node whose clock differs from ours.
const longestFlight = 30 * time.Minute

// lateIntents settles those that another node left when it crashed. Only
// their age tells them from those of messages that are under way there.
func (a *App) lateIntents(ctx context.Context, now time.Time) error {
	if !a.DB.Postgres() || a.alone {
		return nil
	}
	return a.settleIntents(ctx, now.Add(-longestFlight), now)
}

func (a *App) settleIntents(ctx context.Context, before, now time.Time) error {
	return a.DB.Update(ctx, func(tx *store.Tx) error {
		if err := tx.Lock("intents"); err != nil { // another node may do the same
			return err
		}
		open, err := a.Spool.ReportIntents(tx, before)
		for _, i := range open {
			if err == nil {
				err = a.Gateway.Recover(tx, i, now)
			}
		}
		return err
	})
}
