package dns

import (
	"context"
	"net"
	"net/netip"
	"slices"
)

// Static is a resolver that knows a fixed set of names, for the demo, for
// stories and for installations without DNS. Its keys are names in lower case
// without the last dot; for PTR, addresses ("192.0.2.1").
type Static map[string]Records

// Records is what Static knows of a name.
type Records struct {
	MX        []net.MX
	Addresses []netip.Addr
	TXT       []string
	PTR       []string
	// Secure is what is said about DNSSEC.
	Secure bool
	// Fail makes every look-up of the name fail in this way.
	Fail Kind
}

// MX implements the look-up of Resolver.
func (s Static) MX(_ context.Context, domain string) ([]net.MX, bool, error) {
	r, err := s.find(domain, "MX")
	if err == nil && len(r.MX) == 1 && plain(r.MX[0].Host) == "" {
		return nil, r.Secure, &Error{Kind: NullMX, Name: domain, Type: "MX"}
	}
	if err = orNoData(err, len(r.MX), domain, "MX"); err != nil {
		return nil, r.Secure, err
	}
	list := slices.Clone(r.MX)
	for i := range list {
		list[i].Host = plain(list[i].Host)
	}
	return bestFirst(list), r.Secure, nil
}

// Hosts implements the look-up of Resolver.
func (s Static) Hosts(_ context.Context, host string) ([]netip.Addr, bool, error) {
	r, err := s.find(host, "A")
	list := slices.Clone(r.Addresses)
	slices.SortStableFunc(list, func(a, b netip.Addr) int { return a.Unmap().BitLen() - b.Unmap().BitLen() })
	return list, r.Secure, orNoData(err, len(list), host, "A")
}

// TXT implements the look-up of Resolver.
func (s Static) TXT(_ context.Context, name string) ([]string, bool, error) {
	r, err := s.find(name, "TXT")
	return slices.Clone(r.TXT), r.Secure, orNoData(err, len(r.TXT), name, "TXT")
}

// PTR implements the look-up of Resolver.
func (s Static) PTR(_ context.Context, addr netip.Addr) ([]string, bool, error) {
	r, err := s.find(addr.Unmap().String(), "PTR")
	return slices.Clone(r.PTR), r.Secure, orNoData(err, len(r.PTR), addr.String(), "PTR")
}

func (s Static) find(name, kind string) (Records, error) {
	fqdn, ok := canonical(name)
	if !ok {
		return Records{}, &Error{Kind: BadName, Name: name, Type: kind}
	}
	r, ok := s[plain(fqdn)]
	switch {
	case !ok:
		return r, &Error{Kind: NoDomain, Name: name, Type: kind}
	case r.Fail != "":
		return r, &Error{Kind: r.Fail, Name: name, Type: kind}
	}
	return r, nil
}

func orNoData(err error, n int, name, kind string) error {
	if err == nil && n == 0 {
		return &Error{Kind: NoData, Name: name, Type: kind}
	}
	return err
}
