package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
)

// person is who decides.
func (d Decision) person() quarantine.Person {
	if d.Expired {
		return quarantine.Person{Name: "deadline", By: quarantine.ByClock}
	}
	return d.Person
}

func (d Decision) act() quarantine.Act {
	switch {
	case d.Act != "":
		return d.Act
	case d.Release:
		return quarantine.Approve
	}
	return quarantine.Reject
}

// actor is the opaque name that stays in the chain; the address is in the part
// that can be erased.
func (d Decision) actor() string {
	switch {
	case d.Actor != "":
		return d.Actor
	case d.Person.Address == "":
		return d.Person.Name
	}
	switch d.act() {
	case quarantine.Cancel, quarantine.Remove, quarantine.Send, quarantine.Answer, quarantine.Explain,
		quarantine.AskAgain:
		return "sender"
	case quarantine.Request, quarantine.Release:
		return "recipient"
	}
	return "approver"
}

// who is the decider for people who read of it.
func (d Decision) who() string { return cmp.Or(string(d.Person.Address), d.actor()) }

// how is the ending that a decision leads to.
func (d Decision) how() quarantine.How {
	switch {
	case d.Expired && d.Release:
		return quarantine.TimedOut
	case d.Expired:
		return quarantine.Expired
	}
	switch d.act() {
	case quarantine.Send:
		return quarantine.Sent
	case quarantine.Cancel:
		return quarantine.Cancelled
	case quarantine.Remove:
		return quarantine.Removed
	case quarantine.Approve, quarantine.Release:
		return quarantine.Released
	}
	return quarantine.Rejected
}

// weigh asks the hold of a recipient whether a decision counts. found is false
// for one without a row of its own: it was kept by an earlier version.
func (g *Gateway) weigh(
	tx *store.Tx, p spool.Pending, d Decision, again []string, now time.Time,
) (h quarantine.Hold, standing quarantine.Standing, found bool, err error) {
	h, found, err = quarantine.Find(tx, p.Message, p.Recipient.Address)
	if err == nil && !found && d.person().By != quarantine.ByAdmin && !d.Expired {
		err = &quarantine.Refusal{Code: quarantine.NotYours, Text: "only an administrator can decide about what an earlier version kept"}
	}
	if err == nil && !found { // nobody but an administrator and the deadline is known to decide
		bare := quarantine.Hold{Message: p.Message, Recipient: p.Recipient.Address, Tenant: p.Tenant}
		err = bare.May(d.person(), d.act())
	}
	if err != nil || !found {
		return quarantine.Hold{}, quarantine.Agreed, false, err
	}
	if h.Altered && !d.Expired { // the pending row still says how many must agree
		return h, quarantine.Agreed, false, h.May(d.person(), d.act())
	}
	standing = quarantine.Agreed
	h.LookedAgain(again)
	switch act := d.act(); {
	case d.Expired:
		if h.Pinned != nil && h.Ended == nil {
			return h, quarantine.Open, true, h.May(d.person(), act)
		}
		if d.Actor == byRetention && h.JustFreed(now) {
			return h, quarantine.Open, true, &quarantine.Refusal{Code: quarantine.IsPinned, Text: "this was unpinned within a day"}
		}
		if h.Altered || d.Release && h.Ended == nil {
			err = h.May(d.person(), quarantine.Approve)
		}
	case act == quarantine.Approve || act == quarantine.Reject:
		standing, err = h.Say(d.person(), act == quarantine.Approve, d.Comment, now)
	default:
		if err = h.May(d.person(), act); err == nil && act == quarantine.Send {
			h.Reason, err = h.ReasonFor(d.Choice, d.Comment, now)
		}
	}
	return h, standing, true, err
}

// endedAlready tells a visitor who comes too late how it ended.
func endedAlready(tx *store.Tx, d Decision) error {
	list, err := quarantine.Of(tx, d.Message)
	if err != nil {
		return err
	}
	for _, h := range list {
		if h.Ended != nil && (len(d.To) == 0 || among(d.To, h.Recipient)) {
			return h.May(d.person(), d.act())
		}
	}
	return nil
}

// withdraw gives recipients an outcome whom their sender took out. He knows of
// it; nobody else is told.
func (e *enacting) withdraw(list []spool.Pending, why string) {
	for _, p := range list {
		if e.err != nil {
			return
		}
		_, e.err = task.Put(e.tx, task.Record{
			Message: e.row.ID, Tenant: e.row.Tenant, Recipient: p.Recipient.Address, Kind: task.Return,
			Fate: task.Refused, Why: why, Told: task.Silent, At: e.now,
		})
	}
}

// Deed is what somebody does about held recipients besides ending their hold.
type Deed struct {
	Message string
	To      []mail.Address // empty for all that wait
	Act     quarantine.Act
	Person  quarantine.Person
	// Actor is the opaque name in the chain; "" takes that of the person.
	Actor string
	// Text is a question, an answer, or why something is pinned.
	Text string
	// Other is to whom somebody hands on.
	Other mail.Address
}

// Handle carries a deed out for every recipient for whom the person may, in one
// transaction with its event. When there is none, the error is a
// *quarantine.Refusal.
func (g *Gateway) Handle(ctx context.Context, d Deed) (n int, err error) {
	err = g.DB.Update(ctx, func(tx *store.Tx) error {
		n = 0
		list, err := quarantine.Of(tx, d.Message)
		if err != nil {
			return err
		}
		var no error = &quarantine.Refusal{Code: quarantine.NotPossible, Text: "nobody waits there: the id is wrong, or it is long over"}
		now := time.Now()
		var done []quarantine.Hold
		var told []quarantine.Occasion
		for _, h := range list {
			if len(d.To) > 0 && !among(d.To, h.Recipient) {
				continue
			}
			var refusal *quarantine.Refusal
			switch err := g.handle(tx, &h, d, now); {
			case errors.As(err, &refusal):
				no = err
			case err != nil:
				return err
			default:
				done = append(done, h)
				told = together(told, d.occasion(h))
			}
		}
		if n = len(done); n == 0 {
			return no
		}
		tx.OnCommit(g.Wake)
		for _, o := range told {
			if err := g.tell(tx, o); err != nil {
				return err
			}
		}
		return g.recordDeed(tx, d, done, now)
	})
	return n, err
}

// handle changes one hold.
func (g *Gateway) handle(tx *store.Tx, h *quarantine.Hold, d Deed, now time.Time) error {
	who, err := g.identified(h.Tenant, d.Person, d.Act, now)
	if err != nil {
		return err
	}
	people := g.People(h.Tenant, now)
	if d.Act == quarantine.Ask && !people.Decides(h.Sender) && !shared(people, h.Sender) {
		return &quarantine.Refusal{Code: quarantine.NotPossible, Text: "its sender is not of the tenant and cannot be asked"}
	}
	pinned := h.Pinned != nil
	if err := h.Change(who, d.Act, d.Text, g.primary(h.Tenant, d.Other, now), now); err != nil {
		return err
	}
	if pinned != (h.Pinned != nil) { // the deadline is the spool's
		if err := moveDeadline(tx, h.Message, h.Recipient, h.Until); err != nil {
			return err
		}
	}
	return quarantine.Put(tx, *h)
}

// occasion is whom a deed about a hold has told.
func (d Deed) occasion(h quarantine.Hold) quarantine.Occasion {
	o := quarantine.Occasion{Holds: []quarantine.Hold{h}, Text: d.Text}
	switch d.Act {
	case quarantine.HandOn:
		o.Kind, o.To = quarantine.Asked, []mail.Address{d.Other}
	case quarantine.Ask:
		o.Kind, o.To = quarantine.Questioned, []mail.Address{h.Sender}
	case quarantine.Answer:
		o.Kind, o.To = quarantine.Answered, h.Silent()
	case quarantine.Request:
		o.Kind, o.To = quarantine.Requested, h.Silent()
	}
	return o
}

// together adds an occasion to a list. Those of one message that say the same
// to the same people are one: nobody gets a mail per recipient.
func together(list []quarantine.Occasion, o quarantine.Occasion) []quarantine.Occasion {
	for i, x := range list {
		if x.Kind == o.Kind && x.Holds[0].Message == o.Holds[0].Message && slices.Equal(x.To, o.To) {
			list[i].Holds = append(x.Holds, o.Holds...)
			return list
		}
	}
	return append(list, o)
}

// primary is the primary address of somebody of a tenant; "" when he may not
// decide about its mail.
func (g *Gateway) primary(tenant string, a mail.Address, now time.Time) mail.Address {
	people := g.People(tenant, now)
	if a == "" || !people.Decides(a) {
		return ""
	}
	return people.Addresses(a)[0]
}

// moveDeadline gives a recipient who waits another deadline.
func moveDeadline(tx *store.Tx, message string, to mail.Address, until time.Time) error {
	list, err := spool.PendingOf(tx, message)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(list, func(p spool.Pending) bool { return p.Recipient.Address == to })
	if at < 0 || list[at].Altered {
		return fmt.Errorf("gateway: %s: no row of %s waits", message, to)
	}
	if _, _, err := spool.EndPending(tx, message, to); err != nil {
		return err
	}
	list[at].Until = until
	return spool.AddPending(tx, list[at])
}

// tell has somebody told, inside the transaction of what happened.
func (g *Gateway) tell(tx *store.Tx, o quarantine.Occasion) error {
	if g.Tell != nil && len(o.To) > 0 {
		return g.Tell(tx, o)
	}
	return g.tellPeople(tx, o, time.Now())
}

func (g *Gateway) recordDeed(tx *store.Tx, d Deed, list []quarantine.Hold, now time.Time) error {
	word := map[quarantine.Act]string{
		quarantine.HandOn: "handed on", quarantine.Ask: "asked", quarantine.Answer: "sender answered", quarantine.PinIt: "pinned",
		quarantine.UnpinIt: "unpinned", quarantine.Explain: "explained", quarantine.Request: "requested",
		quarantine.AskAgain: "asked again",
	}[d.Act]
	actor := Decision{Actor: d.Actor, Person: d.Person, Act: d.Act}.actor()
	var to []mail.Address
	for _, h := range list {
		to = append(to, h.Recipient)
	}
	err := g.Audit.Change(tx, d.Message, func(m *audit.Message) {
		m.Did(word, fmt.Sprintf("%d recipients, by %s", len(list), actor), now)
	})
	if err != nil && !errors.Is(err, audit.ErrNotFound) {
		return err
	}
	public, _ := json.Marshal(map[string]any{"recipients": len(list), "means": d.Person.By})
	personal, _ := json.Marshal(map[string]any{"to": to, "by": d.Person.Address, "text": d.Text, "other": d.Other})
	return g.Audit.Append(tx, audit.Event{
		Tenant: list[0].Tenant, Message: d.Message, Kind: word, Actor: actor, At: now, Public: public, Personal: personal,
	})
}
