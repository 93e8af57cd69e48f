package tenant_test

import (
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/tenant"
)

func upper(s string) string { return strings.ToUpper(s) }

// fault makes one fact of an honest outgoing or incoming message wrong.
type fault struct {
	name   string
	out    bool   // only outgoing mail needs the fact
	fact   string // "" or one of several, by what the message claims then
	code   int
	change func(*letter, *tenant.Tenant)
	only   func(*tenant.Tenant) bool
	early  bool // refused at RCPT already
}

func faults() []fault {
	header := func(t *tenant.Tenant) bool { return t.Preset.Tenant != "" }
	ids := func(t *tenant.Tenant) bool { return t.Preset.Form == tenant.FormPostern }
	entra := func(t *tenant.Tenant) bool { return t.EntraTenant != "" }
	strict := func(t *tenant.Tenant) bool {
		return t.EntraTenant != "" && t.Switches.CrossTenantOnIncoming != tenant.Optional
	}
	const id, org, as = "X-MS-Exchange-CrossTenant-Id", "X-OriginatorOrg", "X-MS-Exchange-CrossTenant-AuthAs"
	return []fault{
		{"an address of nobody", false, "network", 550, func(l *letter, _ *tenant.Tenant) { l.addr = "198.51.100.7" }, nil, true},
		{"an address beside Microsoft's", false, "network", 550, func(l *letter, _ *tenant.Tenant) { l.addr = "40.108.0.1" }, nil, true},
		{"the server of another tenant", false, "network|mail-from", 550, func(l *letter, _ *tenant.Tenant) {
			l.addr, l.tls = "203.0.113.1", premises()
		}, func(t *tenant.Tenant) bool { return t.ID != "prem" }, true},
		{"no TLS", false, "tls", 550, func(l *letter, _ *tenant.Tenant) { l.tls = nil }, nil, true},
		{"no certificate where one is required", false, "certificate", 550, func(l *letter, _ *tenant.Tenant) { l.tls = &mail.TLS{} },
			func(t *tenant.Tenant) bool { return t.ID == "nets" }, true},
		{"a certificate that is not verified", false, "certificate", 550, func(l *letter, _ *tenant.Tenant) { l.tls.Verified = false }, nil, true},
		{"a certificate for another name", false, "certificate", 550, func(l *letter, _ *tenant.Tenant) {
			l.tls.Names = []string{"mail.protection.outlook.com.evil.example", "evil.example"}
		}, nil, true},
		{"the host name of another tenant", false, "server-name", 550, func(l *letter, t *tenant.Tenant) {
			l.tls.ServerName = "out.alpha.gw.example"
		}, func(t *tenant.Tenant) bool { return t.ID != "alpha" }, true},
		{"the host name for the other direction", true, "server-name", 550, func(l *letter, t *tenant.Tenant) {
			l.tls.ServerName = "in.alpha.gw.example"
		}, func(t *tenant.Tenant) bool { return t.ID == "alpha" }, false},

		{"no tenant header", false, "tenant-header", 451, func(l *letter, t *tenant.Tenant) { l.drop(t.Preset.Tenant) }, header, false},
		{"an empty tenant header", false, "tenant-header", 0, func(l *letter, t *tenant.Tenant) { l.set(t.Preset.Tenant, "") }, header, false},
		{"the tenant header with an unknown id", false, "tenant-header", 451, func(l *letter, t *tenant.Tenant) {
			l.set(t.Preset.Tenant, "nobody;alpha-secret-now-1234;out;inline")
		}, ids, false},
		{"the tenant header with a wrong secret", false, "tenant-header", 550, func(l *letter, t *tenant.Tenant) {
			l.set(t.Preset.Tenant, strings.Replace(value(l, t.Preset.Tenant), t.Secret[0], "0123456789abcdef", 1))
		}, header, false},
		{"the tenant header with the mark for a secret", false, "tenant-header", 550, func(l *letter, t *tenant.Tenant) {
			l.set(t.Preset.Tenant, strings.Replace(value(l, t.Preset.Tenant), t.Secret[0], t.Mark[0], 1))
		}, ids, false},
		{"the tenant header without a direction", false, "tenant-header", 550, func(l *letter, t *tenant.Tenant) {
			l.set(t.Preset.Tenant, t.ID+";"+t.Secret[0])
		}, ids, false},
		{"the tenant header twice", false, "tenant-header", 550, func(l *letter, t *tenant.Tenant) {
			l.add(t.Preset.Tenant, value(l, t.Preset.Tenant))
		}, header, false},
		{"the tenant header twice, one forged before", false, "tenant-header", 550, func(l *letter, t *tenant.Tenant) {
			l.fields = append([][2]string{{t.Preset.Tenant, "x,y"}}, l.fields...)
		}, header, false},
		{"the tenant header twice, one forged behind", false, "tenant-header", 550, func(l *letter, t *tenant.Tenant) {
			l.add(t.Preset.Tenant, t.ID+";0123456789abcdef;out;inline")
		}, header, false},
		{"the tenant headers of two tenants", false, "tenant-header", 550, func(l *letter, t *tenant.Tenant) {
			l.add("X-Postern-Tenant", "prem;prem-secret-now-12345;out;inline")
		}, func(t *tenant.Tenant) bool { return header(t) && t.ID != "prem" }, false},

		{"no cross-tenant header", false, "cross-tenant", 451, func(l *letter, _ *tenant.Tenant) { l.drop(id) }, strict, false},
		{"another cross-tenant id", false, "cross-tenant", 550, func(l *letter, _ *tenant.Tenant) { l.set(id, entraOf("stranger")) }, entra, false},
		{"the cross-tenant id of another tenant here", false, "", 0, func(l *letter, t *tenant.Tenant) {
			l.set(id, entraOf(map[bool]string{true: "beta", false: "alpha"}[t.ID == "alpha"]))
		}, nil, false},
		{"two cross-tenant ids", false, "cross-tenant", 550, func(l *letter, _ *tenant.Tenant) { l.add(id, entraOf("stranger")) }, nil, false},
		{"two cross-tenant ids, the other first", false, "cross-tenant", 550, func(l *letter, _ *tenant.Tenant) {
			l.fields = append([][2]string{{id, entraOf("stranger")}}, l.fields...)
		}, nil, false},
		{"an empty cross-tenant id", false, "cross-tenant", 550, func(l *letter, _ *tenant.Tenant) { l.set(id, "") }, nil, false},
		{"no X-OriginatorOrg", true, "originator-org", 451, func(l *letter, _ *tenant.Tenant) { l.drop(org) }, nil, false},
		{"the X-OriginatorOrg of somebody else", true, "originator-org", 550, func(l *letter, _ *tenant.Tenant) { l.set(org, "evil.example") }, nil, false},
		{"two X-OriginatorOrg", true, "originator-org", 550, func(l *letter, _ *tenant.Tenant) { l.add(org, "evil.example") }, nil, false},
		{"two X-OriginatorOrg, the other first", true, "originator-org", 550, func(l *letter, _ *tenant.Tenant) {
			l.fields = append([][2]string{{org, "evil.example"}}, l.fields...)
		}, nil, false},
		{"an X-OriginatorOrg below the tenant's domain", true, "originator-org", 550, func(l *letter, t *tenant.Tenant) {
			l.set(org, "sub."+t.Domains[0])
		}, func(t *tenant.Tenant) bool { return t.ID != "beta" }, false},

		{"no AuthAs", true, "auth-as", 451, func(l *letter, _ *tenant.Tenant) { l.drop(as) }, nil, false},
		{"AuthAs Anonymous", true, "auth-as", 550, func(l *letter, _ *tenant.Tenant) { l.set(as, "Anonymous") }, nil, false},
		{"two AuthAs", true, "auth-as", 550, func(l *letter, _ *tenant.Tenant) { l.add(as, "Anonymous") }, nil, false},
		{"a foreign sender", true, "mail-from|domain", 550, func(l *letter, _ *tenant.Tenant) { l.from = "x@elsewhere.example" }, nil, false},
		{"a foreign sender with a rewritten address", true, "mail-from|domain", 550, func(l *letter, t *tenant.Tenant) {
			l.from = mail.Address("a+SRS=b=c=" + t.Domains[0] + "=d@elsewhere.example")
		}, nil, false},
		{"a sender in a subdomain that is not the tenant's", true, "mail-from|domain", 550, func(l *letter, t *tenant.Tenant) {
			l.from = mail.Address("ann@sub." + t.Domains[0])
		}, func(t *tenant.Tenant) bool { return t.ID != "beta" }, false},
		{"a foreign author", true, "from", 550, func(l *letter, _ *tenant.Tenant) { l.set("From", "ceo@bank.example") }, nil, false},
		{"a foreign author beside an own one", true, "from", 550, func(l *letter, t *tenant.Tenant) {
			l.set("From", "ann@"+t.Domains[0]+", ceo@bank.example")
		}, nil, false},
		{"two From fields", true, "from", 550, func(l *letter, t *tenant.Tenant) { l.add("From", "ceo@bank.example") }, nil, false},
		{"a From without an address", true, "from", 550, func(l *letter, _ *tenant.Tenant) { l.set("From", "=?utf-8?q?ceo=40bank.example?=") }, nil, false},
		{"a foreign author and a Sender of the tenant's, but no meeting", true, "from", 550, func(l *letter, t *tenant.Tenant) {
			l.set("From", "ceo@bank.example")
			l.add("Sender", "ann@"+t.Domains[0])
		}, nil, false},
		{"a foreign author of a null sender's mail", true, "from|domain", 550, func(l *letter, _ *tenant.Tenant) {
			l.from = ""
			l.set("From", "ceo@bank.example")
		}, nil, false},
		{"no author of a null sender's mail", true, "from|domain", 550, func(l *letter, _ *tenant.Tenant) { l.from = ""; l.drop("From") }, nil, false},
	}
}

func oneOf(list, s string) bool { return slices.Contains(strings.Split(list, "|"), s) }

func value(l *letter, name string) string {
	for _, f := range l.fields {
		if strings.EqualFold(f[0], name) {
			return f[1]
		}
	}
	return ""
}

func TestOneWrongFactIsRefusedByItsName(t *testing.T) {
	s := load(t, street)
	n := 0
	for _, owner := range s.Tenants() {
		for _, dir := range []mail.Direction{mail.Out, mail.In} {
			for _, f := range faults() {
				if f.only != nil && !f.only(owner) || dir == mail.In && (f.out || owner.Preset.Only == "out") {
					continue
				}
				n++
				l := outgoing(owner)
				if dir == mail.In {
					l = incoming(owner)
				}
				f.change(l, owner)
				early := l.atRcpt(s)
				id, r := l.identify(s)
				switch {
				case r == nil:
					t.Errorf("%s %s, %s: taken for %s of %s", owner.ID, dir, f.name, id.Kind, id.Tenant.ID)
				case f.fact != "" && !oneOf(f.fact, r.Fact), f.code != 0 && r.Reply.Code != f.code:
					t.Errorf("%s %s, %s: fact %q: %s", owner.ID, dir, f.name, r.Fact, r.Reply)
				case strings.HasPrefix(f.name, "the tenant header") && strings.Contains(f.name, "twice") && r.Code != problem.DoubledFact:
					t.Errorf("%s %s, %s: %s", owner.ID, dir, f.name, r.Reply)
				case r.Code == "" || !strings.Contains(r.Reply.Text, string(r.Code)) || !strings.Contains(r.Reply.Text, r.Fact):
					t.Errorf("%s, %s: the text names no fact: %s", owner.ID, f.name, r.Reply)
				}
				if f.early && (early == nil || !oneOf(f.fact, early.Fact)) {
					t.Errorf("%s %s, %s: at RCPT: %+v", owner.ID, dir, f.name, early)
				}
				if !f.early && early != nil && !oneOf(f.fact, "mail-from") {
					t.Errorf("%s %s, %s: refused too early: %s", owner.ID, dir, f.name, early.Reply)
				}
				for _, secret := range owner.Secrets() {
					if r != nil && strings.Contains(r.Reply.Text, secret) {
						t.Errorf("%s, %s: the text carries a secret: %s", owner.ID, f.name, r.Reply)
					}
				}
			}
		}
	}
	t.Logf("%d wrong facts refused", n)
}
