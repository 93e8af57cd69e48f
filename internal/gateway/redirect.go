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
	From mail.Address `json:"from"`
	// Others were meant too: who is to get the message in the place of
	// several gets it once.
	Others []mail.Address `json:"others,omitempty"`
	To     []mail.Address `json:"to"`
}

func (r *redirection) meant() []mail.Address { return append([]mail.Address{r.From}, r.Others...) }

// redirect sends the message to others, once for all recipients whom the same
// ones take the place of, and gives each recipient its outcome.
func (e *enacting) redirect(list []fate) {
	var order []string
	by := map[string][]fate{}
	for _, f := range list {
		form, _ := json.Marshal(shapeOf(f.verdict))
		key := fmt.Sprint(f.verdict.Redirect) + string(form)
		if by[key] == nil {
			order = append(order, key)
		}
		by[key] = append(by[key], f)
	}
	for _, key := range order {
		same := by[key]
		r := &redirection{From: same[0].to.Address, To: same[0].verdict.Redirect}
		for _, f := range same[1:] {
			r.Others = append(r.Others, f.to.Address)
		}
		e.add(task.Copy, recipients(r.To), e.row.Envelope.From, parcel{
			shape: shapeOf(same[0].verdict), Inspected: e.extra.Inspected, Redirect: r,
		})
	}
	for _, f := range list {
		if e.err != nil {
			return
		}
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
	meant := p.Redirect.meant()
	reply := mail.NewReply(550, "5.3.0", "A mail rule sends this message to another mailbox, which did not take it. ref "+x.Ref)
	err = g.Audit.Change(tx, row.ID, func(m *audit.Message) {
		for _, a := range meant {
			if r := m.To(a); r != nil {
				r.Delivery, r.Reply, r.At = audit.Failed, reply, now
			}
			m.Did("redirect failed", string(a), now)
		}
	})
	if err != nil {
		return err
	}
	l := letter{Kind: letterUndelivered, All: len(unique(row.Envelope.To)), Ref: x.Ref, Outside: x.Outside}
	var tell, silent []mail.Address
	for _, r := range unique(row.Envelope.To) {
		switch {
		case !slices.Contains(meant, r.Address):
		case r.WantsFailure():
			tell = append(tell, r.Address)
			l.About = append(l.About, reported{Address: r.Address, ORcpt: r.ORcpt, Reply: reply})
		default:
			silent = append(silent, r.Address)
		}
	}
	told := task.Silent
	if len(tell) > 0 && e.mayTell() {
		told = e.add(task.Report, []mail.Recipient{{Address: row.Envelope.From, Notify: mail.NotifyNever}}, "", parcel{Letter: &l})
		tx.OnCommit(g.Wake)
	}
	for _, a := range meant {
		if e.err == nil {
			e.err = task.FailRedirect(tx, row.ID, a, "nobody took the redirected message")
		}
	}
	if e.err == nil && len(tell) > 0 {
		e.err = task.Tell(tx, row.ID, tell, told)
	}
	if e.err == nil && len(silent) > 0 {
		e.err = task.Tell(tx, row.ID, silent, task.Silent)
	}
	return e.err
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
