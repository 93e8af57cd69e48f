package gateway

import (
	"context"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/senderauth"
	"postern.dev/postern/internal/tenant"
)

// trustOf says whose results count for a message.
func trustOf(s subject) senderauth.Trust {
	switch s.kind {
	case tenant.InlineIn, tenant.Copy:
		return senderauth.Trust{Exchange: tenant.FromOutside(s.header)}
	case tenant.Other:
		return senderauth.Trust{Services: s.tenant.Results}
	}
	return senderauth.Trust{}
}

// authenticate fills in the results of sender authentication: those of others
// that count, and our own where a policy asks for one that nobody else has.
// Our own cost a question to the DNS.
func (g *Gateway) authenticate(ctx context.Context, s subject) *policy.Auth {
	a, _ := g.auth(ctx, s, s.tenant.Policies.Auth())
	return a
}

// auth finds out the fields of auth that are asked for; "*" is all of them.
// The verdict is that of what was verified here.
func (g *Gateway) auth(ctx context.Context, s subject, fields []string) (*policy.Auth, senderauth.Verdict) {
	a := &policy.Auth{SPF: "none", DMARC: "none", CompAuth: "none", Source: "none"}
	authors := s.header.Addresses("From")
	author := ""
	if len(authors) == 1 && len(s.header.All("From")) == 1 {
		author = authors[0].Domain()
	}
	results, source := senderauth.Trusted(s.header, trustOf(s))
	if source != "" {
		a.Source = source
		fromResults(a, results, author)
	}
	w := wanted(s, a, fields)
	if w == (senderauth.Wanted{}) {
		return a, senderauth.Verdict{}
	}
	v := g.Auth.Verify(ctx, s.body, w, time.Now())
	ownResults(a, v, w, author)
	return a, v
}

// wanted is what must be verified here: what is asked for and nobody else has
// found out. A message without signatures has no results.
func wanted(s subject, a *policy.Auth, fields []string) senderauth.Wanted {
	asked := func(names ...string) bool {
		return slices.ContainsFunc(fields, func(name string) bool {
			return name == "*" || slices.Contains(names, name)
		})
	}
	var w senderauth.Wanted
	if a.DKIM == "" && !s.header.Has("DKIM-Signature") {
		a.DKIM = "none"
	}
	if a.ARC == "" && !s.header.Has("ARC-Seal") && !s.header.Has("ARC-Message-Signature") &&
		!s.header.Has("ARC-Authentication-Results") {
		a.ARC = "none"
	}
	w.DKIM = a.DKIM == "" && asked("dkim", "dkim_domain", "aligned")
	// Whether a chain passes is in Exchange's results, who sealed is not.
	w.ARC = a.ARC != "none" && asked("arc", "arc_sealer") && (a.ARC == "" || asked("arc_sealer"))
	return w
}

// fromResults takes the results of somebody who is trusted.
func fromResults(a *policy.Auth, r senderauth.Results, author string) {
	first := func(name string) (m senderauth.Method, ok bool) {
		if list := r.Find(name); len(list) > 0 {
			return list[0], true
		}
		return m, false
	}
	if m, ok := first("spf"); ok {
		a.SPF = word(m.Result)
		if m.Result == senderauth.Pass {
			a.SPFDomain = domainIn(m.Get("smtp.mailfrom"))
			a.Aligned = senderauth.Aligned(a.SPFDomain, author)
		}
	}
	if m, ok := first("dmarc"); ok {
		a.DMARC = word(m.Result)
	}
	if m, ok := first("compauth"); ok {
		a.CompAuth = word(m.Result)
	}
	if m, ok := first("arc"); ok {
		a.ARC = word(m.Result)
	}
	for _, m := range r.Find("dkim") {
		domain := m.Get("header.d")
		if domain == "" {
			domain = domainIn(m.Get("header.i"))
		}
		better(a, m.Result, domain, author)
	}
}

// ownResults takes what we found out.
func ownResults(a *policy.Auth, v senderauth.Verdict, w senderauth.Wanted, author string) {
	if w.DKIM {
		for _, s := range v.Signatures {
			better(a, s.Result, s.Domain, author)
		}
	}
	if w.ARC {
		if a.ARC == "" {
			a.ARC = word(v.Chain.Result)
		}
		if n := len(v.Chain.Sealers); n > 0 && a.ARC == "pass" {
			a.ARCSealer = v.Chain.Sealers[n-1]
		}
	}
}

// better takes the result of a signature when it says more than the one
// before: of several the best counts, and of those that pass the one of the
// author's organization (RFC 6376 §6.1: a signature that fails is no worse than
// none).
func better(a *policy.Auth, r senderauth.Result, domain, author string) {
	rank := func(result, domain string) int {
		n := slices.Index([]string{"none", "neutral", "permerror", "fail", "policy", "temperror", "pass"}, result)
		if result == "pass" && senderauth.Aligned(domain, author) {
			n++
		}
		return n
	}
	if a.DKIM != "" && rank(word(r), domain) <= rank(a.DKIM, a.DKIMDomain) {
		return
	}
	a.DKIM, a.DKIMDomain = word(r), ""
	if r == senderauth.Pass {
		a.DKIMDomain = strings.ToLower(domain)
		a.Aligned = a.Aligned || senderauth.Aligned(domain, author)
	}
}

// word is a result as a fact: short, and never empty.
func word(r senderauth.Result) string {
	if r == "" || len(r) > 32 {
		return "none"
	}
	return string(r)
}

// domainIn is the domain of an address, or of a text that is a domain alone.
func domainIn(s string) string {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	return strings.ToLower(mail.Address("x@" + s).Domain())
}
