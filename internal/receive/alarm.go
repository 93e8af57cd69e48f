package receive

import (
	"context"
	"log/slog"
	"time"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
)

// alarm logs a problem under its title, and counts it in any case.
func (s *Server) alarm(level slog.Level, code problem.Code, args ...any) {
	s.cfg.Metrics.Count("receive_problems", 1, "code", string(code))
	silent, due := s.alarms.Due(string(code), time.Now())
	if !due {
		return
	}
	p, _ := problem.Find(code)
	args = append(args, telemetry.KeyCode, string(code), telemetry.KeyCount, silent+1)
	s.cfg.Log.Log(context.Background(), level, p.Title, args...)
}
