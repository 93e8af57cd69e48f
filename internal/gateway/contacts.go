package gateway

import (
	"time"

	"postern.dev/postern/internal/contact"
	"postern.dev/postern/internal/dsn"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
)

// history is where earlier contact of the subject's people is remembered; nil
// when the tenant wants none.
func (g *Gateway) history(s subject) *contact.History {
	if s.tenant.Contacts.Off {
		return nil
	}
	return g.Contacts
}

// primary is the address under which a mailbox is remembered.
func (s subject) primary(a mail.Address) mail.Address {
	if e, found := s.who.Find(a); found && e.Address() != "" {
		return e.Address()
	}
	return a
}

// writer is who wrote the message, and whether from inside. The author in the
// header counts for mail from outside: senders of envelopes are new for every
// message of a list.
func (s subject) writer() (who mail.Address, inside bool) {
	authors := s.header.Addresses("From")
	who = s.envelope.From
	if who.Null() && len(authors) > 0 {
		who = authors[0]
	}
	if s.inside(who) {
		return s.primary(who), true
	}
	if len(authors) == 1 {
		who = authors[0]
	}
	return who, false
}

// pairWith is the pair of the writer and a recipient; ok is false when it is
// not remembered: both are inside, or none is.
func (s subject) pairWith(who mail.Address, inside bool, to mail.Address) (p contact.Pair, ok bool) {
	switch there := s.inside(to); {
	case who.Null() || inside == there:
		return p, false
	case inside:
		return contact.Pair{Mailbox: who, Outside: to, Out: true}, true
	}
	return contact.Pair{Mailbox: s.primary(to), Outside: who}, true
}

// contactWith is what is known of earlier mail between the writer and a
// recipient.
func (s subject) contactWith(who mail.Address, inside bool, to mail.Address) *policy.Contact {
	if inside && s.inside(to) {
		return &policy.Contact{Colleague: true}
	}
	p, ok := s.pairWith(who, inside, to)
	if !ok || s.past == nil {
		return nil
	}
	c := s.past.Find(s.tenant.ID, p)
	sent := c.Got
	if p.Out {
		sent = c.Sent
	}
	return &policy.Contact{Count: c.Sent + c.Got, Sent: sent, First: c.First, Last: c.Last}
}

// correspondence are the pairs that a message makes when it is delivered. What
// no person wrote makes none.
func (s subject) correspondence(class dsn.Class) (list []contact.Pair) {
	if s.past == nil || class.Automatic || class.Bulk || s.envelope.From.Null() {
		return nil
	}
	who, inside := s.writer()
	for _, r := range unique(s.envelope.To) {
		if p, ok := s.pairWith(who, inside, r.Address); ok {
			list = append(list, p)
		}
	}
	return list
}

// noteDelivered remembers the recipients to whom an attempt from custody
// brought the message.
func (g *Gateway) noteDelivered(tx *store.Tx, row spool.Message, x extra, results []task.Result, now time.Time) error {
	t := g.Tenants.Current().Find(row.Tenant)
	if t == nil || x.Writer == "" {
		return nil
	}
	s := subject{tenant: t, who: g.Directories.Of(t.ID)}
	if s.past = g.history(s); s.past == nil {
		return nil
	}
	var list []contact.Pair
	for _, r := range results {
		if _, done := r.Outcome.(task.Done); !done {
			continue
		}
		if p, ok := s.pairWith(x.Writer, s.inside(x.Writer), r.Recipient); ok {
			list = append(list, p)
		}
	}
	return s.past.Note(tx, t.ID, list, now)
}
