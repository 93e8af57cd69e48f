package gateway

import (
	"sync"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
)

// claims are the places of the tasks of a message that is being taken. Their
// attempts begin with its commit.
type claims struct {
	list []*task.Claim
	left bool // a task waits for the runner
}

// ask returns a place for a task, if there is one.
func (c *claims) ask(g *Gateway, t task.Task) *task.Claim {
	if c == nil {
		return nil
	}
	if g.Claim != nil {
		if place := g.Claim(t.Tenant, t.Hop); place != nil {
			c.list = append(c.list, place)
			return place
		}
	}
	c.left = true
	return nil
}

// begin begins the attempts; row is what was committed, and body what was
// stored.
func (c *claims) begin(g *Gateway, row spool.Message, body mail.Body) {
	if len(c.list) > 0 {
		g.fresh.put(row, body)
	}
	for _, place := range c.list {
		place.Begin()
	}
}

// giveBack is for a message that was not committed.
func (c *claims) giveBack() {
	for _, place := range c.list {
		place.GiveBack()
	}
}

// fresh are the messages whose first attempt begins with their commit: it need
// not read what was written just now. What is not here is read, and verified.
type fresh struct {
	mu   sync.Mutex
	list map[string]taken
}

// taken is a message that was taken just now. Its body is nil when it is to be
// read.
type taken struct {
	row  spool.Message
	body mail.Kept
}

// maxFresh bounds the messages that are remembered.
const maxFresh = 256

func (f *fresh) put(row spool.Message, body mail.Body) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.list == nil {
		f.list = map[string]taken{}
	}
	if len(f.list) >= maxFresh {
		return
	}
	row.Received, row.Changed = store.Moment(store.Nanos(row.Received)), store.Moment(store.Nanos(row.Changed))
	row.MessageID = store.Clean(row.MessageID)
	t := taken{row: row}
	if b, is := body.(mail.Kept); is && b.Keep() {
		t.body = b
	}
	f.list[row.ID] = t
}

// find gives what is remembered. Who gets a body closes it.
func (f *fresh) find(id string) (t taken, found bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, found = f.list[id]
	if t.body != nil && !t.body.Keep() {
		t.body = nil
	}
	return t, found
}

// forget is called when an attempt has ended.
func (f *fresh) forget(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.list[id]; t.body != nil {
		_ = t.body.Close() // it lies in memory
	}
	delete(f.list, id)
}
