package quarantine

import (
	"context"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// Desk is where people with a role see held mail and decide about it. Verbs,
// the API and pages all come by here: it is the one place that asks for
// roles. What somebody may not do is a *Refusal.
type Desk struct {
	DB    *store.DB
	Roles Roles
	// People is who is who in a tenant; nil is nobody.
	People func(tenant string) People
	// Decide and Handle carry out what a person may do; without them the desk
	// only shows.
	Decide func(ctx context.Context, p Person, s Saying) (Said, error)
	Handle func(ctx context.Context, p Person, a Act, s Saying) (int, error)
	// Read shows a message to a person who may see it, and has it in the record
	// before. Without it the desk shows no content.
	Read func(ctx context.Context, p Person, message string, depth Depth) (Letter, error)
	// Owner is whose message it is that has no hold of its own: one of before.
	// It is "" for a message that is not known.
	Owner func(ctx context.Context, message string) (tenant string, err error)
	// Begun is told that a bulk decision was written, in its transaction.
	Begun func(tx *store.Tx, c Caller, b Bulk) error
	// Refused is told of everything that a caller has no right to.
	Refused func(ctx context.Context, c Caller, a Act, tenant, message string, why error)
}

// Saying is what somebody says about recipients of a held message.
type Saying struct {
	Message string
	// To are the recipients; empty for all that wait.
	To      []mail.Address
	Approve bool
	// Text is a comment, a question, or why something is pinned.
	Text string
	// Other is to whom somebody hands on.
	Other mail.Address
}

// Said is what came of it.
type Said struct {
	// Done is for how many recipients it was carried out, Agreed for how many
	// it counts while others must agree too: Needed people, of whom at most
	// Missing have not.
	Done, Agreed, Needed, Missing int
	// Left is why it was not carried out for others of the recipients; nil when
	// it was for all.
	Left error
	// Over says how it ended before; it is set when nothing was left to do.
	Over *Ending
	// Before is what the caller had said already, where that is why nothing was
	// done.
	Before *Vote
}

// Page is a part of a list.
type Page struct {
	Holds []Hold
	// Next is where the next page begins, zero on the last.
	Next Cursor
}

// person is the caller with his rights about the mail of a tenant.
func (d *Desk) person(c Caller, tenant string) Person {
	var people People = Nobody{}
	if d.People != nil && tenant != "" && c.Address != "" {
		people = d.People(tenant)
	}
	p := d.Roles.Person(c, tenant, people)
	if c.Address != "" {
		p.Also = people.Addresses(c.Address)
	}
	return p
}

// Person is the caller with his rights about the mail of a tenant; with "",
// about all mail.
func (d *Desk) Person(c Caller, tenant string) Person { return d.person(c, tenant) }

// Tenants are those whose held mail a caller may see; all is set when it is
// everybody's.
func (d *Desk) Tenants(c Caller) (list []string, all bool) {
	if d.person(c, "").Rights.Metadata {
		return nil, true
	}
	names := []string{c.Tenant}
	for _, x := range d.Roles {
		names = append(names, x.Tenants...)
	}
	for _, id := range names {
		if id != "" && !slices.Contains(list, id) && d.person(c, id).Rights.Metadata {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return list, false
}

// Scope is the tenant of a list that a caller may see: the given one, with ""
// the only one of his, or "" for one who sees all.
func (d *Desk) Scope(ctx context.Context, c Caller, tenant string) (string, error) {
	return d.scope(ctx, c, tenant, See)
}

// scope is the tenant of a list that a caller may see, or a *Refusal.
func (d *Desk) scope(ctx context.Context, c Caller, tenant string, a Act) (string, error) {
	list, all := d.Tenants(c)
	switch {
	case all || tenant != "" && slices.Contains(list, tenant):
	case tenant == "" && len(list) == 1:
		tenant = list[0]
	case tenant == "" && len(list) > 1:
		return "", refuse(NotPossible, "choose a tenant: %s", strings.Join(list, ", "))
	default:
		err := refuse(NeedsRight, "this needs a role with the right to see held mail")
		d.refused(ctx, c, a, tenant, "", err)
		return "", err
	}
	if a == See || d.person(c, tenant).Rights.Decide {
		return tenant, nil
	}
	err := refuse(NeedsRight, "this needs the right to decide")
	d.refused(ctx, c, a, tenant, "", err)
	return "", err
}

func (d *Desk) refused(ctx context.Context, c Caller, a Act, tenant, message string, err error) {
	if d.Refused != nil && WhyOf(err) == NeedsRight {
		d.Refused(ctx, c, a, tenant, message, err)
	}
}

// List shows who waits.
func (d *Desk) List(ctx context.Context, c Caller, f Filter, behind Cursor, limit int) (p Page, err error) {
	if f.Tenant, err = d.scope(ctx, c, f.Tenant, See); err != nil {
		return p, err
	}
	err = d.DB.View(ctx, func(tx *store.Tx) (err error) {
		p.Holds, p.Next, err = List(tx, f, behind, limit)
		return err
	})
	if f.Text != "" && !d.person(c, f.Tenant).Rights.Subject() { // a word must not find what the list does not show
		p.Holds = slices.DeleteFunc(p.Holds, func(h Hold) bool { return !h.namedBy(f.Text) })
	}
	d.veil(c, p.Holds)
	return p, err
}

// Show shows the holds of a message, those that ended among them. There are
// none of a message that was never held. Whoever has a role about other mail
// cannot tell a message that he may not see from one that there is not.
func (d *Desk) Show(ctx context.Context, c Caller, message string) (list []Hold, err error) {
	err = d.DB.View(ctx, func(tx *store.Tx) (err error) {
		list, err = Of(tx, message)
		return err
	})
	if err != nil {
		return nil, err
	}
	tenants, all := d.Tenants(c)
	tenant := ""
	if len(list) > 0 {
		tenant = list[0].Tenant
		if err = list[0].May(d.person(c, tenant), See); err == nil {
			d.veil(c, list)
			return list, nil
		}
	} else if !all && len(tenants) == 0 {
		err = refuse(NeedsRight, "this needs a role with the right to see held mail")
	}
	d.refused(ctx, c, See, tenant, message, err)
	if err != nil && len(tenants) > 0 {
		return nil, NoHold()
	}
	return nil, err
}

// Say decides about recipients of a message. Whoever comes too late learns how
// it ended: that is no error.
func (d *Desk) Say(ctx context.Context, c Caller, s Saying) (said Said, err error) {
	list, err := d.Show(ctx, c, s.Message)
	if err != nil {
		return said, err
	}
	act := bulkAct(s.Approve)
	tenant, err := d.owner(ctx, list, s.Message)
	if err != nil {
		return said, err
	}
	p := d.person(c, tenant)
	if !p.Rights.Decide && !d.asked(list, p, act) { // else the hold itself is asked
		_, err = d.Enter(ctx, c, tenant, s.Message, "decide", act)
		return said, err
	}
	said, err = d.Decide(ctx, p, s)
	d.refused(ctx, c, act, tenant, s.Message, err)
	d.refused(ctx, c, act, tenant, s.Message, said.Left)
	switch WhyOf(err) {
	case SaidAlready:
		said.Before = before(list, p, s.To)
		return said, err
	case OverAlready:
	default:
		return said, err
	}
	for _, h := range list { // as it was before, or else as it is now
		if h.Ended != nil && (len(s.To) == 0 || slices.Contains(s.To, h.Recipient)) {
			said.Over = h.Ended
		}
	}
	if said.Over == nil {
		return said, err
	}
	return said, nil
}

// Enter is the caller as a person who wants to do something for which one
// needs a right about a tenant's mail. Without it the error is a *Refusal, and
// it is noted. Whoever has a role about other mail is told that there is none.
func (d *Desk) Enter(ctx context.Context, c Caller, tenant, message, right string, a Act) (Person, error) {
	p := d.person(c, tenant)
	if tenant != "" && p.Rights.Metadata && p.Rights.Has(right) {
		return p, nil
	}
	tenants, all := d.Tenants(c)
	if tenant == "" && all { // there is nothing to hide from him
		return p, NoHold()
	}
	err := refuse(NeedsRight, "this needs the right to %s", right)
	if right == "metadata" {
		err = refuse(NeedsRight, "this needs a role with the right to see held mail")
	}
	d.refused(ctx, c, a, tenant, message, err)
	if !p.Rights.Metadata && len(tenants) > 0 {
		return Person{}, NoHold()
	}
	return Person{}, err
}

// before is what a person has said about one of the recipients; nil for nothing.
func before(list []Hold, p Person, to []mail.Address) *Vote {
	for _, h := range list {
		for _, v := range h.Votes {
			if v.By == p.Key() && (len(to) == 0 || slices.Contains(to, h.Recipient)) {
				return &v
			}
		}
	}
	return nil
}

// asked reports whether any hold lets a person without the right to decide
// about all mail do something.
func (d *Desk) asked(list []Hold, p Person, a Act) bool {
	return slices.ContainsFunc(list, func(h Hold) bool { return WhyOf(h.May(p, a)) != NeedsRight })
}

// owner is whose mail it is.
func (d *Desk) owner(ctx context.Context, list []Hold, message string) (string, error) {
	switch {
	case len(list) > 0:
		return list[0].Tenant, nil
	case d.Owner == nil:
		return "", NoHold()
	}
	tenant, err := d.Owner(ctx, message)
	if err == nil && tenant == "" {
		err = NoHold()
	}
	return tenant, err
}

// Do carries out what does not end a hold: ask, hand on, pin, unpin. n is for
// how many recipients.
func (d *Desk) Do(ctx context.Context, c Caller, a Act, s Saying) (n int, err error) {
	list, err := d.Show(ctx, c, s.Message)
	if err != nil {
		return 0, err
	}
	if len(list) == 0 {
		return 0, NoHold()
	}
	n, err = d.Handle(ctx, d.person(c, list[0].Tenant), a, s)
	d.refused(ctx, c, a, list[0].Tenant, s.Message, err)
	return n, err
}

// NoHold says that a message has no hold, or none that the caller may see.
func NoHold() error {
	return &Refusal{NoSuch, "nobody waits there: the id is wrong, or it is long over"}
}

// Note notes what somebody else has refused a caller for want of a right, and
// gives it back.
func (d *Desk) Note(ctx context.Context, c Caller, a Act, tenant, message string, err error) error {
	d.refused(ctx, c, a, tenant, message, err)
	return err
}

// roam is what somebody does who has nothing but a role and asks for what is
// not about held mail.
const roam Act = "roam"

// Strayed notes that somebody who has nothing but a role asked for something
// else. That is no deed at the desk: who saw it refused it.
func (d *Desk) Strayed(ctx context.Context, c Caller, why string) {
	d.refused(ctx, c, roam, "", "", refuse(NeedsRight, "%s", why))
}
