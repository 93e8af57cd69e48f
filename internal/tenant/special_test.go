package tenant_test

import (
	"fmt"
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/tenant"
)

// two tenants of one hosting company: they share a server, and the
// integrator entered the same address for validation.
const shared = `
kind: tenant
id: north
entra_tenant: aaaaaaaa-0000-0000-0000-0000000000a1
domains: [north.example]
secret: [north-secret-now-123]
mark: [north-mark-now-12345]
peers: { other: [ { networks: [203.0.113.0/29], certificate: mta.prem.example } ] }
validate: { external: Help@integrator.example }
---
kind: tenant
id: south
entra_tenant: aaaaaaaa-0000-0000-0000-0000000000a2
domains: [south.example]
secret: [south-secret-now-123]
mark: [south-mark-now-12345]
peers: { other: [ { networks: [203.0.113.0/29], certificate: "*.prem.example" } ] }
validate: { external: help@integrator.example }
---
kind: tenant
id: west
entra_tenant: aaaaaaaa-0000-0000-0000-0000000000a3
domains: [west.example]
secret: [west-secret-now-1234]
mark: [west-mark-now-123456]
validate: { external: help@integrator.example, done: true }
`

func TestASharedServerSpeaksForTheTenantOfTheSender(t *testing.T) {
	s := load(t, shared)
	for _, test := range []struct {
		name     string
		from, to mail.Address
		id       string
		dir      mail.Direction
	}{
		{"out for the sender's", "a@south.example", "x@outside.example", "south", mail.Out},
		{"in for the recipient's", "x@outside.example", "a@south.example", "south", mail.In},
		{"between the two for the sender's", "a@south.example", "b@north.example", "south", mail.Out},
		{"reports for the recipient's", "", "b@north.example", "north", mail.In},
		{"strangers for nobody", "x@outside.example", "y@elsewhere.example", "", ""},
		{"a tenant that does not list it for nobody", "a@west.example", "y@elsewhere.example", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := letter{addr: "203.0.113.2", tls: premises(), from: test.from, to: []mail.Address{test.to}}
			l.add("From", string(test.from))
			id, r := l.identify(s)
			if test.id == "" {
				if r == nil {
					t.Fatalf("taken for %s of %s", id.Kind, id.Tenant.ID)
				}
				return
			}
			if r != nil || id.Tenant.ID != test.id || id.Kind != tenant.Other || id.Direction != test.dir {
				t.Fatal(id, r)
			}
		})
	}
}

func TestAValidationGoesOutForTheTenantThatValidates(t *testing.T) {
	s := load(t, shared)
	for _, test := range []struct {
		name, from string
		add        [2]string
		to         []mail.Address
		id         string
	}{
		{"the first tenant's", "O365ConnectorValidation@north.example", [2]string{"X", "y"}, nil, "north"},
		{"the second tenant's", "O365ConnectorValidation@south.example", [2]string{"X", "y"}, nil, "south"},
		{"with Exchange's header", "O365ConnectorValidation@south.example",
			[2]string{"X-MS-Exchange-CrossTenant-Id", "aaaaaaaa-0000-0000-0000-0000000000a2"}, nil, "south"},
		{"with another tenant's header", "O365ConnectorValidation@south.example",
			[2]string{"X-MS-Exchange-CrossTenant-Id", entraOf("stranger")}, nil, ""},
		{"with another tenant's domain", "O365ConnectorValidation@south.example", [2]string{"X-OriginatorOrg", "evil.example"}, nil, ""},
		{"with a tenant header", "O365ConnectorValidation@south.example",
			[2]string{"X-Postern-Tenant", "south;south-mark-now-12345;out;inline"}, nil, ""},
		{"to somebody else besides", "O365ConnectorValidation@south.example", [2]string{"X", "y"},
			[]mail.Address{"help@integrator.example", "x@outside.example"}, ""},
		{"after it is done", "O365ConnectorValidation@west.example", [2]string{"X", "y"}, nil, ""},
		{"of a stranger", "x@stranger.example", [2]string{"X", "y"}, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := letter{addr: "40.107.1.2", tls: microsoft(), from: mail.Address(test.from), to: test.to}
			if l.to == nil {
				l.to = []mail.Address{"help@Integrator.example"}
			}
			l.fields = [][2]string{{"From", test.from}, test.add}
			id, r := l.identify(s)
			if test.id == "" {
				if r == nil {
					t.Fatalf("taken for %s of %s", id.Kind, id.Tenant.ID)
				}
				return
			}
			if r != nil || id.Tenant.ID != test.id || id.Kind != tenant.Validation || !id.External || id.Direction != mail.Out {
				t.Fatal(id, r)
			}
		})
	}
}

func TestSpecialAddressesTakeNoMailWithOthers(t *testing.T) {
	s := load(t, street)
	alpha := s.Find("alpha")
	for _, to := range [][]mail.Address{
		{"copy@alpha.gw.example", "bob@outside.example"},
		{"ann@alpha.example", "copy@alpha.gw.example"},
		{"copy@alpha.gw.example", "j-7f3a99@alpha.gw.example"},
		{"copy@alpha.gw.example", "copy@beta.gw.example"},
		{"probe@alpha.gw.example", "bob@outside.example"},
	} {
		l := outgoing(alpha)
		l.to = to
		if id, r := l.identify(s); r == nil || r.Fact != "recipient" {
			t.Errorf("%v: %v %v", to, id.Kind, r)
		}
	}
	l := outgoing(alpha)
	l.to = nil
	if _, r := l.identify(s); r == nil || r.Fact != "recipient" {
		t.Error("a message without recipients is taken", r)
	}
}

func TestAHeaderOfManyForgeriesIsRecordedBriefly(t *testing.T) {
	s := load(t, street)
	l := outgoing(s.Find("alpha"))
	for i := range 20_000 {
		l.add(fmt.Sprintf("X-Postern-%d", i), "x")
	}
	id, r := l.identify(s)
	if r != nil || len(id.Cut) != 20_001 || len(id.Forged) > 50 || len(id.Forged) == 0 {
		t.Fatal(len(id.Cut), len(id.Forged), r)
	}
}

func TestASnapshotWithoutTenantsTakesNothing(t *testing.T) {
	s := tenant.NewRegistry(tenant.NewPublished()).Current()
	l := outgoing(load(t, street).Find("alpha"))
	if r := l.atRcpt(s); r == nil {
		t.Error("a recipient is taken")
	}
	if id, r := l.identify(s); r == nil {
		t.Error("a message is taken", id)
	}
	if s.Find("alpha") != nil || len(s.Tenants()) != 0 {
		t.Error("it has tenants")
	}
}
