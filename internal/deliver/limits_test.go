package deliver

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
)

func TestAtMostEightHostsOfADomainAreTried(t *testing.T) {
	var list []string
	for i := range 20 {
		list = append(list, fmt.Sprintf("mx%d.example", i))
	}
	if hops := ports(list); len(hops) != maxHops || hops[0].host != "mx0.example" {
		t.Errorf("%d hosts: %v", len(hops), hops)
	}
}

func TestAtMostFourAddressesOfAHostAreTried(t *testing.T) {
	w := newWorld(t, Limits{}, nil, nil)
	w.config.Resolver = manyAddresses{}
	_, err := w.Open(t.Context(), mail.Route{Tenant: "t1", Host: "many.example:25", TLS: mail.TLSOpportunistic}, envelope("b@y.example"), outgoing("S: a\r\n"))
	if failure(t, err); len(w.dials) != maxAddresses {
		t.Errorf("%d addresses were tried: %v", len(w.dials), w.dials)
	}
}

// manyAddresses is a resolver whose hosts have a hundred addresses.
type manyAddresses struct{ zone }

func (manyAddresses) Hosts(context.Context, string) (list []netip.Addr, secure bool, err error) {
	for i := range 100 {
		list = append(list, netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
	}
	return list, false, nil
}

func TestAHeaderOfMoreThanAMegabyteIsTakenForOneThatNeedsSMTPUTF8(t *testing.T) {
	for name, tt := range map[string]struct {
		header string
		want   bool
	}{
		"short and plain":       {"S: a\r\n", false},
		"short and 8-bit":       {"S: \xe9\r\n", true},
		"long and plain":        {strings.Repeat("S: a\r\n", 1000), false},
		"more than a megabyte":  {strings.Repeat("S: a\r\n", 200_000), true},
		"8-bit at its very end": {strings.Repeat("S: a\r\n", 200_000) + "S: \xe9\r\n", true},
	} {
		if got := eightBitHeader(outgoing(tt.header + "\r\ntext \xe9\r\n")); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
