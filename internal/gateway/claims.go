package gateway

import (
	"sync"

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

// begin begins the attempts; row is what was committed.
func (c *claims) begin(g *Gateway, row spool.Message) {
	if len(c.list) > 0 {
		g.fresh.put(row)
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

// fresh are the rows of messages whose first attempt begins with their commit:
// it need not read what was written just now. What is not here is read.
type fresh struct {
	mu   sync.Mutex
	rows map[string]spool.Message
}

// maxFresh bounds the rows that are remembered.
const maxFresh = 256

func (f *fresh) put(row spool.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rows == nil {
		f.rows = map[string]spool.Message{}
	}
	if len(f.rows) < maxFresh {
		row.Received, row.Changed = store.Moment(store.Nanos(row.Received)), store.Moment(store.Nanos(row.Changed))
		row.MessageID = store.Clean(row.MessageID)
		f.rows[row.ID] = row
	}
}

func (f *fresh) find(id string) (row spool.Message, found bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	row, found = f.rows[id]
	return row, found
}

// forget is called when an attempt has ended.
func (f *fresh) forget(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.rows, id)
}
