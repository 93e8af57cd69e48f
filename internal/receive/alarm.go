package receive

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
)

// alarmEvery is how often one problem may write a log line: what clients can
// cause, a hostile one causes a thousand times a second.
const alarmEvery = 10 * time.Second

// alarms remembers when each problem was last logged.
type alarms struct {
	mu     sync.Mutex
	last   map[problem.Code]time.Time
	silent map[problem.Code]int // how often it was kept quiet since
}

// due reports whether a problem may be logged now, and how often it was not
// since the last time.
func (a *alarms) due(code problem.Code, now time.Time) (silent int, due bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if last, known := a.last[code]; known && now.Sub(last) < alarmEvery {
		a.silent[code]++
		return 0, false
	}
	if a.last == nil {
		a.last, a.silent = map[problem.Code]time.Time{}, map[problem.Code]int{}
	}
	silent = a.silent[code]
	a.last[code], a.silent[code] = now, 0
	return silent, true
}

// alarm logs a problem under its title, and counts it in any case.
func (s *Server) alarm(level slog.Level, code problem.Code, args ...any) {
	s.cfg.Metrics.Count("receive_problems", 1, "code", string(code))
	silent, due := s.alarms.due(code, time.Now())
	if !due {
		return
	}
	p, _ := problem.Find(code)
	args = append(args, telemetry.KeyCode, string(code), telemetry.KeyCount, silent+1)
	s.cfg.Log.Log(context.Background(), level, p.Title, args...)
}
