package deliver

import (
	"context"
	"sync"
	"time"
)

// throttle limits the transactions of each tenant with each next hop. A next
// hop that asks us to slow down halves the limit; each message it takes widens
// it a little. No lane knows of another, so a throttled tenant costs the
// others nothing.
type throttle struct {
	most int

	mu    sync.Mutex
	lanes map[laneKey]*lane
}

type laneKey struct{ tenant, hop string }

type lane struct {
	key     laneKey
	limit   float64
	used    int
	waiting []chan struct{} // first come, first served
	cut     time.Time       // when the limit was halved last
	last    time.Time       // when it was used last
}

const (
	// cutPause keeps the answers to what was already under way from cutting
	// the limit several times for one reason.
	cutPause = 5 * time.Second
	// maxLanes and laneRest bound what is remembered of idle lanes.
	maxLanes = 1000
	laneRest = time.Hour
)

func newThrottle(most int) *throttle {
	return &throttle{most: most, lanes: map[laneKey]*lane{}}
}

// slot is the right to one transaction.
type slot struct {
	t    *throttle
	lane *lane
	once sync.Once
}

// acquire waits for a slot.
func (t *throttle) acquire(ctx context.Context, tenant, hop string) (*slot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.Lock()
	l := t.lane(laneKey{tenant, hop})
	if l.used < int(l.limit) && len(l.waiting) == 0 {
		l.used++
		t.mu.Unlock()
		return &slot{t: t, lane: l}, nil
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	t.mu.Unlock()
	select {
	case <-turn:
		return &slot{t: t, lane: l}, nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, w := range l.waiting {
		if w == turn {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			return nil, ctx.Err()
		}
	}
	l.used-- // our turn came in the same moment
	t.wake(l)
	return nil, ctx.Err()
}

func (t *throttle) lane(k laneKey) *lane {
	l := t.lanes[k]
	if l == nil {
		if len(t.lanes) >= maxLanes {
			t.sweep(time.Now())
		}
		l = &lane{key: k, limit: float64(t.most)}
		t.lanes[k] = l
	}
	l.last = time.Now()
	return l
}

func (t *throttle) sweep(now time.Time) {
	for k, l := range t.lanes {
		if l.used == 0 && len(l.waiting) == 0 && now.Sub(l.last) > laneRest {
			delete(t.lanes, k)
		}
	}
}

func (t *throttle) wake(l *lane) {
	for l.used < int(l.limit) && len(l.waiting) > 0 {
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
		l.used++
	}
}

// saw learns from an outcome.
func (s *slot) saw(o Outcome) {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	l := s.lane
	switch {
	case o.Throttled:
		if now := time.Now(); now.Sub(l.cut) >= cutPause {
			l.limit, l.cut = max(1, l.limit/2), now
		}
	case o.Kind == Done:
		l.limit = min(float64(s.t.most), l.limit+1/l.limit)
		s.t.wake(l)
	}
}

// release gives the slot back; it may be called more than once.
func (s *slot) release() {
	s.once.Do(func() {
		s.t.mu.Lock()
		defer s.t.mu.Unlock()
		l := s.lane
		l.used--
		s.t.wake(l)
		if l.used == 0 && int(l.limit) >= s.t.most {
			delete(s.t.lanes, l.key)
		}
	})
}

// limitOf is the present limit of a lane.
func (t *throttle) limitOf(tenant, hop string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.lanes[laneKey{tenant, hop}]; l != nil {
		return int(l.limit)
	}
	return t.most
}
