package gateway

import (
	"context"
	"sync"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
)

// past is what is known of earlier arrivals of the same message.
type past struct {
	repeat   *mail.Reply
	deferral spool.Deferral
}

// known looks an arrival up in the store.
func (g *Gateway) known(ctx context.Context, key spool.Key) (p past, err error) {
	g.memory.awaitSettled(key)
	may, err := g.memory.may(ctx, g.DB, key)
	if err == nil && may {
		now := time.Now()
		err = g.DB.View(ctx, func(tx *store.Tx) error {
			r, found, err := spool.FindRepeat(tx, key, now)
			if err != nil {
				return err
			}
			if found {
				p.repeat = &r.Reply
				return nil
			}
			p.deferral, err = spool.FindDeferral(tx, key, now)
			return err
		})
	}
	if err != nil {
		g.Log.Error("the store does not answer", telemetry.KeyCode, problem.StoreSilent, telemetry.KeyError, err)
	}
	return p, err
}

// memory holds the keys of the arrivals of which the store knows something,
// so that the others, almost all, need not be looked up. It may hold too many
// keys, never too few: a key is noted before its row is written, and dropped
// after the row is gone if at all. Where several processes share a store it is of no
// use, and everything is looked up.
type memory struct {
	mu       sync.Mutex
	loaded   bool
	repeats  map[spool.Key]time.Time // when it was noted
	deferred map[spool.Key]time.Time
	// settling are the repeats whose rows are about to go.
	settling map[spool.Key]chan struct{}
}

// settle says that a repeat is none any more, and that its row will go; over is
// called when it has, or could not.
func (m *memory) settle(key spool.Key) (over func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.settling == nil {
		m.settling = map[spool.Key]chan struct{}{}
	}
	gone := make(chan struct{})
	m.settling[key] = gone
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.settling[key] == gone {
			delete(m.settling, key)
		}
		close(gone)
	}
}

// awaitSettled returns when no row of an arrival is about to go: it would be
// taken for an answer to the next one, or that one's would go with it.
func (m *memory) awaitSettled(key spool.Key) {
	m.mu.Lock()
	gone := m.settling[key]
	m.mu.Unlock()
	if gone != nil {
		<-gone
	}
}

// may reports whether the store may know something of an arrival.
func (m *memory) may(ctx context.Context, db *store.DB, key spool.Key) (bool, error) {
	if db.Postgres() {
		return true, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.loaded {
		err := db.View(ctx, func(tx *store.Tx) error {
			return spool.EachKey(tx, func(repeat bool, k spool.Key) { m.set(repeat)[k] = time.Now() })
		})
		if err != nil {
			return false, err
		}
		m.loaded = true
	}
	_, repeat := m.repeats[key]
	_, deferred := m.deferred[key]
	return repeat || deferred, nil
}

func (m *memory) set(repeat bool) map[spool.Key]time.Time {
	set := &m.deferred
	if repeat {
		set = &m.repeats
	}
	if *set == nil {
		*set = map[spool.Key]time.Time{}
	}
	return *set
}

// noteRepeat is called before a repeat's row is written, noteDeferral before
// a deferral's.
func (m *memory) noteRepeat(key spool.Key) { m.note(true, key) }

func (m *memory) noteDeferral(key spool.Key) { m.note(false, key) }

func (m *memory) note(repeat bool, key spool.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(repeat)[key] = time.Now()
}

// dropRepeat is called after a repeat's row has gone. Deferrals are few: they
// go with time.
func (m *memory) dropRepeat(key spool.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.repeats, key)
}

// ForgetPast forgets arrivals whose rows are too old to be there.
func (g *Gateway) ForgetPast(now time.Time) {
	m := &g.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, set := range []map[spool.Key]time.Time{m.repeats, m.deferred} {
		for key, at := range set {
			if now.Sub(at) > spool.RepeatLife+time.Hour {
				delete(set, key)
			}
		}
	}
}
