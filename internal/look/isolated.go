package look

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"time"

	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
)

// isolated looks in a child. A step that kills it is recorded as unseen, and
// the message is looked at again without that step, so that the findings of
// the others are complete; they are never those of a broken attempt unless
// there is no better one.
func (l *Looker) isolated(
	ctx context.Context, m *mail.Message, read []letters, catalogue []byte, o Options,
) *sight {
	var skip []extract.Step
	var earlier *sight
	var lost []mail.Unseen
	blamed := map[string]int{}
	for attempt := 0; ; attempt++ {
		seen := newSight()
		err := l.attempt(ctx, l.parcels(m, read), catalogue, skip, seen, o.Budget)
		var death *extract.Death
		if err == nil || !errors.As(err, &death) {
			if err != nil {
				lost = append(lost, l.down(ctx, err, o))
				seen.add(earlier)
			}
			return seen.with(lost)
		}
		l.died(death, o)
		lost = append(lost, blame(m, death))
		if earlier != nil {
			seen.add(earlier)
		}
		earlier = seen
		if death.Cause == extract.OutOfTime || attempt >= l.config.Restarts || ctx.Err() != nil {
			lost = append(lost, mail.Unseen{Reason: reason(death), Detail: "looking at the message was given up"})
			return seen.with(lost)
		}
		if blamed[death.Step.Who]++; blamed[death.Step.Who] > 1 {
			death.Step.Part = everywhere
		}
		skip = append(skip, death.Step)
	}
}

func (s *sight) with(lost []mail.Unseen) *sight {
	for _, u := range lost {
		s.unseen(u)
	}
	return s
}

// attempt gives the message to one child.
func (l *Looker) attempt(
	ctx context.Context, parts iter.Seq2[[]byte, io.Reader], catalogue []byte, skip []extract.Step, seen *sight,
	budget time.Duration,
) error {
	ask := l.request(skip)
	return l.pool.Run(ctx, extract.Job{
		Shared:  catalogue,
		Request: l.wire.request.Append(nil, &ask),
		Parts:   parts,
		Step:    l.patience(budget),
		Record: func(b []byte) error {
			var r record
			if err := l.wire.record.Read(b, &r); err != nil {
				return errNonsense
			}
			return seen.take(r)
		},
	})
}

// patience is how long one step may take: never so long that there is no
// time left to look again without it.
func (l *Looker) patience(budget time.Duration) time.Duration {
	step := l.config.Children.Step
	if step <= 0 {
		step = 10 * time.Second
	}
	if l.hangs.many(time.Now()) {
		step = min(step, hurried)
	}
	return min(step, budget/time.Duration(l.config.Restarts+1))
}

// Steps that hang take a child each for as long as they may: when several
// did within a minute, all get less time, so that mail which makes them hang
// does not take the children from other mail. No step of ordinary mail takes
// a tenth of it; what does is recorded as not seen.
const (
	hurried  = time.Second
	hangsFew = 3
)

// hangs are the moments of the last steps that took too long.
type hangs struct {
	mu   sync.Mutex
	last [hangsFew]time.Time
}

func (h *hangs) add(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	copy(h.last[1:], h.last[:])
	h.last[0] = now
}

// many reports whether all of them were within a minute.
func (h *hangs) many(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	oldest := h.last[hangsFew-1]
	return !oldest.IsZero() && now.Sub(oldest) < time.Minute
}

// parcels are the items as they travel.
func (l *Looker) parcels(m *mail.Message, read []letters) iter.Seq2[[]byte, io.Reader] {
	return func(yield func([]byte, io.Reader) bool) {
		var meta []byte
		for it, content := range items(m, read) {
			meta = l.wire.item.Append(meta[:0], &it)
			if !yield(meta, content) {
				return
			}
		}
	}
}

// reason is what a death means for policy.
func reason(d *extract.Death) mail.Cause {
	if d.Cause == extract.TookTooLong || d.Cause == extract.OutOfTime {
		return mail.OutOfTime
	}
	return mail.EngineFailed
}

// blame is what the step that was running did not see.
func blame(m *mail.Message, d *extract.Death) mail.Unseen {
	u := mail.Unseen{Part: d.Step.Part, Reason: reason(d), Detail: "the child died: " + string(d.Cause)}
	if d.Step.Who != "" {
		u.Detail = d.Step.Who + ": " + string(d.Cause)
	}
	for _, p := range m.Parts() {
		if p.Path == u.Part {
			u.Name = p.Name
		}
	}
	return u
}

// down says why no child looked at all.
func (l *Looker) down(ctx context.Context, err error, o Options) mail.Unseen {
	if ctx.Err() != nil {
		return mail.Unseen{Reason: mail.OutOfTime, Detail: "no child was free in time"}
	}
	l.config.Log.Error("no child can be started", telemetry.KeyCode, string(problem.NoLookingChild),
		telemetry.KeyMessage, o.Trace, telemetry.KeyError, err)
	l.config.Metrics.Count("look_children_failed", 1, "cause", "not started")
	return mail.Unseen{Reason: mail.EngineDown, Detail: "the process that looks into mail cannot be started"}
}

func (l *Looker) died(d *extract.Death, o Options) {
	l.config.Log.Error("a child died", telemetry.KeyCode, string(problem.LookingChildDied), telemetry.KeyMessage, o.Trace,
		telemetry.KeyPath, d.Step.Part, telemetry.KeyKind, d.Step.Who, telemetry.KeyCause, string(d.Cause))
	l.config.Metrics.Count("look_children_failed", 1, "cause", string(d.Cause))
	if d.Cause == extract.TookTooLong {
		l.hangs.add(time.Now())
	}
}
