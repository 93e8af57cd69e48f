package fakeexchange

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"postern.dev/postern/internal/mailflow"
)

// compile makes a rule ready. A rule that uses what this interpreter cannot
// execute is an error, never a guess.
func compile(t *tenant, r *mailflow.Rule) (rule, error) {
	if what := beyond(r); what != "" {
		return rule{}, fmt.Errorf("fakeexchange: rule %q uses %s, which this interpreter does not execute", r.Name, what)
	}
	return rule{Rule: r, when: predicates(&r.When), except: predicates(&r.Except)}, nil
}

// beyond names what a rule uses and is not executed here.
func beyond(r *mailflow.Rule) string {
	for _, p := range []*mailflow.Predicates{&r.When, &r.Except} {
		switch {
		case len(p.AttachmentPropertyContainsWords) > 0:
			return "AttachmentPropertyContainsWords"
		case p.AttachmentProcessingLimitExceeded:
			return "AttachmentProcessingLimitExceeded"
		case p.AttachmentIsPasswordProtected:
			return "AttachmentIsPasswordProtected"
		case p.AttachmentIsUnsupported:
			return "AttachmentIsUnsupported"
		}
	}
	switch do := &r.Do; {
	case do.ApplyHTMLDisclaimerText != "":
		return "ApplyHtmlDisclaimerText"
	case do.ApplyRightsProtectionTemplate != "":
		return "ApplyRightsProtectionTemplate"
	case do.ApplyOME:
		return "ApplyOME"
	case do.RouteMessageOutboundRequireTLS:
		return "RouteMessageOutboundRequireTls"
	case do.GenerateNotification != "":
		return "GenerateNotification"
	case do.GenerateIncidentReport != "":
		return "GenerateIncidentReport"
	}
	return ""
}

// predicates lists the conditions that are set.
func predicates(p *mailflow.Predicates) []predicate {
	return slices.Concat(senderPredicates(p), recipientPredicates(p), headerPredicates(p), contentPredicates(p))
}

// single is a predicate about one text, absent when the text is empty.
func single(name, text string, holds func(*view, recipient, string) bool) []predicate {
	if text == "" {
		return nil
	}
	return []predicate{{name: name, holds: func(v *view, to recipient) bool { return holds(v, to, text) }}}
}

// oneOf is a predicate about a list of values: one is enough.
func oneOf(name string, list mailflow.Strings, holds func(*view, recipient, string) bool) []predicate {
	if len(list) == 0 {
		return nil
	}
	return []predicate{{name: name, holds: func(v *view, to recipient) bool {
		return slices.ContainsFunc(list, func(one string) bool { return holds(v, to, one) })
	}}}
}

func senderPredicates(p *mailflow.Predicates) []predicate {
	ofSender := func(test func(v *view, sender, want string) bool) func(*view, recipient, string) bool {
		return func(v *view, _ recipient, want string) bool {
			return slices.ContainsFunc(v.senders(), func(s string) bool { return test(v, s, want) })
		}
	}
	return slices.Concat(
		single("FromScope", p.FromScope, func(v *view, _ recipient, scope string) bool { return v.fromScope(scope) }),
		oneOf("From", p.From, ofSender(func(v *view, s, want string) bool { return v.tenant.same(s, want) })),
		oneOf("FromMemberOf", p.FromMemberOf, ofSender(func(v *view, s, g string) bool { return v.tenant.member(g, s) })),
		oneOf("FromAddressContainsWords", p.FromAddressContainsWords,
			ofSender(func(_ *view, s, w string) bool { return hasWord(s, w) })),
		oneOf("FromAddressMatchesPatterns", p.FromAddressMatchesPatterns,
			ofSender(func(_ *view, s, re string) bool { return s != "" && matches(re, s) })),
		oneOf("SenderDomainIs", p.SenderDomainIs,
			ofSender(func(_ *view, s, d string) bool { return under(domainOf(s), d) })),
		oneOf("SenderIpRanges", p.SenderIPRanges, func(v *view, _ recipient, r string) bool { return inRange(r, v.m.ip) }),
		managerPredicates(p),
	)
}

func managerPredicates(p *mailflow.Predicates) []predicate {
	return slices.Concat(
		oneOf("ManagerAddresses", p.ManagerAddresses, func(v *view, to recipient, boss string) bool {
			who := v.m.sender()
			if strings.EqualFold(p.ManagerForEvaluatedUser, "Recipient") {
				who = to.address
			}
			m := v.tenant.manager(who)
			return m != "" && v.tenant.same(m, boss)
		}),
		single("SenderManagementRelationship", p.SenderManagementRelationship, func(v *view, to recipient, rel string) bool {
			boss, report := v.m.sender(), to.address
			if strings.EqualFold(rel, "DirectReport") {
				boss, report = report, boss
			}
			m := v.tenant.manager(report)
			return m != "" && v.tenant.same(m, boss)
		}),
	)
}

// recipientPredicates depend on the recipient, so that they fork a message
// (exchange.md 2.4 point 8); all others are the same for every recipient.
func recipientPredicates(p *mailflow.Predicates) []predicate {
	return slices.Concat(
		single("SentToScope", p.SentToScope, func(v *view, to recipient, scope string) bool {
			return v.tenant.inside(to.address) == strings.EqualFold(scope, "InOrganization")
		}),
		oneOf("SentTo", p.SentTo, func(v *view, to recipient, want string) bool { return v.tenant.same(v.as(to), want) }),
		oneOf("SentToMemberOf", p.SentToMemberOf, func(v *view, to recipient, g string) bool {
			return v.tenant.member(g, to.address)
		}),
		oneOf("RecipientDomainIs", p.RecipientDomainIs, func(v *view, to recipient, d string) bool {
			return under(domainOf(v.as(to)), d)
		}),
		oneOf("RecipientAddressContainsWords", p.RecipientAddressContainsWords, func(v *view, to recipient, w string) bool {
			return hasWord(v.as(to), w)
		}),
		oneOf("RecipientAddressMatchesPatterns", p.RecipientAddressMatchesPatterns,
			func(v *view, to recipient, re string) bool { return matches(re, v.as(to)) }),
	)
}

func headerPredicates(p *mailflow.Predicates) []predicate {
	inField := func(names ...string) func(*view, recipient, string) bool {
		return func(v *view, _ recipient, want string) bool {
			return v.anyAddress(names, func(a string) bool { return v.tenant.same(a, want) })
		}
	}
	memberIn := func(names ...string) func(*view, recipient, string) bool {
		return func(v *view, _ recipient, g string) bool {
			return v.anyAddress(names, func(a string) bool { return v.tenant.member(g, a) })
		}
	}
	ofEnvelope := func(test func(a, want string) bool) func(*view, recipient, string) bool {
		return func(v *view, _ recipient, want string) bool {
			return slices.ContainsFunc(v.m.all, func(a string) bool { return test(a, want) })
		}
	}
	inHeader := func(name string, test func(text, want string) bool) func(*view, recipient, string) bool {
		return func(v *view, _ recipient, want string) bool {
			return slices.ContainsFunc(values(v.raw, name), func(text string) bool { return test(text, want) })
		}
	}
	subject := inHeader("Subject", hasWord)
	subjectRE := inHeader("Subject", func(text, re string) bool { return matches(re, text) })
	return slices.Concat(
		oneOf("AnyOfToHeader", p.AnyOfToHeader, inField("To")),
		oneOf("AnyOfCcHeader", p.AnyOfCcHeader, inField("Cc")),
		oneOf("AnyOfToCcHeader", p.AnyOfToCcHeader, inField("To", "Cc")),
		oneOf("AnyOfToHeaderMemberOf", p.AnyOfToHeaderMemberOf, memberIn("To")),
		oneOf("AnyOfCcHeaderMemberOf", p.AnyOfCcHeaderMemberOf, memberIn("Cc")),
		oneOf("AnyOfToCcHeaderMemberOf", p.AnyOfToCcHeaderMemberOf, memberIn("To", "Cc")),
		oneOf("AnyOfRecipientAddressContainsWords", p.AnyOfRecipientAddressContainsWords, ofEnvelope(hasWord)),
		oneOf("AnyOfRecipientAddressMatchesPatterns", p.AnyOfRecipientAddressMatchesPatterns,
			ofEnvelope(func(a, re string) bool { return matches(re, a) })),
		oneOf("HeaderContainsWords", p.HeaderContainsWords, inHeader(p.HeaderContainsMessageHeader, hasWord)),
		oneOf("HeaderMatchesPatterns", p.HeaderMatchesPatterns, inHeader(p.HeaderMatchesMessageHeader,
			func(text, re string) bool { return matches(re, text) })),
		oneOf("SubjectContainsWords", p.SubjectContainsWords, subject),
		oneOf("SubjectMatchesPatterns", p.SubjectMatchesPatterns, subjectRE),
		oneOf("SubjectOrBodyContainsWords", p.SubjectOrBodyContainsWords, func(v *view, to recipient, w string) bool {
			return subject(v, to, w) || hasWord(v.bodyText(), w)
		}),
		oneOf("SubjectOrBodyMatchesPatterns", p.SubjectOrBodyMatchesPatterns, func(v *view, to recipient, re string) bool {
			return subjectRE(v, to, re) || matches(re, v.bodyText())
		}),
	)
}

func contentPredicates(p *mailflow.Predicates) []predicate {
	var list []predicate
	when := func(on bool, name string, holds func(v *view) bool) {
		if on {
			list = append(list, predicate{name: name, holds: func(v *view, _ recipient) bool { return holds(v) }})
		}
	}
	when(p.MessageTypeMatches != "", "MessageTypeMatches", func(v *view) bool { return v.isType(p.MessageTypeMatches) })
	when(p.MessageSizeOver > 0, "MessageSizeOver", func(v *view) bool {
		return len(v.raw) >= int(p.MessageSizeOver)
	})
	when(p.SCLOver != nil, "SCLOver", func(v *view) bool { return v.m.scl >= int(*p.SCLOver) })
	when(p.WithImportance != "", "WithImportance", func(v *view) bool {
		return strings.EqualFold(v.importance(), p.WithImportance)
	})
	when(len(p.AttachmentNameMatchesPatterns) > 0, "AttachmentNameMatchesPatterns", func(v *view) bool {
		return slices.ContainsFunc(attachments(v.raw), func(a attachment) bool {
			return slices.ContainsFunc(p.AttachmentNameMatchesPatterns, func(re string) bool { return matches(re, a.name) })
		})
	})
	when(len(p.AttachmentExtensionMatchesWords) > 0, "AttachmentExtensionMatchesWords", func(v *view) bool {
		return slices.ContainsFunc(attachments(v.raw), func(a attachment) bool {
			return containsFold(p.AttachmentExtensionMatchesWords, a.extension())
		})
	})
	when(p.AttachmentSizeOver > 0, "AttachmentSizeOver", func(v *view) bool {
		return slices.ContainsFunc(attachments(v.raw), func(a attachment) bool { return a.size >= int(p.AttachmentSizeOver) })
	})
	return list
}

// senders are the addresses that SenderAddressLocation chooses.
func (v *view) senders() []string {
	header := addresses(v.raw, "From")
	switch strings.ToLower(v.rule.SenderAddressLocation) {
	case "envelope":
		return []string{v.m.from}
	case "headerorenvelope":
		return append(header, v.m.from)
	}
	return header
}

// fromScope is the test of exchange.md 2.1: InOrganization needs an
// authenticated connection and an own sender; NotInOrganization needs a
// foreign one. What is neither is the gap of 2.6.
func (v *view) fromScope(scope string) bool {
	sender := v.m.sender()
	own := v.tenant.inside(sender) || v.tenant.known(sender)
	if strings.EqualFold(scope, "InOrganization") {
		return v.m.trusted && own
	}
	if own && !v.m.trusted {
		return v.sw.AnonymousOwnDomainIsOutside
	}
	return !own
}

// as is the address that RecipientAddressType chooses.
func (v *view) as(to recipient) string {
	if strings.EqualFold(v.rule.RecipientAddressType, "Original") && to.original != "" {
		return to.original
	}
	return to.address
}

func (v *view) anyAddress(fields []string, test func(string) bool) bool {
	for _, f := range fields {
		if slices.ContainsFunc(addresses(v.raw, f), test) {
			return true
		}
	}
	return false
}

// matches is a pattern without regard to case.
func matches(pattern, text string) bool {
	re, err := regexp.Compile("(?i)" + pattern)
	return err == nil && re.MatchString(text)
}

// hasWord looks for whole words, without regard to case.
func hasWord(text, word string) bool {
	text, word = strings.ToLower(text), strings.ToLower(strings.TrimSpace(word))
	for at := 0; word != ""; {
		i := strings.Index(text[at:], word)
		if i < 0 {
			return false
		}
		start, end := at+i, at+i+len(word)
		if (start == 0 || !wordByte(text[start-1])) && (end == len(text) || !wordByte(text[end])) {
			return true
		}
		at = start + 1
	}
	return false
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 0x80
}

func inRange(text string, ip netip.Addr) bool {
	r := mailflow.IPRange(text)
	ip = ip.Unmap()
	return r != nil && ip.IsValid() && ip.BitLen() == r[0].BitLen() && !ip.Less(r[0]) && !r[1].Less(ip)
}
