package task

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
)

// errLeaseLost says that another worker took the task before its result came.
var errLeaseLost = errors.New("task: lease lost")

// work makes one attempt at t and writes what it came to.
func (r *Runner) work(ctx context.Context, t Task) {
	defer r.group.Done()
	began := time.Now()
	results, hung := r.enter(t, began), false
	if results == nil {
		results, hung = r.attempt(ctx, t)
		r.learn(t, results, began)
		r.config.Metrics.Observe("task_attempt", time.Since(began).Seconds(), "kind", string(t.Kind))
	}
	r.leave(t) // whatever follows is no reason to keep other next hops waiting
	r.write(ctx, t, normal(t, results))
	if !hung {
		r.depart(t)
	}
}

// attempt calls the door, which may panic or never come back. A hanging one
// keeps its place at its next hop until it ends, so that one message cannot
// use up the process.
func (r *Runner) attempt(ctx context.Context, t Task) (results []Result, hung bool) {
	ctx, cancel := context.WithTimeout(ctx, r.config.Limit)
	ended := make(chan []Result, 1)
	go func() {
		defer cancel()
		ended <- r.knock(ctx, t)
	}()
	select {
	case results := <-ended:
		return results, false
	case <-ctx.Done():
	}
	timer := time.NewTimer(margin)
	defer timer.Stop()
	select {
	case results := <-ended:
		return results, false
	case <-timer.C:
	}
	r.alarm("a task does not end", problem.TaskHung, t, nil)
	go func() {
		<-ended
		r.depart(t)
	}()
	return everyone(t, Later{Why: "the attempt did not end within its time limit"}), true
}

func (r *Runner) knock(ctx context.Context, t Task) (results []Result) {
	defer func() {
		if p := recover(); p != nil {
			// The value of a panic may hold a piece of the message; where it
			// came from may not.
			r.alarm("a task made its door crash", problem.TaskPanicked, t,
				fmt.Errorf("panic of type %T at %s", p, debug.Stack()))
			results = everyone(t, Later{Why: "the attempt crashed"})
		}
	}()
	return r.config.Door(ctx, t)
}

// everyone is the same outcome for all recipients of t.
func everyone(t Task, o Outcome) []Result {
	list := make([]Result, len(t.Recipients))
	for i, to := range t.Recipients {
		list[i] = Result{to.Address, o}
	}
	return list
}

// normal is one result for every recipient of t, in order. A recipient
// without one is Later; a result for nobody is left out; of two for the same
// recipient the first counts.
func normal(t Task, results []Result) []Result {
	by := map[mail.Address]Outcome{}
	for _, res := range results {
		if _, twice := by[res.Recipient]; !twice && res.Outcome != nil {
			by[res.Recipient] = res.Outcome
		}
	}
	list := make([]Result, len(t.Recipients))
	for i, to := range t.Recipients {
		list[i] = Result{to.Address, by[to.Address]}
		if list[i].Outcome == nil {
			list[i].Outcome = Later{Why: "the attempt said nothing about this recipient"}
		}
	}
	return list
}

// write puts the results into the database. They are never thrown away while
// the process lives: an attempt that delivered and is not written down would
// be made again.
func (r *Runner) write(ctx context.Context, t Task, results []Result) {
	now := time.Now()
	next := r.after(t, results, now)
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		err := r.config.DB.UpdateSoon(context.WithoutCancel(ctx), r.patience(), func(tx *store.Tx) error {
			return r.commit(tx, t, next, now)
		})
		switch {
		case err == nil:
			r.tell(t, next)
			return
		case errors.Is(err, errLeaseLost):
			r.alarm("the result of an attempt came too late", problem.TaskLeaseLost, t, nil)
			return
		case errors.Is(err, store.ErrDead), errors.Is(err, store.ErrClosed), ctx.Err() != nil:
			r.alarm("the result of an attempt is lost", problem.TaskUnsettled, t, err)
			return
		}
		r.alarm("the result of an attempt cannot be written yet", problem.TaskUnsettled, t, err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		r.extend(ctx, t)
	}
}

// extend keeps the lease while a result waits to be written.
func (r *Runner) extend(ctx context.Context, t Task) {
	until := time.Now().Add(r.config.Limit + 2*margin)
	_ = r.config.DB.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		return renew(tx, t, until)
	}) // fails with what made the write fail, which is logged
}

// commit writes one attempt's outcomes, the rest of the task, and what
// follows from them.
func (r *Runner) commit(tx *store.Tx, t Task, next follow, now time.Time) error {
	mine, err := replaceTask(tx, t, next)
	if err != nil {
		return err
	}
	if !mine {
		return errLeaseLost
	}
	for _, rec := range next.records {
		first, err := Put(tx, rec)
		if err != nil {
			return err
		}
		if !first {
			r.alarm("a recipient has an outcome already", problem.TaskTwice, t, nil)
		}
	}
	if err := r.config.Settle(tx, t, next.results, now); err != nil {
		return fmt.Errorf("task: settle: %w", err)
	}
	open, err := Open(tx, t.Message)
	if err == nil && open > 0 { // Settle may have planned a report
		tx.OnCommit(r.Wake)
	}
	return err
}

// tell counts and logs what an attempt came to.
func (r *Runner) tell(t Task, next follow) {
	for _, res := range next.results {
		name, _ := nameOf(res.Outcome)
		r.config.Metrics.Count("task_outcomes", 1, "kind", string(t.Kind), "outcome", name)
	}
	if next.stuck != "" && !PutOff(next.results) {
		r.alarm("a task needs a person", next.stuck, t, nil)
	}
}

func (r *Runner) alarm(what string, code problem.Code, t Task, err error) {
	r.config.Metrics.Count("task_problems", 1, "code", string(code))
	args := []any{
		telemetry.KeyCode, code, telemetry.KeyMessage, t.Message, telemetry.KeyTenant, t.Tenant,
		telemetry.KeyKind, t.Kind, telemetry.KeyHost, t.Hop, telemetry.KeyCount, t.Attempts,
	}
	if err != nil {
		args = append(args, telemetry.KeyError, err)
	}
	r.log.Error(what, args...)
}
