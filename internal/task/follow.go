package task

import (
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

// follow is what an attempt leads to: outcomes that are final, and up to two
// tasks for the other recipients. Those who wait for a person get a task of
// their own, since they are neither given up nor tried by the schedule.
type follow struct {
	results []Result // as decided, Expired included
	records []Record
	rest    []Task // rest[0] takes the place of the task
	stuck   problem.Code
}

// after decides what follows from the results, with the pauses drawn now.
func (r *Runner) after(t Task, results []Result, now time.Time) follow {
	r.mu.Lock()
	defer r.mu.Unlock()
	pauses := pauses{
		later:    r.config.Schedule.Next(t.Attempts, r.rand),
		stuck:    jitter(stuckPause, r.rand),
		patience: r.config.Schedule.GiveUp,
		calm:     r.config.Calm(),
	}
	return followUp(t, results, now, pauses)
}

type pauses struct {
	later, stuck, patience time.Duration
	calm                   bool // nothing is given up: the clock cannot be trusted
}

// followUp is pure.
func followUp(t Task, results []Result, now time.Time, p pauses) follow {
	f := follow{results: results}
	if !p.calm {
		f.results = expire(t, results, now)
	}
	var later, stuck []mail.Recipient
	due := time.Time{} // earliest time that a door asked for
	last := map[bool]string{}
	waits := map[bool]class{false: forHop, true: forHop}
	for i, res := range f.results {
		reply, host, why := about(res.Outcome)
		switch o := res.Outcome.(type) {
		case Done:
			f.records = append(f.records, record(t, res.Recipient, Delivered, reply, host, why, now))
		case Failed:
			f.records = append(f.records, record(t, res.Recipient, Bounced, reply, host, why, now))
		case Later:
			later = append(later, t.Recipients[i])
			last[false] = lastOf(reply, why)
			waits[false] = max(waits[false], classOf(o))
			if !o.When.IsZero() && (due.IsZero() || o.When.Before(due)) {
				due = o.When
			}
		case Stuck:
			stuck = append(stuck, t.Recipients[i])
			last[true] = lastOf(reply, why)
			waits[true] = max(waits[true], classOf(o))
			f.stuck = o.Problem
		}
	}
	if len(later) > 0 {
		rest := retryOf(t, later, due, last[false], now, p)
		rest.class = waits[false]
		f.rest = append(f.rest, rest)
	}
	if len(stuck) > 0 {
		s := t
		s.Recipients, s.Stuck, s.Last = stuck, f.stuck, last[true]
		s.Due, s.class = now.Add(p.stuck), waits[true]
		f.rest = append(f.rest, s)
	}
	return f
}

// classOf says what a task waits for after an outcome. A next hop that asked
// to slow down has seen it, and it keeps its own time.
func classOf(o Outcome) class {
	if troubleOf(o) == Down {
		return forHop
	}
	return forTime
}

// retryOf is the rest of t that is tried by the schedule. Its last attempt
// is at the moment it is given up.
func retryOf(t Task, to []mail.Recipient, due time.Time, last string, now time.Time, p pauses) Task {
	if t.Stuck != "" || t.GiveUpAt.IsZero() {
		// The person has done their part; the time of waiting for them is
		// not the message's fault.
		t.GiveUpAt = now.Add(p.patience)
	}
	t.Recipients, t.Stuck, t.Last = to, "", last
	t.Due = due
	if !due.After(now) {
		t.Due = now.Add(p.later)
	}
	if t.Due.After(t.GiveUpAt) && t.GiveUpAt.After(now) {
		t.Due = t.GiveUpAt
	}
	return t
}

// expire turns Later into Failed when the time is up. A task that waits for
// a person has no such time.
func expire(t Task, results []Result, now time.Time) []Result {
	list := make([]Result, len(results))
	copy(list, results)
	if t.Stuck != "" || t.GiveUpAt.IsZero() || now.Before(t.GiveUpAt) {
		return list
	}
	for i, res := range list {
		if l, ok := res.Outcome.(Later); ok {
			list[i].Outcome = Failed{Reply: l.Reply, Why: Expired, Host: l.Host}
		}
	}
	return list
}

func record(t Task, to mail.Address, fate Fate, reply mail.Reply, host, why string, now time.Time) Record {
	return Record{
		Message: t.Message, Tenant: t.Tenant, Recipient: to, Kind: t.Kind, Task: t.ID,
		Fate: fate, Reply: reply, Host: host, Why: why, At: now,
	}
}

func lastOf(reply mail.Reply, why string) string {
	switch {
	case reply.None():
		return why
	case why == "":
		return reply.String()
	}
	return reply.String() + " (" + why + ")"
}
