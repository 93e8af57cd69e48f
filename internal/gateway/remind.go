package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
)

// askToDecide has those told who may decide about what has just begun to
// wait: each once for a message.
func (e *enacting) askToDecide() {
	said := map[mail.Address][]quarantine.Hold{}
	var order []mail.Address
	for _, h := range e.begun {
		for _, a := range h.Silent() {
			if said[a] == nil {
				order = append(order, a)
			}
			said[a] = append(said[a], h)
		}
	}
	for _, a := range order {
		if e.err == nil {
			e.err = e.g.tell(e.tx, quarantine.Occasion{Kind: quarantine.Asked, Holds: said[a], To: []mail.Address{a}})
		}
	}
}

// mostReminders is how many holds one transaction reminds of.
const mostReminders = 100

// remind does what is due of holds besides their end: reminders, and the
// deputies. It returns whether it did something, and when it has to again.
func (g *Gateway) remind(ctx context.Context, now time.Time) (acted bool, next time.Time) {
	if g.Calm() {
		return false, next
	}
	var due []quarantine.Hold
	err := g.DB.View(ctx, func(tx *store.Tx) (err error) {
		if due, err = quarantine.Due(tx, now, mostReminders); err == nil {
			next, err = quarantine.Next(tx, now)
		}
		return err
	})
	if err != nil || len(due) == 0 {
		return false, next
	}
	write := func(list []quarantine.Hold) error {
		return g.DB.Update(ctx, func(tx *store.Tx) error { return g.remindOf(tx, list, now) })
	}
	if err = write(due); err == nil {
		return true, next
	}
	for one := range slices.Chunk(due, 1) { // it must not stand in front of everybody else's
		if err := write(one); err == nil {
			acted = true
		} else {
			g.Log.Error("a reminder could not be written", telemetry.KeyCode, problem.LateWrite,
				telemetry.KeyMessage, one[0].Message, telemetry.KeyError, err)
		}
	}
	return acted && len(due) == mostReminders, now.Add(longestWait)
}

// remindOf reminds of holds that were due when they were read. Those of one
// message that have the same people are one occasion.
func (g *Gateway) remindOf(tx *store.Tx, due []quarantine.Hold, now time.Time) error {
	var told []quarantine.Occasion
	for _, old := range due {
		h, found, err := quarantine.Find(tx, old.Message, old.Recipient)
		if err != nil {
			return err
		}
		if !found || h.Altered {
			if err := quarantine.Quiet(tx, old); err != nil {
				return err
			}
			continue
		}
		for _, r := range h.Remember(now) {
			kind := quarantine.Reminded
			if r.Deputies {
				kind = quarantine.Asked
			}
			told = together(told, quarantine.Occasion{Kind: kind, Holds: []quarantine.Hold{h}, To: r.To})
		}
		if err := quarantine.Put(tx, h); err != nil {
			return err
		}
	}
	for _, o := range told {
		if err := errors.Join(g.tell(tx, o), g.recordReminder(tx, o, now)); err != nil {
			return err
		}
	}
	return nil
}

func (g *Gateway) recordReminder(tx *store.Tx, o quarantine.Occasion, now time.Time) error {
	word, h := "reminded", o.Holds[0]
	if o.Kind == quarantine.Asked {
		word = "deputies asked"
	}
	err := g.Audit.Change(tx, h.Message, func(m *audit.Message) {
		m.Did(word, fmt.Sprintf("%d recipients, %d people", len(o.Holds), len(o.To)), now)
	})
	if err != nil && !errors.Is(err, audit.ErrNotFound) {
		return err
	}
	public, _ := json.Marshal(map[string]any{"recipients": len(o.Holds), "people": len(o.To)})
	personal, _ := json.Marshal(map[string]any{"people": o.To})
	return g.Audit.Append(tx, audit.Event{
		Tenant: h.Tenant, Message: h.Message, Kind: word, Actor: "gateway", At: now, Public: public, Personal: personal,
	})
}

// BulkStep carries out the next part of a bulk decision, in one transaction
// with where it then stands. over is set when nothing is left of it.
func (g *Gateway) BulkStep(ctx context.Context, id string, most int) (b quarantine.Bulk, over bool, err error) {
	step := func(most int, decide func(*store.Tx) quarantine.Decider) error {
		return g.DB.Update(ctx, func(tx *store.Tx) error {
			b, over, err = quarantine.Step(tx, id, most, time.Now(), decide(tx))
			return err
		})
	}
	again, err := g.lookAhead(ctx, id, most)
	if err != nil {
		return b, false, err
	}
	decide := func(tx *store.Tx) quarantine.Decider {
		return func(b *quarantine.Bulk, group []quarantine.Hold) ([]quarantine.Fate, error) {
			types, looked := again[group[0].Message]
			if b.Approve && !looked {
				return nil, errNotLooked
			}
			return g.decideGroup(tx, b, group, types)
		}
	}
	err = step(most, decide)
	if errors.Is(err, errNotLooked) { // somebody decided meanwhile, and others came into the step
		return b, false, nil
	}
	if err == nil || ctx.Err() != nil || errors.Is(err, quarantine.ErrNoBulk) || passing(err) {
		return b, over, err
	}
	// One of them cannot be decided about. It must not stop the others.
	if err = step(1, decide); err == nil || ctx.Err() != nil || passing(err) {
		return b, over, err
	}
	g.Log.Error("a bulk decision left a hold out", telemetry.KeyCode, problem.LateWrite, telemetry.KeyError, err)
	err = step(1, func(*store.Tx) quarantine.Decider {
		return func(_ *quarantine.Bulk, group []quarantine.Hold) ([]quarantine.Fate, error) {
			no := &quarantine.Refusal{Code: quarantine.NotPossible, Text: "it could not be carried out"}
			return slices.Repeat([]quarantine.Fate{{Err: no}}, len(group)), nil
		}
	})
	return b, over, err
}

// passing reports whether the store is the reason, and not what was to be
// written: it is tried again when the store is well.
func passing(err error) bool {
	return slices.ContainsFunc([]error{store.ErrFull, store.ErrLocked, store.ErrDead, store.ErrClosed},
		func(e error) bool { return errors.Is(err, e) })
}

// decideGroup decides about holds of one message.
func (g *Gateway) decideGroup(
	tx *store.Tx, b *quarantine.Bulk, group []quarantine.Hold, again []string,
) ([]quarantine.Fate, error) {
	d := Decision{Message: group[0].Message, Release: b.Approve, Comment: b.Comment, Actor: b.By, Person: b.Person()}
	for _, h := range group {
		d.To = append(d.To, h.Recipient)
	}
	done, err := g.decide(tx, d, again, time.Now())
	if err != nil {
		return nil, err
	}
	if done.No == nil {
		done.No = &quarantine.Refusal{Code: quarantine.OverAlready, Text: "it was decided meanwhile"}
	}
	fates := make([]quarantine.Fate, len(group))
	for i, h := range group {
		f, asked := done.each[h.Recipient]
		if !asked {
			f.Err = done.No
		}
		fates[i] = f
	}
	return fates, nil
}

// mostAtOnce is how many holds one transaction of a bulk decision decides
// about: mail that is taken meanwhile waits for no more than that.
const mostAtOnce = 100

// Bulks carries out the bulk decisions that are open, also those that a stop
// or a crash has interrupted. It returns when ctx does.
func (g *Gateway) Bulks(ctx context.Context, wake <-chan struct{}) {
	for {
		var open []quarantine.Bulk
		err := g.DB.View(ctx, func(tx *store.Tx) (err error) {
			open, err = quarantine.OpenBulks(tx)
			return err
		})
		pause := time.Millisecond // others write too
		if err != nil || len(open) == 0 {
			pause = longestWait
		}
		for _, b := range open {
			if _, _, err := g.BulkStep(ctx, b.ID, mostAtOnce); err != nil && ctx.Err() == nil {
				g.Log.Error("a bulk decision could not go on", telemetry.KeyCode, problem.LateWrite, telemetry.KeyError, err)
				pause = longestWait
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-time.After(pause):
		}
	}
}
