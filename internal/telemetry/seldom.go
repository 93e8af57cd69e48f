package telemetry

import (
	"sync"
	"time"
)

// SeldomEvery is how often one key of a Seldom is due.
const SeldomEvery = 10 * time.Second

// seldomMost bounds the keys that a Seldom remembers.
const seldomMost = 1000

// Seldom keeps log lines that strangers can cause a thousand times a second
// from filling the log: each key is due every ten seconds, and what was kept
// quiet in between is counted. The zero value is ready.
type Seldom struct {
	mu     sync.Mutex
	last   map[string]time.Time
	silent map[string]int
}

// Due reports whether a line of this key may be written now, and how many were
// not since the last one.
func (s *Seldom) Due(key string, now time.Time) (silent int, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, known := s.last[key]; known && now.Sub(last) < SeldomEvery {
		s.silent[key]++
		return 0, false
	}
	if len(s.last) >= seldomMost || s.last == nil {
		s.last, s.silent = map[string]time.Time{}, map[string]int{}
	}
	silent = s.silent[key]
	s.last[key], s.silent[key] = now, 0
	return silent, true
}
