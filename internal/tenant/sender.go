package tenant

import (
	"fmt"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

func envelopeSender(c *claim) *Refusal {
	if c.env.From.Null() || c.t.Owns(c.env.From) {
		return nil
	}
	return c.refuse(problem.WrongSender, "mail-from",
		fmt.Sprintf("the sender's domain %.80s is not registered for tenant %s", c.env.From.Domain(), c.t.ID))
}

// headerSender: the author must be of the tenant too, else a customer of
// Exchange could relay anybody's name through us. Two kinds of honest mail
// keep a foreign author: what Exchange forwards for a mailbox (its sender is
// rewritten), and a meeting that a user forwards for its organizer.
func headerSender(c *claim) *Refusal {
	fields := len(c.h.All("From"))
	if fields > 1 {
		return c.refuse(problem.DoubledFact, "from", fmt.Sprintf("the message has %d From fields", fields))
	}
	if c.forwarded() || c.forOrganizer() {
		return nil
	}
	authors := c.h.Addresses("From")
	for _, a := range authors {
		if !c.t.Owns(a) {
			return c.refuse(problem.WrongSender, "from",
				fmt.Sprintf("the author's domain %.80s in From is not registered for tenant %s", a.Domain(), c.t.ID))
		}
	}
	switch {
	case len(authors) > 0:
		return nil
	case fields > 0:
		return c.refuse(problem.WrongSender, "from", "the From field holds no address")
	case c.env.From.Null():
		return c.refuse(problem.WrongSender, "from",
			"a message with the null sender needs a From with an author of the tenant")
	}
	return nil // no author at all: the envelope's sender has been checked
}

// forwarded recognizes the sender that Exchange writes when it forwards
// another's mail for a mailbox ("bob+SRS=…@contoso.example").
func (c *claim) forwarded() bool {
	return c.t.Owns(c.env.From) && strings.Contains(strings.ToLower(c.env.From.Local()), "+srs=")
}

// forOrganizer recognizes a meeting that a user of the tenant forwards: From
// stays the organizer, Sender is the user.
func (c *claim) forOrganizer() bool {
	if !c.h.Has(calendarItem) || !c.t.Owns(c.env.From) || c.kind != Other && !internal(c) {
		return false
	}
	by := c.h.Addresses("Sender")
	return len(by) == 1 && len(c.h.All("Sender")) == 1 && c.t.Owns(by[0])
}

// internal reports whether Exchange says that a user of its own sent this.
func internal(c *claim) bool {
	values := c.h.Values(crossTenantAs)
	for _, v := range values {
		if !strings.EqualFold(v, "Internal") {
			return false
		}
	}
	return len(values) > 0
}

// authenticated: "Internal" is Exchange's word for a user of the tenant;
// mail that only ran through the tenant says otherwise.
func authenticated(c *claim) *Refusal {
	if c.t.Switches.Relays || internal(c) || c.forwarded() {
		return nil
	}
	if !c.h.Has(crossTenantAs) {
		if c.env.From.Null() {
			return nil // reports of the service carry fewer headers
		}
		return c.deferral(problem.MissingFact, "auth-as", "the header "+crossTenantAs+" is missing")
	}
	return c.refuse(problem.WrongSender, "auth-as", fmt.Sprintf(
		"%s says %.40s: Exchange only relayed this message; set switches.relays when the tenant's own servers send so",
		crossTenantAs, strings.Join(c.h.Values(crossTenantAs), ", ")))
}

func ownRecipients(c *claim) *Refusal {
	for _, r := range c.env.To {
		if !c.t.Owns(r.Address) {
			return c.refuse(problem.WrongRecipient, "recipient",
				fmt.Sprintf("an incoming message has a recipient in %.80s, which is no domain of tenant %s",
					r.Address.Domain(), c.t.ID))
		}
	}
	return nil
}

func onlySpecial(c *claim) *Refusal {
	for _, r := range c.env.To {
		t, k, ok := c.s.Special(r.Address)
		if c.kind == OwnAddress && contains(c.s.sharedBy(r.Address), c.t) {
			continue
		}
		if !ok || t != c.t || k != c.kind {
			return c.refuse(problem.WrongRecipient, "recipient",
				"this recipient, an address of ours, takes no message with others")
		}
	}
	return nil
}

// alone: a validation goes to its one address and nowhere else.
func alone(c *claim) *Refusal {
	if len(c.env.To) != 1 {
		return c.refuse(problem.WrongRecipient, "recipient", "a connector validation has one recipient")
	}
	return nil
}

// validationSender: Exchange validates in the name of the tenant; a stranger
// may not use the address as a way to somebody.
func validationSender(c *claim) *Refusal {
	if r := envelopeSender(c); r != nil {
		return r
	}
	for _, a := range c.h.Addresses("From") {
		if !c.t.Owns(a) {
			return c.refuse(problem.WrongSender, "from",
				fmt.Sprintf("the author's domain %.80s in From is not registered for tenant %s", a.Domain(), c.t.ID))
		}
	}
	return nil
}

// eitherSide: another server of the tenant sends the tenant's mail, or
// brings mail for the tenant; nothing between strangers.
func eitherSide(c *claim) *Refusal {
	if c.dir == mail.In {
		return ownRecipients(c)
	}
	if r := envelopeSender(c); r != nil {
		return r
	}
	return headerSender(c)
}
