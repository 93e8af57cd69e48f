package tenant

import (
	"fmt"
	"sort"
	"strings"
	"sync/atomic"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/settings"
)

// Registry holds the tenants that are in force; a reload replaces them all
// at once, so that a message sees one state only.
type Registry struct {
	current   atomic.Pointer[Snapshot]
	published *Published
}

// NewRegistry returns a registry without tenants.
func NewRegistry(published *Published) *Registry {
	r := &Registry{published: published}
	r.current.Store(newSnapshot())
	return r
}

// Current is what is in force now.
func (r *Registry) Current() *Snapshot { return r.current.Load() }

// Use puts a snapshot in force.
func (r *Registry) Use(s *Snapshot) { r.current.Store(s) }

// Published is Microsoft's list that the tenants of this registry share.
func (r *Registry) Published() *Published { return r.published }

// Load builds a snapshot of all tenant documents, or says everything that is
// wrong with them. It changes nothing.
func (r *Registry) Load(docs []settings.Document) (*Snapshot, settings.Mistakes) {
	s := newSnapshot()
	var bad settings.Mistakes
	for _, d := range docs {
		t, wrong := build(d, r.published)
		bad = append(bad, wrong...)
		if t.ID != "" {
			bad = append(bad, s.add(t, d)...)
		}
	}
	return s, bad
}

// Snapshot is one consistent state of all tenants.
type Snapshot struct {
	tenants []*Tenant
	byID    map[string]*Tenant
	entra   map[string]*Tenant
	domain  map[string]*Tenant
	host    map[string]*Tenant
	special map[string]special
}

// special is an address that means more than a mailbox.
type special struct {
	tenant *Tenant
	kind   Kind
}

func newSnapshot() *Snapshot {
	return &Snapshot{
		byID: map[string]*Tenant{}, entra: map[string]*Tenant{}, domain: map[string]*Tenant{},
		host: map[string]*Tenant{}, special: map[string]special{},
	}
}

// Tenants lists the tenants by id.
func (s *Snapshot) Tenants() []*Tenant { return s.tenants }

// Find returns the tenant with an id, or nil.
func (s *Snapshot) Find(id string) *Tenant { return s.byID[id] }

// add enters a tenant; what another tenant claims already is a mistake,
// because two tenants that share a fact could act as each other.
func (s *Snapshot) add(t *Tenant, d settings.Document) settings.Mistakes {
	var bad settings.Mistakes
	claim := func(m map[string]*Tenant, key, what string, path ...string) {
		if other := m[key]; other != nil && other != t {
			bad = append(bad, d.Place(fmt.Sprintf("%s %s belongs to tenant %s already", what, key, other.ID), "", path...))
			return
		}
		m[key] = t
	}
	claim(s.byID, t.ID, "the id", "id")
	if t.EntraTenant != "" {
		claim(s.entra, t.EntraTenant, "the Entra tenant", "entra_tenant")
	}
	for _, name := range t.Domains {
		claim(s.domain, name, "the domain", "domains")
	}
	for name := range t.Hosts {
		claim(s.host, name, "the host", "hosts")
	}
	for _, list := range []struct {
		kind      Kind
		key       string
		addresses []string
	}{
		{Copy, "copies", t.bcc}, {Journal, "copies", t.journal}, {Validation, "validate", t.probe}, {OwnAddress, "own", t.own},
	} {
		for _, a := range list.addresses {
			if other, ok := s.special[a]; ok && (other.tenant != t || other.kind != list.kind) {
				bad = append(bad, d.Place(fmt.Sprintf("%s is taken already", a), "one address, one meaning", list.key))
				continue
			}
			s.special[a] = special{t, list.kind}
		}
	}
	bad = append(bad, s.sharedSecrets(t, d)...)
	s.tenants = append(s.tenants, t)
	sort.Slice(s.tenants, func(i, j int) bool { return s.tenants[i].ID < s.tenants[j].ID })
	return bad
}

func (s *Snapshot) sharedSecrets(t *Tenant, d settings.Document) settings.Mistakes {
	for _, other := range s.tenants {
		for _, v := range append(append([]string(nil), t.Secret...), t.Mark...) {
			if oneOf(other.Secret, v) || oneOf(other.Mark, v) {
				return settings.Mistakes{d.Place("a secret or mark is also that of tenant "+other.ID, "make a new one", "secret")}
			}
		}
	}
	return nil
}

// Special reports what an address of ours means: copy, journal, probe or own.
func (s *Snapshot) Special(a mail.Address) (*Tenant, Kind, bool) {
	x, ok := s.special[a.Fold()]
	return x.tenant, x.kind, ok
}

// byNetwork lists the tenants whose other servers include a peer.
func (s *Snapshot) byNetwork(p mail.Peer) []*Tenant {
	var list []*Tenant
	for _, t := range s.tenants {
		if t.otherPeer(p) {
			list = append(list, t)
		}
	}
	return list
}

// otherPeer reports whether a peer is a server of the tenant beside Exchange:
// its address and its verified certificate must both agree.
func (t *Tenant) otherPeer(p mail.Peer) bool {
	for _, o := range t.other {
		if o.networks.has(p.Addr.Addr()) && p.TLS != nil && p.TLS.Verified && nameMatches(o.certificate, p.TLS.Names) {
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
	_, rest, found := strings.Cut(name, ".")
	return found && rest == tail && !strings.HasPrefix(name, "*")
}
