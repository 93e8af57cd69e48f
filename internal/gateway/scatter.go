package gateway

import (
	"sync"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
)

// A report to somebody outside may go to a stranger whose address was forged:
// back-scatter. So they have a limit, for each tenant and for each sender; our
// tenant's own people are always told.
const (
	scatterPerTenant = 60
	scatterSpan      = time.Hour
	maxScattered     = 10_000 // senders that are remembered
)

// scatter counts the reports to senders outside.
type scatter struct {
	mu      sync.Mutex
	began   map[string]time.Time // by tenant: the hour that is counted
	count   map[string]int
	senders map[scattered]time.Time
}

type scattered struct {
	tenant string
	sender mail.Address
}

func newScatter() *scatter {
	return &scatter{began: map[string]time.Time{}, count: map[string]int{}, senders: map[scattered]time.Time{}}
}

// allow counts a report. first is true for the first that a tenant may not
// send in an hour.
func (s *scatter) allow(tenant string, sender mail.Address, now time.Time) (ok, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := now.Sub(s.began[tenant]); age < 0 || age >= scatterSpan {
		s.began[tenant], s.count[tenant] = now, 0
	}
	key := scattered{tenant, sender}
	last, known := s.senders[key]
	if known && now.Sub(last) < scatterSpan && !now.Before(last) {
		return false, false
	}
	if s.count[tenant]++; s.count[tenant] > scatterPerTenant {
		return false, s.count[tenant] == scatterPerTenant+1
	}
	if len(s.senders) >= maxScattered {
		clear(s.senders)
	}
	s.senders[key] = now
	return true, false
}

// mayTell reports whether the sender may get a report about what became of
// the message. It counts: ask once for a report.
func (e *enacting) mayTell() bool {
	from := e.row.Envelope.From
	if e.extra.Robotic || from.Null() {
		return false
	}
	if !e.extra.Outside {
		return true
	}
	ok, first := e.g.scatter.allow(e.row.Tenant, from, e.now)
	if !ok {
		e.g.Metrics.Count("reports_withheld", 1, "tenant", e.row.Tenant)
	}
	if first {
		e.g.Log.Warn("reports to senders outside are withheld for up to an hour", telemetry.KeyCode, problem.ReportsWithheld,
			telemetry.KeyTenant, e.row.Tenant, telemetry.KeyMessage, e.row.ID)
	}
	return ok
}
