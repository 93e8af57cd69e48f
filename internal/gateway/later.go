package gateway

import "sync"

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
