package task

import (
	"time"

	"postern.dev/postern/internal/telemetry"
)

// hop is what fairness counts by, beside the tenant alone.
type hop struct{ tenant, name string }

// lane is what a runner knows of a next hop: how many attempts go on there,
// how many may, and whether it is shut. It is shut from the first attempt
// that finds it down or slow until one finds it working. Meanwhile one attempt
// goes there now and then; all others are put off with what the last one came
// to, and keep to their schedule, so that a hundred thousand messages for a
// dead host cost no connections, and each is given up in its time. Once it
// works those that waited for it come at once, few first, then more and more.
type lane struct {
	running int     // attempts whose result is not written, or that hang
	width   float64 // attempts at a time; 0 is as many as there may be
	ceiling float64 // up to here width grows fast; 0 is as far as it may

	shut  bool
	since time.Time     // when it was shut
	until time.Time     // when the next attempt may go there
	pause time.Duration // between these attempts
	last  Outcome       // what the last one came to
	asks  time.Time     // until, as the task that is to ask next was told
}

// How long a shut lane waits between two attempts: the first time and at
// most. A fresh message is told of a next hop that works again no later.
const (
	downPause = 5 * time.Second
	slowPause = time.Second
	maxPause  = 30 * time.Second
	// slowStart is how many attempts go to a next hop that works again.
	slowStart = 2
)

// places is how many attempts may go on at a time. What is put off ends at
// once and needs no fewer.
func (l *lane) places(most int) int {
	if l == nil || l.shut || l.width == 0 {
		return most
	}
	return min(most, int(l.width))
}

// attempts is how many go on there.
func (l *lane) attempts() int {
	if l == nil {
		return 0
	}
	return l.running
}

// enter asks whether an attempt may go to the next hop now. If not it has the
// outcome of the last one.
func (l *lane) enter(now time.Time) (putOff Outcome) {
	if !l.shut {
		return nil
	}
	if now.Before(l.until) {
		return l.last
	}
	l.until = now.Add(l.pause)
	return nil
}

// learn takes in what an attempt that began at a time came to. news is true
// when the lane was shut or opened by it.
func (l *lane) learn(results []Result, began, now time.Time, most int) (news bool) {
	works, trouble, last := signs(results)
	if l.shut && !began.After(l.since) {
		return false // it says how things were before
	}
	switch {
	case trouble == "" && works:
		news = l.shut
		l.open(float64(most))
	case trouble == "":
	case l.shut:
		l.last = last
		l.pause = min(max(2*l.pause, slowPause), maxPause)
		if trouble == Slow {
			l.ceiling = max(1, l.ceiling/2)
			l.width = l.ceiling
		}
		l.until = now.Add(l.pause)
	default:
		news = true
		l.close(trouble, last, now, float64(most))
	}
	return news
}

// open widens the lane for an attempt that went well.
func (l *lane) open(most float64) {
	l.shut, l.pause, l.last = false, 0, nil
	switch {
	case l.width == 0:
		return
	case l.ceiling == 0 || l.width < l.ceiling:
		l.width++
	default:
		l.width += 1 / l.width
	}
	if l.width >= most {
		l.width, l.ceiling = 0, 0
	}
}

func (l *lane) close(trouble Trouble, last Outcome, now time.Time, most float64) {
	if l.width == 0 {
		l.width = most
	}
	l.shut, l.since, l.last = true, now, last
	if trouble == Slow {
		l.ceiling = max(1, l.width/2)
		l.width, l.pause = l.ceiling, slowPause
	} else {
		l.width, l.pause = min(slowStart, most)-1, downPause
	}
	l.until = now.Add(l.pause)
}

// plain says that there is nothing to remember.
func (l *lane) plain() bool { return l.running == 0 && !l.shut && l.width == 0 }

// signs is what results say about the next hop: that it works, that it is in
// trouble, or neither.
func signs(results []Result) (works bool, trouble Trouble, last Outcome) {
	for _, r := range results {
		t := troubleOf(r.Outcome)
		reply, _, _ := about(r.Outcome)
		switch {
		case t == Slow, t == Down && trouble == "":
			trouble, last = t, r.Outcome
		case t == "" && r.Outcome != nil && !reply.None():
			works = true
		}
	}
	return works, trouble, last
}

// maxLanes bounds what is remembered of next hops at which nothing goes on.
const maxLanes = 10_000

// lane finds or makes the lane of a next hop. The runner is locked.
func (r *Runner) lane(h hop) *lane {
	l := r.lanes[h]
	if l == nil {
		if len(r.lanes) >= maxLanes {
			for other, idle := range r.lanes {
				if idle.running == 0 {
					delete(r.lanes, other)
				}
			}
		}
		l = &lane{}
		r.lanes[h] = l
	}
	return l
}

// enter asks whether t may go to its next hop, or is put off with what the
// last attempt there came to. One of those that came just now does not wait
// for its schedule: it asks again as soon as somebody may.
func (r *Runner) enter(t Task, now time.Time) (putOff []Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.lane(hop{t.Tenant, t.Hop})
	outcome := l.enter(now)
	switch o := outcome.(type) {
	case nil:
		return nil
	case Later:
		o.Trouble, o.PutOff, o.When = Down, true, time.Time{} // this one waits for the next hop
		if t.class == forTurn && l.asks.Before(l.until) {
			o.When, l.asks = l.until, l.until
		}
		outcome = o
	case Stuck:
		o.Trouble, o.PutOff = Down, true
		outcome = o
	}
	return everyone(t, outcome)
}

// learn lets the lane learn from an attempt.
func (r *Runner) learn(t Task, results []Result, began time.Time) {
	now := time.Now()
	r.mu.Lock()
	l := r.lane(hop{t.Tenant, t.Hop})
	since := l.since
	news := l.learn(results, began, now, r.config.PerHop)
	shut := l.shut
	r.stale = r.stale || news && !shut
	r.mu.Unlock()
	if !news {
		return
	}
	log := r.log.With(telemetry.KeyTenant, t.Tenant, telemetry.KeyHost, t.Hop)
	if shut {
		_, trouble, last := signs(results)
		reply, _, why := about(last)
		log.Warn("the next hop is in trouble", telemetry.KeyCause, string(trouble), telemetry.KeyError, lastOf(reply, why))
		return
	}
	log.Info("the next hop works again", telemetry.KeyTook, now.Sub(since))
	signal(r.freed)
}

// Reopen lets attempts go to every next hop at once, whatever the last one
// came to: call it after the commit of Retry.
func (r *Runner) Reopen() {
	r.mu.Lock()
	for _, l := range r.lanes {
		l.until, l.pause = time.Time{}, 0
	}
	r.stale = true
	r.mu.Unlock()
	r.Wake()
}
