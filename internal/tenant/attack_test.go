package tenant_test

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/tenant"
)

// forged is a set of header fields that an attacker may send: his own words
// and what his Exchange stamps on them.
type forged struct {
	name   string
	fields [][2]string
	silent bool // neither tenant header nor any of Exchange's
	stolen bool // the victim's secret, and no id by which Exchange tells the thief
}

const (
	crossTenantID = "X-MS-Exchange-CrossTenant-Id"
	crossTenantAs = "X-MS-Exchange-CrossTenant-AuthAs"
	originatorOrg = "X-OriginatorOrg"
)

// tenantHeaders are the attacker's words about the tenant. own is nil for an
// attacker who is no tenant here.
func tenantHeaders(victim, own *tenant.Tenant) (list [][][2]string) {
	add := func(f ...[2]string) { list = append(list, f) }
	add()
	secret := "attacker-guess-12345"
	if own != nil && len(own.Secret) > 0 {
		secret = own.Secret[0]
		for _, dir := range []mail.Direction{mail.Out, mail.In} {
			name, v := routed(own, dir)
			add([2]string{name, v})
		}
	}
	for _, dir := range []mail.Direction{mail.Out, mail.In} {
		name, v := routed(victim, dir)
		if name == "" { // a name of the house, for a tenant without a header
			name, v = "X-Postern-Tenant", victim.ID+";x;"+string(dir)+";inline"
		}
		wrong := [2]string{name, v}
		if len(victim.Secret) > 0 {
			wrong[1] = strings.Replace(v, victim.Secret[0], secret, 1)
		}
		add(wrong)
		if own != nil && len(own.Secret) > 0 {
			n, mine := routed(own, dir)
			add([2]string{n, mine}, wrong)
			add(wrong, [2]string{n, mine})
		}
		if len(victim.Secret) > 0 && victim.EntraTenant != "" { // an insider told
			add([2]string{name, v})
			add([2]string{name, v}, [2]string{name, v})
		}
	}
	add([2]string{"X-Postern-Tenant", "nobody;" + secret + ";out;inline"})
	return list
}

// headersOf are all header combinations of one attacker, with the marks and
// verdicts of the victim forged as well.
func headersOf(victim, own *tenant.Tenant, attacker string) []forged {
	mine, his := attacker+".example", victim.Domains[0]
	ids := [][]string{{entraOf(attacker)}, {}, {entraOf(attacker), entraOf(victim.ID)}, {entraOf(victim.ID), entraOf(attacker)}}
	orgs := [][]string{{mine}, {}, {mine, his}, {his, mine}}
	as := [][]string{{"Internal"}, {"Anonymous"}, {}}
	froms := [][]string{{"eve@" + mine}, {"ann@" + his}, {"ceo@bank.example"}, {"eve@" + mine, "ann@" + his}, {"ann@" + his + ", eve@" + mine}, {}}
	var list []forged
	for i, words := range tenantHeaders(victim, own) {
		for j, id := range ids {
			for k, org := range orgs {
				for m, from := range froms {
					f := forged{name: fmt.Sprint("tenant header ", i, ", id ", j, ", org ", k, ", from ", m)}
					f.fields = append(f.fields, words...)
					each := func(name string, values []string) {
						for _, v := range values {
							f.fields = append(f.fields, [2]string{name, v})
						}
					}
					each(crossTenantID, id)
					each(originatorOrg, org)
					each(crossTenantAs, as[(i+j+k+m)%len(as)])
					each("From", from)
					each("Sender", []string{"ann@" + his})
					if m%2 == 0 {
						each("X-MS-Exchange-Calendar-Originator-Id", []string{"x"})
					}
					if victim.MarkName() != "" {
						each(victim.MarkName(), []string{victim.MarkValue()})
					}
					f.silent = len(words) == 0 && len(id) == 0 && len(org) == 0
					f.stolen = len(id) == 0 && len(words) > 0 && victim.Preset.Tenant != "" && words[0][1] == stolen(victim, words[0][1])
					list = append(list, f)
				}
			}
		}
	}
	return list
}

// stolen returns v when it carries the victim's secret.
func stolen(victim *tenant.Tenant, v string) string {
	if strings.Contains(v, victim.Secret[0]) {
		return v
	}
	return ""
}

// envelopes are what the attacker may say in MAIL and RCPT.
func envelopes(s *tenant.Snapshot, victim *tenant.Tenant, attacker string) (from []mail.Address, to [][]mail.Address) {
	his, mine := mail.Address("bob@"+victim.Domains[0]), mail.Address("eve@"+attacker+".example")
	from = []mail.Address{
		mine, "ann@" + mail.Address(victim.Domains[0]), "", "x@elsewhere.example",
		mail.Address("ann+SRS=a=b=bank.example=ceo@" + victim.Domains[0]), mail.Address("ann@sub." + victim.Domains[0]),
	}
	to = [][]mail.Address{{his}, {mine}, {"y@somewhere.example"}, {his, "y@somewhere.example"}, {mine, his},
		{mail.Address("admin@" + victim.ID + "-private.example")}}
	for _, k := range []tenant.Kind{tenant.Copy, tenant.Journal, tenant.OwnAddress, tenant.Validation} {
		if a := special(s, victim, k); a != "" {
			to = append(to, []mail.Address{a}, []mail.Address{a, his})
		}
	}
	return from, to
}

// TestNoAttackerActsAsAnotherTenant is the lesson of EchoSpoofing: an
// attacker with a Microsoft 365 tenant of his own, whose mail truly comes
// from Microsoft's network with Microsoft's certificate, who writes any
// header, MAIL FROM and From that he likes. Exchange takes the cross-tenant
// headers out that he wrote and stamps its own; where that is not so (system
// mail, or a firewall that fails), it must not help him.
func TestNoAttackerActsAsAnotherTenant(t *testing.T) {
	s := load(t, street)
	var tried, swallowed atomic.Int64
	t.Run("each", func(t *testing.T) {
		for _, victim := range s.Tenants() {
			t.Run(victim.ID, func(t *testing.T) {
				t.Parallel()
				n, calm := attack(t, s, victim)
				tried.Add(n)
				swallowed.Add(calm)
			})
		}
	})
	t.Logf("%d combinations of an attacker's facts: no cross delivery, no open relay", tried.Load())
	t.Logf("%d of them, without any header of Exchange's and in the tenant's name, are taken for connector validations", swallowed.Load())
}

func attack(t *testing.T, s *tenant.Snapshot, victim *tenant.Tenant) (tried, swallowed int64) {
	attackers := []string{"stranger"}
	for _, a := range s.Tenants() {
		if a != victim {
			attackers = append(attackers, a.ID)
		}
	}
	peer := (&letter{addr: "40.107.1.2", tls: microsoft()}).peer()
	every := 9 // each of the nine attackers tries another ninth; together they try all
	if os.Getenv("POSTERN_TEST_ALL") != "" {
		every = 1
	}
	for n, attacker := range attackers {
		own := s.Find(attacker)
		froms, tos := envelopes(s, victim, attacker)
		for i, f := range headersOf(victim, own, attacker) {
			if i%every != n%every {
				continue
			}
			if f.stolen && victim.Switches.CrossTenantOnNull == tenant.Optional {
				continue // the price of the switch: the secret alone counts
			}
			h := (&letter{fields: f.fields}).header()
			for _, from := range froms {
				for _, to := range tos {
					tried++
					l := letter{from: from, to: to}
					id, r := s.Identify(peer, l.envelope(), h)
					if r != nil {
						if r.Reply.Code/100 == 2 || r.Fact == "" || r.Code == "" {
							t.Fatalf("a refusal without a reason: %+v", r)
						}
						continue
					}
					if id.Kind == tenant.Validation && f.silent && len(to) == 1 && (from.Null() || victim.Owns(from)) {
						swallowed++ // nothing tells it from Exchange's own; it goes to one address, and counted
						continue
					}
					if why := wrong(id, own, &l, h); why != "" {
						t.Fatalf("%s: attacker %s, %s, from <%s> to %v: %s of %s (%s)",
							why, attacker, f.name, from, to, id.Kind, id.Tenant.ID, id.Direction)
					}
				}
			}
		}
	}
	return tried, swallowed
}

// wrong says why a message must not have been taken.
func wrong(id tenant.Identity, own *tenant.Tenant, l *letter, h *mail.Header) string {
	if id.Tenant != own {
		return "cross delivery"
	}
	switch id.Kind {
	case tenant.InlineIn:
		for _, a := range l.to {
			if !own.Owns(a) {
				return "relay to a stranger"
			}
		}
	case tenant.InlineOut, tenant.Other:
		authors := h.Addresses("From")
		forwarded := strings.Contains(string(l.from), "+SRS=") || h.Has("X-MS-Exchange-Calendar-Originator-Id")
		if !l.from.Null() && !own.Owns(l.from) {
			return "relay for a stranger"
		}
		for _, a := range authors {
			if !own.Owns(a) && !forwarded {
				return "relay of a foreign name"
			}
		}
		if l.from.Null() && len(authors) == 0 {
			return "relay for nobody"
		}
	default:
		return "taken for something else"
	}
	return ""
}

// TestNoConnectionActsAsAnother varies the connection, with the best headers
// that a thief could have: all of the victim's.
func TestNoConnectionActsAsAnother(t *testing.T) {
	s := load(t, street)
	tried := 0
	addrs := []string{"40.107.1.2", "::ffff:40.107.1.2", "198.51.100.7", "203.0.113.1", "40.108.0.1", "2a01:111:f404::1", "::1", "127.0.0.1", "10.0.0.1"}
	proofs := map[string]func() *mail.TLS{
		"none":         func() *mail.TLS { return nil },
		"nothing":      func() *mail.TLS { return &mail.TLS{} },
		"microsoft":    microsoft,
		"premises":     premises,
		"not verified": func() *mail.TLS { m := microsoft(); m.Verified = false; return m },
		"wrong name":   func() *mail.TLS { m := microsoft(); m.Names = []string{"mx.evil.example"}; return m },
		"no names":     func() *mail.TLS { m := microsoft(); m.Names = nil; return m },
	}
	names := []string{"", "gw.postern.example", "out.alpha.gw.example", "in.alpha.gw.example"}
	for _, victim := range s.Tenants() {
		for _, addr := range addrs {
			for proof, make := range proofs {
				for _, sni := range names {
					for _, dir := range []mail.Direction{mail.Out, mail.In} {
						tried++
						l := outgoing(victim)
						if dir == mail.In {
							if victim.Preset.Only == "out" {
								continue
							}
							l = incoming(victim)
						}
						l.addr, l.tls = addr, make()
						if l.tls != nil {
							l.tls.ServerName = sni
						}
						honest := strings.HasSuffix(addr, "40.107.1.2") && (proof == "microsoft" || proof == "nothing" && victim.ID != "nets")
						if strings.Contains(sni, "alpha") {
							honest = honest && victim.ID == "alpha" && strings.HasPrefix(sni, string(dir))
						}
						honest = honest || victim.ID == "prem" && addr == "203.0.113.1" && proof == "premises"
						id, r := l.identify(s)
						if honest != (r == nil) {
							t.Errorf("%s %s from %s, certificate %s, host %q: %v %v", victim.ID, dir, addr, proof, sni, id.Kind, r)
						}
						early := l.atRcpt(s)
						if honest && early != nil {
							t.Errorf("%s %s from %s, certificate %s, host %q: at RCPT: %s", victim.ID, dir, addr, proof, sni, early.Reply)
						}
						if !honest && early == nil && !(sni == "out.alpha.gw.example" || sni == "in.alpha.gw.example" || addr == "203.0.113.1") {
							t.Errorf("%s %s from %s, certificate %s, host %q: not refused at RCPT", victim.ID, dir, addr, proof, sni)
						}
					}
				}
			}
		}
	}
	t.Logf("%d connections tried", tried)
}

func TestStrangersAreRefusedBeforeContent(t *testing.T) {
	s := load(t, street)
	for _, test := range []struct {
		name, addr string
		from, to   mail.Address
		fact       string
	}{
		{"a stranger to a stranger by Exchange", "40.107.1.2", "x@elsewhere.example", "y@somewhere.example", "domain"},
		{"a stranger to a tenant, not by Exchange", "198.51.100.7", "x@elsewhere.example", "ann@alpha.example", "network"},
		{"a report from nowhere", "198.51.100.7", "", "ann@alpha.example", "network"},
		{"a tenant's name from nowhere", "198.51.100.7", "ann@alpha.example", "y@somewhere.example", "network"},
		{"a stranger to a secret address", "198.51.100.7", "", "j-7f3a99@alpha.gw.example", "network"},
		{"nobody to nobody", "198.51.100.7", "x@elsewhere.example", "y@somewhere.example", "network"},
		{"a subdomain that is nobody's", "40.107.1.2", "x@sub.alpha.example", "y@somewhere.example", "domain"},
		{"a report by Exchange may be anybody's", "40.107.1.2", "", "y@somewhere.example", ""},
		{"a subdomain of beta is beta's", "40.107.1.2", "x@a.b.beta.example", "y@somewhere.example", ""},
		{"a domain in U-labels", "40.107.1.2", "x@München.example", "y@somewhere.example", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := (&letter{addr: test.addr, tls: microsoft()}).peer()
			r := s.AtRcpt(p, test.from, test.to)
			if test.fact == "" && r != nil || test.fact != "" && (r == nil || r.Fact != test.fact || !r.Reply.Permanent()) {
				t.Fatal(r)
			}
			if r != nil && strings.Contains(r.Reply.Text, "alpha") {
				t.Fatalf("a stranger learns a tenant's id: %s", r.Reply)
			}
		})
	}
}
