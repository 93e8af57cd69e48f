package tenant_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/tenant"
)

func TestOurMailsAreSignedInTheNameOfOneOfTheTenantsDomains(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := keyFile(t, ed)
	tn, err := told(t, "notices: { sign: { domain: Least.Example, selector: n1, key: \""+key+"\" } }\n")
	if err != nil {
		t.Fatal(err)
	}
	if tn.Signer == nil || tn.Signer.Name() != "n1._domainkey.least.example" ||
		tn.Postmaster() != "postmaster@least.example" {
		t.Error(tn.Signer, tn.Postmaster())
	}
	for form, want := range map[string]string{
		"sign: { domain: fabrikam.example, selector: n1, key: \"" + key + "\" }": "is no domain of this tenant",
		"sign: { domain: least.example, key: \"" + key + "\" }":                  "is no selector",
		"sign: { domain: least.example, selector: n1, key: nonsense }":           "not in PEM",
		"administrators: [eve@elsewhere.example]":                                "is no address of this tenant",
	} {
		if _, err := told(t, "notices: { "+form+" }\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", form, err, want)
		}
	}
}

const consoles = `
kind: tenant
id: north
entra_tenant: aaaaaaaa-0000-0000-0000-0000000000a1
domains: [north.example]
secret: [north-secret-now-123]
mark: [north-mark-now-12345]
console: Mail.North.example
own: [ask@gw.example]
---
kind: tenant
id: south
entra_tenant: aaaaaaaa-0000-0000-0000-0000000000a2
domains: [south.example]
secret: [south-secret-now-123]
mark: [south-mark-now-12345]
console: both.example
---
kind: tenant
id: west
entra_tenant: aaaaaaaa-0000-0000-0000-0000000000a3
domains: [west.example]
secret: [west-secret-now-1234]
mark: [west-mark-now-123456]
console: both.example
`

func TestAddressesAtAConsoleNameAreOurs(t *testing.T) {
	s := load(t, consoles)
	for a, want := range map[mail.Address]bool{
		"check@mail.north.example": true, "approve+abc@MAIL.north.example.": true, "ask@gw.example": true, "ask+t@gw.example": true,
		"check@both.example": true, "ann@north.example": false, "other@gw.example": false, "x@sub.mail.north.example": false,
	} {
		if s.Ours(a) != want {
			t.Errorf("%s: %v", a, !want)
		}
	}
}

// A console name that several share says nothing about whose a message is:
// the facts do, and what one tenant sends is never another's.
func TestASharedConsoleNameLeavesTheTenantToTheFacts(t *testing.T) {
	s := load(t, consoles)
	for _, test := range []struct {
		name, org, secret string
		from, to          mail.Address
		as                string
		id                string
		inside            bool
	}{
		{"an employee of south", "south", "south-secret-now-123", "ann@south.example", "check@both.example", "Internal", "south", true},
		{"an employee of west", "west", "west-secret-now-1234", "ann@west.example", "check@both.example", "Internal", "west", true},
		{"relayed only", "west", "west-secret-now-1234", "ann@west.example", "check@both.example", "Anonymous", "west", false},
		{"somebody with another's secret", "west", "south-secret-now-123", "ann@west.example", "check@both.example", "Internal", "", false},
		{"south at north's own name", "south", "south-secret-now-123", "ann@south.example", "check@mail.north.example", "Internal", "", false},
		{"north at the shared name", "north", "north-secret-now-123", "ann@north.example", "check@both.example", "Internal", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := letter{addr: "40.107.1.5", tls: microsoft(), from: test.from, to: []mail.Address{test.to}}
			l.add("X-Postern-Tenant", test.org+";"+test.secret+";out;inline")
			l.add(crossTenantID, "aaaaaaaa-0000-0000-0000-0000000000a"+map[string]string{"north": "1", "south": "2", "west": "3"}[test.org])
			l.add("X-MS-Exchange-CrossTenant-AuthAs", test.as)
			l.add("From", string(test.from))
			id, r := l.identify(s)
			switch {
			case test.id == "" && r == nil:
				t.Errorf("it is taken for %s", id.Tenant.ID)
			case test.id != "" && (r != nil || id.Tenant.ID != test.id || id.Kind != tenant.OwnAddress || id.Internal != test.inside):
				t.Errorf("%+v %+v", id, r)
			}
		})
	}
}

func TestAConsoleNameIsNobodysMailDomain(t *testing.T) {
	for form, want := range map[string]string{
		"console: least.example\n":  "is an accepted domain",
		"console: \"not a name\"\n": "is no host name",
	} {
		if _, err := told(t, form); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", form, err, want)
		}
	}
}
