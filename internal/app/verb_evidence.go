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

// machine is who comes by the admin socket: he may decide, and reads no
// content without somebody else's word.
func machine(actor string) quarantine.Person {
	return quarantine.Person{
		Name: actor, By: quarantine.ByAdmin,
		Rights: quarantine.Rights{Metadata: true, Decide: true, Malware: true, Emergency: true},
	}
}

// evidenceVerb carries out a verb about copies that are kept.
func (a *App) evidenceVerb(ctx context.Context, verb string, c Call, actor string) (ans Answer, err error) {
	switch verb {
	case "evidence-list":
		err = a.DB.View(ctx, func(tx *store.Tx) (err error) {
			ans.Evidence, err = evidence.List(tx, evidence.Filter{Tenant: c.Tenant, Gone: c.All, Limit: 10_000})
			return err
		})
	case "evidence-show":
		err = a.DB.View(ctx, func(tx *store.Tx) error {
			x, err := evidence.Find(tx, c.Message)
			if err != nil {
				return err
			}
			ans.Evidence = []evidence.Copy{x}
			ans.Accesses, err = gateway.AccessLog(a.Audit, tx, x.Tenant, x.Message)
			return err
		})
	case "evidence-pin", "evidence-unpin":
		err = a.Gateway.PinEvidence(ctx, c.Message, actor, c.Reason, verb == "evidence-unpin")
	}
	return ans, err
}

// emergencyVerb carries out a verb about emergencies.
func (a *App) emergencyVerb(ctx context.Context, verb string, c Call, actor string) (ans Answer, err error) {
	var e quarantine.Emergency
	switch verb {
	case "emergency-ask":
		e, err = a.Gateway.AskEmergency(ctx, c.Message, machine(actor), c.Reason)
	case "emergency-confirm":
		e, err = a.Gateway.ConfirmEmergency(ctx, c.Message, machine(actor))
	case "emergency-list":
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

// Content gives the octets that a verb is about, after the look was recorded:
// of a kept copy, or of a held message in an emergency.
func (a *App) Content(ctx context.Context, verb string, c Call, actor string) (mail.Body, io.Closer, error) {
	switch verb {
	case "evidence-export":
		r := gateway.EvidenceReading{Message: c.Message, Person: machine(actor), Actor: actor, Why: c.Reason}
		if c.Keys != "" {
			keys, err := vault.ParseKeys(c.Keys)
			if err != nil {
				return nil, nil, err
			}
			r.Keys = keys
		}
		body, err := a.Gateway.ReadEvidence(ctx, r)
		if err != nil {
			return nil, nil, err
		}
		return body, body, nil
	case "emergency-read":
		x, err := a.Gateway.Read(ctx, gateway.Reading{
			Message: c.Message, Person: machine(actor), Actor: actor, Depth: quarantine.Whole,
		})
		if err != nil {
			return nil, nil, err
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
