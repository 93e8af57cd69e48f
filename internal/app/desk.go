package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/public"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
)

// newDesk is where people with a role decide about held mail.
func (a *App) newDesk() *quarantine.Desk {
	return &quarantine.Desk{
		DB: a.DB, Roles: a.Config.roles(),
		People: func(tenant string) quarantine.People { return a.Gateway.People(tenant, time.Now()) },
		Decide: a.decideAtDesk, Handle: a.handleAtDesk, Begun: a.bulkBegun, Refused: a.notAllowed, Owner: a.ownerOf,
		Read: a.readAtDesk,
	}
}

// callerOf is who speaks, by the name of the actor. Inside the process it is
// the gateway's own user.
func callerOf(actor string) quarantine.Caller {
	n, err := strconv.ParseUint(strings.TrimPrefix(actor, "uid:"), 10, 32)
	if err != nil {
		return quarantine.Caller{UID: uint32(os.Getuid()), Label: actor}
	}
	return quarantine.Caller{UID: uint32(n)}
}

func (a *App) decideAtDesk(ctx context.Context, p quarantine.Person, s quarantine.Saying) (quarantine.Said, error) {
	done, err := a.Gateway.Decide(ctx, gateway.Decision{
		Message: s.Message, To: s.To, Release: s.Approve, Comment: s.Text, Person: p, Actor: p.Name,
	})
	said := quarantine.Said{Done: done.Done, Agreed: done.Agreed, Needed: done.Needed, Missing: done.Missing}
	if done.Done+done.Agreed > 0 {
		said.Left = done.No
	}
	return said, err
}

func (a *App) handleAtDesk(ctx context.Context, p quarantine.Person, act quarantine.Act, s quarantine.Saying) (int, error) {
	return a.Gateway.Handle(ctx, gateway.Deed{
		Message: s.Message, To: s.To, Act: act, Person: p, Actor: p.Name, Text: s.Text, Other: s.Other,
	})
}

// readAtDesk shows the text of a held message to somebody who may see it.
func (a *App) readAtDesk(
	ctx context.Context, p quarantine.Person, message string, depth quarantine.Depth,
) (l quarantine.Letter, err error) {
	t := a.Tenants.Current().Find(p.Tenant)
	if t == nil && depth == quarantine.Redacted {
		return l, &quarantine.Refusal{
			Code: quarantine.NotPossible, Text: "the tenant is not there any more: what was found cannot be blotted out",
		}
	}
	c, err := a.Gateway.Read(ctx, gateway.Reading{Message: message, Person: p, Actor: p.Name, Depth: depth})
	switch {
	case errors.Is(err, spool.ErrGone) || errors.Is(err, spool.ErrNotFound):
		return quarantine.Letter{Gone: true}, nil
	case err != nil:
		return l, err
	}
	defer c.Close()
	l = quarantine.Letter{Text: public.ReadableText(c), Depth: c.Depth, As: c.As}
	if l.Depth == quarantine.Redacted {
		l.Text = redact(t, l.Text)
	}
	return l, nil
}

// ownerOf is whose message it is; "" for one that is not in our custody.
func (a *App) ownerOf(ctx context.Context, message string) (tenant string, err error) {
	err = a.DB.View(ctx, func(tx *store.Tx) error {
		row, err := spool.Get(tx, message)
		tenant = row.Tenant
		return err
	})
	if errors.Is(err, spool.ErrNotFound) {
		return "", nil
	}
	return tenant, err
}

// bulkBegun puts the beginning of a bulk decision into the tenant's chain, and
// has it carried out.
func (a *App) bulkBegun(tx *store.Tx, c quarantine.Caller, b quarantine.Bulk) error {
	tx.OnCommit(func() {
		select {
		case a.bulk <- struct{}{}:
		default:
		}
	})
	tenant := b.Tenant
	if tenant == "" {
		tenant = "-" // of all tenants: each decision stands in its own chain
	}
	public, err := json.Marshal(map[string]any{"id": b.ID, "approve": b.Approve, "total": b.Total})
	if err != nil {
		return err
	}
	personal, err := json.Marshal(map[string]any{"filter": b.Filter, "comment": b.Comment, "by": c.Address})
	if err != nil {
		return err
	}
	return a.Audit.Append(tx, audit.Event{
		Tenant: tenant, Kind: "bulk decision", Actor: c.Name(), At: b.Begun, Public: public, Personal: personal,
	})
}

// notAllowed notes what somebody has no right to.
func (a *App) notAllowed(ctx context.Context, c quarantine.Caller, act quarantine.Act, tenant, message string, why error) {
	a.Log.Warn("somebody has no right to do this with held mail", telemetry.KeyCode, problem.RightMissing, telemetry.KeyTenant, tenant,
		telemetry.KeyMessage, message, telemetry.KeyKind, string(act), telemetry.KeyPeer, c.Name(), telemetry.KeyError, why)
	if tenant == "" || a.Tenants.Current().Find(tenant) == nil {
		tenant = "-" // the chain of what belongs to nobody
	}
	public, err := json.Marshal(map[string]any{"act": act, "code": problem.RightMissing})
	if err != nil {
		return
	}
	personal, err := json.Marshal(map[string]any{"by": c.Address})
	if err != nil {
		return
	}
	err = a.DB.Update(ctx, func(tx *store.Tx) error {
		return a.Audit.Append(tx, audit.Event{
			Tenant: tenant, Message: message, Kind: "not allowed", Actor: c.Name(), At: time.Now(), Public: public, Personal: personal,
		})
	})
	if err != nil {
		a.Log.Error("a refusal could not be recorded", telemetry.KeyCode, problem.LateWrite, telemetry.KeyError, err)
	}
}

// decideHeld is what the verbs that decide about held mail do.
func (a *App) decideHeld(ctx context.Context, c Call, release bool, actor string) (Answer, error) {
	said, err := a.Desk.Say(ctx, callerOf(actor), quarantine.Saying{Message: c.Message, To: c.To, Approve: release, Text: c.Comment})
	ans := Answer{Number: int64(said.Done)}
	switch {
	case quarantine.WhyOf(err) == quarantine.SaidAlready: // it is noted already
		return Answer{Lines: []string{err.Error()}}, nil
	case err != nil:
	case said.Over != nil:
		return ans, overAlready(said.Over)
	case said.Agreed > 0:
		ans.Lines = []string{fmt.Sprintf("noted for %d of the recipients: %d people must agree, and %d of them have not",
			said.Agreed, said.Needed, said.Missing)}
	case said.Done == 0:
		err = errors.New("nobody waits there: it was decided already, or the id is wrong")
	}
	if said.Left != nil {
		ans.Lines = append(ans.Lines, "not for all of the recipients: "+said.Left.Error())
	}
	return ans, err
}

// overAlready says how it ended before.
func overAlready(e *quarantine.Ending) error {
	text := fmt.Sprintf("this was %s by %s at %s", e.How, e.By, e.At.UTC().Format(time.DateTime))
	return &quarantine.Refusal{Code: quarantine.OverAlready, Text: text}
}
