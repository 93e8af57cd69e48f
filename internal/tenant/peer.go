package tenant

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
)

type otherPeer struct {
	networks    networkList
	certificate string
}

// networkList is a set of addresses. An empty one has none.
type networkList struct {
	fixed     []netip.Prefix
	published *Published
}

func (n networkList) has(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range n.fixed {
		if p.Contains(a) {
			return true
		}
	}
	return n.published != nil && n.published.Has(a)
}

// indexServers enters by what a tenant's peers are found.
func (s *Snapshot) indexServers(t *Tenant) {
	for _, o := range t.other {
		keys := []string{o.certificate}
		if above := wildcardOf(o.certificate); above != "" {
			keys = append(keys, "under "+above) // a certificate for *.… presented
		}
		for _, key := range keys {
			if !slices.Contains(s.servers[key], t) {
				s.servers[key] = append(s.servers[key], t)
			}
		}
	}
	key := fmt.Sprint(t.exchange.fixed, t.exchange.published != nil, t.names, t.certificate)
	if !s.alike[key] {
		s.alike[key] = true
		s.ways = append(s.ways, t)
	}
}

// wildcardOf is the wildcard that covers a name, "" for one itself.
func wildcardOf(name string) string {
	label, rest, found := strings.Cut(name, ".")
	if !found || label == "*" {
		return ""
	}
	return "*." + rest
}

// others lists the tenants whose other servers include a peer.
func (s *Snapshot) others(p mail.Peer) []*Tenant {
	if p.TLS == nil || !p.TLS.Verified || len(s.servers) == 0 {
		return nil
	}
	var list []*Tenant
	for _, name := range p.TLS.Names {
		name = strings.ToLower(name)
		for _, key := range []string{name, wildcardOf(name), "under " + name} {
			for _, t := range s.servers[key] {
				if t.otherPeer(p) && !slices.Contains(list, t) {
					list = append(list, t)
				}
			}
		}
	}
	return list
}

// otherPeer reports whether a peer is a server of the tenant beside Exchange:
// its address and its verified certificate must both agree.
func (t *Tenant) otherPeer(p mail.Peer) bool {
	if p.TLS == nil || !p.TLS.Verified {
		return false
	}
	for _, o := range t.other {
		if o.certificate != "" && o.networks.has(p.Addr.Addr()) && nameMatches(o.certificate, p.TLS.Names) {
			return true
		}
	}
	return false
}

// nameMatches reports whether a name of a certificate is the wanted one;
// either may be a wildcard for one left label (RFC 6125 §6.4.3).
func nameMatches(want string, names []string) bool {
	want = strings.ToLower(want)
	for _, n := range names {
		n = strings.ToLower(n)
		if n == want || wildcard(want, n) || wildcard(n, want) {
			return true
		}
	}
	return false
}

func wildcard(pattern, name string) bool {
	tail, ok := strings.CutPrefix(pattern, "*.")
	if !ok {
		return false
	}
	label, rest, found := strings.Cut(name, ".")
	return found && rest == tail && label != "" && label != "*"
}

// Known reports whether a server of a tenant may stand at an address: Exchange
// Online's, or another one that a tenant names.
func (s *Snapshot) Known(a netip.Addr) bool {
	for _, t := range s.tenants {
		for _, o := range t.other {
			if o.networks.has(a) {
				return true
			}
		}
	}
	return s.FromExchange(a)
}

// FromExchange reports whether an address is one from which Exchange sends for
// some tenant: such a client is not limited in its connections, because it
// opens many and waits long when it is turned away.
func (s *Snapshot) FromExchange(a netip.Addr) bool {
	for _, t := range s.tenants {
		if t.exchange.has(a) {
			return true
		}
	}
	return false
}
