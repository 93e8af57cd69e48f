package gateway

import (
	"context"
	"errors"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
)

// What is let go is looked into once more, outside of the transaction: the
// detectors may know more than when it came. What is new is a refusal, until
// somebody lets it go who has the right to let malware go.

// errNotLooked says that a step of a bulk decision came to a message into which
// nobody has looked again.
var errNotLooked = errors.New("gateway: not looked into again")

// lookAgain is what a new look finds in a message that a decision would let go.
// What only waited is not looked into again.
func (g *Gateway) lookAgain(ctx context.Context, d Decision) []string {
	act := d.act()
	if !d.Release && act != quarantine.Approve && act != quarantine.Send {
		return nil
	}
	var list []quarantine.Hold
	err := g.DB.View(ctx, func(tx *store.Tx) (err error) {
		list, err = quarantine.Of(tx, d.Message)
		return err
	})
	if err != nil {
		return nil // the transaction says what is wrong
	}
	for _, h := range list {
		if h.Ended == nil && !h.Delay && (len(d.To) == 0 || among(d.To, h.Recipient)) {
			return g.typesNow(ctx, d.Message)
		}
	}
	return nil
}

// typesNow are the types of what a look into a body in custody finds now.
func (g *Gateway) typesNow(ctx context.Context, id string) []string {
	row, body, err := g.inCustody(ctx, id)
	if err != nil {
		return nil // it cannot be sent either
	}
	defer body.Close()
	t, err := g.tenantOf(row.Tenant)
	if err != nil {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, max(g.Judge, time.Second))
	defer cancel()
	except := g.Exceptions.Of(t.ID)
	report := g.Look.Look(limited, mail.Parse(body, g.Limits), look.Options{
		Budget: max(g.Judge, time.Second), Trace: id, Key: catalogueKey{t, t.Policies, except},
		Catalogue: func() detect.Catalogue { return catalogueFor(t, except) },
	})
	g.notLookedAgain(ctx, row, report)
	return typesOf(report)
}

// notLookedAgain says in the record that a new look was not, or not wholly,
// possible. Who decides has decided all the same; nobody shall believe that it
// was looked into.
func (g *Gateway) notLookedAgain(ctx context.Context, row spool.Message, report detect.Report) {
	var causes []string
	for _, c := range report.Reasons() {
		switch c {
		case mail.EngineDown, mail.EngineFailed, mail.OutOfTime:
			causes = append(causes, string(c))
		}
	}
	if len(causes) == 0 {
		return
	}
	why := strings.Join(causes, ", ")
	g.Log.Warn("held mail was not wholly looked into before it is let go",
		telemetry.KeyMessage, row.ID, telemetry.KeyTenant, row.Tenant, telemetry.KeyError, why)
	err := g.DB.Update(ctx, func(tx *store.Tx) error {
		return g.Audit.Change(tx, row.ID, func(m *audit.Message) {
			m.Did("looked again", "not wholly: "+why, time.Now())
		})
	})
	if err != nil && !errors.Is(err, audit.ErrNotFound) {
		g.Log.Error("what was not looked into could not be recorded", telemetry.KeyCode, problem.LateWrite,
			telemetry.KeyMessage, row.ID, telemetry.KeyTenant, row.Tenant, telemetry.KeyError, err)
	}
}

// lookAhead looks into what the next step of a bulk decision would let go.
func (g *Gateway) lookAhead(ctx context.Context, id string, most int) (map[string][]string, error) {
	var b quarantine.Bulk
	var list []quarantine.Hold
	err := g.DB.View(ctx, func(tx *store.Tx) (err error) {
		b, list, err = quarantine.Ahead(tx, id, most)
		return err
	})
	if err != nil || !b.Approve {
		return nil, err
	}
	by := map[string][]string{}
	for _, h := range list {
		if _, done := by[h.Message]; !done {
			by[h.Message] = g.typesNow(ctx, h.Message)
		}
	}
	return by, nil
}

// noteLater keeps with a hold, and in the record, what a later look has found.
func (g *Gateway) noteLater(tx *store.Tx, h quarantine.Hold, again []string, now time.Time) error {
	if h.Message == "" || h.Altered || h.Ended != nil {
		return nil
	}
	before, found, err := quarantine.Find(tx, h.Message, h.Recipient)
	if err != nil || !found || !before.LookedAgain(again) {
		return err
	}
	g.Log.Info("a later look has found more in held mail",
		telemetry.KeyMessage, h.Message, telemetry.KeyTenant, h.Tenant)
	err = g.Audit.Change(tx, h.Message, func(m *audit.Message) {
		m.Did("looked again", "found since: "+strings.Join(before.Later, ", "), now)
	})
	if err != nil && !errors.Is(err, audit.ErrNotFound) {
		return err
	}
	return quarantine.Put(tx, before)
}
