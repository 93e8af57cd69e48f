package mailflow

import (
	"encoding/json"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Limits of Exchange Online (from memory; the service may allow other values).
const (
	maxRules    = 300
	maxComments = 1024
	maxReason   = 1024
	maxRuleSize = 8 << 10
	maxPatterns = 20 << 10
)

func (s *Setup) checkRules(l *list) {
	l.at("TransportRules")
	l.need(len(s.TransportRules) <= maxRules, "", "a tenant has at most %d rules", maxRules)
	seen, at, total := map[string]bool{}, map[Int]string{}, 0
	for i := range s.TransportRules {
		r := &s.TransportRules[i]
		l.at("TransportRules %q", r.Name)
		l.name(r.Name, seen)
		l.need(r.Priority >= 0, "Priority", "is negative")
		if other, ok := at[r.Priority]; ok {
			l.add("Priority", "%d is the priority of %q too", r.Priority, other)
		}
		at[r.Priority] = r.Name
		l.checkProperties(r)
		l.checkPredicates(s, "", &r.When)
		l.checkPredicates(s, exceptPrefix, &r.Except)
		l.checkActions(s, &r.Do)
		l.unknown(r.Unknown, names(Properties{}, Predicates{}, Actions{}))
		total += patternSize(&r.When) + patternSize(&r.Except)
	}
	l.at("TransportRules")
	l.need(total <= maxPatterns, "", "all patterns together have %d characters, %d are allowed", total, maxPatterns)
}

func (l *list) checkProperties(r *Rule) {
	l.oneOf("State", r.State, "Enabled", "Disabled")
	l.oneOf("Mode", r.Mode, "Enforce", "Audit", "AuditAndNotify")
	l.oneOf("RuleErrorAction", r.RuleErrorAction, "Ignore", "Defer")
	l.oneOf("SenderAddressLocation", r.SenderAddressLocation, "Header", "Envelope", "HeaderOrEnvelope")
	l.oneOf("RecipientAddressType", r.RecipientAddressType, "Resolved", "Original")
	l.need(len(r.Comments) <= maxComments, "Comments", "are longer than %d characters", maxComments)
	if r.ActivationDate != nil && r.ExpiryDate != nil {
		l.need(r.ActivationDate.Before(r.ExpiryDate.Time), "ExpiryDate", "is not after ActivationDate")
	}
	if data, err := json.Marshal(r); err == nil {
		l.need(len(data)-len(r.Comments) <= maxRuleSize, "", "is larger than %d octets", maxRuleSize)
	}
}

func (l *list) checkPredicates(s *Setup, prefix string, p *Predicates) {
	l.oneOf(prefix+"FromScope", p.FromScope, "InOrganization", "NotInOrganization")
	l.oneOf(prefix+"SentToScope", p.SentToScope, "InOrganization", "NotInOrganization")
	l.oneOf(prefix+"MessageTypeMatches", p.MessageTypeMatches, "OOF", "AutoForward", "Encrypted", "Calendaring",
		"PermissionControlled", "Voicemail", "Signed", "ApprovalRequest", "ReadReceipt")
	l.oneOf(prefix+"WithImportance", p.WithImportance, "Low", "Normal", "High")
	l.oneOf(prefix+"ManagerForEvaluatedUser", p.ManagerForEvaluatedUser, "Sender", "Recipient")
	l.oneOf(prefix+"SenderManagementRelationship", p.SenderManagementRelationship, "Manager", "DirectReport")
	l.scl(prefix+"SCLOver", p.SCLOver)
	l.pair(prefix+"HeaderContainsMessageHeader", p.HeaderContainsMessageHeader != "", len(p.HeaderContainsWords) > 0)
	l.pair(prefix+"HeaderMatchesMessageHeader", p.HeaderMatchesMessageHeader != "", len(p.HeaderMatchesPatterns) > 0)
	l.pair(prefix+"ManagerAddresses", p.ManagerForEvaluatedUser != "", len(p.ManagerAddresses) > 0)
	for _, h := range []string{p.HeaderContainsMessageHeader, p.HeaderMatchesMessageHeader} {
		l.need(h == "" || fieldName.MatchString(h), prefix+"Header…", "%q is not a header name", h)
	}
	all := patterns(p)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, text := range all[name] {
			if _, err := regexp.Compile("(?i)" + text); err != nil {
				l.add(prefix+name, "%q is not a pattern that can be read here: %v", text, err)
			}
		}
	}
	for _, list := range []Strings{p.SenderDomainIs, p.RecipientDomainIs} {
		for _, d := range list {
			l.domain(prefix+"…DomainIs", d)
		}
	}
	for _, ip := range p.SenderIPRanges {
		l.need(IPRange(ip) != nil, prefix+"SenderIpRanges", "%q is not an address, range or network", ip)
	}
	for _, list := range []Strings{
		p.FromMemberOf, p.SentToMemberOf, p.AnyOfToHeaderMemberOf, p.AnyOfCcHeaderMemberOf, p.AnyOfToCcHeaderMemberOf,
	} {
		for _, g := range list {
			l.need(s.group(g), prefix+"…MemberOf", "%s is no group, so that the rule silently does nothing", g)
		}
	}
	for _, a := range append(append(Strings{}, p.From...), p.SentTo...) {
		l.need(!s.group(a), prefix+"From/SentTo", "%s is a group: use FromMemberOf or SentToMemberOf", a)
		l.address(prefix+"From/SentTo", a)
	}
}

var fieldName = regexp.MustCompile("^[!-9;-~]+$")

func (l *list) pair(property string, a, b bool) {
	l.need(a == b, property, "needs its twin: the two are always a pair")
}

func (l *list) scl(property string, n *Int) {
	l.need(n == nil || *n >= -1 && *n <= 9, property, "is not between -1 and 9")
}

func patterns(p *Predicates) map[string]Strings {
	return map[string]Strings{
		"FromAddressMatchesPatterns":           p.FromAddressMatchesPatterns,
		"RecipientAddressMatchesPatterns":      p.RecipientAddressMatchesPatterns,
		"AnyOfRecipientAddressMatchesPatterns": p.AnyOfRecipientAddressMatchesPatterns,
		"HeaderMatchesPatterns":                p.HeaderMatchesPatterns,
		"SubjectMatchesPatterns":               p.SubjectMatchesPatterns,
		"SubjectOrBodyMatchesPatterns":         p.SubjectOrBodyMatchesPatterns,
		"AttachmentNameMatchesPatterns":        p.AttachmentNameMatchesPatterns,
	}
}

func patternSize(p *Predicates) (n int) {
	for _, list := range patterns(p) {
		for _, text := range list {
			n += len(text)
		}
	}
	return n
}

var rejectCode = regexp.MustCompile(`^5\.7\.(1|9\d\d)$`)

func (l *list) checkActions(s *Setup, a *Actions) {
	if c := a.RouteMessageOutboundConnector; c != "" {
		l.route(s, c)
	}
	l.pair("SetHeaderName", a.SetHeaderName != "", a.SetHeaderValue != "")
	l.need(a.SetHeaderName == "" || fieldName.MatchString(a.SetHeaderName), "SetHeaderName", "is not a header name")
	l.need(!strings.ContainsAny(a.SetHeaderValue, "\r\n"), "SetHeaderValue", "has more than one line")
	l.need(a.RemoveHeader == "" || fieldName.MatchString(a.RemoveHeader), "RemoveHeader", "is not a header name")
	l.scl("SetSCL", a.SetSCL)
	for _, c := range []struct {
		name string
		list Strings
	}{
		{"BlindCopyTo", a.BlindCopyTo}, {"CopyTo", a.CopyTo}, {"AddToRecipients", a.AddToRecipients},
		{"RedirectMessageTo", a.RedirectMessageTo}, {"ModerateMessageByUser", a.ModerateMessageByUser},
	} {
		for _, one := range c.list {
			l.address(c.name, one)
			l.need(!s.group(one), c.name, "%s is a group; only single recipients can stand here", one)
		}
	}
	l.oneOf("AddManagerAsRecipientType", a.AddManagerAsRecipientType, "To", "Cc", "Bcc", "Redirect")
	code := a.RejectMessageEnhancedStatusCode
	l.need(code == "" || rejectCode.MatchString(code), "RejectMessageEnhancedStatusCode",
		"%q is neither 5.7.1 nor 5.7.900 to 5.7.999", code)
	l.need(len(a.RejectMessageReasonText) <= maxReason, "RejectMessageReasonText",
		"is longer than %d characters", maxReason)
	l.need(!a.Reject() || len(a.RedirectMessageTo) == 0, "RedirectMessageTo", "does not combine with a rejection")
}

func (l *list) route(s *Setup, name string) {
	for _, c := range s.OutboundConnectors {
		if strings.EqualFold(c.Name, name) {
			l.need(c.IsTransportRuleScoped, "RouteMessageOutboundConnector", "%q is not rule-scoped", name)
			return
		}
	}
	l.add("RouteMessageOutboundConnector", "there is no outbound connector %q", name)
}

// IPRange reads an address, a network or a range "a-b" of SenderIpRanges and
// returns its first and last address; nil when it is none of them.
func IPRange(text string) *[2]netip.Addr {
	if from, to, ok := strings.Cut(text, "-"); ok {
		a, err1 := netip.ParseAddr(strings.TrimSpace(from))
		b, err2 := netip.ParseAddr(strings.TrimSpace(to))
		if err1 != nil || err2 != nil || a.BitLen() != b.BitLen() || b.Less(a) {
			return nil
		}
		return &[2]netip.Addr{a, b}
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		return &[2]netip.Addr{p.Masked().Addr(), last(p)}
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return &[2]netip.Addr{a, a}
	}
	return nil
}

// last is the highest address of a network.
func last(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
