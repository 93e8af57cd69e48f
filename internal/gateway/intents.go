package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
)

// intents are those that wait to be committed. While many messages are under
// way they go a few at a time, so that the disk is asked less often than there
// are messages. Everyone waits for the commit that holds its own: no intent,
// no onward dot.
type intents struct {
	mu   sync.Mutex
	open *intentGroup // takes more
}

// intentGroup is committed together.
type intentGroup struct {
	list []keptIntent
	full chan struct{} // closed when nobody is under way who could still join
	done chan struct{}
	err  error
}

type keptIntent struct {
	intent spool.Intent
	ends   spool.Key // of a deferral that is over, when deferred
	was    bool      // deferred
}

func (k keptIntent) put(tx *store.Tx) error {
	if err := spool.PutIntent(tx, k.intent); err != nil || !k.was {
		return err
	}
	return spool.EndDeferral(tx, k.ends)
}

// Bounds of a group: it waits for others only while there are some, and not
// long.
const (
	companions = 6 // messages under way, from which a group waits
	waitIntent = 8 * time.Millisecond
)

// keepIntent returns when the intent is durable, or why it is not.
func (g *Gateway) keepIntent(ctx context.Context, k keptIntent) error {
	if g.flights.count() < companions {
		return g.DB.Update(ctx, k.put)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	i := &g.intents
	i.mu.Lock()
	if w := i.open; w != nil {
		w.list = append(w.list, k)
		if len(w.list) >= g.flights.count() {
			i.open = nil
			close(w.full)
		}
		i.mu.Unlock()
		<-w.done
		return g.alone(ctx, w, k)
	}
	w := &intentGroup{list: []keptIntent{k}, full: make(chan struct{}), done: make(chan struct{})}
	i.open = w
	i.mu.Unlock()
	w.await()
	i.mu.Lock()
	if i.open == w {
		i.open = nil
	}
	i.mu.Unlock()
	g.commitGroup(context.WithoutCancel(ctx), w)
	return g.alone(ctx, w, k)
}

// await waits for companions.
func (w *intentGroup) await() {
	enough := time.NewTimer(waitIntent)
	defer enough.Stop()
	select {
	case <-w.full:
	case <-enough.C:
	}
}

// commitGroup commits a group that nobody can join any more.
func (g *Gateway) commitGroup(ctx context.Context, w *intentGroup) {
	w.err = errNoCommit // stays when Update panics
	defer close(w.done)
	w.err = g.DB.Update(ctx, func(tx *store.Tx) error {
		for _, k := range w.list {
			if err := k.put(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

var errNoCommit = errors.New("gateway: the intent was not committed")

// alone gives the outcome of a group to one of it: when the group failed, each
// tries for itself, so that nobody suffers from another's.
func (g *Gateway) alone(ctx context.Context, w *intentGroup, k keptIntent) error {
	if w.err == nil || len(w.list) == 1 {
		return w.err
	}
	return g.DB.Update(ctx, k.put)
}
