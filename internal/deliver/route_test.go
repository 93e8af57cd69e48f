package deliver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

func TestNextHops(t *testing.T) {
	z := zone{
		mx: map[string][]net.MX{
			"contoso.example": {{Host: "contoso-example.mail.protection.outlook.com", Pref: 10}},
			"mixed.example": {
				{Host: "mx.mixed.example", Pref: 5}, {Host: "Mixed-Example.Mail.Protection.Outlook.com.", Pref: 50},
				{Host: "mixed-example.e-v1.mx.microsoft", Pref: 60},
			},
			"foreign.example":           {{Host: "mx1.filter.example", Pref: 1}, {Host: "mx2.filter.example", Pref: 2}},
			"inside.example":            {{Host: "mx1.inside.example", Pref: 1}, {Host: "mx2.filter.example", Pref: 2}, {Host: "inside.example", Pref: 3}},
			"behind.example":            {{Host: "mx.behind.example", Pref: 1}, {Host: "Postern.behind.example", Pref: 2}, {Host: "last.behind.example", Pref: 3}},
			"ours.example":              {{Host: "postern.behind.example", Pref: 1}},
			"trick.example":             {{Host: "mail.protection.outlook.com.evil.example", Pref: 1}},
			"looked.onmicrosoft.com":    {{Host: "looked-up.mail.protection.outlook.com", Pref: 0}},
			"elsewhere.onmicrosoft.com": {{Host: "mx.evil.example", Pref: 0}},
		},
		fail: map[string]error{"down.example": errors.New("no server answers"), "down.onmicrosoft.com": errors.New("no server answers"), "null.example": noSuch{null: true}},
	}
	tests := []struct {
		name  string
		route mail.Route
		want  string
		stuck problem.Code
		later bool

		secure bool
	}{
		{name: "the MX of the domain is Exchange Online", route: mail.Route{Domain: "contoso.example"},
			want: "contoso-example.mail.protection.outlook.com:25"},
		{name: "Exchange Online comes first whatever its preference, and others are left out", route: mail.Route{Domain: "mixed.example"},
			want: "mixed-example.mail.protection.outlook.com:25 mixed-example.e-v1.mx.microsoft:25"},
		{name: "foreign hosts follow when they are allowed", route: mail.Route{Domain: "mixed.example", ForeignMX: true},
			want: "mixed-example.mail.protection.outlook.com:25 mixed-example.e-v1.mx.microsoft:25 mx.mixed.example:25"},
		{name: "a foreign MX is not used silently", route: mail.Route{Domain: "foreign.example"}, stuck: problem.NoExchangeMX},
		{name: "the initial domain is used before a foreign MX", route: mail.Route{Domain: "foreign.example", Initial: "fabrikam.onmicrosoft.com"},
			want: "fabrikam.mail.protection.outlook.com:25"},
		{name: "a foreign MX inside the domain is used when it is allowed", route: mail.Route{Domain: "inside.example", ForeignMX: true, Initial: "fabrikam.onmicrosoft.com"},
			want: "mx1.inside.example:25 inside.example:25"},
		{name: "one outside of it for which only DNS speaks is not", route: mail.Route{Domain: "foreign.example", ForeignMX: true}, stuck: problem.ForeignMXUnproven},
		{name: "the initial domain is used instead", route: mail.Route{Domain: "foreign.example", ForeignMX: true, Initial: "fabrikam.onmicrosoft.com"},
			want: "fabrikam.mail.protection.outlook.com:25"},
		{name: "the name of the certificate speaks for it too", route: mail.Route{Domain: "foreign.example", ForeignMX: true, ServerName: "mx.filter.example"},
			want: "mx1.filter.example:25 mx2.filter.example:25"},
		{name: "a validated answer speaks for it too", secure: true, route: mail.Route{Domain: "foreign.example", ForeignMX: true},
			want: "mx1.filter.example:25 mx2.filter.example:25"},
		{name: "we and the hosts after us are left out", route: mail.Route{Domain: "behind.example", ForeignMX: true}, want: "mx.behind.example:25"},
		{name: "an MX that is ourselves is none", secure: true, route: mail.Route{Domain: "ours.example", ForeignMX: true}, stuck: problem.ForeignMXUnproven},
		{name: "a name that only looks like Exchange's is foreign", route: mail.Route{Domain: "trick.example"}, stuck: problem.NoExchangeMX},
		{name: "mail without a sender goes to the initial domain", route: mail.Route{Initial: "Contoso.onmicrosoft.com."},
			want: "contoso.mail.protection.outlook.com:25"},
		{name: "the MX of the initial domain counts", route: mail.Route{Initial: "looked.onmicrosoft.com"},
			want: "looked-up.mail.protection.outlook.com:25"},
		{name: "a foreign MX of the initial domain does not", route: mail.Route{Initial: "elsewhere.onmicrosoft.com"},
			want: "elsewhere.mail.protection.outlook.com:25"},
		{name: "the initial domain works without DNS", route: mail.Route{Initial: "down.onmicrosoft.com"},
			want: "down.mail.protection.outlook.com:25"},
		{name: "a domain without MX falls back to the initial domain", route: mail.Route{Domain: "empty.example", Initial: "contoso.onmicrosoft.com"},
			want: "contoso.mail.protection.outlook.com:25"},
		{name: "without MX and initial domain somebody must act", route: mail.Route{Domain: "empty.example"}, stuck: problem.NoExchangeMX},
		{name: "a domain without MX is its own host where foreign hosts are allowed", route: mail.Route{Domain: "empty.example", ForeignMX: true},
			want: "empty.example:25"},
		{name: "a null MX takes no mail", route: mail.Route{Domain: "null.example", ForeignMX: true}, stuck: problem.NoExchangeMX},
		{name: "without a sender and initial domain somebody must act", route: mail.Route{}, stuck: problem.NoNextHop},
		{name: "DNS that is down is waited for", route: mail.Route{Domain: "down.example", Initial: "contoso.onmicrosoft.com"}, later: true},
		{name: "a pinned host needs no look-up", route: mail.Route{Host: "Relay.Example", Domain: "contoso.example"}, want: "relay.example:25"},
		{name: "a pinned host may have a port", route: mail.Route{Host: "relay.example:587"}, want: "relay.example:587"},
		{name: "a pinned host may be an IPv6 address", route: mail.Route{Host: "[::1]"}, want: "[::1]:25"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			z := z
			z.secure = tt.secure
			d, err := New(Config{Resolver: z, Hello: "postern.behind.example"})
			if err != nil {
				t.Fatal(err)
			}
			hops, f := d.hops(t.Context(), tt.route)
			got := strings.Trim(fmt.Sprint(hops), "[]")
			if len(hops) == 1 {
				got = hops[0].String()
			}
			if f != nil {
				if f.Stuck != tt.stuck || (f.Outcome().Kind == Later) != tt.later {
					t.Errorf("failure %v, stuck %q", f, f.Stuck)
				}
				if f.Stuck == "" && !tt.later {
					t.Errorf("failure %v", f)
				}
				return
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestTheNextHostIsTriedWhenOneFails(t *testing.T) {
	z := zone{mx: map[string][]net.MX{"x.example": {{Host: "a.x.example", Pref: 1}, {Host: "b.x.example", Pref: 2}, {Host: "c.x.example", Pref: 3}}}}
	for _, first := range []string{"is not there", "says 421", "breaks in EHLO", "refuses us"} {
		t.Run("the first "+first, func(t *testing.T) {
			bad := map[string]*fake{
				"is not there":   nil,
				"says 421":       {greeting: "421 4.3.2 busy"},
				"breaks in EHLO": {answers: map[string]string{"EHLO": "close"}},
				"refuses us":     {greeting: "554 5.7.1 no"},
			}[first]
			good := &fake{offers: everything()}
			w := newWorld(t, Limits{}, nil, map[string]*fake{"1": bad, "2": good})
			w.config.Resolver = z
			// Every host has the same address here, so the order of dialing picks the fake.
			n := 0
			dial := w.config.Dial
			w.config.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
				if n++; n == 1 && bad == nil {
					return nil, errors.New("connection refused")
				}
				return dial(ctx, network, "127.0.0.1:"+fmt.Sprint(min(n, 2)))
			}
			r := mail.Route{Tenant: "t", Domain: "x.example", ForeignMX: true, TLS: mail.TLSOpportunistic}
			tx, err := w.Open(t.Context(), r, envelope("b@y.example"), outgoing("a\r\n"))
			if err != nil {
				t.Fatal(err)
			}
			if tx.Host() != "b.x.example" || !tx.Send(t.Context()).Ok() {
				t.Errorf("went to %s", tx.Host())
			}
			hops := w.down.last([]hop{{"a.x.example", "25"}, {"b.x.example", "25"}}, time.Now())
			if hops[0].host != "b.x.example" {
				t.Error("the host that failed is tried first again")
			}
		})
	}
}

func TestWithoutAnyHostTheFailureIsTemporary(t *testing.T) {
	w := newWorld(t, Limits{}, nil, map[string]*fake{})
	_, err := w.Open(t.Context(), routeTo("1"), envelope("b@y.example"), outgoing("a\r\n"))
	f := failure(t, err)
	if f.Outcome().Kind != Later || !f.Reply.None() || f.Host != "127.0.0.1" {
		t.Errorf("%+v", f)
	}
}

func TestAnAddressFromDNSAloneIsThatOfAnotherHost(t *testing.T) {
	exchange := mail.Route{Tenant: "t", Domain: "contoso.example", TLS: mail.TLSOpportunistic}
	pinned := mail.Route{Tenant: "t", Host: "relay.contoso.example", TLS: mail.TLSOpportunistic}
	tests := []struct {
		name, at string
		route    mail.Route
		stuck    problem.Code
	}{
		{"a public address", "192.0.2.1", exchange, ""},
		{"the loopback interface", "127.0.0.2", exchange, problem.AddressNotElsewhere},
		{"the loopback interface of IPv6", "::1", exchange, problem.AddressNotElsewhere},
		{"the same as an IPv4 address in IPv6", "::ffff:127.0.0.1", exchange, problem.AddressNotElsewhere},
		{"no address at all", "0.0.0.0", exchange, problem.AddressNotElsewhere},
		{"a private network", "10.1.2.3", exchange, problem.AddressNotElsewhere},
		{"a private network of IPv6", "fd00::1", exchange, problem.AddressNotElsewhere},
		{"the network of a carrier", "100.64.0.1", exchange, problem.AddressNotElsewhere},
		{"the link, where clouds keep their secrets", "169.254.169.254", exchange, problem.AddressNotElsewhere},
		{"an address of this machine", "198.51.100.7", exchange, problem.AddressNotElsewhere},
		{"a private network that a person named", "10.1.2.3", pinned, ""},
		{"this machine, named by a person", "127.0.0.1", pinned, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			good := &fake{offers: everything()}
			w := newWorld(t, Limits{}, nil, nil)
			w.config.Resolver = zone{at: tt.at, mx: map[string][]net.MX{"contoso.example": {{Host: "contoso-example.mail.protection.outlook.com"}}}}
			w.config.Own = func() ([]net.Addr, error) {
				return []net.Addr{&net.IPNet{IP: net.IPv4(198, 51, 100, 7), Mask: net.CIDRMask(24, 32)}}, nil
			}
			dials := 0
			w.config.Dial = func(context.Context, string, string) (net.Conn, error) {
				dials++
				client, server := net.Pipe()
				go good.serve(server)
				return client, nil
			}
			tx, err := w.Open(t.Context(), tt.route, envelope("b@y.example"), outgoing("a\r\n"))
			if tt.stuck == "" {
				if err != nil || !tx.Send(t.Context()).Ok() {
					t.Error(err)
				}
				return
			}
			if f := failure(t, err); f.Stuck != tt.stuck || dials > 0 || !f.Unusable() {
				t.Errorf("%v, %q, %d connections", f, f.Stuck, dials)
			}
		})
	}
}
