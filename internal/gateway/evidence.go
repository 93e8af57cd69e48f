package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/evidence"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/vault"
)

// copied is a copy that is durable and has no row yet; nil is none.
type copied struct {
	evidence.Stored
	rules []string
	until time.Time
	at    time.Time
}

// copyOf makes the copy that a plan wants kept durable, before the transaction
// that promises it.
//
// Header fields that hold our own marks and secrets are not kept: whoever reads
// a copy must not learn them.
func (g *Gateway) copyOf(ctx context.Context, id string, body mail.Body, cut []mail.Range, p plan) (*copied, error) {
	if p.keep == 0 {
		return nil, nil
	}
	if g.Evidence == nil {
		return nil, errors.New("gateway: a policy wants a copy kept, and there is no place for it")
	}
	s, err := g.Evidence.Store(ctx, id, mail.Without(body, cut))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return &copied{s, p.keepers, now.Add(p.keep), now}, nil
}

// note writes into the record that a copy is kept.
func (c *copied) note(m *audit.Message) {
	if c != nil {
		m.Evidence = c.until
		m.Did("kept as evidence", "until "+c.until.UTC().Format(time.DateOnly), c.at)
	}
}

// keepCopy writes the row of a copy.
func (g *Gateway) keepCopy(tx *store.Tx, row spool.Message, c *copied) error {
	if c == nil {
		return nil
	}
	err := evidence.Add(tx, evidence.Copy{
		Message: row.ID, Tenant: row.Tenant, Ref: refOf(row.ID), Rules: c.rules, Kept: c.at, Until: c.until,
	}, c.Stored)
	if err != nil {
		return err
	}
	public := map[string]any{"until": c.until.UTC(), "rules": c.rules, "size": c.Size}
	return g.noteEvidence(tx, row.Tenant, row.ID, "kept", "gateway", public, "", c.at)
}

// discardCopy removes a copy whose row was not committed. After an ambiguous
// COMMIT only the sweep of the next start may decide.
func (g *Gateway) discardCopy(c *copied, err error) {
	if c != nil && !errors.Is(err, store.ErrDead) {
		g.died(g.Evidence.Discard(c.Stored))
	}
}

// evidenceEvent begins the kinds of the events about copies: together they are
// the access log.
const evidenceEvent = "evidence "

func (g *Gateway) noteEvidence(tx *store.Tx, tenant, message, what, actor string, public map[string]any, why string, now time.Time) error {
	text, err := json.Marshal(public)
	if err != nil {
		return err
	}
	e := audit.Event{Tenant: tenant, Message: message, Kind: evidenceEvent + what, Actor: actor, At: now, Public: text}
	if why != "" {
		if e.Personal, err = json.Marshal(looker{Why: why}); err != nil {
			return err
		}
	}
	return g.Audit.Append(tx, e)
}

// Access is one entry of the access log of a copy.
type Access struct {
	At     time.Time       `json:"at"`
	What   string          `json:"what"`
	Actor  string          `json:"actor"`
	Why    string          `json:"why,omitempty"`
	Public json.RawMessage `json:"detail,omitempty"`
}

// AccessLog is what was done with the copy of a message, the oldest first.
func AccessLog(log *audit.Log, tx *store.Tx, tenant, message string) (list []Access, err error) {
	events, err := log.Events(tx, tenant, message)
	for _, e := range events {
		if len(e.Kind) <= len(evidenceEvent) || e.Kind[:len(evidenceEvent)] != evidenceEvent {
			continue
		}
		var p looker
		if len(e.Personal) > 0 {
			if err := json.Unmarshal(e.Personal, &p); err != nil {
				return nil, err
			}
		}
		list = append(list, Access{At: e.At, What: e.Kind[len(evidenceEvent):], Actor: e.Actor, Why: p.Why, Public: e.Public})
	}
	return list, err
}

// EvidenceReading is somebody's wish to read a copy.
type EvidenceReading struct {
	Message string
	Person  quarantine.Person
	Actor   string
	// Why is for the access log; it must be said.
	Why string
	// Keys are the private keys of the role that the reader brings. Without
	// them the reader needs the right to content, or an emergency that
	// somebody else has confirmed.
	Keys *vault.Keys
}

// ReadEvidence opens a copy. That it is read is in the chain, durably, before a
// single octet is given out.
func (g *Gateway) ReadEvidence(ctx context.Context, r EvidenceReading) (*evidence.Body, error) {
	if len(r.Why) < 3 {
		return nil, &quarantine.Refusal{Code: quarantine.NeedsReason, Text: "say why the copy is read"}
	}
	var c evidence.Copy
	how := "right"
	err := g.DB.View(ctx, func(tx *store.Tx) (err error) {
		if c, err = evidence.Find(tx, r.Message); err != nil {
			return err
		}
		foreign := r.Person.Tenant != c.Tenant && !(r.Person.By == quarantine.ByAdmin && r.Person.Tenant == "")
		switch {
		case r.Person.By == "" || r.Person.Key() == "" || foreign:
			return &quarantine.Refusal{Code: quarantine.NotYours, Text: "this is not yours to read"}
		case r.Keys != nil:
			how = "key brought"
			return nil
		case r.Person.Rights.Content:
			return nil
		}
		_, found, err := quarantine.InForce(tx, r.Message, r.Person, time.Now())
		if how = "emergency"; err == nil && !found {
			err = &quarantine.Refusal{Code: quarantine.NeedsRight, Text: "bring the private key of the role evidence, " +
				"or let somebody else confirm an emergency"}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	body, err := g.Evidence.Open(ctx, r.Message, r.Keys)
	if err != nil {
		return nil, err
	}
	err = g.DB.Update(ctx, func(tx *store.Tx) error {
		return g.noteEvidence(tx, c.Tenant, r.Message, "read", r.Actor, map[string]any{"how": how, "means": r.Person.By}, r.Why, time.Now())
	})
	if err != nil {
		return nil, errors.Join(err, body.Close())
	}
	return body, nil
}

// PinEvidence keeps a copy beyond its time, or with unpin lets its time count
// again.
func (g *Gateway) PinEvidence(ctx context.Context, message, actor, why string, unpin bool) error {
	if len(why) < 3 {
		return &quarantine.Refusal{Code: quarantine.NeedsReason, Text: "say why"}
	}
	return g.DB.Update(ctx, func(tx *store.Tx) error {
		now := time.Now()
		pin, what := &evidence.Pin{By: actor, Why: why, At: now}, "pinned"
		if unpin {
			pin, what = nil, "unpinned"
		}
		c, err := evidence.SetPin(tx, message, pin)
		if err != nil {
			return err
		}
		return g.noteEvidence(tx, c.Tenant, message, what, actor, map[string]any{}, why, now)
	})
}

// ExpireEvidence gives up copies whose time is over, page by page, and says so
// in the chain. It returns how many.
func (g *Gateway) ExpireEvidence(ctx context.Context, now time.Time) (n int, err error) {
	const page = 100
	for more := true; more; {
		var files []string
		err := g.DB.Update(ctx, func(tx *store.Tx) error {
			due, err := evidence.Due(tx, now, page)
			more = len(due) == page
			for _, c := range due {
				if err != nil {
					return err
				}
				var file string
				if file, err = evidence.GiveUp(tx, c.Message, now); err != nil {
					return err
				}
				files = append(files, file)
				err = g.noteEvidence(tx, c.Tenant, c.Message, "ended", "retention", map[string]any{"why": "its time is over"}, "", now)
			}
			return err
		})
		if err != nil {
			return n, fmt.Errorf("gateway: end of evidence: %w", err)
		}
		n += len(files)
		for _, file := range files {
			if err := g.Evidence.Unlink(file); err != nil {
				g.died(err)
				return n, err
			}
		}
	}
	return n, nil
}
