package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"postern.dev/postern/internal/post"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
)

// How long things are kept whose time no tenant sets.
const (
	keepRows   = 7 * 24 * time.Hour  // of finished messages, for queue and held
	keepFacts  = 35 * 24 * time.Hour // a replay over a month, and some days
	keepNobody = 30 * 24 * time.Hour // records of strangers and of tenants that are gone
)

// housekeeping forgets what is over and keeps figures fresh.
func (a *App) housekeeping(ctx context.Context) {
	figures := time.NewTicker(15 * time.Second)
	defer figures.Stop()
	hourly := time.NewTicker(time.Hour)
	defer hourly.Stop()
	a.refresh(ctx)
	daily := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-figures.C:
			a.tick(ctx, time.Now())
			a.figures(ctx)
		case now := <-hourly.C:
			a.hour(ctx, now)
			if now.Sub(daily) >= 24*time.Hour {
				daily = now
				a.refresh(ctx)
			}
		}
	}
}

// hour does what is done once an hour. It stops when the next hour is near,
// so that a backlog does not take the store for itself.
func (a *App) hour(ctx context.Context, now time.Time) {
	limited, cancel := context.WithTimeout(ctx, 45*time.Minute)
	defer cancel()
	jobs := []func(context.Context, time.Time) error{a.sweep, a.lateIntents, a.balance}
	if !a.clock.calmly(now) {
		jobs = append(jobs, a.endHolds, a.endKept, a.forgetMessages, a.forgetHolds, a.forgetRecords, a.forgetRest, a.forgetContacts,
			a.expireEvidence, a.prune)
	}
	jobs = append(jobs, a.tidy)
	for _, job := range jobs {
		if err := job(limited, now); err != nil && ctx.Err() == nil {
			a.Log.Error("old records could not be removed", telemetry.KeyCode, problem.LateWrite, telemetry.KeyError, err)
		}
	}
}

// few is how much one transaction removes: the writer has other work too.
const few = 100

// forgetMessages removes the rows of messages that were finished a week ago.
func (a *App) forgetMessages(ctx context.Context, now time.Time) error {
	for {
		n := 0
		err := a.DB.Update(ctx, func(tx *store.Tx) error {
			gone, err := spool.Forget(tx, now.Add(-keepRows), few)
			n = len(gone)
			for _, id := range gone {
				if err == nil {
					err = task.Forget(tx, id)
				}
			}
			return err
		})
		if err != nil || n < few {
			return err
		}
	}
}

// forgetHolds removes holds that ended as long ago, and codes, devices, tokens
// and counts whose time is over.
func (a *App) forgetHolds(ctx context.Context, now time.Time) error {
	var tenants []string
	err := a.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if err = errors.Join(quarantine.SweepDoors(tx, now), quarantine.SweepUntold(tx, now), post.Sweep(tx, now)); err == nil {
			tenants, err = quarantine.Tenants(tx)
		}
		return err
	})
	for _, id := range tenants {
		for n := int64(few); err == nil && n == few; {
			err = a.DB.Update(ctx, func(tx *store.Tx) (err error) {
				n, err = quarantine.Forget(tx, id, now.Add(-keepRows), few)
				return err
			})
		}
	}
	return err
}

// forgetContacts removes contacts whose time is over, those that are too many,
// and those of tenants that want none remembered.
func (a *App) forgetContacts(ctx context.Context, now time.Time) error {
	for _, id := range a.Contacts.Tenants() {
		keep := tenant.ContactsKept
		if t := a.Tenants.Current().Find(id); t != nil && t.Contacts.Off {
			if err := a.DB.Update(ctx, func(tx *store.Tx) error { return a.Contacts.EraseTenant(tx, id) }); err != nil {
				return err
			}
			continue
		} else if t != nil {
			keep = t.Contacts.Keep
		}
		for n := 1; n > 0; {
			err := a.DB.Update(ctx, func(tx *store.Tx) (err error) {
				n, err = a.Contacts.Forget(tx, id, now.Add(-keep), 10*few)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *App) forgetRest(ctx context.Context, now time.Time) error {
	return a.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := a.Audit.ForgetFacts(tx, now.Add(-keepFacts)); err != nil {
			return err
		}
		tx.OnCommit(func() { a.Gateway.ForgetPast(now) })
		_, err := spool.SweepRepeats(tx, now)
		return err
	})
}

// sweep erases the octets of finished messages that an earlier try left.
func (a *App) sweep(ctx context.Context, _ time.Time) error { return a.Gateway.Sweep(ctx) }

// tidy empties the database's log of what was erased, the wrapped keys of
// bodies among it. When somebody reads just then, the next hour does it.
func (a *App) tidy(ctx context.Context, _ time.Time) error {
	_, err := a.DB.Tidy(ctx)
	return err
}

// balance checks the law of conservation; anything but 0 is an alarm.
func (a *App) balance(ctx context.Context, _ time.Time) error {
	_, lines, err := a.Balance(ctx)
	if err != nil {
		return err
	}
	a.Metrics.Set("balance_difference", float64(len(lines)))
	for _, line := range lines {
		a.Log.Error("the mail balance does not add up: "+line, telemetry.KeyCode, problem.Unbalanced)
	}
	return nil
}

// figures sets the gauges that no event keeps.
func (a *App) figures(ctx context.Context) {
	var open, held int
	err := a.DB.View(ctx, func(tx *store.Tx) (err error) {
		if open, err = task.Count(tx); err == nil {
			held, err = spool.CountPending(tx)
		}
		return err
	})
	if err != nil {
		return
	}
	a.Metrics.Set("custody_tasks", float64(open))
	a.Metrics.Set("custody_held", float64(held))
	for _, id := range a.Contacts.Tenants() {
		pairs, _ := a.Contacts.Size(id)
		a.Metrics.Set("contact_pairs", float64(pairs), "tenant", id)
	}
	for _, s := range a.Directories.States() {
		if s.Directory != nil {
			a.Metrics.Set("directory_age_seconds", s.Directory.Age(time.Now()).Seconds(), "tenant", s.Source.ID)
		}
	}
	from, size, _ := a.Tenants.Published().Source()
	a.Metrics.Set("microsoft_networks", float64(size), "source", from)
}

// refresh asks Microsoft for its addresses. On failure the last good list
// stays, and the operator is told.
func (a *App) refresh(ctx context.Context) {
	if !a.Config.Microsoft.Refresh {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := a.fetchNetworks(ctx); err != nil {
		a.Log.Warn("Microsoft's list of addresses could not be refreshed", telemetry.KeyCode, problem.StaleNetworks, telemetry.KeyError, err)
	}
}

func (a *App) fetchNetworks(ctx context.Context) error {
	const service = "https://endpoints.office.com/endpoints/worldwide?ServiceAreas=Exchange&ClientRequestId="
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, service+requestID(), nil)
	if err != nil {
		return err
	}
	client := &http.Client{}
	if a.world.Dial != nil {
		client.Transport = &http.Transport{DialContext: a.world.Dial}
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("app: endpoints service: %s", res.Status)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return err
	}
	return a.Tenants.Published().Refresh(text, time.Now())
}
