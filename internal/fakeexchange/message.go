package fakeexchange

import (
	"net/netip"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
)

// Class is the kind of message that a user's client or the service makes.
type Class string

// Classes of submitted mail. The empty class is an ordinary message.
const (
	OOF         Class = "OOF"
	Calendaring Class = "Calendaring"
	AutoForward Class = "AutoForward"
	Voicemail   Class = "Voicemail"
)

// kind separates ordinary mail from what the service itself writes, which no
// transport rule sees (exchange.md 2.4 point 7).
type kind string

const (
	ordinary   kind = "mail"
	report     kind = "report"
	journal    kind = "journal"
	approval   kind = "approval"
	validation kind = "validation"
)

// message is one message inside a tenant, with the recipients that share its
// fate so far.
type message struct {
	id     string // in the log
	tenant *tenant
	kind   kind
	class  Class
	from   string // reverse-path; "" for reports
	to     []recipient
	envid  string
	ret    mail.Ret
	raw    []byte

	// trusted: it came over an authenticated connection.
	trusted bool
	// direct: it was submitted here, not relayed by another server.
	direct bool
	// returned: it came in by an inbound connector.
	returned bool
	// originating: attributed to the tenant as its own mail.
	originating bool
	// ip is the last hop before the service; invalid for submissions.
	ip    netip.Addr
	hello string
	// results are what was found out about the sender, to be stamped.
	results string

	// all is the envelope as it was when the pass began.
	all []string
	// route is the outbound connector that a rule chose.
	route string
	// approved: a moderator let it pass.
	approved bool
	scl      int
}

// recipient is a forward-path with its history.
type recipient struct {
	address string
	// original is the address before groups and contacts were resolved.
	original string
	// expanded is the group that it came from.
	expanded string
	notify   mail.Notify
	orcpt    string
	// added: a rule put it there.
	added bool
}

// clone copies m for other recipients.
func (m *message) clone(to []recipient) *message {
	c := *m
	c.to = slices.Clone(to)
	return &c
}

func (m *message) addresses() []string {
	list := make([]string, len(m.to))
	for i, r := range m.to {
		list[i] = r.address
	}
	return list
}

// sender is the address of the From field, or the reverse-path without one.
func (m *message) sender() string {
	if list := addresses(m.raw, "From"); len(list) > 0 {
		return list[0]
	}
	return m.from
}

// hops counts the Received lines that this service wrote.
func (m *message) hops() (n int) {
	for _, v := range values(m.raw, "Received") {
		if strings.Contains(v, " id 15.20.") {
			n++
		}
	}
	return n
}

// edit changes the header alone, so that a large body is copied once.
func (m *message) edit(change func()) {
	_, at := fieldsOf(m.raw)
	body := m.raw[at:]
	m.raw = m.raw[:at:at]
	change()
	m.raw = slices.Concat(m.raw, body)
}

func domainOf(address string) string { return mail.Address(address).Domain() }

// under reports whether domain is parent or lies below it.
func under(domain, parent string) bool {
	domain, parent = strings.ToLower(domain), strings.ToLower(parent)
	return domain == parent || strings.HasSuffix(domain, "."+parent)
}

// covers reports whether a pattern (name, *.name, or *) is for a name.
func covers(pattern, name string) bool {
	pattern, name = strings.ToLower(pattern), strings.ToLower(name)
	if base, ok := strings.CutPrefix(pattern, "*."); ok {
		return strings.HasSuffix(name, "."+base) || name == base
	}
	return pattern == "*" || pattern == name
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(one string) bool { return strings.EqualFold(one, s) })
}
