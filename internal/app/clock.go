package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
)

// Deadlines, retries and retention hang on the wall clock, and a machine may
// start with a wrong one. What it said last stands in the store; docs/decisions/
// 0021 says why a leap puts off what cannot be taken back.
const (
	leap      = 12 * time.Hour   // a stop of the gateway is seldom longer
	backwards = 10 * time.Minute // more than nodes of one installation differ
	calm      = 24 * time.Hour   // for an administrator to look at the clock
	beat      = time.Hour
)

// clock is what is known of the wall clock.
type clock struct {
	mu    sync.Mutex
	seen  time.Time // by this process, with its monotonic reading
	kept  time.Time // in the store
	until time.Time // nothing ends by itself before
}

// calmly reports whether what the clock would end must wait.
func (c *clock) calmly(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return now.Before(c.until)
}

// read compares the time now with the last one in the store and the pause
// that it may have begun.
func read(last, until, now time.Time) (pause time.Time, code problem.Code) {
	switch {
	case last.IsZero(): // the first start
		return time.Time{}, ""
	case now.Before(last.Add(-backwards)):
		return time.Time{}, problem.ClockBack
	case now.Sub(last) > leap:
		return now.Add(calm), problem.ClockAhead
	case until.After(now) && until.Sub(now) <= calm: // started again meanwhile
		return until, ""
	}
	return time.Time{}, ""
}

// moved judges what the wall clock did while the process ran, beside what
// really passed.
func moved(wall, really time.Duration) problem.Code {
	switch off := wall - really; {
	case off > time.Hour:
		return problem.ClockAhead
	case off < -backwards:
		return problem.ClockBack
	}
	return ""
}

// startClock reads the store's time before anything that is due is done.
func (a *App) startClock(ctx context.Context, now time.Time) error {
	var last, until int64
	err := a.DB.View(ctx, func(tx *store.Tx) error {
		err := tx.QueryRow("SELECT last, calm_until FROM clock WHERE id = 1").Scan(&last, &until)
		if errors.Is(err, store.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	pause, code := read(store.Moment(last), store.Moment(until), now)
	return a.turned(ctx, code, pause, store.Moment(last), now)
}

// tick notices a clock that was set while the process runs.
func (a *App) tick(ctx context.Context, now time.Time) {
	a.clock.mu.Lock()
	seen, kept, until := a.clock.seen, a.clock.kept, a.clock.until
	a.clock.mu.Unlock()
	code := moved(now.Round(0).Sub(seen.Round(0)), now.Sub(seen))
	if code == problem.ClockAhead {
		until = now.Add(calm)
	}
	if code == "" && now.Sub(kept) < beat && !now.Before(kept) {
		a.clock.mu.Lock()
		a.clock.seen = now
		a.clock.mu.Unlock()
		return
	}
	if err := a.turned(ctx, code, until, seen, now); err != nil && ctx.Err() == nil {
		a.Log.Error("the time could not be noted", telemetry.KeyCode, problem.LateWrite, telemetry.KeyError, err)
	}
}

// turned notes the time and what follows from a clock that was set.
func (a *App) turned(ctx context.Context, code problem.Code, until, before, now time.Time) error {
	a.clock.mu.Lock()
	a.clock.seen, a.clock.kept, a.clock.until = now, now, until
	a.clock.mu.Unlock()
	switch code {
	case problem.ClockAhead:
		a.Log.Error("the clock is far ahead of the last time it said; nothing ends by itself for a day",
			telemetry.KeyCode, code, telemetry.KeyTook, now.Sub(before))
	case problem.ClockBack:
		a.Log.Error("the clock is behind the last time it said; tasks are planned again",
			telemetry.KeyCode, code, telemetry.KeyTook, now.Sub(before))
	}
	return a.DB.Update(ctx, func(tx *store.Tx) error {
		if code == problem.ClockBack {
			if err := errors.Join(a.Tasks.Replan(tx, now), spool.Rebase(tx, now), quarantine.Rebase(tx, now)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`INSERT INTO clock (id, last, calm_until) VALUES (1, ?, ?)
			ON CONFLICT (id) DO UPDATE SET last = excluded.last, calm_until = excluded.calm_until`,
			store.Nanos(now), store.Nanos(until))
		return err
	})
}

func (a *App) calmly() bool { return a.clock.calmly(time.Now()) }
