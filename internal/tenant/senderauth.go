package tenant

import (
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/senderauth"
	"postern.dev/postern/internal/settings"
)

func (b *builder) senderAuth(t *Tenant, c Config) {
	for _, name := range c.Results {
		folded := foldDomain(name)
		if !isDomain(folded) {
			b.add(fmt.Sprintf("%q is no name of a server", name), "the first word of its Authentication-Results", "results")
			continue
		}
		if !slices.Contains(t.Results, folded) {
			t.Results = append(t.Results, folded)
		}
	}
	if len(c.Results) > 0 && len(c.Peers.Other) == 0 {
		b.add("no server of the tenant's own brings mail here", "list it in peers.other, or leave results out", "results")
	}
	if c.Seal == (Seal{}) {
		return
	}
	key, err := settings.Resolve(c.Seal.Key, b.dir)
	if err != nil {
		if !b.offline {
			b.add(err.Error(), "", "seal", "key")
		}
		return
	}
	s, err := senderauth.NewSigner(foldDomain(c.Seal.Domain), c.Seal.Selector, []byte(key))
	switch {
	case err != nil:
		b.add(strings.TrimPrefix(err.Error(), "senderauth: "), "", "seal")
	case !s.CanSeal():
		b.add("the key is not RSA", "few verifiers of ARC know another kind", "seal", "key")
	default:
		t.Sealer = s
	}
}

// FromOutside reports whether Exchange Online says that it took a message
// from outside, from nobody it knows. Exchange strips the field from what
// comes in and stamps its own, so it counts only where the tenant is proven.
func FromOutside(h *mail.Header) bool {
	values := h.Values(crossTenantAs)
	for _, v := range values {
		if !strings.EqualFold(strings.TrimSpace(v), "Anonymous") {
			return false
		}
	}
	return len(values) > 0
}
