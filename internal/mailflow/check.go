package mailflow

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
)

var guid = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// Check returns everything that is wrong with the set-up, nil when nothing is.
func (s *Setup) Check() Mistakes {
	l := &list{}
	s.checkOrganization(l)
	s.checkDomains(l)
	s.checkRecipients(l)
	s.checkOutbound(l)
	s.checkInbound(l)
	s.checkRules(l)
	s.checkJournal(l)
	return l.all
}

func (s *Setup) checkOrganization(l *list) {
	l.at("Organization")
	l.need(s.Organization.Name != "", "Name", "is missing")
	l.need(guid.MatchString(s.Organization.TenantID), "TenantId", "%q is not a GUID", s.Organization.TenantID)
	if a := s.Organization.JournalingReportNdrTo; a != "" {
		l.address("JournalingReportNdrTo", a)
	}
	l.unknown(s.Organization.Unknown, names(Organization{}))
}

func (s *Setup) checkDomains(l *list) {
	l.at("AcceptedDomains")
	l.need(len(s.AcceptedDomains) > 0, "", "a tenant has at least one")
	seen, defaults, initial := map[string]bool{}, 0, 0
	for _, d := range s.AcceptedDomains {
		l.at("AcceptedDomains %q", d.DomainName)
		l.domain("DomainName", d.DomainName)
		l.need(!seen[d.DomainName], "DomainName", "is there twice")
		seen[d.DomainName] = true
		l.need(d.DomainType != "", "DomainType", "is missing")
		l.oneOf("DomainType", d.DomainType, Authoritative, InternalRelay, ExternalRelay)
		if d.Default {
			defaults++
		}
		if d.Initial {
			initial++
		}
		l.unknown(d.Unknown, names(AcceptedDomain{}))
	}
	l.at("AcceptedDomains")
	l.need(defaults <= 1, "Default", "only one domain can be the default")
	l.need(initial <= 1, "InitialDomain", "only one domain can be the initial one")
}

func (s *Setup) checkRecipients(l *list) {
	taken := map[string]bool{}
	claim := func(property, a string) {
		if l.address(property, a) {
			l.need(!taken[strings.ToLower(a)], property, "%s belongs to another recipient too", a)
			taken[strings.ToLower(a)] = true
		}
	}
	for _, m := range s.Mailboxes {
		l.at("Mailboxes %q", m.Address)
		claim("PrimarySmtpAddress", m.Address)
		for _, a := range m.Aliases {
			if !strings.EqualFold(a, m.Address) {
				claim("EmailAddresses", a)
			}
		}
		l.need(s.accepts(m.Address), "PrimarySmtpAddress", "is in no accepted domain")
		l.unknown(m.Unknown, names(Mailbox{}))
	}
	for _, c := range s.Contacts {
		l.at("Contacts %q", c.External)
		l.address("ExternalEmailAddress", c.External)
		if c.Address != "" && !strings.EqualFold(c.Address, c.External) {
			claim("PrimarySmtpAddress", c.Address)
		}
		l.unknown(c.Unknown, names(Contact{}))
	}
	for _, g := range s.Groups {
		l.at("Groups %q", g.Name)
		claim("PrimarySmtpAddress", g.Address)
		l.need(s.accepts(g.Address), "PrimarySmtpAddress", "is in no accepted domain")
		for _, m := range g.Members {
			l.need(s.knows(m), "Members", "%s is no recipient of the tenant", m)
		}
		l.unknown(g.Unknown, names(Group{}))
	}
	for _, m := range s.Mailboxes {
		l.at("Mailboxes %q", m.Address)
		l.need(m.Manager == "" || s.mailbox(m.Manager), "Manager", "%s has no mailbox", m.Manager)
	}
}

func (s *Setup) checkOutbound(l *list) {
	seen := map[string]bool{}
	for _, c := range s.OutboundConnectors {
		l.at("OutboundConnectors %q", c.Name)
		l.name(c.Name, seen)
		l.need(c.ConnectorType != "", "ConnectorType", "is missing: set it always")
		l.oneOf("ConnectorType", c.ConnectorType, Partner, OnPremises)
		l.need(c.UseMXRecord || len(c.SmartHosts) > 0, "SmartHosts", "are required when UseMXRecord is false")
		l.need(!c.UseMXRecord || len(c.SmartHosts) == 0, "UseMXRecord", "must be false when there are SmartHosts")
		l.need(!c.IsTransportRuleScoped || len(c.RecipientDomains) == 0, "RecipientDomains",
			"must be empty for a connector that only rules use")
		l.need(c.IsTransportRuleScoped || len(c.RecipientDomains) > 0 || c.AllAcceptedDomains, "RecipientDomains",
			"are needed by a connector that is not rule-scoped")
		for _, d := range c.RecipientDomains {
			l.pattern("RecipientDomains", d)
		}
		l.oneOf("TlsSettings", c.TLSSettings, EncryptionOnly, CertificateValidation, DomainValidation)
		domain := strings.EqualFold(c.TLSSettings, DomainValidation)
		l.need(!domain || c.TLSDomain != "", "TlsDomain", "is required with DomainValidation")
		l.need(domain || c.TLSDomain == "", "TlsDomain", "has a meaning only with DomainValidation")
		if c.TLSDomain != "" {
			l.pattern("TlsDomain", c.TLSDomain)
		}
		local := strings.EqualFold(c.ConnectorType, OnPremises)
		l.need(local || !c.AllAcceptedDomains, "AllAcceptedDomains", "is for OnPremises only")
		l.need(local || !c.RouteAllMessagesViaOnPremises, "RouteAllMessagesViaOnPremises", "is for OnPremises only")
		l.need(local || !c.SenderRewritingEnabled, "SenderRewritingEnabled", "is for OnPremises only")
		l.unknown(c.Unknown, names(OutboundConnector{}))
	}
}

func (s *Setup) checkInbound(l *list) {
	seen := map[string]bool{}
	for _, c := range s.InboundConnectors {
		l.at("InboundConnectors %q", c.Name)
		l.name(c.Name, seen)
		l.need(c.ConnectorType != "", "ConnectorType", "is missing: set it always")
		l.oneOf("ConnectorType", c.ConnectorType, Partner, OnPremises)
		l.need(len(c.SenderDomains) > 0, "SenderDomains", `are required; "*" for all`)
		for _, d := range c.SenderDomains {
			d = strings.TrimPrefix(d, "smtp:")
			d, _, _ = strings.Cut(d, ";")
			if d != "*" {
				l.pattern("SenderDomains", d)
			}
		}
		if c.TLSSenderCertificateName != "" {
			l.pattern("TlsSenderCertificateName", c.TLSSenderCertificateName)
		}
		for _, ip := range c.SenderIPAddresses {
			l.need(connectorIP(ip), "SenderIPAddresses", "%q is not an IPv4 address or a network of /24 to /32", ip)
		}
		partner := strings.EqualFold(c.ConnectorType, Partner)
		l.need(partner || !c.RestrictDomainsToCertificate, "RestrictDomainsToCertificate", "is for Partner only")
		l.need(partner || !c.RestrictDomainsToIPAddresses, "RestrictDomainsToIPAddresses", "is for Partner only")
		l.need(!partner || !c.TreatMessagesAsInternal, "TreatMessagesAsInternal", "is for OnPremises only")
		l.need(!c.TreatMessagesAsInternal || !c.CloudServicesMailEnabled, "TreatMessagesAsInternal",
			"cannot stand together with CloudServicesMailEnabled")
		l.need(!partner || c.TLSSenderCertificateName == "" || len(c.SenderIPAddresses) == 0, "SenderIPAddresses",
			"must not stand beside a certificate name in a Partner connector")
		for _, d := range c.AssociatedAcceptedDomains {
			l.need(s.accepted(strings.ToLower(d)), "AssociatedAcceptedDomains", "%s is no accepted domain", d)
		}
		l.unknown(c.Unknown, names(InboundConnector{}))
	}
}

func (s *Setup) checkJournal(l *list) {
	seen := map[string]bool{}
	for _, j := range s.JournalRules {
		l.at("JournalRules %q", j.Name)
		l.name(j.Name, seen)
		if l.address("JournalEmailAddress", j.JournalEmailAddress) {
			l.need(!s.mailbox(j.JournalEmailAddress), "JournalEmailAddress", "must not be a mailbox of Exchange Online")
		}
		if j.Recipient != "" {
			l.address("Recipient", j.Recipient)
		}
		l.oneOf("Scope", j.Scope, "Global", "Internal", "External")
		l.unknown(j.Unknown, names(JournalRule{}))
	}
}

// connectorIP reports whether ip may stand in SenderIPAddresses.
func connectorIP(ip string) bool {
	if a, err := netip.ParseAddr(ip); err == nil {
		return a.Is4()
	}
	p, err := netip.ParsePrefix(ip)
	return err == nil && p.Addr().Is4() && p.Bits() >= 24
}

func (l *list) address(property, a string) bool {
	if _, err := mail.ParseAddress(a); err != nil {
		l.add(property, "%q is not an address", a)
		return false
	}
	return true
}

func (l *list) domain(property, d string) {
	if _, err := mail.ParseAddress("x@" + d); err != nil || !strings.Contains(d, ".") {
		l.add(property, "%q is not a domain", d)
	}
}

// pattern checks a domain that may begin with "*.", or is "*".
func (l *list) pattern(property, d string) {
	if d != "*" {
		l.domain(property, strings.TrimPrefix(d, "*."))
	}
}

func (s *Setup) accepted(domain string) bool {
	return slices.ContainsFunc(s.AcceptedDomains, func(d AcceptedDomain) bool { return d.DomainName == domain })
}

func (s *Setup) accepts(a string) bool { return s.accepted(mail.Address(a).Domain()) }

func (s *Setup) mailbox(a string) bool {
	return slices.ContainsFunc(s.Mailboxes, func(m Mailbox) bool {
		return strings.EqualFold(m.Address, a) || slices.ContainsFunc(m.Aliases, func(alias string) bool {
			return strings.EqualFold(alias, a)
		})
	})
}

func (s *Setup) group(a string) bool {
	return slices.ContainsFunc(s.Groups, func(g Group) bool {
		return strings.EqualFold(g.Address, a) || strings.EqualFold(g.Name, a)
	})
}

// knows reports whether a is a recipient of the directory.
func (s *Setup) knows(a string) bool {
	return s.mailbox(a) || s.group(a) || slices.ContainsFunc(s.Contacts, func(c Contact) bool {
		return strings.EqualFold(c.Address, a) || strings.EqualFold(c.External, a)
	})
}
