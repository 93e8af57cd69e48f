package app

import (
	"context"
	"errors"

	"postern.dev/postern/internal/deliver"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/task"
)

// backDoor lets the gateway use the back door without knowing it.
type backDoor struct{ d *deliver.Deliverer }

// Open implements gateway.Door.
func (b backDoor) Open(ctx context.Context, r mail.Route, e mail.Envelope, o *mail.Outgoing) (gateway.Transaction, error) {
	t, err := b.d.Open(ctx, r, e, o)
	if err == nil {
		return transaction{t}, nil
	}
	var f *deliver.Failure
	if !errors.As(err, &f) {
		f = &deliver.Failure{Why: err.Error()}
	}
	return nil, &gateway.Closed{
		Outcome: outcomeOf(f.Outcome(), f.Reply, f.Host, f.Why, f.Unusable()), Reply: f.Reply, Host: f.Host, Why: f.Why,
	}
}

type transaction struct{ *deliver.Transaction }

// Judge implements gateway.Transaction.
func (t transaction) Judge(r mail.Reply, rcpt bool) task.Outcome {
	phase := deliver.PhaseEnd
	if rcpt {
		phase = deliver.PhaseRcpt
	}
	return outcomeOf(deliver.Classify(r, phase), r, t.Host(), "", false)
}

func outcomeOf(o deliver.Outcome, r mail.Reply, host, why string, unusable bool) task.Outcome {
	trouble := task.Trouble("")
	switch {
	case o.Throttled:
		trouble = task.Slow
	case unusable:
		trouble = task.Down
	}
	switch o.Kind {
	case deliver.Done:
		return task.Done{Reply: r, Host: host}
	case deliver.Failed:
		return task.Failed{Reply: r, Host: host, Why: why}
	case deliver.Stuck:
		return task.Stuck{Problem: o.Problem, Reply: r, Host: host, Trouble: trouble}
	}
	return task.Later{Reply: r, Host: host, Why: why, Trouble: trouble}
}
