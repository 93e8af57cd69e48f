package senderauth

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Organization is the organizational domain of a domain (RFC 7489 §3.2): the
// public suffix with one label more.
func Organization(domain string) string {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	org, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return domain
	}
	return org
}

// Aligned reports whether two domains are of one organization (RFC 7489 §3.1,
// relaxed alignment).
func Aligned(a, b string) bool {
	return a != "" && b != "" && Organization(a) == Organization(b)
}
