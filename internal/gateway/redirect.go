package gateway

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
)

// redirection says whom a message was meant for, and who gets it instead.
type redirection struct {
	From mail.Address   `json:"from"`
	To   []mail.Address `json:"to"`
}

func (e *enacting) redirect(f fate) {
	e.add(task.Copy, recipients(f.verdict.Redirect), e.row.Envelope.From, parcel{
		shape: shapeOf(f.verdict), Inspected: e.extra.Inspected,
		Redirect: &redirection{From: f.to.Address, To: f.verdict.Redirect},
	})
	if e.err == nil {
		_, e.err = task.Put(e.tx, task.Record{
			Message: e.row.ID, Tenant: e.row.Tenant, Recipient: f.to.Address, Kind: task.Return,
			Fate: task.Redirected, Why: "policy " + first(f.verdict.Rules), At: e.now,
		})
	}
}

// redirectFailed tells the sender of a redirected message that nobody got it,
// when the last of those who should have refuses it: else it would be lost for
// everybody but the operator. The report names whom the sender wrote to, not
// where the message should have gone.
func (g *Gateway) redirectFailed(tx *store.Tx, t task.Task, row spool.Message, now time.Time) error {
	var p parcel
	if err := json.Unmarshal(t.Payload, &p); err != nil {
		return fmt.Errorf("gateway: payload of task %s: %w", t.ID, err)
	}
	if t.Kind != task.Copy || p.Redirect == nil {
		return nil
	}
	lost, err := nobodyHas(tx, t.Message, p.Redirect.To)
	if err != nil || !lost {
		return err
	}
	var x extra
	if err := json.Unmarshal(row.Extra, &x); err != nil {
		return fmt.Errorf("gateway: row of %s: %w", row.ID, err)
	}
	e := enacting{g: g, tx: tx, row: row, extra: x, now: now}
	reply := mail.NewReply(550, "5.3.0", "A mail rule sends this message to another mailbox, which did not take it. ref "+x.Ref)
	err = g.Audit.Change(tx, row.ID, func(m *audit.Message) {
		if r := m.To(p.Redirect.From); r != nil {
			r.Delivery, r.Reply, r.At = audit.Failed, reply, now
		}
		m.Did("redirect failed", string(p.Redirect.From), now)
	})
	if err != nil {
		return err
	}
	to := mail.Recipient{Address: p.Redirect.From}
	for _, r := range row.Envelope.To {
		if r.Address == p.Redirect.From {
			to = r
		}
	}
	told := task.Silent
	if to.WantsFailure() && e.mayTell() {
		l := letter{Kind: letterUndelivered, All: len(unique(row.Envelope.To)), Ref: x.Ref, Outside: x.Outside,
			About: []reported{{Address: to.Address, ORcpt: to.ORcpt, Reply: reply}}}
		told = e.add(task.Report, []mail.Recipient{{Address: row.Envelope.From, Notify: mail.NotifyNever}}, "", parcel{Letter: &l})
		tx.OnCommit(g.Wake)
	}
	if e.err != nil {
		return e.err
	}
	if err := task.FailRedirect(tx, row.ID, to.Address, "nobody took the redirected message"); err != nil {
		return err
	}
	return task.Tell(tx, row.ID, []mail.Address{to.Address}, told)
}

// nobodyHas reports whether none of the mailboxes got the message, and none
// will.
func nobodyHas(tx *store.Tx, message string, to []mail.Address) (bool, error) {
	done, err := task.Outcomes(tx, message)
	if err != nil {
		return false, err
	}
	for _, r := range done {
		if r.Kind == task.Copy && r.Fate == task.Delivered && slices.Contains(to, r.Recipient) {
			return false, nil
		}
	}
	open, err := task.Of(tx, message)
	for _, t := range open {
		if t.Kind == task.Copy && slices.ContainsFunc(t.Recipients, func(r mail.Recipient) bool { return slices.Contains(to, r.Address) }) {
			return false, nil
		}
	}
	return err == nil, err
}
