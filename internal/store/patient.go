package store

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// patient are the members that can wait for company. They join the next group
// that somebody else needs, so that they cost no COMMIT of their own; when one
// has waited for as long as it can, they are a group.
type patient struct {
	mu    sync.Mutex
	list  []*member
	over  error         // why nobody is taken any more
	hurry chan struct{} // one of them can wait no longer
}

// UpdateSoon is Update for what need not be done at once: it may wait for
// others, but not for longer than within. The disk is then asked once for many.
func (db *DB) UpdateSoon(ctx context.Context, within time.Duration, fn func(*Tx) error) error {
	if within <= 0 {
		return db.Update(ctx, fn)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store: update: %w", err)
	}
	m := &member{fn: fn, done: make(chan struct{})}
	if err := db.patient.add(m); err != nil {
		return err
	}
	timer := time.AfterFunc(within, db.patient.press)
	<-m.done
	timer.Stop()
	return m.result()
}

func (p *patient) add(m *member) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over != nil {
		return p.over
	}
	p.list = append(p.list, m)
	return nil
}

// press has the writer take those who wait.
func (p *patient) press() {
	select {
	case p.hurry <- struct{}{}:
	default:
	}
}

// join puts those who wait behind a group, up to most members.
func (p *patient) join(group []*member, most int) []*member {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := min(len(p.list), max(0, most-len(group)))
	group = append(group, p.list[:n]...)
	if p.list = p.list[n:]; len(p.list) == 0 {
		p.list = nil
	} else {
		p.press()
	}
	return group
}

// end answers those who wait, and those who come: the writer has ended.
func (p *patient) end(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = why
	answer(p.list, why)
	p.list = nil
}
