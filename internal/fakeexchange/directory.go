package fakeexchange

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/mailflow"
)

// tenant is a set-up made ready: rules compiled and in order.
type tenant struct {
	setup mailflow.Setup
	rules []rule
}

func newTenant(s mailflow.Setup) (*tenant, error) {
	if mistakes := s.Check(); len(mistakes) > 0 {
		return nil, mistakes
	}
	t := &tenant{setup: s}
	if what := beyondConnectors(&s); what != "" {
		return nil, fmt.Errorf("fakeexchange: %s is not executed here", what)
	}
	for i := range s.TransportRules {
		r, err := compile(t, &s.TransportRules[i])
		if err != nil {
			return nil, err
		}
		t.rules = append(t.rules, r)
	}
	slices.SortStableFunc(t.rules, func(a, b rule) int { return cmp.Compare(a.Priority, b.Priority) })
	return t, nil
}

// beyondConnectors names what a connector uses and is not executed here.
func beyondConnectors(s *mailflow.Setup) string {
	for _, c := range s.OutboundConnectors {
		switch {
		case c.RouteAllMessagesViaOnPremises:
			return "RouteAllMessagesViaOnPremises of connector " + c.Name
		case c.SenderRewritingEnabled:
			return "SenderRewritingEnabled of connector " + c.Name
		}
	}
	for _, c := range s.InboundConnectors {
		if c.EFSkipLastIP || len(c.EFSkipIPs) > 0 {
			return "enhanced filtering of connector " + c.Name
		}
	}
	return ""
}

func (t *tenant) name() string { return t.setup.Organization.Name }

// accepts returns the type of an accepted domain, "" for others.
func (t *tenant) accepts(domain string) string {
	for _, d := range t.setup.AcceptedDomains {
		if strings.EqualFold(d.DomainName, domain) {
			return d.DomainType
		}
	}
	return ""
}

// inside is the scope of exchange.md 2.1: an authoritative or internal-relay
// domain.
func (t *tenant) inside(address string) bool {
	kind := t.accepts(domainOf(address))
	return kind != "" && !strings.EqualFold(kind, mailflow.ExternalRelay)
}

// domain is the tenant's default domain.
func (t *tenant) domain() string {
	for _, d := range t.setup.AcceptedDomains {
		if d.Default {
			return d.DomainName
		}
	}
	return t.setup.AcceptedDomains[0].DomainName
}

func (t *tenant) mailbox(address string) *mailflow.Mailbox {
	for i, m := range t.setup.Mailboxes {
		if strings.EqualFold(m.Address, address) || containsFold(m.Aliases, address) {
			return &t.setup.Mailboxes[i]
		}
	}
	return nil
}

func (t *tenant) group(name string) *mailflow.Group {
	for i, g := range t.setup.Groups {
		if strings.EqualFold(g.Address, name) || strings.EqualFold(g.Name, name) {
			return &t.setup.Groups[i]
		}
	}
	return nil
}

func (t *tenant) contact(address string) *mailflow.Contact {
	for i, c := range t.setup.Contacts {
		if strings.EqualFold(c.Address, address) || strings.EqualFold(c.External, address) {
			return &t.setup.Contacts[i]
		}
	}
	return nil
}

// known reports whether the directory has a recipient of that address.
func (t *tenant) known(address string) bool {
	return t.mailbox(address) != nil || t.group(address) != nil || t.contact(address) != nil
}

// same reports whether two addresses are one recipient.
func (t *tenant) same(a, b string) bool {
	if strings.EqualFold(a, b) {
		return true
	}
	if m := t.mailbox(a); m != nil && m == t.mailbox(b) {
		return true
	}
	c := t.contact(a)
	return c != nil && c == t.contact(b)
}

// member reports whether address is in the group, directly or through others.
func (t *tenant) member(group, address string) bool {
	return t.memberOf(group, address, map[string]bool{})
}

func (t *tenant) memberOf(group, address string, seen map[string]bool) bool {
	g := t.group(group)
	if g == nil || seen[g.Address] {
		return false
	}
	seen[g.Address] = true
	for _, m := range g.Members {
		if t.same(m, address) || t.memberOf(m, address, seen) {
			return true
		}
	}
	return false
}

// expand resolves groups and contacts to where mail goes, each address once.
func (t *tenant) expand(to []recipient) []recipient {
	var out []recipient
	seen := map[string]bool{}
	var add func(r recipient)
	add = func(r recipient) {
		key := strings.ToLower(r.address)
		if seen[key] {
			return
		}
		seen[key] = true
		if g := t.group(r.address); g != nil {
			for _, m := range g.Members {
				add(recipient{address: m, original: r.original, expanded: g.Address, notify: r.notify, orcpt: r.orcpt})
			}
			return
		}
		if c := t.contact(r.address); c != nil && !strings.EqualFold(c.External, r.address) {
			r.address = c.External
			add(r)
			return
		}
		if m := t.mailbox(r.address); m != nil && !strings.EqualFold(m.Address, r.address) {
			r.address = m.Address
			add(r)
			return
		}
		out = append(out, r)
	}
	for _, r := range to {
		if r.original == "" {
			r.original = r.address
		}
		add(r)
	}
	return out
}

// manager is the address of a user's manager, "" without one.
func (t *tenant) manager(address string) string {
	if m := t.mailbox(address); m != nil {
		return m.Manager
	}
	return ""
}

func (t *tenant) outbound(name string) *mailflow.OutboundConnector {
	for i, c := range t.setup.OutboundConnectors {
		if strings.EqualFold(c.Name, name) {
			return &t.setup.OutboundConnectors[i]
		}
	}
	return nil
}

// connectorFor is the connector that serves a recipient domain without any
// rule: the most precise pattern wins.
func (t *tenant) connectorFor(domain string) *mailflow.OutboundConnector {
	var best *mailflow.OutboundConnector
	length := -1
	for i := range t.setup.OutboundConnectors {
		c := &t.setup.OutboundConnectors[i]
		if !c.Enabled || c.IsTransportRuleScoped || c.TestMode {
			continue
		}
		for _, p := range c.RecipientDomains {
			if covers(p, domain) && len(p) > length {
				best, length = c, len(p)
			}
		}
		if c.AllAcceptedDomains && t.accepts(domain) != "" && length < 0 {
			best, length = c, 0
		}
	}
	return best
}

// primary is the address under which a mailbox is kept.
func (t *tenant) primary(address string) string {
	if m := t.mailbox(address); m != nil {
		return m.Address
	}
	return address
}
