package task

import (
	"math/rand/v2"
	"time"
)

// Schedule says when a task is tried again. It is the retry section of
// postern.yaml.
type Schedule struct {
	// Steps are the pauses after the first, second, … attempt. The last one
	// repeats.
	// Default: [1m, 5m, 15m, 1h].
	Steps []time.Duration
	// GiveUp is how long after its first attempt a task is given up and the
	// sender told.
	// Default: 24h.
	GiveUp time.Duration
}

// stuckPause is how often a task is tried whose problem only a person can
// solve. `queue retry` does not wait for it.
const stuckPause = time.Hour

func (s Schedule) withDefaults() Schedule {
	if len(s.Steps) == 0 {
		s.Steps = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}
	}
	if s.GiveUp == 0 {
		s.GiveUp = 24 * time.Hour
	}
	return s
}

// Next is the pause after the given attempt (1 is the first). It differs by
// up to a fifth either way, so that what failed together is not tried again
// together.
func (s Schedule) Next(attempt int, rnd *rand.Rand) time.Duration {
	s = s.withDefaults()
	i := min(max(attempt, 1), len(s.Steps)) - 1
	return jitter(s.Steps[i], rnd)
}

func jitter(d time.Duration, rnd *rand.Rand) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rnd.Float64()))
}
