package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/telemetry"
)

// How long things are kept whose time no tenant sets.
const (
	keepRows    = 7 * 24 * time.Hour // of finished messages, for queue and held
	keepIntents = 48 * time.Hour
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
			a.figures(ctx)
		case now := <-hourly.C:
			if err := a.forget(ctx, now); err != nil && ctx.Err() == nil {
				a.Log.Error("old records could not be removed", telemetry.KeyCode, problem.LateWrite, telemetry.KeyError, err)
			}
			if now.Sub(daily) >= 24*time.Hour {
				daily = now
				a.refresh(ctx)
			}
		}
	}
}

func (a *App) forget(ctx context.Context, now time.Time) error {
	return a.DB.Update(ctx, func(tx *store.Tx) error {
		gone, err := spool.Forget(tx, now.Add(-keepRows), 1000)
		if err != nil {
			return err
		}
		for _, id := range gone {
			if err := task.Forget(tx, id); err != nil {
				return err
			}
		}
		if _, err := spool.SweepIntents(tx, now.Add(-keepIntents)); err != nil {
			return err
		}
		if _, err := spool.SweepRepeats(tx, now); err != nil {
			return err
		}
		for _, t := range a.Tenants.Current().Tenants() {
			old, err := a.Audit.Erasable(tx, t.ID, now.Add(-t.Keep), 500)
			if err != nil {
				return err
			}
			for _, id := range old {
				if _, err := a.Audit.Erase(tx, t.ID, id, "retention", "kept as long as the tenant says", now); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// figures sets the gauges that no event keeps.
func (a *App) figures(ctx context.Context) {
	sum, lines, err := a.Balance(ctx)
	if err != nil {
		return
	}
	a.Metrics.Set("custody_recipients", float64(sum.Open), "state", "sending")
	a.Metrics.Set("custody_recipients", float64(sum.Held), "state", "held")
	a.Metrics.Set("balance_difference", float64(len(lines)))
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
