package tenant_test

import (
	"fmt"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/tenant"
)

// crowd is an installation of n tenants of every preset, each with a server
// of its own.
func crowd(n int) string {
	var b strings.Builder
	for i := range n {
		headers := []string{"postern", "opswat", "avanan", "postern", "secumailer", "netskope"}[i%6]
		fmt.Fprintf(&b, "kind: tenant\nid: t%d\nentra_tenant: 00000000-0000-0000-0000-%012d\n", i, i)
		fmt.Fprintf(&b, "domains: [t%d.example, t%d.onmicrosoft.com]\nheaders: %s\n", i, i, headers)
		if headers != "netskope" {
			fmt.Fprintf(&b, "secret: [secret-of-tenant-%d]\n", i)
		}
		if headers == "postern" {
			fmt.Fprintf(&b, "mark: [mark-of-tenant-%07d]\n", i)
		}
		fmt.Fprintf(&b, "copies: { bcc: [copy@t%d.gw.example] }\n", i)
		fmt.Fprintf(&b, "peers: { other: [ { networks: [198.18.%d.%d/32], certificate: mta.t%d.example } ] }\n---\n", i/256, i%256, i)
	}
	return b.String()
}

// long is a header as Exchange writes it: some sixty fields.
func long(t *tenant.Tenant, i int) *mail.Header {
	l := outgoing(t)
	l.set("X-MS-Exchange-CrossTenant-Id", fmt.Sprintf("00000000-0000-0000-0000-%012d", i))
	for j := range 50 {
		l.add(fmt.Sprintf("X-MS-Exchange-Something-%d", j), "a value that means nothing to us")
	}
	return l.header()
}

func BenchmarkIdentifyAmong1000Tenants(b *testing.B) {
	s := load(b, crowd(1000))
	for _, i := range []int{997, 998, 996, 994, 995} {
		t := s.Find(fmt.Sprintf("t%d", i))
		h := long(t, i)
		l := letter{addr: "40.107.1.2", tls: microsoft(), from: mail.Address("ann@" + t.Domains[0]), to: []mail.Address{"bob@outside.example"}}
		p, e := l.peer(), l.envelope()
		b.Run(t.Preset.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if id, r := s.Identify(p, e, h); r != nil || id.Tenant != t {
					b.Fatal(r)
				}
			}
		})
	}
}

func BenchmarkAtRcptAmong1000Tenants(b *testing.B) {
	s := load(b, crowd(1000))
	premises := &mail.TLS{Certificates: microsoft().Certificates, Verified: true, Names: []string{"mta.t7.example"}}
	for _, c := range []struct {
		name     string
		l        letter
		from, to mail.Address
		taken    bool
	}{
		{"outgoing", letter{addr: "40.107.1.2", tls: microsoft()}, "ann@t7.example", "bob@outside.example", true},
		{"incoming", letter{addr: "40.107.1.2", tls: microsoft()}, "bob@outside.example", "ann@t7.example", true},
		{"null sender", letter{addr: "40.107.1.2", tls: microsoft()}, "", "bob@outside.example", true},
		{"own server", letter{addr: "198.18.0.7", tls: premises}, "ann@t7.example", "bob@outside.example", true},
		{"stranger by Exchange", letter{addr: "40.107.1.2", tls: microsoft()}, "x@elsewhere.example", "bob@outside.example", false},
		{"stranger", letter{addr: "203.0.113.7", tls: &mail.TLS{}}, "x@elsewhere.example", "bob@outside.example", false},
	} {
		p := c.l.peer()
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r := s.AtRcpt(p, c.from, c.to); (r == nil) != c.taken {
					b.Fatal(r)
				}
			}
		})
	}
}

func BenchmarkLoad1000Tenants(b *testing.B) {
	docs := documents(b, "t.yaml", crowd(1000))
	for b.Loop() {
		if _, bad := tenant.NewRegistry(tenant.NewPublished()).Load(docs); len(bad) > 0 {
			b.Fatal(bad)
		}
	}
}
