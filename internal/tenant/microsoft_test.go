package tenant_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"postern.dev/postern/internal/tenant"
)

func endpoints(area, ports, ips string) string {
	return fmt.Sprintf(`[{"id":10,"serviceArea":%q,"urls":["*.mail.protection.outlook.com"],"ips":[%s],"tcpPorts":%q,"required":true},
		{"id":31,"serviceArea":"SharePoint","ips":["13.107.136.0/22"],"tcpPorts":"80,443"}, {"id":1,"serviceArea":"Exchange","tcpPorts":"25"}]`, area, ips, ports)
}

func TestTheBundledListIsExchangeOnlines(t *testing.T) {
	p := tenant.NewPublished()
	for a, want := range map[string]bool{
		"40.92.0.1": true, "40.93.255.255": true, "40.107.1.2": true, "52.100.1.1": true, "52.103.9.9": true, "104.47.127.255": true,
		"::ffff:40.107.1.2": true, "2a01:111:f403:1::5": true,
		"40.94.0.1": false, "40.108.0.1": false, "104.47.128.1": false, "127.0.0.1": false, "0.0.0.0": false, "::": false, "fe80::1%eth0": false,
	} {
		if p.Has(netip.MustParseAddr(a)) != want {
			t.Errorf("%s: %v", a, !want)
		}
	}
	if p.Has(netip.Addr{}) {
		t.Error("no address at all is in the list")
	}
	if from, size, at := p.Source(); from != "bundled" || size < 5 || !at.IsZero() {
		t.Error(from, size, at)
	}
}

func TestARefreshKeepsTheLastGoodListWhenTheNewOneIsWrong(t *testing.T) {
	now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	good := `"40.92.0.0/15","40.107.0.0/16","198.19.0.0/24","2a01:111:f403::/49"`
	for _, test := range []struct {
		name, text string
		err        error
		ok         bool
	}{
		{name: "a good list", text: endpoints("Exchange", "25", good), ok: true},
		{name: "port 25 among others", text: endpoints("Exchange", "80, 25,443", good), ok: true},
		{name: "nothing", text: ""},
		{name: "an error page", text: "<html>"},
		{name: "an empty list", text: "[]", err: tenant.ErrEmptyList},
		{name: "null", text: "null", err: tenant.ErrEmptyList},
		{name: "an object", text: "{}"},
		{name: "no entry for port 25", text: endpoints("Exchange", "80,443", good), err: tenant.ErrEmptyList},
		{name: "no entry of Exchange", text: endpoints("Skype", "25", good), err: tenant.ErrEmptyList},
		{name: "no addresses", text: endpoints("Exchange", "25", ""), err: tenant.ErrEmptyList},
		{name: "the whole internet", text: endpoints("Exchange", "25", good+`,"0.0.0.0/0"`)},
		{name: "half of the internet", text: endpoints("Exchange", "25", good+`,"128.0.0.0/1"`)},
		{name: "all of IPv6", text: endpoints("Exchange", "25", good+`,"::/0"`)},
		{name: "IPv4 hidden in IPv6", text: endpoints("Exchange", "25", good+`,"::ffff:0:0/96"`)},
		{name: "this host", text: endpoints("Exchange", "25", good+`,"127.0.0.0/8"`)},
		{name: "a private network", text: endpoints("Exchange", "25", good+`,"10.0.0.0/8"`)},
		{name: "a word", text: endpoints("Exchange", "25", good+`,"any"`)},
		{name: "an address without its length", text: endpoints("Exchange", "25", good+`,"40.92.0.1"`)},
		{name: "a list of somebody else", text: endpoints("Exchange", "25", `"198.51.100.0/24"`), err: tenant.ErrForeignList},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := tenant.NewPublished()
			err := p.Refresh([]byte(test.text), now)
			if (err == nil) != test.ok || test.err != nil && !errors.Is(err, test.err) {
				t.Fatal(err)
			}
			from, size, at := p.Source()
			if !test.ok && (from != "bundled" || size < 5 || !p.Has(netip.MustParseAddr("52.100.1.1"))) {
				t.Error("the last good list is gone")
			}
			if test.ok && (from != "refreshed" || size != 4 || !at.Equal(now) || p.Has(netip.MustParseAddr("52.100.1.1"))) {
				t.Error("the new list is not in force", from, size, at)
			}
		})
	}
}

func TestARefreshReachesTheTenantsThatAreInForce(t *testing.T) {
	r := tenant.NewRegistry(tenant.NewPublished())
	s, bad := r.Load(documents(t, "t.yaml", street))
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	l := outgoing(s.Find("alpha"))
	l.addr = "198.19.0.7"
	if _, refused := l.identify(s); refused == nil || refused.Fact != "network" {
		t.Fatal(refused)
	}
	if err := r.Published().Refresh([]byte(endpoints("Exchange", "25", `"40.92.0.0/15","198.19.0.0/24"`)), time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, refused := l.identify(s); refused != nil {
		t.Fatal(refused)
	}
}
