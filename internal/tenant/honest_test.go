package tenant_test

import (
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/tenant"
)

// honest is one way in which honest mail may look. want is what it must be
// taken for; only restricts it to tenants that it can happen to.
type honest struct {
	name   string
	in     bool
	change func(*letter, *tenant.Tenant)
	want   tenant.Kind
	only   func(*tenant.Tenant) bool
}

func special(s *tenant.Snapshot, t *tenant.Tenant, want tenant.Kind) mail.Address {
	for _, local := range []string{"copy", "j-7f3a99", "j-11aa22", "j-bare-55", "portal7", "probe", "check"} {
		a := mail.Address(local + "@" + t.ID + ".gw.example")
		if owner, k, ok := s.Special(a); ok && owner == t && k == want {
			return a
		}
	}
	return ""
}

func honestMail(s *tenant.Snapshot) []honest {
	has := func(k tenant.Kind) func(*tenant.Tenant) bool {
		return func(t *tenant.Tenant) bool { return special(s, t, k) != "" }
	}
	to := func(k tenant.Kind) func(*letter, *tenant.Tenant) {
		return func(l *letter, t *tenant.Tenant) { l.to = []mail.Address{special(s, t, k)} }
	}
	unrouted := func(l *letter, t *tenant.Tenant) {
		if t.Preset.Tenant != "" {
			l.drop(t.Preset.Tenant)
		}
	}
	both := func(a, b func(*letter, *tenant.Tenant)) func(*letter, *tenant.Tenant) {
		return func(l *letter, t *tenant.Tenant) { a(l, t); b(l, t) }
	}
	proved := func(t *tenant.Tenant) bool { return t.EntraTenant != "" || t.Switches.WithoutEntraTenant }
	lenient := func(t *tenant.Tenant) bool { return t.Switches.CrossTenantOnNull == tenant.Optional }
	return []honest{
		{"a user writes to somebody outside", false, func(*letter, *tenant.Tenant) {}, tenant.InlineOut, nil},
		{"somebody outside writes to a user", true, func(*letter, *tenant.Tenant) {}, tenant.InlineIn, nil},
		{"a message to inside and outside goes out", false, func(l *letter, t *tenant.Tenant) {
			l.to = append(l.to, mail.Address("eve@"+t.Domains[0]))
		}, tenant.InlineOut, nil},
		{"one user writes to another", false, func(l *letter, t *tenant.Tenant) {
			l.to = []mail.Address{mail.Address("eve@" + t.Domains[0])}
		}, tenant.InlineOut, nil},
		{"a user writes from the initial domain", false, func(l *letter, t *tenant.Tenant) {
			l.from = mail.Address("ann@" + t.Initial)
			l.set("From", string(l.from))
			l.set("X-OriginatorOrg", t.Initial)
		}, tenant.InlineOut, nil},
		{"Exchange reports a failure to somebody outside", false, func(l *letter, t *tenant.Tenant) {
			l.from = ""
			l.set("From", "postmaster@"+t.Domains[0])
			l.drop("X-MS-Exchange-CrossTenant-AuthAs")
		}, tenant.InlineOut, nil},
		{"an out-of-office reply goes out", false, func(l *letter, t *tenant.Tenant) {
			l.from = ""
			l.add("Auto-Submitted", "auto-generated")
			l.add("X-Auto-Response-Suppress", "All")
		}, tenant.InlineOut, nil},
		{"a report without any of Exchange's headers, where a switch allows it", false, func(l *letter, t *tenant.Tenant) {
			l.from = ""
			l.drop("X-MS-Exchange-CrossTenant-AuthAs")
			l.drop("X-MS-Exchange-CrossTenant-Id")
			l.drop("X-OriginatorOrg")
		}, tenant.InlineOut, lenient},
		{"incoming mail without a cross-tenant header, where a switch allows it", true, func(l *letter, t *tenant.Tenant) {
			l.drop("X-MS-Exchange-CrossTenant-Id")
			l.drop("X-OriginatorOrg")
		}, tenant.InlineIn, lenient},
		{"a report comes in", true, func(l *letter, t *tenant.Tenant) { l.from = ""; l.set("From", "MAILER-DAEMON@outside.example") }, tenant.InlineIn, nil},
		{"a report without an author comes in", true, func(l *letter, t *tenant.Tenant) { l.from = ""; l.drop("From") }, tenant.InlineIn, nil},
		{"incoming mail without X-OriginatorOrg", true, func(l *letter, t *tenant.Tenant) { l.drop("X-OriginatorOrg") }, tenant.InlineIn, nil},
		{"incoming mail that keeps its sender's X-OriginatorOrg", true, func(l *letter, t *tenant.Tenant) {
			l.set("X-OriginatorOrg", "outside.example")
		}, tenant.InlineIn, nil},
		{"incoming mail with two authors", true, func(l *letter, t *tenant.Tenant) { l.set("From", "a@x.example, b@y.example") }, tenant.InlineIn, nil},
		{"a user invites to a meeting", false, func(l *letter, t *tenant.Tenant) {
			l.add("Content-Class", "urn:content-classes:calendarmessage")
			l.add("X-MS-Exchange-Calendar-Originator-Id", entraOf(t.ID))
		}, tenant.InlineOut, nil},
		{"a user forwards the meeting of somebody outside", false, func(l *letter, t *tenant.Tenant) {
			l.set("From", "organizer@partner.example")
			l.add("Sender", "ann@"+t.Domains[0])
			l.add("X-MS-Exchange-Calendar-Originator-Id", "ef0000ba-0000;organizer@partner.example")
		}, tenant.InlineOut, nil},
		{"Exchange forwards foreign mail for a mailbox (SRS)", false, func(l *letter, t *tenant.Tenant) {
			l.from = mail.Address("ann+SRS=Ab1Cd=E2=partner.example=carl@" + t.Domains[0])
			l.set("From", "carl@partner.example")
			l.set("X-MS-Exchange-CrossTenant-AuthAs", "Anonymous")
		}, tenant.InlineOut, nil},
		{"a user sends on behalf of another", false, func(l *letter, t *tenant.Tenant) { l.add("Sender", "eve@"+t.Domains[0]) }, tenant.InlineOut, nil},
		{"header names in another case", false, func(l *letter, t *tenant.Tenant) {
			l.drop("X-MS-Exchange-CrossTenant-Id")
			l.add("x-ms-exchange-crosstenant-id", entraOf(t.ID))
			l.drop("X-OriginatorOrg")
			l.add("x-originatororg", "  "+t.Domains[0])
		}, tenant.InlineOut, nil},
		{"the GUID in capitals, the header twice but equal", false, func(l *letter, t *tenant.Tenant) {
			l.set("X-MS-Exchange-CrossTenant-Id", upper(entraOf(t.ID)))
			l.add("X-MS-Exchange-CrossTenant-id", entraOf(t.ID))
		}, tenant.InlineOut, nil},
		{"a copy of outgoing mail", false, to(tenant.Copy), tenant.Copy, has(tenant.Copy)},
		{"a copy of incoming mail", true, to(tenant.Copy), tenant.Copy, has(tenant.Copy)},
		{"a copy that no rule marked", true, both(to(tenant.Copy), unrouted), tenant.Copy,
			func(t *tenant.Tenant) bool { return has(tenant.Copy)(t) && proved(t) }},
		{"a journal report", false, both(func(l *letter, t *tenant.Tenant) {
			to(tenant.Journal)(l, t)
			l.from = ""
			l.set("From", "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@"+t.Initial)
			l.drop("X-MS-Exchange-CrossTenant-AuthAs")
		}, unrouted), tenant.Journal, has(tenant.Journal)},
		{"a mail to an address of ours", false, both(to(tenant.OwnAddress), unrouted), tenant.OwnAddress, has(tenant.OwnAddress)},
		{"a connector validation to the probe", false, both(func(l *letter, t *tenant.Tenant) {
			to(tenant.Validation)(l, t)
			l.from = mail.Address("O365ConnectorValidation@" + t.Domains[0])
			l.set("From", string(l.from))
		}, unrouted), tenant.Validation, has(tenant.Validation)},
		{"a connector validation without any of Exchange's headers", false, func(l *letter, t *tenant.Tenant) {
			to(tenant.Validation)(l, t)
			l.from = mail.Address("O365ConnectorValidation@" + t.Domains[0])
			l.fields = [][2]string{{"From", string(l.from)}}
		}, tenant.Validation, has(tenant.Validation)},
		{"a connector validation to the address outside", false, func(l *letter, t *tenant.Tenant) {
			l.to = []mail.Address{mail.Address("Admin@" + t.ID + "-private.example")}
			l.from = mail.Address("O365ConnectorValidation@" + t.Domains[0])
			l.fields = [][2]string{{"From", string(l.from)}}
		}, tenant.Validation, func(t *tenant.Tenant) bool { return t.ID == "alpha" || t.ID == "opsw" }},
	}
}

// ways are the connections that honest mail may come by.
func ways(t *tenant.Tenant) map[string]func(*letter, mail.Direction) {
	list := map[string]func(*letter, mail.Direction){
		"certificate of mail.protection.outlook.com": func(*letter, mail.Direction) {},
		"certificate with wildcards": func(l *letter, _ mail.Direction) {
			l.tls.Names = []string{"*.mail.protection.outlook.com", "*.mail.eo.outlook.com", "outlook.com"}
		},
		"certificate of one server": func(l *letter, _ mail.Direction) {
			l.tls.Names = []string{"am0.outbound.protection.outlook.com"}
		},
		"IPv4 mapped into IPv6": func(l *letter, _ mail.Direction) { l.addr = "::ffff:40.107.1.2" },
		"IPv6":                  func(l *letter, _ mail.Direction) { l.addr = "2a01:111:f403:c201::1" },
		"the common host name":  func(l *letter, _ mail.Direction) { l.tls.ServerName = "gw.postern.example" },
	}
	if t.ID != "nets" { // demands a certificate
		list["no certificate"] = func(l *letter, _ mail.Direction) { l.tls = &mail.TLS{} }
	}
	if len(t.Hosts) > 0 {
		list["the tenant's own host name"] = func(l *letter, d mail.Direction) {
			l.tls.ServerName = string(d) + "." + t.ID + ".gw.example"
		}
		list["the tenant's own host name in capitals"] = func(l *letter, d mail.Direction) {
			l.tls.ServerName = upper(string(d) + "." + t.ID + ".gw.example.")
		}
	}
	return list
}

func TestEveryHonestCombinationOfEveryPresetIsAccepted(t *testing.T) {
	s := load(t, street)
	n := 0
	for _, owner := range s.Tenants() {
		for _, h := range honestMail(s) {
			if h.only != nil && !h.only(owner) || h.in && h.want == tenant.InlineIn && owner.Preset.Only == "out" {
				continue
			}
			for way, by := range ways(owner) {
				n++
				l, dir := outgoing(owner), mail.Out
				if h.in {
					l, dir = incoming(owner), mail.In
				}
				by(l, dir)
				h.change(l, owner)
				if r := l.atRcpt(s); r != nil {
					t.Errorf("%s, %s, %s: at RCPT: %s", owner.ID, h.name, way, r.Reply)
					continue
				}
				id, r := l.identify(s)
				if r != nil {
					t.Errorf("%s, %s, %s: %s", owner.ID, h.name, way, r.Reply)
					continue
				}
				kind := id.Kind
				if id.Tenant != owner || kind != h.want && !(kind == tenant.InlineIn && h.name == "one user writes to another") {
					t.Errorf("%s, %s, %s: taken for %s of %s", owner.ID, h.name, way, id.Kind, id.Tenant.ID)
				}
				if watched := kind == tenant.Copy || kind == tenant.Journal; id.Monitor != watched {
					t.Errorf("%s, %s: monitor %v", owner.ID, h.name, id.Monitor)
				}
				if want := kind == tenant.Validation && l.to[0] != special(s, owner, tenant.Validation); id.External != want {
					t.Errorf("%s, %s: external %v", owner.ID, h.name, id.External)
				}
			}
		}
	}
	t.Logf("%d honest combinations accepted", n)
}

func TestEveryValidValueOfTheTenantHeaderIsAccepted(t *testing.T) {
	s := load(t, street)
	for _, test := range []struct {
		name, id, value string
		dir             mail.Direction
		monitor         bool
	}{
		{"the next secret while rotating", "alpha", "alpha;alpha-secret-next-123;out;inline", mail.Out, false},
		{"monitoring", "alpha", "alpha;alpha-secret-now-1234;out;monitor", mail.Out, true},
		{"blanks around the parts", "alpha", " alpha ; alpha-secret-now-1234 ; out ; inline ", mail.Out, false},
		{"folded", "alpha", "alpha;alpha-secret-now-1234;\r\n out;inline", mail.Out, false},
		{"a portal that watches", "avan", "portal7,office365_emails,sent", mail.Out, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			owner := s.Find(test.id)
			l := outgoing(owner)
			l.set(owner.Preset.Tenant, test.value)
			id, r := l.identify(s)
			if r != nil || id.Tenant != owner || id.Direction != test.dir || id.Monitor != test.monitor {
				t.Fatal(id, r)
			}
		})
	}
}

func TestAServerOfTheTenantBringsItsMail(t *testing.T) {
	s := load(t, street)
	prem := s.Find("prem")
	own := func(l *letter) *letter {
		l.addr, l.tls = "203.0.113.1", premises()
		l.fields = nil
		return l
	}
	tests := []struct {
		name string
		make func() *letter
		kind tenant.Kind
		fact string
	}{
		{"a user writes to somebody outside", func() *letter {
			l := own(outgoing(prem))
			l.add("From", "ann@prem.example")
			return l
		}, tenant.Other, ""},
		{"somebody outside writes to a user", func() *letter {
			l := own(incoming(prem))
			l.add("From", "bob@outside.example")
			return l
		}, tenant.Other, ""},
		{"mail from outside that another tenant's Exchange stamped", func() *letter {
			l := own(incoming(prem))
			l.add("From", "bob@outside.example")
			l.add("X-MS-Exchange-CrossTenant-Id", entraOf("stranger"))
			l.add("X-OriginatorOrg", "outside.example")
			return l
		}, tenant.Other, ""},
		{"mail that a rule marked and the tenant's server brings", func() *letter {
			l := outgoing(prem)
			l.addr, l.tls = "203.0.113.1", premises()
			return l
		}, tenant.Other, ""},
		{"a copy", func() *letter {
			l := own(outgoing(prem))
			l.to = []mail.Address{"copy@prem.gw.example"}
			l.add("From", "ann@prem.example")
			return l
		}, tenant.Copy, ""},
		{"a stranger writes to strangers", func() *letter {
			l := own(outgoing(prem))
			l.from = "x@elsewhere.example"
			l.add("From", "x@elsewhere.example")
			return l
		}, "", "mail-from"},
		{"a user sends in the name of a stranger", func() *letter {
			l := own(outgoing(prem))
			l.add("From", "ceo@bank.example")
			return l
		}, "", "from"},
		{"it names another tenant's user", func() *letter {
			l := own(outgoing(prem))
			l.from = "ann@alpha.example"
			l.add("From", "ann@alpha.example")
			return l
		}, "", "mail-from"},
		{"it writes to another tenant's user in a stranger's name", func() *letter {
			l := own(outgoing(prem))
			l.from, l.to = "x@elsewhere.example", []mail.Address{"ann@alpha.example"}
			l.add("From", "x@elsewhere.example")
			return l
		}, "", "mail-from"},
		{"its certificate is not verified", func() *letter {
			l := own(outgoing(prem))
			l.tls.Verified = false
			l.add("From", "ann@prem.example")
			return l
		}, "", "network"},
		{"its address is not listed", func() *letter {
			l := own(outgoing(prem))
			l.addr = "203.0.113.9"
			l.add("From", "ann@prem.example")
			return l
		}, "", "network"},
		{"it has no TLS", func() *letter {
			l := own(outgoing(prem))
			l.tls = nil
			l.add("From", "ann@prem.example")
			return l
		}, "", "network"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			id, r := test.make().identify(s)
			if test.fact == "" && (r != nil || id.Tenant != prem || id.Kind != test.kind) {
				t.Fatal(id, r)
			}
			if test.fact != "" && (r == nil || r.Fact != test.fact) {
				t.Fatal(id, r)
			}
		})
	}
}
