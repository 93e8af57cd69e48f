package tenant_test

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/tenant"
)

// The street: one tenant for each preset, a second of the postern preset
// with subdomains, one with a server of its own, and two that only do what
// the documents of other products demand.
const street = `
kind: tenant
id: alpha
entra_tenant: aaaaaaaa-0000-0000-0000-000000000001
domains: [alpha.example, alpha.onmicrosoft.com]
secret: [alpha-secret-now-1234, alpha-secret-next-123]
mark: [alpha-mark-now-123456, alpha-mark-next-12345]
hosts: { out.alpha.gw.example: out, in.alpha.gw.example: in }
copies: { bcc: [copy@alpha.gw.example], journal: [j-7f3a99@alpha.gw.example] }
validate: { probe: probe@alpha.gw.example, external: admin@alpha-private.example }
own: [check@alpha.gw.example]
---
kind: tenant
id: beta
entra_tenant: BBBBBBBB-0000-0000-0000-000000000002
domains: [beta.example, "*.beta.example", beta.onmicrosoft.com, xn--mnchen-3ya.example]
secret: [beta-secret-now-12345]
mark: [beta-mark-now-1234567]
copies: { bcc: [copy@beta.gw.example], journal: [j-11aa22@beta.gw.example] }
validate: { probe: probe@beta.gw.example }
own: [check@beta.gw.example]
switches: { cross_tenant_on_null: optional, cross_tenant_on_incoming: optional }
---
kind: tenant
id: safe
entra_tenant: aaaaaaaa-0000-0000-0000-000000000003
domains: [safe.example, safe.onmicrosoft.com]
headers: safetica
validate: { probe: probe@safe.gw.example }
---
kind: tenant
id: nets
entra_tenant: aaaaaaaa-0000-0000-0000-000000000004
domains: [nets.example, nets.onmicrosoft.com]
headers: netskope
peers: { exchange: { certificate: required } }
copies: { bcc: [copy@nets.gw.example] }
---
kind: tenant
id: opsw
domains: [opsw.example, opsw.onmicrosoft.com]
headers: opswat
secret: ["opswat tenant/information=="]
copies: { bcc: [copy@opsw.gw.example] }
validate: { probe: probe@opsw.gw.example, external: admin@opsw-private.example }
---
kind: tenant
id: avan
entra_tenant: aaaaaaaa-0000-0000-0000-000000000006
domains: [avan.example, avan.onmicrosoft.com]
headers: avanan
secret: [portal7]
copies: { journal: [portal7@avan.gw.example] }
---
kind: tenant
id: secu
entra_tenant: aaaaaaaa-0000-0000-0000-000000000007
domains: [secu.example, secu.onmicrosoft.com]
headers: secumailer
secret: [secumail-value-123456]
---
kind: tenant
id: prem
entra_tenant: aaaaaaaa-0000-0000-0000-000000000008
domains: [prem.example, prem.onmicrosoft.com]
secret: [prem-secret-now-12345]
mark: [prem-mark-now-1234567]
copies: { bcc: [copy@prem.gw.example] }
peers: { other: [ { networks: [203.0.113.0/29], certificate: mta.prem.example } ] }
---
kind: tenant
id: bare
domains: [bare.example, bare.onmicrosoft.com]
headers: safetica
switches: { without_entra_tenant: true }
copies: { bcc: [copy@bare.gw.example], journal: [j-bare-55@bare.gw.example] }
own: [check@bare.gw.example]
`

// entraOf is the GUID that Exchange stamps for a tenant, configured or not.
func entraOf(id string) string {
	switch id {
	case "stranger":
		return "99999999-0000-0000-0000-000000000009"
	case "opsw":
		return "aaaaaaaa-0000-0000-0000-000000000005"
	case "bare":
		return "aaaaaaaa-0000-0000-0000-00000000000b"
	case "beta":
		return "bbbbbbbb-0000-0000-0000-000000000002"
	}
	for i, name := range []string{"alpha", "", "safe", "nets", "", "avan", "secu", "prem"} {
		if name == id {
			return fmt.Sprintf("aaaaaaaa-0000-0000-0000-00000000000%d", i+1)
		}
	}
	return "" // of another test's street
}

func documents(t testing.TB, file, text string) []settings.Document {
	t.Helper()
	docs, bad := settings.Split(file, []byte(text))
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	return docs
}

func load(t testing.TB, text string) *tenant.Snapshot {
	t.Helper()
	s, bad := tenant.NewRegistry(tenant.NewPublished()).Load(documents(t, "tenants.yaml", text))
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	return s
}

// routed is the header that a tenant's own rule sets, with the right value.
func routed(t *tenant.Tenant, dir mail.Direction) (name, value string) {
	switch t.Preset.Form {
	case tenant.FormPostern:
		return t.Preset.Tenant, t.ID + ";" + t.Secret[0] + ";" + string(dir) + ";inline"
	case tenant.FormValue:
		return t.Preset.Tenant, t.Secret[0]
	case tenant.FormAvanan:
		if dir == mail.Out {
			return t.Preset.Tenant, t.Secret[0] + ",office365_emails,sent,inline"
		}
		return t.Preset.Tenant, t.Secret[0] + ",office365_emails,inline"
	}
	return "", ""
}

// letter is a message with its connection, changed fact by fact.
type letter struct {
	addr   string
	tls    *mail.TLS
	from   mail.Address
	to     []mail.Address
	fields [][2]string
}

func microsoft() *mail.TLS {
	return &mail.TLS{
		Certificates: []*x509.Certificate{{}}, Verified: true,
		Names: []string{"mail.protection.outlook.com", "*.mail.eo.outlook.com", "outlook.com"},
	}
}

func premises() *mail.TLS {
	return &mail.TLS{Certificates: []*x509.Certificate{{}}, Verified: true, Names: []string{"mta.prem.example"}}
}

func (l *letter) peer() mail.Peer {
	return mail.Peer{Addr: netip.AddrPortFrom(netip.MustParseAddr(l.addr), 40123), Hello: "eur.outbound.protection.outlook.com", TLS: l.tls}
}

func (l *letter) envelope() mail.Envelope {
	e := mail.Envelope{From: l.from}
	for _, a := range l.to {
		e.To = append(e.To, mail.Recipient{Address: a})
	}
	return e
}

func (l *letter) header() *mail.Header {
	var b strings.Builder
	for _, f := range l.fields {
		b.WriteString(f[0] + ": " + f[1] + "\r\n")
	}
	b.WriteString("\r\nbody\r\n")
	return mail.ParseHeader(mail.Bytes(b.String()))
}

func (l *letter) set(name, value string) {
	l.drop(name)
	l.add(name, value)
}

func (l *letter) add(name, value string) { l.fields = append(l.fields, [2]string{name, value}) }

func (l *letter) drop(name string) {
	var kept [][2]string
	for _, f := range l.fields {
		if !strings.EqualFold(f[0], name) {
			kept = append(kept, f)
		}
	}
	l.fields = kept
}

func (l *letter) identify(s *tenant.Snapshot) (tenant.Identity, *tenant.Refusal) {
	return s.Identify(l.peer(), l.envelope(), l.header())
}

// atRcpt asks for every recipient, as the front door does.
func (l *letter) atRcpt(s *tenant.Snapshot) *tenant.Refusal {
	for _, a := range l.to {
		if r := s.AtRcpt(l.peer(), l.from, a); r != nil {
			return r
		}
	}
	return nil
}

// outgoing is what a user of a tenant sends to somebody outside.
func outgoing(t *tenant.Tenant) *letter {
	user := "ann@" + t.Domains[0]
	l := &letter{addr: "40.107.1.2", tls: microsoft(), from: mail.Address(user), to: []mail.Address{"bob@outside.example"}}
	l.add("X-OriginatorOrg", t.Domains[0])
	l.add("X-MS-Exchange-CrossTenant-Id", entraOf(t.ID))
	l.add("X-MS-Exchange-CrossTenant-AuthAs", "Internal")
	if name, value := routed(t, mail.Out); name != "" {
		l.add(name, value)
	}
	l.add("From", "Ann <"+user+">")
	l.add("To", "bob@outside.example")
	l.add("Subject", "hello")
	return l
}

// incoming is what somebody outside sends to a user of a tenant.
func incoming(t *tenant.Tenant) *letter {
	l := outgoing(t)
	l.from, l.to = "bob@outside.example", []mail.Address{mail.Address("ann@" + t.Domains[0])}
	l.set("From", "bob@outside.example")
	l.set("X-MS-Exchange-CrossTenant-AuthAs", "Anonymous")
	if name, value := routed(t, mail.In); name != "" {
		l.set(name, value)
	}
	return l
}
