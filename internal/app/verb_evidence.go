package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"postern.dev/postern/internal/evidence"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/vault"
)

// copyFor is a copy, and the caller as a person who has a right about it.
func (a *App) copyFor(
	ctx context.Context, message, actor, right string, act quarantine.Act,
) (x evidence.Copy, p quarantine.Person, err error) {
	err = a.DB.View(ctx, func(tx *store.Tx) (err error) {
		if x, err = evidence.Find(tx, message); errors.Is(err, evidence.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return x, p, err
	}
	p, err = a.Desk.Enter(ctx, callerOf(actor), x.Tenant, message, right, act)
	if x.Tenant == "" && quarantine.WhyOf(err) == quarantine.NoSuch {
		err = evidence.ErrNotFound
	}
	return x, p, err
}

// evidenceVerb carries out a verb about copies that are kept.
func (a *App) evidenceVerb(ctx context.Context, verb string, c Call, actor string) (ans Answer, err error) {
	switch verb {
	case "evidence-list":
		if c.Tenant, err = a.Desk.Scope(ctx, callerOf(actor), c.Tenant); err != nil {
			return ans, err
		}
		err = a.DB.View(ctx, func(tx *store.Tx) (err error) {
			ans.Evidence, err = evidence.List(tx, evidence.Filter{Tenant: c.Tenant, Gone: c.All, Limit: 10_000})
			return err
		})
	case "evidence-show":
		x, _, no := a.copyFor(ctx, c.Message, actor, "metadata", quarantine.See)
		if no != nil {
			return ans, no
		}
		ans.Evidence = []evidence.Copy{x}
		err = a.DB.View(ctx, func(tx *store.Tx) (err error) {
			ans.Accesses, err = gateway.AccessLog(a.Audit, tx, x.Tenant, x.Message)
			return err
		})
	case "evidence-pin", "evidence-unpin":
		act := quarantine.PinIt
		if verb == "evidence-unpin" {
			act = quarantine.UnpinIt
		}
		if len(c.Reason) < 3 {
			return ans, &quarantine.Refusal{Code: quarantine.NeedsReason, Text: "say why"}
		}
		if _, _, err = a.copyFor(ctx, c.Message, actor, "decide", act); err == nil {
			err = a.Gateway.PinEvidence(ctx, c.Message, actor, c.Reason, act == quarantine.UnpinIt)
		}
	}
	return ans, err
}

// openIt is what somebody wants who takes part in an emergency, or reads.
const openIt quarantine.Act = "open"

// keptFor is the caller as a person who has a right about a message that is
// held, or kept as evidence; and whose message it is.
func (a *App) keptFor(ctx context.Context, message, actor, right string) (p quarantine.Person, owner string, err error) {
	err = a.DB.View(ctx, func(tx *store.Tx) (err error) {
		owner, err = gateway.KeptFor(tx, message)
		return err
	})
	if err == nil {
		p, err = a.Desk.Enter(ctx, callerOf(actor), owner, message, right, openIt)
	}
	return p, owner, err
}

// emergencyVerb carries out a verb about emergencies.
func (a *App) emergencyVerb(ctx context.Context, verb string, c Call, actor string) (ans Answer, err error) {
	var p quarantine.Person
	var e quarantine.Emergency
	switch verb {
	case "emergency-ask":
		if p, _, err = a.keptFor(ctx, c.Message, actor, "emergency"); err == nil {
			e, err = a.Gateway.AskEmergency(ctx, c.Message, p, c.Reason)
		}
		err = noSuch(err, "nothing is kept of it: the id is wrong, or it is long over")
	case "emergency-confirm":
		err = a.DB.View(ctx, func(tx *store.Tx) (err error) {
			e, err = quarantine.FindEmergency(tx, c.Message)
			return err
		})
		if err != nil && quarantine.WhyOf(err) != quarantine.NotPossible {
			return ans, err
		}
		if p, err = a.Desk.Enter(ctx, callerOf(actor), e.Tenant, e.Message, "emergency", openIt); err == nil {
			e, err = a.Gateway.ConfirmEmergency(ctx, c.Message, p)
		}
		err = noSuch(err, "there is no such emergency, or its row was changed")
	case "emergency-list":
		switch _, _, err = a.keptFor(ctx, c.Message, actor, "metadata"); {
		case quarantine.WhyOf(err) == quarantine.NoSuch:
			return ans, nil
		case err != nil:
			return ans, err
		}
		err = a.DB.View(ctx, func(tx *store.Tx) (err error) {
			ans.Emergencies, err = quarantine.Emergencies(tx, c.Message)
			return err
		})
		return ans, err
	}
	if err == nil {
		ans.Emergencies = []quarantine.Emergency{e}
	}
	return ans, err
}

// noSuch says in other words that there is nothing, or nothing for the caller.
func noSuch(err error, text string) error {
	if quarantine.WhyOf(err) == quarantine.NoSuch {
		return &quarantine.Refusal{Code: quarantine.NoSuch, Text: text}
	}
	return err
}

// Content gives the octets that a verb is about, after the look was recorded:
// of a kept copy, or of a held message in an emergency.
func (a *App) Content(ctx context.Context, verb string, c Call, actor string) (mail.Body, io.Closer, error) {
	switch verb {
	case "evidence-export":
		x, p, err := a.copyFor(ctx, c.Message, actor, "metadata", openIt)
		if err != nil {
			return nil, nil, err
		}
		r := gateway.EvidenceReading{Message: c.Message, Person: p, Actor: actor, Why: c.Reason}
		if c.Keys != "" {
			if r.Keys, err = vault.ParseKeys(c.Keys); err != nil {
				return nil, nil, err
			}
		}
		body, err := a.Gateway.ReadEvidence(ctx, r)
		if err != nil {
			return nil, nil, a.Desk.Note(ctx, callerOf(actor), openIt, x.Tenant, c.Message, err)
		}
		return body, body, nil
	case "emergency-read":
		p, tenant, err := a.keptFor(ctx, c.Message, actor, "metadata")
		if err != nil {
			return nil, nil, err
		}
		x, err := a.Gateway.Read(ctx, gateway.Reading{Message: c.Message, Person: p, Actor: actor, Depth: quarantine.Whole})
		if err != nil {
			return nil, nil, a.Desk.Note(ctx, callerOf(actor), openIt, tenant, c.Message, err)
		}
		return x, x, nil
	}
	return nil, nil, fmt.Errorf("app: no verb that gives content is called %q", verb)
}

// stream answers a verb that gives content.
func (a *App) stream(w http.ResponseWriter, r *http.Request, verb string, c Call, actor string) {
	body, closer, err := a.Content(r.Context(), verb, c, actor)
	if err != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusConflict)
		_ = json.NewEncoder(w).Encode(Answer{Problem: err.Error()})
		return
	}
	defer closer.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", fmt.Sprint(body.Size()))
	_, _ = io.Copy(w, io.NewSectionReader(body, 0, body.Size())) // the client is gone: nothing to do
}

// expireEvidence gives up the copies whose time is over.
func (a *App) expireEvidence(ctx context.Context, now time.Time) error {
	_, err := a.Gateway.ExpireEvidence(ctx, now)
	return err
}

// Fetch writes what a verb that gives content gives: from the running gateway,
// or from the store when none runs.
func Fetch(ctx context.Context, c *Config, verb string, call Call, w io.Writer) error {
	res, err := reach(ctx, c, verb, call)
	if err != nil {
		return fmt.Errorf("the running gateway at %s: %w", c.adminSocket(), err)
	}
	if res != nil {
		defer res.Body.Close()
		if res.StatusCode == http.StatusOK {
			_, err := io.Copy(w, res.Body) // an early end is an error: the length was said
			return err
		}
		var ans Answer
		if err := json.NewDecoder(res.Body).Decode(&ans); err != nil || ans.Problem == "" {
			return fmt.Errorf("the running gateway answered %s", res.Status)
		}
		return problemOf(ans)
	}
	a, err := Open(ctx, c, World{Log: quietLog()})
	if err != nil {
		return err
	}
	body, closer, err := a.Content(ctx, verb, call, "uid:"+strconv.Itoa(os.Getuid()))
	if err == nil {
		_, err = io.Copy(w, io.NewSectionReader(body, 0, body.Size()))
		err = errors.Join(err, closer.Close())
	}
	return errors.Join(err, a.Close())
}
