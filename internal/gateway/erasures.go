package gateway

import (
	"sync"
	"time"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
)

// erasures are the files of messages that are done, and whose rows say that
// they are gone. Nobody waits for them, so that many are removed at a time: one
// fsync of a folder serves all that lay there. Their keys are gone already.
type erasures struct {
	mu       sync.Mutex
	waiting  map[string]string // message by file
	removing bool
}

// unlink removes the octets of a message that is done, and whose row says that
// they are gone.
func (g *Gateway) unlink(id, file string) {
	e := &g.erasures
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.waiting == nil {
		e.waiting = map[string]string{}
	}
	e.waiting[file] = id
	if e.removing {
		return
	}
	e.removing = true
	g.later.Add(1)
	go g.removeFiles()
}

// removeFiles removes until nothing waits.
func (g *Gateway) removeFiles() {
	defer g.later.Done()
	for {
		time.Sleep(gather)
		waiting := g.erasures.take()
		if len(waiting) == 0 {
			return
		}
		files := make([]string, 0, len(waiting))
		for file := range waiting {
			files = append(files, file)
		}
		g.Spool.Unlink(files, func(file string, err error) {
			g.died(err)
			g.Log.Error("the octets of a finished message could not be erased", telemetry.KeyCode, problem.NotErased,
				telemetry.KeyMessage, waiting[file], telemetry.KeyError, err)
		})
	}
}

// take returns what waits; when that is nothing, nobody removes any more.
func (e *erasures) take() map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	waiting := e.waiting
	e.waiting = nil
	e.removing = len(waiting) > 0
	return waiting
}
