package tenant

import (
	"fmt"
	"strings"

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

// service is what the connection must prove: Exchange Online, but no tenant.
func service() []fact { return []fact{fromExchange, encrypted, certificate, serverName} }

// required is the table: what must agree before a message of a kind is taken
// for a tenant. The first fact that does not is told to the client, so the
// ones that prove the tenant stand before those about its mail, and whether
// the tenant is switched off is nobody else's business.
func (c *claim) required() []fact {
	switch c.kind {
	case InlineOut:
		return append(service(), tenantHeader, crossTenant, originatorOrg, direction,
			envelopeSender, headerSender, authenticated, enabled)
	case InlineIn:
		return append(service(), tenantHeader, crossTenant, originatorOrgIn, direction, ownRecipients, enabled)
	case Copy, OwnAddress, Journal:
		if c.t.otherPeer(c.peer) {
			return []fact{onlySpecial, tenantHeaderIfAny, enabled}
		}
		if c.kind == Journal { // rules do not run for a journal report
			return append(service(), onlySpecial, crossTenant, anyProof, enabled)
		}
		return append(service(), onlySpecial, tenantHeaderIfAny, crossTenant, anyProof, enabled)
	case Validation:
		return append(service(), alone, noTenantHeader, crossTenantIfAny, validationOrg, validationSender, enabled)
	case Other:
		return []fact{ownServer, tenantHeaderIfAny, eitherSide, enabled}
	}
	return []fact{func(c *claim) *Refusal { return c.refuse(problem.NotYours, "kind", "unknown kind of arrival") }}
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
			fmt.Sprintf("%s is not an address from which Exchange Online sends", c.peer.Addr.Addr()))
	}
	return nil
}

func encrypted(c *claim) *Refusal {
	if c.peer.TLS == nil && !c.peer.Addr.Addr().Unmap().IsLoopback() {
		return c.refuse(problem.WrongPeer, "tls", "the connection is not encrypted (TLS)")
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
	return c.refuse(problem.WrongPeer, "certificate", fmt.Sprintf(
		"the client's certificate is for %.200s, which is no name of Exchange Online", strings.Join(c.peer.TLS.Names, ", ")))
}

func serverName(c *claim) *Refusal {
	owner := c.s.atHost(c.peer)
	switch {
	case owner == nil:
		return nil
	case owner != c.t:
		return c.refuse(problem.WrongPeer, "server-name", "the connector uses the host name of another tenant")
	case c.dir != "" && owner.Hosts[hostOf(c.peer)] != c.dir:
		return c.refuse(problem.WrongPeer, "server-name",
			fmt.Sprintf("host %s is not for direction %s", hostOf(c.peer), c.dir))
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

// tenantHeader must stand exactly once and carry the secret.
func tenantHeader(c *claim) *Refusal {
	name := c.t.Preset.Tenant
	if name != "" && !c.h.Has(name) {
		return c.deferral(problem.MissingFact, "tenant-header", "the header "+name+" is missing; the route rule must set it")
	}
	return tenantHeaderIfAny(c)
}

func tenantHeaderIfAny(c *claim) *Refusal {
	if c.t.Preset.Tenant == "" {
		return nil
	}
	values := c.h.Values(c.t.Preset.Tenant)
	if len(values) > 1 {
		return c.refuse(problem.DoubledFact, "tenant-header",
			fmt.Sprintf("the header %s stands %d times", c.t.Preset.Tenant, len(values)))
	}
	if len(values) == 1 {
		return c.t.wrongHeader(values[0])
	}
	return nil
}

func noTenantHeader(c *claim) *Refusal {
	var buf [maxName]byte
	for _, f := range c.h.Fields() {
		if c.s.headers[string(foldInto(&buf, f.Name))] != nil {
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
	calendarItem  = "X-MS-Exchange-Calendar-Originator-Id"
)

// crossTenant: Exchange strips this header from what comes in and stamps its
// own on what goes out, so it is the strongest sign of a tenant.
func crossTenant(c *claim) *Refusal {
	if c.t.EntraTenant != "" && !c.h.Has(crossTenantID) && !c.mayMiss() {
		return c.deferral(problem.MissingFact, "cross-tenant", "the header "+crossTenantID+" is missing")
	}
	return crossTenantIfAny(c)
}

// mayMiss reports whether a switch says that Exchange may leave its headers
// out of such a message. The tenant's own header must then prove it.
func (c *claim) mayMiss() bool {
	null := c.env.From.Null() && c.t.Switches.CrossTenantOnNull == Optional
	incoming := (c.kind == InlineIn || c.kind == Copy) && c.t.Switches.CrossTenantOnIncoming == Optional
	return (null || incoming) && c.kind != Journal && c.proven()
}

func crossTenantIfAny(c *claim) *Refusal {
	id, r := c.single(crossTenantID, "cross-tenant")
	if r != nil || id == "" {
		return r
	}
	if c.t.EntraTenant != "" && !strings.EqualFold(id, c.t.EntraTenant) {
		return c.refuse(problem.WrongEntra, "cross-tenant",
			fmt.Sprintf("%s says %.60s, which is not the Entra tenant of %s", crossTenantID, id, c.t.ID))
	}
	if owner := c.s.entra[strings.ToLower(id)]; owner != nil && owner != c.t {
		return c.refuse(problem.WrongEntra, "cross-tenant", crossTenantID+" says that the message is of another tenant")
	}
	return nil
}

// single is the value of a header that may stand several times only when it
// says the same each time; "" when there is none.
func (c *claim) single(name, what string) (string, *Refusal) {
	values := c.h.Values(name)
	for _, v := range values {
		if !strings.EqualFold(v, values[0]) {
			return "", c.refuse(problem.DoubledFact, what, "the header "+name+" stands twice with different values")
		}
	}
	if len(values) == 0 {
		return "", nil
	}
	if values[0] == "" {
		return "", c.refuse(problem.DoubledFact, what, "the header "+name+" is empty")
	}
	return values[0], nil
}

// anyProof: at an address of ours the tenant's header may be missing, and so
// may the Entra tenant in the settings, but not both: the network and the
// certificate prove Exchange Online only.
func anyProof(c *claim) *Refusal {
	switch {
	case c.t.EntraTenant != "", c.kind != Journal && c.proven():
		return nil
	case c.t.Switches.WithoutEntraTenant:
		return originatorOrg(c)
	}
	return c.deferral(problem.MissingFact, "cross-tenant",
		"nothing says whose message this is: no tenant header, and no entra_tenant is set for tenant "+c.t.ID)
}

func originatorOrg(c *claim) *Refusal {
	if !c.h.Has(originator) {
		if c.env.From.Null() && c.t.EntraTenant != "" && c.mayMiss() {
			return nil
		}
		return c.deferral(problem.MissingFact, "originator-org", "the header "+originator+" is missing")
	}
	return originatorOrgIfAny(c)
}

func originatorOrgIfAny(c *claim) *Refusal {
	org, r := c.single(originator, "originator-org")
	if r != nil || org == "" || c.t.OwnsDomain(org) {
		return r
	}
	return c.refuse(problem.WrongEntra, "originator-org",
		fmt.Sprintf("%s says %.80s, which is no domain of tenant %s", originator, org, c.t.ID))
}

// validationOrg: a validation may lack Exchange's headers, but an id of a
// tenant that cannot be compared needs the other header beside it.
func validationOrg(c *claim) *Refusal {
	if c.t.EntraTenant == "" && c.h.Has(crossTenantID) {
		return originatorOrg(c)
	}
	return originatorOrgIfAny(c)
}

// originatorOrgIn: what the header says on incoming mail is not proved
// (exchange.md 13.1), so it counts where a switch says so, and where nothing
// else names the tenant.
func originatorOrgIn(c *claim) *Refusal {
	if !c.t.Switches.OriginatorOrgIn && (c.t.EntraTenant != "" || c.t.Preset.Tenant != "") {
		return nil
	}
	return originatorOrg(c)
}

func ownServer(c *claim) *Refusal {
	if !c.t.otherPeer(c.peer) {
		return c.refuse(problem.WrongPeer, "network", "this server is not listed for tenant "+c.t.ID)
	}
	return nil
}
