package tenant

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync/atomic"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/settings"
)

// Registry holds the tenants that are in force; a reload replaces them all
// at once, so that a message sees one state only.
type Registry struct {
	// Offline loads tenants for a look at their policies: secrets and
	// certificates that cannot be read are left out. Such tenants take no mail.
	Offline bool
	// Console is the console name of tenants that set none.
	Console string
	// Detectors are the names that a tenant's list of detectors may have.
	// Default: any.
	Detectors []string

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
	made := make([]*Tenant, len(docs))
	for i, d := range docs {
		t, wrong := build(d, r)
		bad = append(bad, wrong...)
		made[i] = t
		bad = append(bad, s.add(t, d)...)
	}
	for i, d := range docs {
		bad = append(bad, s.trespass(made[i], d)...)
	}
	sort.Slice(s.tenants, func(i, j int) bool { return s.tenants[i].ID < s.tenants[j].ID })
	slices.SortStableFunc(bad, func(a, b settings.Mistake) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return s, bad
}

// Snapshot is one consistent state of all tenants, with an index for each
// fact by which a tenant is found.
type Snapshot struct {
	tenants  []*Tenant
	byID     map[string]*Tenant
	entra    map[string]*Tenant
	domain   map[string]*Tenant
	parent   map[string]*Tenant // "*.contoso.example" by "contoso.example"
	host     map[string]*Tenant
	special  map[string]special
	external map[string][]*Tenant
	headers  map[string]*headers
	secrets  map[[sha256.Size]byte]*Tenant
	servers  map[string][]*Tenant // other servers, by name of certificate
	consoles map[string][]*Tenant // by the host of our own addresses
	alike    map[string]bool      // the ways in which tenants recognize Exchange
	ways     []*Tenant            // and one tenant for each of them
}

// special is an address that means more than a mailbox.
type special struct {
	tenant *Tenant
	kind   Kind
}

func newSnapshot() *Snapshot {
	return &Snapshot{
		byID: map[string]*Tenant{}, entra: map[string]*Tenant{}, domain: map[string]*Tenant{}, parent: map[string]*Tenant{},
		host: map[string]*Tenant{}, special: map[string]special{}, external: map[string][]*Tenant{},
		headers: map[string]*headers{}, secrets: map[[sha256.Size]byte]*Tenant{},
		servers: map[string][]*Tenant{}, consoles: map[string][]*Tenant{}, alike: map[string]bool{},
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
	if t.ID != "" {
		claim(s.byID, t.ID, "the id", "id")
	}
	if t.EntraTenant != "" {
		claim(s.entra, t.EntraTenant, "the Entra tenant", "entra_tenant")
	}
	for _, name := range t.Domains {
		claim(s.domain, name, "the domain", "domains")
	}
	for _, name := range t.parents {
		claim(s.parent, name, "the domain *.", "domains")
	}
	for name := range t.Hosts {
		claim(s.host, name, "the host", "hosts")
	}
	for _, list := range []struct {
		kind      Kind
		path      []string
		addresses []string
	}{
		{Copy, []string{"copies", "bcc"}, t.bcc}, {Journal, []string{"copies", "journal"}, t.journal},
		{Validation, []string{"validate", "probe"}, t.probe}, {OwnAddress, []string{"own"}, t.own},
	} {
		for _, a := range list.addresses {
			if other, ok := s.special[a]; ok && (other.tenant != t || other.kind != list.kind) {
				bad = append(bad, d.Place(fmt.Sprintf("%s is taken already", a), "one address, one meaning", list.path...))
				continue
			}
			s.special[a] = special{t, list.kind}
		}
	}
	for _, a := range t.external {
		s.external[a] = append(s.external[a], t)
	}
	if t.Console != "" {
		s.consoles[t.Console] = append(s.consoles[t.Console], t)
	}
	bad = append(bad, s.sharedSecrets(t, d)...)
	s.index(t)
	s.indexServers(t)
	s.tenants = append(s.tenants, t)
	return bad
}

func (s *Snapshot) sharedSecrets(t *Tenant, d settings.Document) (bad settings.Mistakes) {
	for _, list := range []struct {
		key    string
		values []string
	}{{"secret", t.Secret}, {"mark", t.Mark}} {
		for _, v := range list.values {
			sum := sha256.Sum256([]byte(v))
			if other := s.secrets[sum]; other != nil && other != t {
				bad = append(bad, d.Place("a value is also a secret or mark of tenant "+other.ID, "make a new one", list.key))
				continue
			}
			s.secrets[sum] = t
		}
	}
	return bad
}

// trespass finds what a tenant claims inside the domains of another. It
// needs all tenants.
func (s *Snapshot) trespass(t *Tenant, d settings.Document) (bad settings.Mistakes) {
	for _, name := range t.Domains {
		if o := s.above(name); o != nil && o != t {
			bad = append(bad, d.Place(fmt.Sprintf("%s is a subdomain that tenant %s claims", name, o.ID), "", "domains"))
		}
	}
	for _, name := range t.parents {
		if o := s.above(name); o != nil && o != t {
			bad = append(bad, d.Place(fmt.Sprintf("*.%s lies in subdomains that tenant %s claims", name, o.ID), "", "domains"))
		}
	}
	if o := s.ownerOf(t.Console); o != nil && o != t {
		bad = append(bad, d.Place(fmt.Sprintf("%s is in a domain of tenant %s", t.Console, o.ID), "", "console"))
	}
	for _, list := range []struct {
		path      []string
		addresses []string
	}{
		{[]string{"copies", "bcc"}, t.bcc}, {[]string{"copies", "journal"}, t.journal},
		{[]string{"validate", "probe"}, t.probe}, {[]string{"own"}, t.own},
	} {
		for _, a := range list.addresses {
			if o := s.ownerOf(mail.Address(a).Domain()); o != nil && o != t {
				bad = append(bad, d.Place(fmt.Sprintf("%s is in a domain of tenant %s", a, o.ID), "", list.path...))
			}
		}
	}
	return bad
}

// Special reports what an address of ours means: copy, journal, probe or own.
// What stands behind + in an address of our own is a token.
func (s *Snapshot) Special(a mail.Address) (*Tenant, Kind, bool) {
	if x, ok := s.special[a.Fold()]; ok {
		return x.tenant, x.kind, true
	}
	if bare, tagged := untagged(a); tagged {
		if x, ok := s.special[bare.Fold()]; ok && x.kind == OwnAddress {
			return x.tenant, x.kind, true
		}
	}
	if len(s.consoles) == 0 {
		return nil, "", false
	}
	if list := s.consoles[foldDomain(a.Domain())]; len(list) == 1 {
		return list[0], OwnAddress, true
	}
	return nil, "", false
}

// ownerOf is the tenant that owns a domain, or nil.
func (s *Snapshot) ownerOf(domain string) *Tenant {
	if domain == "" {
		return nil
	}
	domain = foldDomain(domain)
	if t := s.domain[domain]; t != nil {
		return t
	}
	return s.above(domain)
}

// above is the tenant that claims all subdomains of a domain above this one.
func (s *Snapshot) above(domain string) *Tenant {
	if len(s.parent) == 0 {
		return nil
	}
	for {
		_, rest, more := strings.Cut(domain, ".")
		if !more {
			return nil
		}
		if t := s.parent[rest]; t != nil {
			return t
		}
		domain = rest
	}
}

// atHost is the tenant whose host name the client asked for (SNI), or nil.
func (s *Snapshot) atHost(p mail.Peer) *Tenant { return s.host[hostOf(p)] }

func hostOf(p mail.Peer) string {
	if p.TLS == nil {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(p.TLS.ServerName), ".")
}
