package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/post"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
)

// bundled is a notice that waits for the digest of a person.
type bundled struct {
	Message string `json:"message"`
	Letter  letter `json:"letter"`
}

// notice sends a mail about the message to somebody: by itself, or in the
// digest when there were too many within the hour.
func (e *enacting) notice(l letter, to mail.Address) {
	if e.err != nil || to.Null() {
		return
	}
	data, err := json.Marshal(bundled{e.row.ID, l})
	if err != nil {
		e.err = err
		return
	}
	single, err := post.Single(e.tx, e.row.Tenant, to, data, e.now)
	if err != nil || !single {
		e.err = err
		return
	}
	e.add(task.Notice, []mail.Recipient{{Address: to, Notify: mail.NotifyNever}}, "", parcel{Letter: &l})
}

// tellWriter sends a notice to the sender of the message, unless no person
// has written it, or a stranger.
func (e *enacting) tellWriter(l letter) {
	if e.extra.Robotic || e.extra.Outside || e.row.Envelope.From.Null() {
		return
	}
	if l.Kind == letterWaiting || l.Kind == letterOverride || l.Kind == letterQuestion || l.Own { // the others name no page
		l.See = e.token(quarantine.ToSee, e.row.Envelope.From, l.Due)
	}
	e.notice(l, e.row.Envelope.From)
}

// How long links and addresses lead somewhere after the deadline: whoever comes
// late learns how it ended.
const (
	tokenAfter = 30 * 24 * time.Hour
	tokenLife  = 90 * 24 * time.Hour // of mail without a deadline
)

// token makes one for a person; "" where there are no pages.
func (e *enacting) token(purpose quarantine.Purpose, who mail.Address, due time.Time) string {
	t := e.g.Tenants.Current().Find(e.row.Tenant)
	if e.err != nil || e.g.Doors == nil || t == nil || t.Console == "" {
		return ""
	}
	until := e.now.Add(tokenLife)
	if !due.IsZero() {
		until = due.Add(tokenAfter)
	}
	var text string
	text, e.err = e.g.Doors.NewToken(e.tx, quarantine.Token{
		Purpose: purpose, Tenant: e.row.Tenant, Message: e.row.ID, Address: who, Until: until,
	})
	return text
}

// tellPeople writes the mails for an occasion, inside the transaction of what
// happened.
func (g *Gateway) tellPeople(tx *store.Tx, o quarantine.Occasion, now time.Time) error {
	if len(o.Holds) == 0 || len(o.To) == 0 && o.Kind != quarantine.Requested { // who asks hears of it, also when administrators decide
		return nil
	}
	row, err := spool.Get(tx, o.Holds[0].Message)
	if errors.Is(err, spool.ErrNotFound) {
		return nil // nothing waits any more
	}
	if err != nil {
		return err
	}
	var x extra
	if err := json.Unmarshal(row.Extra, &x); err != nil {
		return fmt.Errorf("gateway: row of %s: %w", row.ID, err)
	}
	e := enacting{g: g, tx: tx, row: row, extra: x, now: now}
	for _, to := range o.To {
		e.tellOne(o, to)
	}
	if o.Kind == quarantine.Requested {
		for _, h := range o.Holds {
			e.tellRecipient(h, letterAsked, "")
		}
	}
	if e.err == nil {
		tx.OnCommit(g.Wake)
	}
	return e.err
}

// tellOne writes the mail for one person.
func (e *enacting) tellOne(o quarantine.Occasion, to mail.Address) {
	l := e.holdLetter(o.Holds, to)
	if o.Kind == quarantine.Reminded && o.Holds[0].Override {
		l.Kind, l.Own = letterReminder, true
		e.tellWriter(l)
		return
	}
	switch o.Kind {
	case quarantine.Asked, quarantine.Requested:
		l.Kind, l.Role = letterDecide, e.role(o.Holds[0], to)
		l.Before = e.g.earlier(e.row.Tenant, o.Holds[0].Sender, o.Holds)
		l.Reply = e.token(quarantine.ToDecide, to, l.Due)
	case quarantine.Reminded:
		l.Kind = letterReminder
		l.Reply = e.token(quarantine.ToDecide, to, l.Due)
	case quarantine.Answered:
		l.Kind, l.Text = letterAnswer, o.Text
		l.Reply = e.token(quarantine.ToDecide, to, l.Due)
	case quarantine.Questioned:
		if last := o.Holds[0].Questions; len(last) > 0 {
			l.Who = last[len(last)-1].By
		}
		l.Kind, l.Text, l.To = letterQuestion, o.Text, ""
		if e.err == nil {
			e.tellWriter(l)
		}
		return
	default:
		e.err = fmt.Errorf("gateway: nobody knows how to tell of %q", o.Kind)
		return
	}
	l.See = e.token(quarantine.ToSee, to, l.Due)
	e.notice(l, to)
}

// tellLater puts what was kept back for somebody of the tenant into his next
// digest, where there are any.
func (e *enacting) tellLater(h quarantine.Hold) {
	t := e.g.Tenants.Current().Find(e.row.Tenant)
	if e.err != nil || t == nil || !t.Owns(h.Recipient) {
		return
	}
	if last, _ := t.Digest.Around(e.now); !last.IsZero() {
		e.err = quarantine.TellLater(e.tx, h)
	}
}

// tellRecipient tells who has asked for a held mail what became of it.
func (e *enacting) tellRecipient(h quarantine.Hold, kind letterKind, why string) {
	if h.Request == nil || e.err != nil {
		return
	}
	l := e.holdLetter([]quarantine.Hold{h}, h.Recipient)
	l.Kind, l.At, l.Text, l.Who = kind, e.now, why, ""
	if kind == letterAsked {
		l.At = h.Request.At
	}
	e.notice(l, h.Recipient)
}

// holdLetter is what all mails about holds of a message say.
func (e *enacting) holdLetter(holds []quarantine.Hold, to mail.Address) letter {
	h := holds[0]
	l := letter{
		To: to, Sender: h.Sender, All: len(unique(e.row.Envelope.To)), Rule: h.Rule, Why: foundWords(h.Because),
		Ref: e.extra.Ref, Due: h.Until, End: h.End,
	}
	if h.Reason != nil {
		l.Text = strings.TrimSpace(h.Reason.Choice + " " + h.Reason.Text)
	}
	for _, x := range holds {
		l.About = append(l.About, reported{Address: x.Recipient})
		if !x.Until.IsZero() && x.Until.Before(l.Due) {
			l.Due, l.End = x.Until, x.End
		}
	}
	return l
}

// role is why somebody was asked.
func (e *enacting) role(h quarantine.Hold, who mail.Address) string {
	is := func(a mail.Address) bool { return a.Key() == who.Key() }
	m, managed := e.g.People(e.row.Tenant, e.now).Manager(h.Sender)
	switch named := h.Panel.Named; {
	case !slices.ContainsFunc(h.Panel.Seats, is) && slices.ContainsFunc(h.Panel.Deputies, is):
		return "deputy"
	case slices.Contains(named, "manager") && managed && is(m):
		return "manager"
	case slices.ContainsFunc(named, func(s string) bool { return is(mail.Address(s)) }):
		return "named"
	case slices.ContainsFunc(named, func(s string) bool { return strings.HasPrefix(s, "group:") }):
		return "group"
	}
	return "handed"
}

// Earlier is how many mails the sender of held mail wrote before to those
// outside who wait; nil when nobody knows.
func (g *Gateway) Earlier(tenant string, holds []quarantine.Hold) *int {
	if len(holds) == 0 {
		return nil
	}
	return g.earlier(tenant, holds[0].Sender, holds)
}

// earlier is how many mails the sender wrote to those outside of the tenant
// before, to the one of them who got the fewest; nil when nobody knows.
func (g *Gateway) earlier(id string, from mail.Address, holds []quarantine.Hold) *int {
	t := g.Tenants.Current().Find(id)
	if t == nil {
		return nil
	}
	s := subject{tenant: t, who: g.Directories.Of(id)}
	if s.past = g.history(s); s.past == nil || !s.inside(from) {
		return nil
	}
	var least *int
	for _, h := range holds {
		if s.inside(h.Recipient) {
			continue
		}
		c := s.contactWith(s.primary(from), true, h.Recipient)
		if c == nil {
			return nil
		}
		if least == nil || c.Sent < *least {
			least = &c.Sent
		}
	}
	return least
}

// holds are the rows of the quarantine of some recipients.
func (e *enacting) holds(list []spool.Pending) (holds []quarantine.Hold) {
	if e.err != nil {
		return nil
	}
	var all []quarantine.Hold
	all, e.err = quarantine.Of(e.tx, e.row.ID)
	for _, h := range all {
		if !h.Altered && slices.ContainsFunc(list, func(p spool.Pending) bool { return p.Recipient.Address == h.Recipient }) {
			holds = append(holds, h)
		}
	}
	return holds
}

// onlyDelayed reports whether recipients waited for nobody.
func (e *enacting) onlyDelayed(list []spool.Pending) bool {
	holds := e.holds(list)
	return len(holds) > 0 && !slices.ContainsFunc(holds, func(h quarantine.Hold) bool { return !h.Delay })
}

// asked are those who were asked about recipients.
func (e *enacting) asked(list []spool.Pending) (who []mail.Address) {
	for _, h := range e.holds(list) {
		for _, a := range h.Silent() {
			if !slices.Contains(who, a) {
				who = append(who, a)
			}
		}
	}
	return who
}

// tellOthers tells those who were asked that the time for deciding is over, and
// recipients who have asked for it that it stays back.
func (e *enacting) tellOthers(d Decision, list []spool.Pending) {
	if d.Release {
		return
	}
	holds := e.holds(list)
	for _, h := range holds {
		e.tellRecipient(h, letterKeptBack, d.Comment)
	}
	if !d.Expired {
		return
	}
	said := map[mail.Address][]quarantine.Hold{}
	var order []mail.Address
	for _, h := range holds {
		for _, a := range h.Silent() {
			if said[a] == nil {
				order = append(order, a)
			}
			said[a] = append(said[a], h)
		}
	}
	for _, a := range order {
		l := e.holdLetter(said[a], a)
		l.Kind = letterClosed
		e.notice(l, a)
	}
}

// sentLetter is what the sender gets when held recipients were let go and have
// the message; nil when he is told nothing.
func (e *enacting) sentLetter(d Decision, list []spool.Pending) *letter {
	if e.err != nil || e.extra.Robotic || e.extra.Outside || e.row.Envelope.From.Null() || len(list) == 0 {
		return nil
	}
	l := letter{
		Kind: letterApproved, All: len(unique(e.row.Envelope.To)), Rule: first(list[0].Rules), Ref: e.extra.Ref,
		Who: d.who(), Comment: d.Comment, At: e.now,
	}
	switch {
	case d.Expired:
		l.Kind, l.Waited = letterPassed, e.now.Sub(list[0].Since)
	case d.act() == quarantine.Send:
		if l.Text = strings.Trim(d.Choice+": "+d.Comment, ": "); l.Text == "" {
			return nil // what only waited: he has sent it himself
		}
		l.Kind, l.Comment = letterOverridden, ""
	}
	if e.onlyDelayed(list) {
		return nil
	}
	for _, p := range list {
		l.About = append(l.About, reported{Address: p.Recipient.Address})
	}
	return &l
}

// arrived tells recipients who have asked for held mail that it is there.
func (e *enacting) arrived(results []task.Result) {
	all, err := quarantine.Of(e.tx, e.row.ID)
	if err != nil {
		e.err = err
		return
	}
	for _, h := range all {
		at := slices.IndexFunc(results, func(r task.Result) bool { return r.Recipient == h.Recipient })
		if at < 0 {
			continue
		}
		if _, done := results[at].Outcome.(task.Done); done {
			e.tellRecipient(h, letterReleased, "")
		}
	}
}

// said writes the letter about those who have the message, once the last of
// the attempts that a decision led to is over.
func (e *enacting) said(t task.Task, results []task.Result) {
	var p parcel
	if err := json.Unmarshal(t.Payload, &p); err != nil || e.err != nil {
		return
	}
	if p.Wanted {
		e.arrived(results)
	}
	if p.Said == nil {
		return
	}
	l := p.Said
	open, err := task.Of(e.tx, e.row.ID)
	if err != nil {
		e.err = err
		return
	}
	mine := func(a mail.Address) bool {
		return slices.ContainsFunc(l.About, func(r reported) bool { return r.Address == a })
	}
	for _, t := range open {
		if t.Kind == task.Return && slices.ContainsFunc(t.Recipients, func(r mail.Recipient) bool { return mine(r.Address) }) {
			return
		}
	}
	done, err := task.Outcomes(e.tx, e.row.ID)
	if err != nil {
		e.err = err
		return
	}
	var have []reported
	for _, r := range done {
		if r.Kind == task.Return && r.Fate == task.Delivered && mine(r.Recipient) {
			have = append(have, reported{Address: r.Recipient})
		}
	}
	if l.About = have; len(have) > 0 {
		e.tellWriter(*l)
	}
}
