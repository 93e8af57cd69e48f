package gateway

import (
	"context"
	"errors"
	"runtime"
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
	full chan struct{} // closed when too few are under way who could still join
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

// waitIntent is how long a group waits for others. Those that are committed
// together also go on together, which saves more than commits: source, gateway
// and next hop are woken less often (10 % of CPU, 20 messages at a time).
const waitIntent = 12 * time.Millisecond

// keepIntent returns when the intent is durable, or why it is not. It waits for
// others only while there is enough work before the commit to keep all
// processors busy: a machine with many of them, or little mail, does not wait.
func (g *Gateway) keepIntent(ctx context.Context, k keptIntent) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	busy := g.flights.arrive(k.intent.ID) >= runtime.GOMAXPROCS(0)
	i := &g.intents
	i.mu.Lock()
	if w := i.open; w != nil {
		w.list = append(w.list, k)
		if !busy {
			i.open = nil
			close(w.full)
		}
		i.mu.Unlock()
		<-w.done
		return g.alone(ctx, w, k)
	}
	if !busy {
		i.mu.Unlock()
		return g.DB.Update(ctx, k.put)
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
