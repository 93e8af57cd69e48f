package tenant

import (
	"fmt"

	"postern.dev/postern/internal/mail"
)

// AtRcpt refuses, before a byte of content, what connection and addresses
// already contradict. A nil answer promises nothing yet.
func (s *Snapshot) AtRcpt(p mail.Peer, from, to mail.Address) *Refusal {
	if t, _, ok := s.Special(to); ok {
		return s.mayBring(p, t)
	}
	if s.sharedBy(to) != nil {
		return s.known(p)
	}
	if from.Null() { // a report of any tenant, to anybody
		if t := s.atHost(p); t != nil {
			return s.mayBring(p, t)
		}
		return s.known(p)
	}
	var first *Refusal
	concerns := func(t *Tenant) (taken bool) {
		if t == nil {
			return false
		}
		r := s.mayBring(p, t)
		if first == nil {
			first = r
		}
		return r == nil
	}
	if concerns(s.ownerOf(from.Domain())) || concerns(s.ownerOf(to.Domain())) {
		return nil
	}
	for _, t := range s.external[to.Fold()] {
		if concerns(t) {
			return nil
		}
	}
	if first != nil {
		return first
	}
	if r := s.known(p); r != nil {
		return r
	}
	return stranger("domain", "neither sender nor recipient is in a domain of a tenant here")
}

// mayBring says why a peer cannot bring mail of a tenant, as far as the
// connection proves it.
func (s *Snapshot) mayBring(p mail.Peer, t *Tenant) *Refusal {
	c := &claim{s: s, t: t, peer: p}
	if !t.otherPeer(p) {
		for _, agrees := range service() {
			if r := agrees(c); r != nil {
				return r
			}
		}
	}
	return enabled(c)
}

// known says why a peer cannot be anybody's: neither Exchange Online in the
// sense of any tenant, nor another server. Tenants that recognize Exchange
// alike are asked once.
func (s *Snapshot) known(p mail.Peer) *Refusal {
	r := stranger("network", fmt.Sprintf("%s is neither Exchange Online nor a server of a tenant", p.Addr.Addr()))
	for _, t := range s.ways {
		c := &claim{s: s, t: t, peer: p}
		if !t.exchange.has(p.Addr.Addr()) {
			continue
		}
		why := encrypted(c)
		if why == nil {
			why = certificate(c)
		}
		if why == nil {
			return nil
		}
		why.Tenant = "" // it is every tenant's reason
		r = why
	}
	if len(s.others(p)) > 0 {
		return nil
	}
	return r
}
