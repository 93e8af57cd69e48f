package gateway

import (
	"context"
	"sync"
	"time"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
)

// judges are the messages in custody that are being judged. Each may take as
// long as judging may take at all, so they run side by side, and one tenant
// never takes the last places.
type judges struct {
	mu     sync.Mutex
	busy   map[string]bool // by message
	tenant map[string]int
}

const (
	judgePlaces    = 8
	judgePerTenant = 6
)

func (j *judges) begin(message, tenant string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.busy[message] || len(j.busy) >= judgePlaces || j.tenant[tenant] >= judgePerTenant {
		return false
	}
	if j.busy == nil {
		j.busy, j.tenant = map[string]bool{}, map[string]int{}
	}
	j.busy[message] = true
	j.tenant[tenant]++
	return true
}

func (j *judges) end(message, tenant string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.busy, message)
	if j.tenant[tenant]--; j.tenant[tenant] == 0 {
		delete(j.tenant, tenant)
	}
}

// judgeLater judges a message in custody beside everything else. It reports
// whether it began; a message that is being judged, or for which there is no
// place, has its turn when another one ends.
func (g *Gateway) judgeLater(ctx context.Context, p spool.Pending) bool {
	if !g.judges.begin(p.Message, p.Tenant) {
		return false
	}
	g.later.Add(1)
	go func() {
		defer g.later.Done()
		err := g.judgeInCustody(ctx, p.Message)
		if err != nil && ctx.Err() == nil {
			g.Log.Error("a message in custody could not be judged", telemetry.KeyCode, problem.LateWrite,
				telemetry.KeyMessage, p.Message, telemetry.KeyTenant, p.Tenant, telemetry.KeyError, err)
			err = g.judgeAgain(ctx, p.Message, time.Now().Add(15*time.Minute))
		}
		g.judges.end(p.Message, p.Tenant)
		if err == nil {
			g.Wake()
		}
	}()
	return true
}

// judgeAgain puts all recipients of a message off that still wait to be
// judged.
func (g *Gateway) judgeAgain(ctx context.Context, message string, until time.Time) error {
	return g.DB.Update(ctx, func(tx *store.Tx) error {
		list, err := spool.PendingOf(tx, message)
		for _, p := range list {
			if err == nil && p.AtEnd == toJudge && !p.Altered {
				err = putBack(tx, p, until)
			}
		}
		return err
	})
}
