package tenant

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/settings"
)

// FuzzTenantFile: whatever stands in a file, building never panics, every
// mistake has a place, and what is without mistake is complete.
func FuzzTenantFile(f *testing.F) {
	seeds, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(seeds) == 0 {
		f.Fatal(err)
	}
	for _, name := range seeds {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	const good = "kind: tenant\nid: a\ndomains: [a.example]\nsecret: [aaaaaaaaaaaaaaaaaa]\nmark: [bbbbbbbbbbbbbbbbbbbb]\n"
	for _, more := range []string{
		"", "peers: { exchange: { networks: null, names: [] } }", "peers: { exchange: { networks: {} } }", "headers: null",
		"headers: [x]", "headers: { tenant: [1] }", "headers: 5", "on: { encrypted: }", "hosts: { : out }", "domains: [*.]",
		"return: null", "keep: 5", "own: x", "switches: [relays]", "peers: { other: [null, {}] }", "copies: { journal: [null] }",
		"hosts: { \"\": in }", "domains: [\"\", \".\", \"*\", \"*.\"]", "entra_tenant: 00000000-0000-0000-0000-000000000000",
	} {
		f.Add(good + more)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "file:") || strings.Contains(text, "env:") || strings.Contains(text, "client_cert") {
			return // nothing outside the text
		}
		docs, bad := settings.Split("f.yaml", []byte(text))
		if len(bad) > 0 {
			return
		}
		s, bad := NewRegistry(NewPublished()).Load(docs)
		if len(bad) > 0 {
			return
		}
		for _, x := range s.Tenants() {
			whole(t, s, x)
		}
	})
}

// whole checks what must be so of every tenant that was taken.
func whole(t *testing.T, s *Snapshot, x *Tenant) {
	t.Helper()
	if x.ID == "" || len(x.Domains) == 0 || s.Find(x.ID) != x || !x.Owns(x.Postmaster()) || x.OwnsDomain("") {
		t.Errorf("incomplete: %+v", x)
	}
	if x.Preset.Tenant != "" && (len(x.Secret) == 0 || x.Preset.Form == "") || x.Preset.Name == "" {
		t.Errorf("a tenant header without a secret or a form: %+v", x.Preset)
	}
	if x.Preset.Tenant == "" && x.EntraTenant == "" && !x.Switches.WithoutEntraTenant {
		t.Error("nothing proves this tenant")
	}
	if len(x.names) == 0 || x.exchange.published == nil && len(x.exchange.fixed) == 0 {
		t.Error("nobody is Exchange")
	}
	for _, a := range []string{"0.0.0.1", "255.255.255.254", "::2", "ffff::1"} {
		// two addresses of one family that far apart are in no honest list
		b := map[string]string{"0.0.0.1": "128.0.0.1", "255.255.255.254": "1.0.0.1", "::2": "8000::1", "ffff::1": "1::1"}[a]
		if len(x.exchange.fixed) == 1 && x.exchange.has(netip.MustParseAddr(a)) && x.exchange.has(netip.MustParseAddr(b)) {
			t.Errorf("one network holds %s and %s", a, b)
		}
	}
	if r := x.Route(mail.Out, "", ""); r.Host == "" && !x.OwnsDomain(r.Domain) || r.Host != "" && wrongHost(r.Host) != "" {
		t.Errorf("a route to nowhere: %+v", r)
	}
	for _, secret := range x.Secret {
		v := x.ID + ";" + secret + ";out;inline"
		switch x.Preset.Form {
		case FormValue:
			v = secret
		case FormAvanan:
			v = secret + ",office365_emails"
		}
		got, r := s.byHeader(mail.ParseHeader(mail.Bytes(x.Preset.Tenant + ": " + v + "\r\n\r\n")))
		if r != nil || got.t != x {
			t.Errorf("the tenant's own header %q is not its own: %v", v, r)
		}
	}
}

// FuzzTenantHeader: a header that does not hold the whole secret is nobody's.
func FuzzTenantHeader(f *testing.F) {
	const text = `
kind: tenant
id: one
domains: [one.example]
secret: [one-secret-now-12345, one-secret-next-1234]
mark: [one-mark-now-1234567]
---
kind: tenant
id: two
domains: [two.example]
headers: opswat
secret: [two-secret-now-12345]
---
kind: tenant
id: three
entra_tenant: 11111111-2222-3333-4444-555555555555
domains: [three.example]
headers: avanan
secret: [three-portal-now-123]
`
	docs, bad := settings.Split("f.yaml", []byte(text))
	if len(bad) > 0 {
		f.Fatal(bad)
	}
	s, bad := NewRegistry(NewPublished()).Load(docs)
	if len(bad) > 0 {
		f.Fatal(bad)
	}
	for _, v := range []string{
		"one;one-secret-now-12345;out;inline", "one;one-secret-next-1234;in;monitor", "two-secret-now-12345",
		"three-portal-now-123,office365_emails,sent,inline", "one;;;", ";;;", "", ",", "one;one-secret-now-12345", "\x00", "one ; x",
		"two;two-secret-now-12345;out;inline", "one;one-mark-now-1234567;out;inline", "ONE;one-secret-now-12345;out;inline",
	} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		for _, x := range s.Tenants() {
			h := mail.ParseHeader(mail.Bytes(x.Preset.Tenant + ": " + v + "\r\n\r\n"))
			got, r := s.byHeader(h)
			if r != nil && (r.Reply.Code/100 != 4 && r.Reply.Code/100 != 5 || r.Fact != "tenant-header") {
				t.Fatalf("%q: %+v", v, r)
			}
			if got.t == nil {
				continue
			}
			holds := false
			for _, secret := range got.t.Secret {
				holds = holds || strings.Contains(v, secret)
			}
			if !holds || !strings.EqualFold(got.t.Preset.Tenant, x.Preset.Tenant) || r != nil {
				t.Fatalf("%q is taken for %s", v, got.t.ID)
			}
			if got.t.Preset.Form == FormPostern && got.dir != mail.Out && got.dir != mail.In {
				t.Fatalf("%q has direction %q", v, got.dir)
			}
		}
	})
}

// FuzzEndpoints: whatever Microsoft's service answers, a list in force is
// never empty and never holds the whole of anything.
func FuzzEndpoints(f *testing.F) {
	for _, s := range []string{
		`[{"serviceArea":"Exchange","ips":["40.92.0.0/15","2a01:111:f403::/49"],"tcpPorts":"25"}]`,
		`[{"serviceArea":"Exchange","ips":["40.92.0.0/15","0.0.0.0/0"],"tcpPorts":"25"}]`,
		`[{"serviceArea":"Exchange","ips":["::ffff:40.92.0.0/111","40.92.0.0/15"],"tcpPorts":"80,25"}]`,
		`[{"serviceArea":"Exchange","ips":["40.0.0.0/8"],"tcpPorts":"25"}]`, `[]`, `null`, `{}`, `[{"ips":[""]}]`, `[null]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p := NewPublished()
		err := p.Refresh(text, time.Unix(1, 0))
		from, size, _ := p.Source()
		if size == 0 || (err == nil) != (from == "refreshed") {
			t.Fatal(from, size, err)
		}
		for _, a := range []string{"127.0.0.1", "0.0.0.0", "10.1.2.3", "192.168.1.1", "::1", "fe80::1", "::", "224.0.0.1"} {
			if p.Has(netip.MustParseAddr(a)) {
				t.Fatalf("%s may be Exchange Online", a)
			}
		}
	})
}
