package task

import (
	"context"
	"time"

	"postern.dev/postern/internal/store"
)

// Claim is a place for a task that is planned just now. Its row is written as
// if it had been found and leased, so that the attempt begins with the COMMIT:
// nothing is read, and nothing more is written before it.
type Claim struct {
	r        *Runner
	attempts context.Context
	task     Task
}

// Claim asks for a place at the next hop of a tenant. It is nil when there is
// none, or when somebody waits: then the task must be added, and waits too. A
// claim must be begun after the commit, or given back.
func (r *Runner) Claim(tenant, name string) *Claim {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := hop{tenant, name}
	l, left, has := r.lanes[h], r.config.Workers-r.busy, r.perTenant[tenant]
	if r.attempts == nil || r.waiting || left <= 0 || l != nil && l.shut ||
		l.attempts() >= max(1, min(l.places(r.config.PerHop), left)) || has > 0 && left == 1 {
		r.waiting = true
		r.refused++
		return nil
	}
	c := &Claim{r: r, attempts: r.attempts, task: Task{Tenant: tenant, Hop: name}}
	r.enlist(c.task)
	return c
}

// Add plans the task that c is a place for.
func (c *Claim) Add(tx *store.Tx, t Task) error {
	now := store.Moment(store.Nanos(time.Now()))
	t.Tenant, t.Hop = c.task.Tenant, c.task.Hop
	t.Attempts, t.FirstTried, t.fence, t.class = 1, now, 1, forTime
	t.GiveUpAt = now.Add(c.r.config.Schedule.GiveUp)
	t.Due = now.Add(c.r.pauseAfter(1))
	t.Leased = now.Add(c.r.config.Limit + 2*margin)
	err := add(tx, &t)
	c.task = t
	c.task.class = forTurn // what it waited for
	return err
}

// Begin begins the attempt. Call it after the commit.
func (c *Claim) Begin() { go c.r.work(c.attempts, c.task) }

// GiveBack gives the place back: the task was not committed.
func (c *Claim) GiveBack() {
	c.r.leave(c.task)
	c.r.depart(c.task)
	c.r.group.Done()
}
