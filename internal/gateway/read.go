package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/evidence"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/vault"
)

// Reading is somebody's wish to look into a held message.
type Reading struct {
	Message string
	Person  quarantine.Person
	// Actor is the opaque name that stays in the chain; "" takes the part in
	// which the person reads.
	Actor string
	// Depth is how much shall be shown: quarantine.Redacted or quarantine.Whole.
	Depth quarantine.Depth
}

// Content is a held message that somebody sees now, without the header fields
// that hold our own marks and secrets. Close it.
type Content struct {
	mail.Body
	file   *spool.Body
	Tenant string
	// Holds are all of the message.
	Holds []quarantine.Hold
	// Depth is how much of it may be shown. With quarantine.Redacted the caller
	// blots out what was found: it got the whole.
	Depth quarantine.Depth
	As    quarantine.As
}

// Close implements io.Closer.
func (c *Content) Close() error { return c.file.Close() }

// View says how much of a held message a person may see, in which part, or
// refuses. It opens and records nothing: a page asks it whether to offer a look.
func (g *Gateway) View(
	tx *store.Tx, holds []quarantine.Hold, p quarantine.Person, now time.Time,
) (quarantine.Depth, quarantine.As, error) {
	return quarantine.ViewNow(tx, holds, p, now)
}

// Read opens a held message for a person who may see it, with the key of his
// role. That he looked is in the chain, durably, before he gets a single octet;
// the sender sees it (Views). A person who may not gets a *quarantine.Refusal.
func (g *Gateway) Read(ctx context.Context, r Reading) (c *Content, err error) {
	c = &Content{}
	now := time.Now()
	var cut []mail.Range
	err = g.DB.View(ctx, func(tx *store.Tx) (err error) {
		if c.Holds, err = quarantine.Of(tx, r.Message); err != nil {
			return err
		}
		if c.Depth, c.As, err = g.View(tx, c.Holds, r.Person, now); err != nil {
			return err
		}
		row, err := spool.Get(tx, r.Message)
		c.Tenant, cut = row.Tenant, row.Cut
		return err
	})
	if err != nil {
		return nil, err
	}
	switch {
	case r.Depth == quarantine.Redacted:
		c.Depth = quarantine.Redacted
	case c.Depth != quarantine.Whole:
		return nil, &quarantine.Refusal{Code: quarantine.NeedsRight, Text: "you may see this mail with what was found blotted out only"}
	}
	role := vault.Reading
	if c.As == quarantine.InEmergency {
		role = vault.Emergency
	}
	if c.file, err = g.Spool.OpenFor(ctx, role, r.Message); err != nil {
		return nil, err
	}
	c.Body = mail.Without(c.file, cut)
	if err := g.DB.Update(ctx, func(tx *store.Tx) error { return g.recordReading(tx, r, c, role, time.Now()) }); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// readEvent is the kind of the event of a look; the others belong to it.
const (
	readEvent      = "read"
	askedEvent     = "emergency asked"
	confirmedEvent = "emergency confirmed"
)

// seen is what stays in the chain of a look.
type seen struct {
	As    quarantine.As    `json:"as"`
	Depth quarantine.Depth `json:"depth,omitempty"`
	ID    string           `json:"emergency,omitempty"`
	Means quarantine.Means `json:"means"`
	Role  vault.Role       `json:"role,omitempty"`
}

// looker is what can be erased of it.
type looker struct {
	By  string `json:"by"`
	Why string `json:"why,omitempty"`
}

func (g *Gateway) recordReading(tx *store.Tx, r Reading, c *Content, role vault.Role, now time.Time) error {
	return g.recordLook(tx, readEvent, c.Tenant, r.Message, cmp.Or(r.Actor, string(c.As)),
		seen{As: c.As, Depth: c.Depth, Means: r.Person.By, Role: role}, looker{By: r.Person.Key()}, now)
}

func (g *Gateway) recordLook(tx *store.Tx, kind, tenant, message, actor string, s seen, p looker, now time.Time) error {
	err := g.Audit.Change(tx, message, func(m *audit.Message) {
		detail := "as " + string(s.As)
		if s.Depth != "" {
			detail = string(s.Depth) + ", " + detail
		}
		m.Did(kind, detail, now)
	})
	if err != nil && !errors.Is(err, audit.ErrNotFound) {
		return err
	}
	public, err := json.Marshal(s)
	if err != nil {
		return err
	}
	personal, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return g.Audit.Append(tx, audit.Event{
		Tenant: tenant, Message: message, Kind: kind, Actor: actor, At: now, Public: public, Personal: personal,
	})
}

// Look is one look into a held message, or a step towards one in an emergency,
// as its sender sees it.
type Look struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"` // read, emergency asked, emergency confirmed
	// By is who it was; "" when his name was erased from the record.
	By    string           `json:"by,omitempty"`
	Actor string           `json:"actor"`
	As    quarantine.As    `json:"as"`
	Depth quarantine.Depth `json:"depth,omitempty"`
	Means quarantine.Means `json:"means"`
	Why   string           `json:"why,omitempty"`
}

// Looks lists who has looked into a message, the oldest first.
func (g *Gateway) Looks(tx *store.Tx, tenant, message string) (list []Look, err error) {
	events, err := g.Audit.Events(tx, tenant, message)
	for _, e := range events {
		if e.Kind != readEvent && e.Kind != askedEvent && e.Kind != confirmedEvent {
			continue
		}
		var s seen
		var p looker
		if err := json.Unmarshal(e.Public, &s); err != nil {
			return nil, err
		}
		if len(e.Personal) > 0 {
			if err := json.Unmarshal(e.Personal, &p); err != nil {
				return nil, err
			}
		}
		list = append(list, Look{At: e.At, Kind: e.Kind, By: p.By, Actor: e.Actor, As: s.As, Depth: s.Depth, Means: s.Means, Why: p.Why})
	}
	return list, err
}

// AskEmergency is the first of two persons who agree that a held message must
// be read. Both are named in the chain.
func (g *Gateway) AskEmergency(ctx context.Context, message string, p quarantine.Person, why string) (e quarantine.Emergency, err error) {
	err = g.DB.Update(ctx, func(tx *store.Tx) error {
		owner, err := KeptFor(tx, message)
		if err != nil {
			return err
		}
		if e, err = quarantine.AskEmergency(tx, message, owner, p, why, time.Now()); err != nil {
			return err
		}
		return g.recordLook(tx, askedEvent, e.Tenant, e.Message, actorOf(p),
			seen{As: quarantine.InEmergency, ID: e.ID, Means: p.By}, looker{By: p.Key(), Why: e.Why}, e.At)
	})
	return e, err
}

// KeptFor is whose message is held, or kept as evidence; "" for neither.
func KeptFor(tx *store.Tx, message string) (tenant string, err error) {
	holds, err := quarantine.Of(tx, message)
	if err != nil || len(holds) > 0 {
		return append(holds, quarantine.Hold{})[0].Tenant, err
	}
	c, err := evidence.Find(tx, message)
	if errors.Is(err, evidence.ErrNotFound) || !c.Ended.IsZero() {
		return "", nil
	}
	return c.Tenant, err
}

// ConfirmEmergency is the second person.
func (g *Gateway) ConfirmEmergency(ctx context.Context, id string, p quarantine.Person) (e quarantine.Emergency, err error) {
	err = g.DB.Update(ctx, func(tx *store.Tx) error {
		if e, err = quarantine.ConfirmEmergency(tx, id, p, time.Now()); err != nil {
			return err
		}
		return g.recordLook(tx, confirmedEvent, e.Tenant, e.Message, actorOf(p),
			seen{As: quarantine.InEmergency, ID: e.ID, Means: p.By}, looker{By: p.Key()}, e.ConfirmedAt)
	})
	return e, err
}

// actorOf is the opaque name of a person: that of the machine's user, else none.
func actorOf(p quarantine.Person) string {
	if p.Address == "" {
		return p.Name
	}
	return string(quarantine.InEmergency)
}
