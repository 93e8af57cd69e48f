package gateway

import (
	"context"
	"sync"
	"time"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
)

// errands are the goroutines that nobody waits for while mail flows. Unlike
// a sync.WaitGroup one may begin while somebody waits for the others: a
// connection that is being cut off still writes its outcome.
type errands struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n is 0; nil when nobody waits
}

// Add counts one that begins.
func (e *errands) Add(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.n += n
}

// Done counts one that ended.
func (e *errands) Done() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.n--; e.n == 0 && e.idle != nil {
		close(e.idle)
		e.idle = nil
	}
}

// Wait returns when none is under way.
func (e *errands) Wait() {
	e.mu.Lock()
	if e.n == 0 {
		e.mu.Unlock()
		return
	}
	if e.idle == nil {
		e.idle = make(chan struct{})
	}
	idle := e.idle
	e.mu.Unlock()
	<-idle
}

// records are writes that nobody waits for. They are no part of a promise,
// so that they need not be quick, and are written many at a time: a group of
// them costs the store not much more than one.
type records struct {
	mu      sync.Mutex
	waiting []record
	writing bool
	written time.Time     // when the last group was
	room    chan struct{} // closed when some have been written; nil when nobody waits
}

// record is one of them.
type record struct {
	what string
	fn   func(*store.Tx) error
}

// Bounds of records.
const (
	maxRecords = 2048 // that wait; above it mail is slowed down
	maxBatch   = 256
	gather     = 50 * time.Millisecond  // so long a group waits for more
	lull       = 200 * time.Millisecond // after which the next one does not wait
)

// write commits fn without anybody waiting for it. It is for what must not
// delay an answer and is not part of a promise.
func (g *Gateway) write(what string, fn func(*store.Tx) error) {
	r := &g.records
	r.mu.Lock()
	for len(r.waiting) >= maxRecords { // a store that is slower than mail slows mail down
		if r.room == nil {
			r.room = make(chan struct{})
		}
		room := r.room
		r.mu.Unlock()
		<-room
		r.mu.Lock()
	}
	r.waiting = append(r.waiting, record{what, fn})
	begin := !r.writing
	r.writing = true
	r.mu.Unlock()
	if begin {
		g.later.Add(1)
		go g.writeRecords()
	}
}

// writeRecords writes until nothing waits.
func (g *Gateway) writeRecords() {
	defer g.later.Done()
	for {
		if g.records.busy() {
			time.Sleep(gather)
		}
		group := g.records.take()
		if len(group) == 0 {
			return
		}
		g.writeGroup(group)
	}
}

// busy reports whether more are likely to come soon. A single message is in
// the books at once.
func (r *records) busy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.written) < lull
}

// take returns the next group; when there is none, nobody writes any more.
func (r *records) take() []record {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.waiting), maxBatch)
	group := r.waiting[:n:n]
	r.waiting = r.waiting[n:]
	if r.written = time.Now(); n == 0 {
		r.waiting, r.writing = nil, false
	}
	if r.room != nil {
		close(r.room)
		r.room = nil
	}
	return group
}

// writeGroup writes a group in one transaction; when that fails, each in one
// of its own, so that one bad record costs no other. They go at the same time:
// a store that is locked or full keeps them all waiting once, not one after
// the other.
func (g *Gateway) writeGroup(group []record) {
	if len(group) > 1 {
		err := g.DB.Update(context.Background(), func(tx *store.Tx) error {
			for _, r := range group {
				if err := r.fn(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			return
		}
	}
	var all sync.WaitGroup
	for _, r := range group {
		all.Go(func() {
			if err := g.DB.Update(context.Background(), r.fn); err != nil {
				g.Log.Error("could not write "+r.what, telemetry.KeyRoom, "gateway",
					telemetry.KeyCode, problem.LateWrite, telemetry.KeyError, err)
			}
		})
	}
	all.Wait()
}
