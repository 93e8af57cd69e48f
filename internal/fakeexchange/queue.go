package fakeexchange

import (
	"slices"
	"time"

	"postern.dev/postern/internal/mail"
)

// queued is a message on its way to a smart host, with the recipients that
// have no outcome yet.
type queued struct {
	m         *message
	connector string
	to        []recipient
	since     time.Time
	attempts  int
	next      time.Time
	last      mail.Reply
	kick      chan struct{}
}

// Waiting is an entry of the queue as Queue shows it.
type Waiting struct {
	Message    string
	Tenant     string
	Connector  string
	From       string
	Recipients []string
	Since      time.Time
	Attempts   int
	// Next is the time of the next attempt; zero while one is running.
	Next time.Time
	Last mail.Reply
}

// Queue lists what waits for a smart host, oldest first.
func (x *Exchange) Queue() []Waiting {
	x.mu.Lock()
	defer x.mu.Unlock()
	list := make([]Waiting, len(x.queue))
	for i, q := range x.queue {
		list[i] = Waiting{
			Message: q.m.id, Tenant: q.m.tenant.name(), Connector: q.connector, From: q.m.from,
			Since: q.since, Attempts: q.attempts, Next: q.next, Last: q.last,
		}
		for _, r := range q.to {
			list[i].Recipients = append(list[i].Recipients, r.address)
		}
	}
	return list
}

// Retry tries everything in the queue at once.
func (x *Exchange) Retry() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, q := range x.queue {
		select {
		case q.kick <- struct{}{}:
		default:
		}
	}
}

func (x *Exchange) enqueue(m *message, connector string) {
	q := &queued{m: m, connector: connector, to: m.to, since: time.Now(), kick: make(chan struct{}, 1)}
	x.mu.Lock()
	x.queue = append(x.queue, q)
	x.mu.Unlock()
	x.note(m, "queued", joined(m.to), connector)
	x.spawn(func() { x.drive(q) })
}

// drive tries until every recipient has an outcome or the time is up.
func (x *Exchange) drive(q *queued) {
	defer x.forget(q)
	for {
		x.attempt(q)
		if len(q.to) == 0 {
			return
		}
		wait := x.wait(q.attempts - 1)
		if time.Since(q.since)+wait > x.sw.GiveUp {
			wait = max(0, x.sw.GiveUp-time.Since(q.since))
		}
		if time.Since(q.since) >= x.sw.GiveUp {
			x.note(q.m, "expired", joined(q.to), q.last.String())
			x.bounce(q.m, q.to, answerExpired, false)
			return
		}
		if !x.rest(q, wait) {
			return
		}
	}
}

// wait is the pause after the n-th attempt, from 0.
func (x *Exchange) wait(n int) time.Duration {
	if len(x.sw.Retry) == 0 {
		return time.Hour
	}
	return x.sw.Retry[min(max(n, 0), len(x.sw.Retry)-1)]
}

// rest waits for the next attempt; it does not count as movement.
func (x *Exchange) rest(q *queued, wait time.Duration) bool {
	x.mu.Lock()
	q.next = time.Now().Add(wait)
	x.mu.Unlock()
	x.move(-1)
	defer x.move(1)
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-q.kick:
	case <-x.ctx.Done():
		return false
	}
	x.mu.Lock()
	q.next = time.Time{}
	x.mu.Unlock()
	return true
}

func (x *Exchange) forget(q *queued) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.queue = slices.DeleteFunc(x.queue, func(o *queued) bool { return o == q })
}

// attempt sends once and keeps the recipients that must be tried again.
func (x *Exchange) attempt(q *queued) {
	c := x.current(q.m.tenant).outbound(q.connector)
	var replies []mail.Reply
	if c == nil || !c.Enabled {
		replies = each(len(q.to), answerDisabled)
	} else {
		replies = x.send(x.ctx, c, q.m, q.to)
	}
	if x.ctx.Err() != nil {
		return
	}
	var later []recipient
	failed := map[string][]recipient{}
	var order []mail.Reply
	for i, r := range replies {
		to := q.to[i]
		switch {
		case r.Ok():
			x.note(q.m, "sent", to.address, r.String())
		case r.Temporary():
			later = append(later, to)
			x.note(q.m, "delayed", to.address, r.String())
		default:
			x.note(q.m, "failed", to.address, r.String())
			if failed[r.String()] == nil {
				order = append(order, r)
			}
			failed[r.String()] = append(failed[r.String()], to)
		}
	}
	x.mu.Lock()
	q.attempts++
	q.to = later
	if len(replies) > 0 {
		q.last = replies[len(replies)-1]
	}
	x.mu.Unlock()
	for _, r := range order {
		x.bounce(q.m, failed[r.String()], r, r != answerBareLF && r != answerUTF8 && r != answerSize)
	}
}

// each is the same reply for n recipients.
func each(n int, r mail.Reply) []mail.Reply {
	return slices.Repeat([]mail.Reply{r}, n)
}

func joined(to []recipient) string {
	text := ""
	for i, r := range to {
		if i > 0 {
			text += ", "
		}
		text += r.address
	}
	return text
}
