package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/exception"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/tenant"
)

// Excepting is what a person says about a finding.
type Excepting struct {
	exception.Exception
	// Confidence is that of the finding.
	Confidence string `json:"confidence,omitempty"`
	// Right says that the finding is sensitive: then nothing is excepted.
	Right bool `json:"right,omitempty"`
}

// excepting carries out the verbs about exceptions.
func (a *App) excepting(ctx context.Context, verb string, c Call, actor string) (ans Answer, err error) {
	switch verb {
	case "exception-candidates":
		ans.Candidates, ans.Tenant, err = a.Gateway.HeldCandidates(ctx, c.Message)
		return ans, err
	case "exception-remove":
		return ans, a.unexcept(ctx, c.Message, actor, c.Reason)
	}
	if c.Excepting == nil {
		return ans, errors.New("app: nothing is excepted")
	}
	x := *c.Excepting
	if a.Tenants.Current().Find(x.Tenant) == nil {
		return ans, fmt.Errorf("no tenant is called %q", x.Tenant)
	}
	now := time.Now()
	x.By = actor
	if x.Right {
		return ans, a.DB.Update(ctx, func(tx *store.Tx) error {
			return a.Exceptions.Say(tx, exception.Feedback{
				Tenant: x.Tenant, Type: x.Type, Detector: x.Detector, Confidence: x.Confidence, Right: true, At: now, By: actor,
				Message: x.Message,
			})
		})
	}
	x.ID, x.From = store.NewID(now), now
	if x.Until.IsZero() {
		x.Until = now.Add(exception.Life)
	}
	err = a.DB.Update(ctx, func(tx *store.Tx) error {
		if err := a.Exceptions.Add(tx, x.Exception, x.Confidence); err != nil {
			return err
		}
		return a.exceptionEvent(tx, "excepted", x.Exception, actor, now)
	})
	if err == nil {
		err = a.Exceptions.Reload(ctx)
	}
	ans.Exception = &x.Exception
	return ans, err
}

func (a *App) unexcept(ctx context.Context, id, actor, reason string) error {
	err := a.DB.Update(ctx, func(tx *store.Tx) error {
		e, err := a.Exceptions.Remove(tx, id)
		if err != nil {
			return err
		}
		e.Reason = reason
		return a.exceptionEvent(tx, "exception removed", e, actor, time.Now())
	})
	if err == nil {
		err = a.Exceptions.Reload(ctx)
	}
	return err
}

// exceptionEvent puts a change of the exceptions into the tenant's chain.
func (a *App) exceptionEvent(tx *store.Tx, kind string, e exception.Exception, actor string, now time.Time) error {
	public, err := json.Marshal(map[string]any{"id": e.ID, "type": e.Type, "detector": e.Detector, "rule": e.Rule, "until": e.Until.UTC()})
	if err != nil {
		return err
	}
	personal, err := json.Marshal(map[string]any{
		"sample": e.Sample, "sender": e.Sender, "domain": e.Domain, "reason": e.Reason, "message": e.Message,
	})
	if err != nil {
		return err
	}
	return a.Audit.Append(tx, audit.Event{Tenant: e.Tenant, Kind: kind, Actor: actor, At: now, Public: public, Personal: personal})
}

// ExceptionsOf lists the exceptions of a tenant; "" is all.
func (r *Reader) ExceptionsOf(ctx context.Context, tenantID string) (list []exception.Exception, err error) {
	err = r.DB.View(ctx, func(tx *store.Tx) (err error) {
		list, err = exception.List(tx, tenantID)
		return err
	})
	return list, err
}

// Precision is how often detectors were right, of what people judged.
func (r *Reader) Precision(ctx context.Context, tenantID string) (list []exception.Precision, err error) {
	err = r.DB.View(ctx, func(tx *store.Tx) (err error) {
		list, err = exception.Measured(tx, tenantID)
		return err
	})
	return list, err
}

// Candidates looks at a message in a file, in a process that may die, and
// says what can be excepted in it. The tenant is the only one when id is "".
func (r *Reader) Candidates(ctx context.Context, id string, body mail.Body) ([]gateway.Candidate, string, error) {
	_, state, err := r.InForce(ctx)
	if err != nil {
		return nil, "", err
	}
	var t *tenant.Tenant
	if all := state.Tenants.Tenants(); id == "" && len(all) == 1 {
		t = all[0]
	} else if t = state.Tenants.Find(id); t == nil {
		return nil, "", fmt.Errorf("no tenant is called %q; name one with --tenant", id)
	}
	keys, err := r.Config.readKeys(ctx)
	if err != nil {
		return nil, "", err
	}
	l := newBenchLooker(false)
	defer l.Close()
	return gateway.Candidates(ctx, l, t, exception.Read(r.DB, keys.Derive(exceptionsPurpose)).Keys(t.ID), body), t.ID, nil
}
