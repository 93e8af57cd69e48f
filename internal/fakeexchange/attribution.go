package fakeexchange

import (
	"net/netip"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/mailflow"
)

// peer is who brings a message to the inbound server.
type peer struct {
	ip    netip.Addr
	hello string
	tls   bool
	names []string // of a verified client certificate
}

// claim is what attribution found for one recipient.
type claim struct {
	tenant      *tenant
	connector   *mailflow.InboundConnector
	originating bool
}

// attribute finds the tenant of one recipient (exchange.md 5.8, from
// memory): certificate, then address of an OnPremises connector, then the
// recipient's domain. A refusal is one of the replies of 5.4.
func (x *Exchange) attribute(p peer, from, to string) (claim, *mail.Reply) {
	c, found := x.byConnector(p, from, to)
	own := x.owner(domainOf(to))
	switch {
	case found && (c.originating || c.tenant.accepts(domainOf(to)) != ""):
		// Relay by a connector, or mail to its own tenant.
	case own != nil:
		c = x.byRecipient(own, p, from)
	default:
		return claim{}, &replyRelay
	}
	return c, x.refuses(c, p, from, to)
}

// byConnector looks for an OnPremises connector that the peer's certificate,
// or else its address, matches. Where several tenants share one, the tenant
// of MAIL FROM wins, then that of the recipient, then the first: that is how
// shared addresses are mis-attributed.
func (x *Exchange) byConnector(p peer, from, to string) (claim, bool) {
	x.mu.Lock()
	tenants := slices.Clone(x.tenants)
	x.mu.Unlock()
	for _, match := range []func(*mailflow.InboundConnector) bool{p.showsCertificate, p.comesFrom} {
		var all []claim
		for _, t := range tenants {
			for i := range t.setup.InboundConnectors {
				c := &t.setup.InboundConnectors[i]
				if c.Enabled && strings.EqualFold(c.ConnectorType, mailflow.OnPremises) && match(c) && associated(c, from, to) {
					all = append(all, claim{tenant: t, connector: c, originating: x.originates(t, p, c, from)})
				}
			}
		}
		for _, domain := range []string{domainOf(from), domainOf(to)} {
			for _, c := range all {
				if c.tenant.accepts(domain) != "" {
					return c, true
				}
			}
		}
		if len(all) > 0 {
			return all[0], true
		}
	}
	return claim{}, false
}

// associated reports whether AssociatedAcceptedDomains lets c serve a message.
func associated(c *mailflow.InboundConnector, from, to string) bool {
	list := c.AssociatedAcceptedDomains
	return len(list) == 0 || containsFold(list, domainOf(from)) || containsFold(list, domainOf(to))
}

func (p peer) showsCertificate(c *mailflow.InboundConnector) bool {
	return c.TLSSenderCertificateName != "" && slices.ContainsFunc(p.names, func(name string) bool {
		return covers(c.TLSSenderCertificateName, name) || covers(name, c.TLSSenderCertificateName)
	})
}

func (p peer) comesFrom(c *mailflow.InboundConnector) bool {
	return slices.ContainsFunc(c.SenderIPAddresses, func(r string) bool { return inRange(r, p.ip) })
}

// originates is the test of exchange.md 1.4: the domain of the certificate or
// of MAIL FROM is accepted by the tenant.
func (x *Exchange) originates(t *tenant, p peer, c *mailflow.InboundConnector, from string) bool {
	if x.sw.CertificateDomain == AcceptedAny || x.sw.AddressOriginatesAlways && p.comesFrom(c) {
		return true
	}
	if p.showsCertificate(c) {
		name := strings.TrimPrefix(c.TLSSenderCertificateName, "*.")
		if slices.ContainsFunc(t.setup.AcceptedDomains, func(d mailflow.AcceptedDomain) bool {
			return under(name, d.DomainName)
		}) {
			return true
		}
		if x.sw.CertificateDomain == AcceptedCertificate {
			return false
		}
	}
	if from == "" {
		return x.sw.NullSenderOriginates
	}
	return t.accepts(domainOf(from)) != ""
}

// byRecipient is incoming mail: the tenant is the recipient's, and a Partner
// connector of it may match.
func (x *Exchange) byRecipient(t *tenant, p peer, from string) claim {
	for i := range t.setup.InboundConnectors {
		c := &t.setup.InboundConnectors[i]
		if c.Enabled && strings.EqualFold(c.ConnectorType, mailflow.Partner) &&
			forSender(c, from) && (p.showsCertificate(c) || p.comesFrom(c)) {
			return claim{tenant: t, connector: c}
		}
	}
	return claim{tenant: t}
}

// refuses applies what a tenant does not take (exchange.md 5.4, 5.5).
func (x *Exchange) refuses(c claim, p peer, from, to string) *mail.Reply {
	t := c.tenant
	for i := range t.setup.InboundConnectors {
		k := &t.setup.InboundConnectors[i]
		if !k.Enabled || !strings.EqualFold(k.ConnectorType, mailflow.Partner) || !forSender(k, from) || c.originating {
			continue
		}
		if k.RestrictDomainsToCertificate && !p.showsCertificate(k) || k.RestrictDomainsToIPAddresses && !p.comesFrom(k) {
			return &replyRestricted
		}
		if k == c.connector && k.RequireTLS && !p.tls {
			return &replyNoTLS
		}
	}
	if t.setup.Organization.RejectDirectSend && c.connector == nil && from != "" && t.accepts(domainOf(from)) != "" {
		return &replyDirectSend
	}
	if strings.EqualFold(t.accepts(domainOf(to)), mailflow.Authoritative) && !t.known(to) {
		return &replyUnknown
	}
	return nil
}

// forSender reports whether SenderDomains scopes c to a sender.
func forSender(c *mailflow.InboundConnector, from string) bool {
	return slices.ContainsFunc(c.SenderDomains, func(d string) bool {
		d, _, _ = strings.Cut(strings.TrimPrefix(d, "smtp:"), ";")
		return covers(d, domainOf(from))
	})
}
