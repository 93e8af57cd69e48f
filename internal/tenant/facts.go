package tenant

import (
	"fmt"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

// Kind is what an arrival is for; each kind has its own table of facts.
type Kind string

// The kinds of arrival.
const (
	InlineOut  Kind = "inline-out"
	InlineIn   Kind = "inline-in"
	Copy       Kind = "copy"
	Journal    Kind = "journal"
	Validation Kind = "validation"
	OwnAddress Kind = "own"
	Other      Kind = "other"
)

// fact is one thing that must be so. It returns nil when it is.
type fact func(*claim) *Refusal

// required is the table: what must agree before a message of a kind is taken
// for a tenant (reference: exchange.md 5.8).
func required(k Kind) []fact {
	service := []fact{enabled, fromExchange, encrypted, certificate, serverName}
	switch k {
	case InlineOut:
		return append(service, direction, tenantHeader, crossTenant, originatorOrg, envelopeSender, headerSender, authenticated)
	case InlineIn:
		return append(service, direction, tenantHeader, crossTenant, originatorOrgIn, ownRecipients)
	case Copy, OwnAddress:
		return append(service, onlySpecial, tenantHeaderIfAny, crossTenant)
	case Journal:
		return append(service, onlySpecial, crossTenant)
	case Validation:
		return append(service, noTenantHeader, crossTenantIfAny)
	case Other:
		return []fact{enabled, ownServer, eitherSide}
	}
	return []fact{func(c *claim) *Refusal { return c.refuse(problem.NotYours, "kind", "unknown kind of arrival") }}
}

// claim is a message that says it belongs to a tenant, and what speaks for
// it.
type claim struct {
	s    *Snapshot
	t    *Tenant
	kind Kind
	dir  mail.Direction
	mon  bool
	peer mail.Peer
	env  mail.Envelope
	h    *mail.Header
}

func (c *claim) refuse(code problem.Code, what, text string) *Refusal {
	return &Refusal{
		Reply:  mail.NewReply(550, "5.7.1", "Refused ("+string(code)+"): "+text),
		Tenant: c.t.ID, Fact: what, Code: code,
	}
}

func (c *claim) deferral(code problem.Code, what, text string) *Refusal {
	return &Refusal{
		Reply:  mail.NewReply(451, "4.7.1", "Deferred ("+string(code)+"): "+text),
		Tenant: c.t.ID, Fact: what, Code: code,
	}
}

func enabled(c *claim) *Refusal {
	if c.t.Disabled {
		return c.deferral(problem.TenantDisabled, "tenant", "tenant "+c.t.ID+" is switched off here")
	}
	return nil
}

func fromExchange(c *claim) *Refusal {
	if !c.t.exchange.has(c.peer.Addr.Addr()) {
		return c.refuse(problem.WrongPeer, "network",
			fmt.Sprintf("%s is not an address from which Exchange Online sends for tenant %s", c.peer.Addr.Addr(), c.t.ID))
	}
	return nil
}

func encrypted(c *claim) *Refusal {
	if c.peer.TLS == nil && !c.peer.Addr.Addr().Unmap().IsLoopback() {
		return c.refuse(problem.WrongPeer, "tls", "the connection is not encrypted")
	}
	return nil
}

// certificate: Exchange presents one when asked; a wrong one is never
// accepted, none at all only where the tenant does not demand it.
func certificate(c *claim) *Refusal {
	if c.peer.TLS == nil || len(c.peer.TLS.Certificates) == 0 {
		if c.t.certificate == Required {
			return c.refuse(problem.WrongPeer, "certificate", "the client presented no certificate")
		}
		return nil
	}
	if !c.peer.TLS.Verified {
		return c.refuse(problem.WrongPeer, "certificate", "the client's certificate leads to no root that is trusted here")
	}
	for _, want := range c.t.names {
		if nameMatches(want, c.peer.TLS.Names) {
			return nil
		}
	}
	return c.refuse(problem.WrongPeer, "certificate",
		"the client's certificate is for "+strings.Join(c.peer.TLS.Names, ", ")+", which is no name of Exchange Online")
}

func serverName(c *claim) *Refusal {
	if c.peer.TLS == nil {
		return nil
	}
	owner := c.s.host[c.peer.TLS.ServerName]
	switch {
	case owner == nil:
		return nil
	case owner != c.t:
		return c.refuse(problem.WrongPeer, "server-name", "the connector uses the host name of another tenant")
	case c.dir != "" && owner.Hosts[c.peer.TLS.ServerName] != c.dir:
		return c.refuse(problem.WrongPeer, "server-name",
			fmt.Sprintf("host %s is not for direction %s", c.peer.TLS.ServerName, c.dir))
	}
	return nil
}

func direction(c *claim) *Refusal {
	if only := c.t.Preset.Only; only != "" && only != string(c.dir) {
		return c.refuse(problem.WrongRecipient, "direction",
			fmt.Sprintf("tenant %s (headers: %s) sends only direction %s through here", c.t.ID, c.t.Preset.Name, only))
	}
	return nil
}

// tenantHeader has been matched when the tenant was found; here it must
// stand exactly once.
func tenantHeader(c *claim) *Refusal {
	name := c.t.Preset.Tenant
	if name == "" {
		return nil
	}
	switch n := len(c.h.All(name)); {
	case n == 0:
		return c.deferral(problem.MissingFact, "tenant-header", "the header "+name+" is missing; the route rule must set it")
	case n > 1:
		return c.refuse(problem.DoubledFact, "tenant-header", "the header "+name+" stands "+fmt.Sprint(n)+" times")
	}
	return tenantHeaderIfAny(c)
}

func tenantHeaderIfAny(c *claim) *Refusal {
	name := c.t.Preset.Tenant
	if name == "" {
		return nil
	}
	values := c.h.Values(name)
	if len(values) > 1 {
		return c.refuse(problem.DoubledFact, "tenant-header", "the header "+name+" stands twice")
	}
	for _, v := range values {
		if id, _, _, ok := c.t.readHeader(v); !ok {
			if id != "" && id != c.t.ID {
				return c.refuse(problem.WrongSecret, "tenant-header", "the header "+name+" names another tenant")
			}
			return c.refuse(problem.WrongSecret, "tenant-header", "the header "+name+" does not carry the tenant's secret")
		}
	}
	return nil
}

func noTenantHeader(c *claim) *Refusal {
	for _, t := range c.s.tenants {
		if name := t.Preset.Tenant; name != "" && c.h.Has(name) {
			return c.refuse(problem.WrongRecipient, "tenant-header", "a routed message is no connector validation")
		}
	}
	return nil
}

// Names of the headers in which Exchange says whose mail it is.
const (
	crossTenantID = "X-MS-Exchange-CrossTenant-Id"
	crossTenantAs = "X-MS-Exchange-CrossTenant-AuthAs"
	originator    = "X-OriginatorOrg"
)

// crossTenant: Exchange strips this header from what comes in and stamps its
// own on what goes out, so it is the strongest sign of a tenant.
func crossTenant(c *claim) *Refusal {
	if c.t.EntraTenant != "" && !c.h.Has(crossTenantID) {
		if c.env.From.Null() && c.t.Switches.CrossTenantOnNull == Optional && c.t.Preset.Tenant != "" && c.h.Has(c.t.Preset.Tenant) {
			return nil
		}
		return c.deferral(problem.MissingFact, "cross-tenant", "the header "+crossTenantID+" is missing")
	}
	return crossTenantIfAny(c)
}

func crossTenantIfAny(c *claim) *Refusal {
	values := c.h.Values(crossTenantID)
	for _, v := range values {
		if !strings.EqualFold(v, values[0]) {
			return c.refuse(problem.DoubledFact, "cross-tenant", "the header "+crossTenantID+" stands twice with different values")
		}
	}
	if len(values) > 0 && c.t.EntraTenant != "" && !strings.EqualFold(strings.TrimSpace(values[0]), c.t.EntraTenant) {
		return c.refuse(problem.WrongEntra, "cross-tenant",
			fmt.Sprintf("Exchange says that the message is of Entra tenant %.60s, which is not that of %s", values[0], c.t.ID))
	}
	if len(values) > 0 && c.t.EntraTenant == "" {
		if owner := c.s.entra[strings.ToLower(strings.TrimSpace(values[0]))]; owner != nil && owner != c.t {
			return c.refuse(problem.WrongEntra, "cross-tenant", "Exchange says that the message is of another tenant")
		}
	}
	return nil
}

func originatorOrg(c *claim) *Refusal {
	values := c.h.Values(originator)
	if len(values) == 0 {
		return c.deferral(problem.MissingFact, "originator-org", "the header "+originator+" is missing")
	}
	for _, v := range values {
		if !strings.EqualFold(v, values[0]) {
			return c.refuse(problem.DoubledFact, "originator-org", "the header "+originator+" stands twice with different values")
		}
	}
	if !c.t.OwnsDomain(strings.TrimSpace(values[0])) {
		return c.refuse(problem.WrongEntra, "originator-org",
			fmt.Sprintf("%s says %.80s, which is no domain of tenant %s", originator, values[0], c.t.ID))
	}
	return nil
}

func originatorOrgIn(c *claim) *Refusal {
	if !c.t.Switches.OriginatorOrgIn {
		return nil
	}
	return originatorOrg(c)
}

func envelopeSender(c *claim) *Refusal {
	if c.env.From.Null() || c.t.Owns(c.env.From) {
		return nil
	}
	return c.refuse(problem.WrongSender, "mail-from",
		fmt.Sprintf("the sender's domain %s is not registered for tenant %s", c.env.From.Domain(), c.t.ID))
}

// headerSender: the author must be of the tenant too, else a customer of
// Exchange could relay anybody's name through us. Mail that Exchange forwards
// for a mailbox keeps its foreign author and has a rewritten (SRS) sender.
func headerSender(c *claim) *Refusal {
	if fields := len(c.h.All("From")); fields > 1 {
		return c.refuse(problem.DoubledFact, "from", fmt.Sprintf("the message has %d From fields", fields))
	}
	if strings.Contains(strings.ToLower(c.env.From.Local()), "+srs=") {
		return nil
	}
	authors := c.h.Addresses("From")
	if len(authors) == 0 && !c.env.From.Null() {
		return nil // no author at all: the envelope's sender has been checked
	}
	for _, a := range authors {
		if !c.t.Owns(a) {
			return c.refuse(problem.WrongSender, "from",
				fmt.Sprintf("the author's domain %.80s is not registered for tenant %s", a.Domain(), c.t.ID))
		}
	}
	if len(authors) == 0 {
		return c.refuse(problem.WrongSender, "from", "a message with the null sender needs an author of the tenant")
	}
	return nil
}

// authenticated: "Internal" is Exchange's word for a user of the tenant;
// mail that only ran through the tenant says otherwise.
func authenticated(c *claim) *Refusal {
	if c.t.Switches.Relays {
		return nil
	}
	values := c.h.Values(crossTenantAs)
	if len(values) == 0 {
		if c.env.From.Null() {
			return nil // reports of the service carry fewer headers
		}
		return c.deferral(problem.MissingFact, "auth-as", "the header "+crossTenantAs+" is missing")
	}
	for _, v := range values {
		if !strings.EqualFold(strings.TrimSpace(v), "Internal") {
			return c.refuse(problem.WrongSender, "auth-as",
				fmt.Sprintf("Exchange only relayed this message (%.40s); set switches.relays when the tenant's own servers send so", v))
		}
	}
	return nil
}

func ownRecipients(c *claim) *Refusal {
	for _, r := range c.env.To {
		if !c.t.Owns(r.Address) {
			return c.refuse(problem.WrongRecipient, "recipient",
				fmt.Sprintf("an incoming message has a recipient in %s, which is no domain of tenant %s", r.Address.Domain(), c.t.ID))
		}
	}
	return nil
}

func onlySpecial(c *claim) *Refusal {
	for _, r := range c.env.To {
		if t, k, ok := c.s.Special(r.Address); !ok || t != c.t || k != c.kind {
			return c.refuse(problem.WrongRecipient, "recipient", "this address of ours takes no message with other recipients")
		}
	}
	return nil
}

func ownServer(c *claim) *Refusal {
	if !c.t.otherPeer(c.peer) {
		return c.refuse(problem.WrongPeer, "network", "this server is not listed for tenant "+c.t.ID)
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
