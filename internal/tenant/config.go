package tenant

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/settings"
)

// Config is a document of kind tenant.
type Config struct {
	// Kind is always "tenant".
	Kind string `yaml:"kind"`
	// ID names the tenant in headers, logs and commands: lower-case letters,
	// digits and hyphens, at most 40.
	ID string `yaml:"id"`
	// EntraTenant is the tenant's id in Microsoft Entra (a GUID). When it is
	// set, Exchange's cross-tenant header must carry it.
	EntraTenant string `yaml:"entra_tenant"`
	// Domains are the accepted domains; the one under onmicrosoft.com is the
	// initial domain.
	Domains []string `yaml:"domains"`
	// Secret is what the tenant header carries: current and, while
	// rotating, next. Never equal to a mark. At least 16 characters.
	Secret []string `yaml:"secret"`
	// Mark is what Exchange's rule exception matches on return: current and,
	// while rotating, next.
	Mark []string `yaml:"mark"`
	// Headers is the preset of header names: postern, safetica, netskope,
	// opswat, avanan or secumailer; or single names.
	// Default: postern.
	Headers HeaderNames `yaml:"headers"`
	// Hosts maps SNI names of our listener to the direction each allows.
	Hosts map[string]mail.Direction `yaml:"hosts"`
	// Peers says who may bring the tenant's mail.
	Peers Peers `yaml:"peers"`
	// Return says how mail goes back.
	Return Return `yaml:"return"`
	// Refuse is how a block is told: "report" (our own, the default) or
	// "session" (a 550, so that Exchange writes the report).
	Refuse Refuse `yaml:"refuse"`
	// On opens or closes the gate for each cause of not having seen
	// everything, and for "store-full".
	On map[string]string `yaml:"on"`
	// Copies are the addresses to which the tenant's Exchange sends copies.
	Copies Copies `yaml:"copies"`
	// Validate are the recipients of Exchange's connector validation.
	Validate Validate `yaml:"validate"`
	// Own are addresses of Postern itself for this tenant (replies to
	// approvals, check@).
	Own []string `yaml:"own"`
	// Switches are decisions about what Exchange does that nobody has proved
	// yet (see docs/reference/switches.md).
	Switches Switches `yaml:"switches"`
	// Contact is named in reports: whom a sender may ask.
	Contact string `yaml:"contact"`
	// Name is the organization's name in reports. Default: the id.
	Name string `yaml:"name"`
	// Disabled turns the tenant off: its mail is deferred, so that it waits
	// in Exchange.
	Disabled bool `yaml:"disabled"`
	// Keep is how long the record of a message is searchable.
	// Default: 2160h (90 days).
	Keep time.Duration `yaml:"keep"`
}

// Peers says who may bring the tenant's mail.
type Peers struct {
	Exchange ExchangePeers `yaml:"exchange"`
	// Other are on-premises servers or other MTAs of the tenant.
	Other []OtherPeer `yaml:"other"`
}

// ExchangePeers is how Exchange Online is recognized.
type ExchangePeers struct {
	// Networks is "microsoft" for the published list, or prefixes.
	// Default: microsoft.
	Networks Networks `yaml:"networks"`
	// Names are those that a client certificate of Exchange may carry.
	// Default: "*.outbound.protection.outlook.com", "mail.protection.outlook.com".
	Names []string `yaml:"names"`
	// Certificate says whether one is "required" or, when Exchange gives
	// none, dispensable ("optional"). A wrong one is always refused.
	// Default: optional.
	Certificate Need `yaml:"certificate"`
}

// OtherPeer is a server of the tenant that is not Exchange Online.
type OtherPeer struct {
	// Networks are its addresses.
	Networks Networks `yaml:"networks"`
	// Certificate is the DNS name that its client certificate must carry.
	Certificate string `yaml:"certificate"`
}

// Networks is a list of prefixes, or the word "microsoft".
type Networks []string

// UnmarshalYAML takes one word or a list.
func (n *Networks) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if err := unmarshal(&one); err == nil {
		*n = Networks{one}
		return nil
	}
	var list []string
	if err := unmarshal(&list); err != nil {
		return err
	}
	*n = list
	return nil
}

// Return says how the tenant's mail goes back.
type Return struct {
	// Host is "mx" (look up, Exchange Online first) or a pinned host[:port].
	// Default: mx.
	Host string `yaml:"host"`
	// ClientCert is the file of the tenant's client certificate and key.
	ClientCert string `yaml:"client_cert"`
	// TLS is require, opportunistic, or off (only on loopback).
	// Default: require.
	TLS mail.TLSLevel `yaml:"tls"`
	// ServerName is the name that the next hop's certificate must carry.
	// Default: the host's name.
	ServerName string `yaml:"server_name"`
	// ForeignMX allows a mail exchanger that is not Exchange Online's.
	// Default: false.
	ForeignMX bool `yaml:"foreign_mx"`
	// User and Password authenticate at a smart host; only over TLS.
	User     string `yaml:"user"`
	Password string `yaml:"password"`
}

// Copies are addresses that receive copies of the tenant's mail.
type Copies struct {
	// BCC are the targets of BlindCopyTo rules.
	BCC []string `yaml:"bcc"`
	// Journal are the targets of journal rules; they are secrets, because a
	// journal report carries no tenant header.
	Journal []string `yaml:"journal"`
}

// Validate are the recipients of connector validation.
type Validate struct {
	// Probe is an address of ours that swallows the message.
	Probe string `yaml:"probe"`
	// External is an address outside that the tenant entered; at most 5
	// validation messages go there, until Done is set.
	External string `yaml:"external"`
	// Done is set when the connector has been validated.
	Done bool `yaml:"done"`
}

// Switches are named decisions about unproven behavior of Exchange Online.
type Switches struct {
	// OriginatorOrgIn requires X-OriginatorOrg on incoming mail too.
	// Default: false (exchange.md 13.1 is open).
	OriginatorOrgIn bool `yaml:"originator_org_in"`
	// CrossTenantOnNull is "required" or "optional" for mail with the null
	// reverse-path, whose headers may be fewer. Optional is allowed only
	// together with the tenant header. Default: required.
	CrossTenantOnNull Need `yaml:"cross_tenant_on_null"`
	// Relays lets mail go out that Exchange itself only relayed (AuthAs other
	// than Internal), for tenants with printers and applications.
	// Default: false.
	Relays bool `yaml:"relays"`
}

// Need says whether a fact must be there.
type Need string

// The needs.
const (
	Required Need = "required"
	Optional Need = "optional"
)

// Refuse is how a block is told.
type Refuse string

// The ways to refuse.
const (
	ByReport  Refuse = "report"
	InSession Refuse = "session"
)

// StoreFull is the key of On for a store that takes nothing more.
const StoreFull = "store-full"

var (
	idPattern   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)
	guidPattern = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// build makes a Tenant of a document, or says everything that is wrong.
func build(d settings.Document, networks *Published) (*Tenant, settings.Mistakes) {
	var c Config
	bad := d.Decode(&c)
	b := builder{doc: d, dir: filepath.Dir(d.File), bad: bad}
	t := &Tenant{
		ID: c.ID, Name: c.Name, Contact: c.Contact, Disabled: c.Disabled,
		EntraTenant: strings.ToLower(c.EntraTenant), Preset: c.Headers.Preset,
		Refuse: c.Refuse, Switches: c.Switches, Keep: c.Keep, Hosts: map[string]mail.Direction{},
	}
	b.identity(t, c)
	b.secrets(t, c)
	b.peers(t, c, networks)
	b.returning(t, c)
	b.gates(t, c)
	b.addresses(t, c)
	return t, b.bad
}

type builder struct {
	doc settings.Document
	dir string
	bad settings.Mistakes
}

func (b *builder) add(text, suggestion string, path ...string) {
	b.bad = append(b.bad, b.doc.Place(text, suggestion, path...))
}

func (b *builder) identity(t *Tenant, c Config) {
	if !idPattern.MatchString(c.ID) {
		b.add(fmt.Sprintf("%q is not an id", c.ID), "lower-case letters, digits and hyphens, at most 40", "id")
	}
	if t.EntraTenant != "" && !guidPattern.MatchString(t.EntraTenant) {
		b.add(fmt.Sprintf("%q is not a GUID", c.EntraTenant), "it stands in the Entra admin centre under Overview", "entra_tenant")
	}
	if len(c.Domains) == 0 {
		b.add("no domain", "list the accepted domains of the tenant", "domains")
	}
	for _, name := range c.Domains {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		if _, err := mail.ParseAddress("x@" + name); err != nil || !strings.Contains(name, ".") {
			b.add(fmt.Sprintf("%q is not a domain", name), "", "domains")
		}
		t.Domains = append(t.Domains, name)
		if strings.HasSuffix(name, ".onmicrosoft.com") && strings.Count(name, ".") == 2 {
			t.Initial = name
		}
	}
	for host, dir := range c.Hosts {
		if dir != mail.Out && dir != mail.In {
			b.add(fmt.Sprintf("%q is no direction", dir), "write out or in", "hosts", host)
		}
		t.Hosts[strings.ToLower(host)] = dir
	}
	if t.Name == "" {
		t.Name = t.ID
	}
	if t.Keep == 0 {
		t.Keep = 90 * 24 * time.Hour
	}
	switch t.Refuse {
	case "":
		t.Refuse = ByReport
	case ByReport, InSession:
	default:
		b.add(fmt.Sprintf("%q is not a way to refuse", t.Refuse), "write report or session", "refuse")
	}
	b.need(&t.Switches.CrossTenantOnNull, Required, "switches", "cross_tenant_on_null")
	if t.Switches.CrossTenantOnNull == Optional && t.Preset.Tenant == "" {
		b.add("cannot be optional without a tenant header", "keep it required, or use a preset with a tenant header",
			"switches", "cross_tenant_on_null")
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

const minSecret = 16

func (b *builder) secrets(t *Tenant, c Config) {
	t.Secret = b.values(c.Secret, "secret")
	t.Mark = b.values(c.Mark, "mark")
	if t.Preset.Tenant != "" && len(t.Secret) == 0 {
		b.add("no secret", "the tenant header "+t.Preset.Tenant+" proves nothing without one", "secret")
	}
	if t.Preset.Checked != "" && t.Preset.CheckedValue == "" && len(t.Mark) == 0 {
		b.add("no mark", "without it Exchange's rule cannot tell returned mail, and loops", "mark")
	}
	for _, s := range t.Secret {
		for _, m := range t.Mark {
			if s == m {
				b.add("a mark equals a secret", "the mark travels in mail; make a new one", "mark")
			}
		}
	}
}

func (b *builder) values(list []string, key string) []string {
	var got []string
	if len(list) > 2 {
		b.add("more than two values", "current and next", key)
	}
	for _, s := range list {
		v, err := settings.Resolve(s, b.dir)
		switch {
		case err != nil:
			b.add(err.Error(), "", key)
		case len(v) < minSecret:
			b.add("a value is shorter than 16 characters", "postern tenant rotate makes a good one", key)
		case strings.Trim(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "":
			b.add("a value has characters other than letters, digits, - and _", "a rule's pattern must match it as it is", key)
		default:
			got = append(got, v)
		}
	}
	return got
}

func (b *builder) peers(t *Tenant, c Config, published *Published) {
	ex := c.Peers.Exchange
	if len(ex.Networks) == 0 {
		ex.Networks = Networks{"microsoft"}
	}
	t.exchange = b.networks(ex.Networks, published, "peers", "exchange", "networks")
	t.names = ex.Names
	if len(t.names) == 0 {
		t.names = []string{"*.outbound.protection.outlook.com", "mail.protection.outlook.com"}
	}
	t.certificate = ex.Certificate
	b.need(&t.certificate, Optional, "peers", "exchange", "certificate")
	for _, o := range c.Peers.Other {
		if o.Certificate == "" {
			b.add("another server needs the name of its certificate", "certificate: mta."+strings.Join(c.Domains[:min(1, len(c.Domains))], ""),
				"peers", "other")
		}
		if len(o.Networks) == 0 {
			b.add("another server needs its networks", "", "peers", "other")
		}
		t.other = append(t.other, otherPeer{
			networks:    b.networks(o.Networks, published, "peers", "other"),
			certificate: strings.ToLower(o.Certificate),
		})
	}
}

func (b *builder) networks(list Networks, published *Published, path ...string) networkList {
	var n networkList
	for _, s := range list {
		if s == "microsoft" {
			n.published = published
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			if a, err2 := netip.ParseAddr(s); err2 == nil {
				p, err = a.Prefix(a.BitLen())
			}
		}
		if err != nil {
			b.add(fmt.Sprintf("%q is no network", s), "write microsoft, or a prefix like 203.0.113.0/29", path...)
			continue
		}
		n.fixed = append(n.fixed, p.Masked())
	}
	return n
}

func (b *builder) gates(t *Tenant, c Config) {
	t.Gates, t.StoreFull = policy.DefaultGates(), policy.Closed
	for cause, gate := range c.On {
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
	if c.Validate.External != "" && !c.Validate.Done {
		t.external = b.list([]string{c.Validate.External}, "validate", "external")
		for _, a := range t.external {
			if t.Owns(mail.Address(a)) {
				b.add("is inside the tenant", "Microsoft asks for an address outside Microsoft 365", "validate", "external")
			}
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
