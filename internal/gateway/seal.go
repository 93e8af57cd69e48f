package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/senderauth"
	"postern.dev/postern/internal/tenant"
)

// seal puts an ARC set in front of a message that leaves, when it was changed
// and the tenant has a key for it. It is the last that is done to the message.
// What cannot be sealed leaves without: the record says why.
func (g *Gateway) seal(ctx context.Context, s subject, out *mail.Outgoing, c *changes, at time.Time) {
	signer := s.tenant.Sealer
	if signer == nil || len(c.changed) == 0 {
		return
	}
	if s.header == nil {
		s.header = mail.ParseHeader(s.body)
	}
	results, source := senderauth.Trusted(s.header, trustOf(s))
	w := senderauth.Wanted{ARC: true, DKIM: len(results.Find("dkim")) == 0}
	v := g.Auth.Verify(ctx, s.body, w, at)
	set, err := signer.Seal(out.Reader(), v.Chain, found(g.Hostname, results, v), at)
	switch {
	case errors.Is(err, senderauth.ErrEnded) && v.Chain.Sealed:
		c.unsealed = "a sealer before us found the chain broken"
	case errors.Is(err, senderauth.ErrEnded):
		c.unsealed = fmt.Sprintf("the chain that came is %s: %s", v.Chain.Result, v.Chain.Reason)
	case err != nil:
		c.unsealed = strings.TrimPrefix(err.Error(), "senderauth: ")
	default:
		out.Front = append(set, out.Front...)
		c.sealed = fmt.Sprintf("by %s, set %d; the chain that came: %s", signer.Domain, v.Chain.Instance+1, v.Chain.Result)
		if source != "" {
			c.sealed += "; results of " + source
		}
	}
}

// found writes what is known of a message that came, in the form of
// Authentication-Results (RFC 8601 §2.2).
func found(service string, r senderauth.Results, v senderauth.Verdict) string {
	list := []string{service, "arc=" + string(v.Chain.Result)}
	keep := map[string][]string{
		"spf":  {"smtp.mailfrom", "smtp.helo"},
		"dkim": {"header.d", "header.i", "header.s"}, "dmarc": {"header.from"},
	}
	for _, m := range r.Methods {
		if keep[m.Name] == nil || !plainWord(string(m.Result)) || len(list) > 20 {
			continue
		}
		one := m.Name + "=" + string(m.Result)
		for _, p := range m.Properties {
			if slices.Contains(keep[m.Name], p.Name) && plainWord(p.Value) {
				one += " " + p.Name + "=" + p.Value
			}
		}
		list = append(list, one)
	}
	for _, s := range v.Signatures {
		one := "dkim=" + string(s.Result)
		if s.Domain != "" && plainWord(s.Domain) && plainWord(s.Selector) {
			one += " header.d=" + s.Domain + " header.s=" + s.Selector
		}
		list = append(list, one)
	}
	return strings.Join(list, ";\r\n\t")
}

// plainWord reports whether a value can stand in a result without quotes.
func plainWord(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_@+") == ""
}

// sealing is what seal must know of a message in custody.
func sealing(t *tenant.Tenant, kind string, body mail.Body) subject {
	return subject{tenant: t, kind: tenant.Kind(kind), body: body}
}
