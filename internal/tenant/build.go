package tenant

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/settings"
)

var (
	idPattern     = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)
	guidPattern   = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	headerPattern = regexp.MustCompile(`^x-[a-z0-9-]+$`)
	domainPattern = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

func isDomain(s string) bool { return len(s) <= 253 && domainPattern.MatchString(s) && !isAddr(s) }

// build makes a Tenant of a document, or says everything that is wrong.
func build(d settings.Document, r *Registry) (*Tenant, settings.Mistakes) {
	published, offline := r.published, r.Offline
	var c Config
	b := builder{doc: d, dir: filepath.Dir(d.File), bad: decode(d, &c), offline: offline, detectors: r.Detectors}
	if !c.Headers.read {
		c.Headers.Preset = Presets()[0]
	}
	t := &Tenant{
		ID: c.ID, Name: c.Name, Contact: c.Contact, Disabled: c.Disabled, tags: c.TrustedTags,
		EntraTenant: strings.ToLower(c.EntraTenant), Preset: c.Headers.Preset,
		Refuse: c.Refuse, Switches: c.Switches, Keep: c.Keep, KeepSaid: c.Keep > 0, Retention: c.Retention, Hosts: map[string]mail.Direction{},
	}
	b.identity(t, c)
	b.domains(t, c)
	b.headers(t, c)
	b.secrets(t, c)
	b.peers(t, c, published)
	b.returning(t, c)
	b.gates(t, c)
	b.addresses(t, c)
	b.trustedTags(c)
	b.proof(t, c)
	b.looking(t, c)
	b.people(t, c)
	b.senderAuth(t, c)
	b.notices(t, c)
	b.digest(t, c)
	b.sign(t, c)
	b.administrators(t, c)
	b.console(t, c, r.Console)
	b.signIn(t, c)
	return t, b.bad
}

// decode reads the document. The YAML library panics at a tag before a value
// of another kind ("domains: !x y", found by fuzzing, v1.19.2), and a file
// that an administrator applies must not stop a running gateway.
func decode(d settings.Document, c *Config) (bad settings.Mistakes) {
	defer func() {
		if recover() != nil {
			bad = append(bad, d.Place("the document cannot be read", "write it without tags and anchors"))
		}
	}()
	return d.Decode(c)
}

type builder struct {
	doc settings.Document
	dir string
	bad settings.Mistakes
	// offline leaves out what files and variables hold.
	offline bool
	// detectors are the names that a list of them may have; none for any.
	detectors []string
}

func (b *builder) add(text, suggestion string, path ...string) {
	b.bad = append(b.bad, b.doc.Place(text, suggestion, path...))
}

func (b *builder) identity(t *Tenant, c Config) {
	if !idPattern.MatchString(c.ID) {
		b.add(fmt.Sprintf("%q is not an id", c.ID), "lower-case letters, digits and hyphens, at most 40", "id")
		t.ID = ""
	}
	if t.EntraTenant != "" && !guidPattern.MatchString(t.EntraTenant) {
		b.add(fmt.Sprintf("%q is not a GUID", c.EntraTenant),
			"it stands in the Entra admin center under Overview", "entra_tenant")
	}
	if t.Name == "" {
		t.Name = t.ID
	}
	switch {
	case t.Keep == 0:
		t.Keep = 90 * 24 * time.Hour
	case t.Keep < 0:
		b.add("is negative", "write for example 2160h", "keep")
	}
	if t.Retention.Bytes < 0 || t.Retention.Audit < 0 {
		b.add("a time is negative", "write for example 720h", "retention")
	}
	switch t.Refuse {
	case "":
		t.Refuse = ByReport
	case ByReport, InSession:
	default:
		b.add(fmt.Sprintf("%q is not a way to refuse", t.Refuse), "write report or session", "refuse")
	}
	for _, x := range []struct {
		need *Need
		key  string
	}{
		{&t.Switches.CrossTenantOnNull, "cross_tenant_on_null"},
		{&t.Switches.CrossTenantOnIncoming, "cross_tenant_on_incoming"},
	} {
		b.need(x.need, Required, "switches", x.key)
		if *x.need == Optional && t.Preset.Tenant == "" {
			b.add("cannot be optional without a tenant header", "keep it required, or use a preset with a tenant header",
				"switches", x.key)
		}
	}
}

func (b *builder) domains(t *Tenant, c Config) {
	for _, name := range c.Domains {
		parent, all := strings.CutPrefix(name, "*.")
		folded := foldDomain(parent)
		if !isDomain(folded) || folded == "onmicrosoft.com" || folded == "mail.onmicrosoft.com" {
			b.add(fmt.Sprintf("%q is not a domain of a tenant", name),
				"write for example contoso.example, or *.contoso.example for its subdomains", "domains")
			continue
		}
		if all {
			t.parents = append(t.parents, folded)
			continue
		}
		if !slices.Contains(t.Domains, folded) {
			t.Domains = append(t.Domains, folded)
		}
		if t.Initial == "" && strings.HasSuffix(folded, ".onmicrosoft.com") && strings.Count(folded, ".") == 2 {
			t.Initial = folded
		}
	}
	if len(t.Domains) == 0 {
		b.add("no domain", "list the accepted domains of the tenant", "domains")
	}
	for _, host := range sorted(c.Hosts) {
		dir := c.Hosts[host]
		if dir != mail.Out && dir != mail.In {
			b.add(fmt.Sprintf("%q is no direction", dir), "write out or in", "hosts", host)
		}
		if !isDomain(foldDomain(host)) {
			b.add("is no host name", "the name that the connector uses, seen through SNI", "hosts", host)
		}
		t.Hosts[foldDomain(host)] = dir
	}
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// trustedTags must be complete: an empty name or value would trust too much.
func (b *builder) trustedTags(c Config) {
	for _, tag := range c.TrustedTags {
		if tag.Header == "" || tag.Value == "" {
			b.add("a trusted tag needs header and value", `write value: "*" to trust any value`, "trusted_tags")
		}
	}
}

func (b *builder) need(n *Need, standard Need, path ...string) {
	switch *n {
	case "":
		*n = standard
	case Required, Optional:
	default:
		b.add(fmt.Sprintf("%q is unknown", *n), "write required or optional", path...)
	}
}

// headers takes the mistakes of the names, which are read before their place
// is known, and checks what single names make of a preset.
func (b *builder) headers(t *Tenant, c Config) {
	for _, m := range c.Headers.bad {
		b.add(m.text, m.suggestion, m.path...)
	}
	taken := map[string]string{}
	p := t.Preset
	for _, x := range []struct{ key, name string }{
		{"tenant", p.Tenant}, {"checked", p.Checked}, {"ooo", p.OOO},
		{"action", p.Action}, {"inspected", p.Inspected}, {"spam", p.Spam},
	} {
		switch name := fold(x.name); {
		case name == "":
		case taken[name] != "":
			b.add(fmt.Sprintf("%s is also the name for %s", x.name, taken[name]), "one header, one meaning", "headers", x.key)
		case !headerPattern.MatchString(name) || len(name) > maxName ||
			strings.HasPrefix(name, "x-ms-") || name == fold(originator):
			b.add(fmt.Sprintf("%q cannot be a header of ours", x.name),
				"a name that begins with X- and is nobody else's", "headers", x.key)
		default:
			taken[name] = x.key
		}
	}
	t.roles = p.reserved()
}

func (b *builder) gates(t *Tenant, c Config) {
	t.Gates, t.StoreFull = policy.DefaultGates(), policy.Closed
	for _, cause := range sorted(c.On) {
		gate := c.On[cause]
		if cause == StoreFull {
			if gate != string(policy.Open) && gate != string(policy.Closed) {
				b.add(fmt.Sprintf("%q is neither open nor closed", gate), "", "on", cause)
			}
			t.StoreFull = policy.Gate(gate)
			continue
		}
		k, g, err := policy.ParseGate(cause, gate)
		if err != nil {
			b.add(strings.TrimPrefix(err.Error(), "policy: "), "", "on", cause)
			continue
		}
		t.Gates[k] = g
	}
}

func (b *builder) addresses(t *Tenant, c Config) {
	t.bcc = b.list(c.Copies.BCC, "copies", "bcc")
	t.journal = b.list(c.Copies.Journal, "copies", "journal")
	t.own = b.list(c.Own, "own")
	if c.Validate.Probe != "" {
		t.probe = b.list([]string{c.Validate.Probe}, "validate", "probe")
	}
	if c.Validate.External != "" {
		external := b.list([]string{c.Validate.External}, "validate", "external")
		for _, a := range external {
			if t.Owns(mail.Address(a)) {
				b.add("is inside the tenant", "Microsoft asks for an address outside Microsoft 365", "validate", "external")
			}
		}
		if !c.Validate.Done {
			t.external = external
		}
	}
}

func (b *builder) list(addresses []string, path ...string) []string {
	var got []string
	for _, s := range addresses {
		a, err := mail.ParseAddress(s)
		if err != nil {
			b.add(fmt.Sprintf("%q is not an address", s), "", path...)
			continue
		}
		got = append(got, a.Fold())
	}
	return got
}

// tooWide reports whether a network is wider than anybody's own.
func tooWide(p netip.Prefix) bool {
	if p.Addr().Is4() {
		return p.Bits() < 8
	}
	return p.Bits() < 20
}
