package dns

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/idna"
)

// Config says whom to ask. The zero value asks the servers of
// /etc/resolv.conf.
type Config struct {
	// Servers are the resolvers to ask, "address" or "address:port", in this
	// order.
	// Default: those of /etc/resolv.conf.
	Servers []string `yaml:"servers"`

	// Trusted says that the way to the servers cannot be tampered with, so
	// that their word on DNSSEC counts. A resolver on the loopback interface
	// is always trusted.
	// Default: false.
	Trusted bool `yaml:"trusted"`

	// Timeout is how long one server may take for one answer.
	// Default: 3s.
	Timeout time.Duration `yaml:"timeout"`

	// Rounds is how often the list of servers is gone through.
	// Default: 2.
	Rounds int `yaml:"rounds"`

	// Cache is how many answers are kept; a negative number keeps none.
	// Default: 10000.
	Cache int `yaml:"cache"`

	// Dial opens the connection to a server; network is "udp" or "tcp".
	// Default: that of package net.
	Dial func(ctx context.Context, network, address string) (net.Conn, error) `yaml:"-"`
}

// Check returns every mistake in c at once.
func (c Config) Check() error {
	var all []error
	for _, s := range c.Servers {
		if _, err := server(s); err != nil {
			all = append(all, err)
		}
	}
	if c.Timeout < 0 {
		all = append(all, fmt.Errorf("dns: timeout: %s is negative", c.Timeout))
	}
	if c.Rounds < 0 {
		all = append(all, fmt.Errorf("dns: rounds: %d is negative", c.Rounds))
	}
	return errors.Join(all...)
}

// Limits of one answer. A domain with more records than these is broken or
// hostile; the first ones (the best MX) are kept.
const (
	maxRecords = 50
	maxAliases = 8
	maxText    = 16 << 10
)

// Resolver asks name servers. Its methods may be called by several goroutines.
// Each gives the records, whether the whole answer was validated, and an
// *Error when there are no records.
type Resolver struct {
	config  Config
	servers []netip.AddrPort
	cache   *cache
}

// New checks c and returns a resolver.
func New(c Config) (*Resolver, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if len(c.Servers) == 0 {
		conf, err := dns.ClientConfigFromFile("/etc/resolv.conf")
		if err != nil || len(conf.Servers) == 0 {
			return nil, fmt.Errorf("dns: no servers configured, and none in /etc/resolv.conf (%v)", err)
		}
		c.Servers = conf.Servers
	}
	r := &Resolver{config: c, cache: newCache(c.Cache)}
	for _, s := range c.Servers {
		addr, err := server(s)
		if err != nil {
			return nil, err
		}
		r.servers = append(r.servers, addr)
	}
	if r.config.Timeout == 0 {
		r.config.Timeout = 3 * time.Second
	}
	if r.config.Rounds == 0 {
		r.config.Rounds = 2
	}
	if r.config.Dial == nil {
		r.config.Dial = (&net.Dialer{}).DialContext
	}
	return r, nil
}

func server(s string) (netip.AddrPort, error) {
	if addr, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return netip.AddrPortFrom(addr, 53), nil
	}
	addr, err := netip.ParseAddrPort(s)
	if err != nil {
		return addr, fmt.Errorf("dns: servers: %q is not an IP address (a port may follow)", s)
	}
	return addr, nil
}

// MX gives the mail exchangers of domain, best preference first and in random
// order among equals (RFC 5321 §5.1). Host names are in lower case without the
// last dot.
func (r *Resolver) MX(ctx context.Context, domain string) (list []net.MX, secure bool, err error) {
	a, err := r.lookup(ctx, domain, dns.TypeMX)
	if err != nil {
		return nil, a.secure, err
	}
	for _, rr := range a.records {
		if mx, ok := rr.(*dns.MX); ok {
			list = append(list, net.MX{Host: plain(mx.Mx), Pref: mx.Preference})
		}
	}
	if len(list) == 1 && list[0].Host == "" {
		return nil, a.secure, &Error{Kind: NullMX, Name: domain, Type: "MX"}
	}
	return bestFirst(list), a.secure, nil
}

// bestFirst orders exchangers by preference, and cuts the list to its limit.
func bestFirst(list []net.MX) []net.MX {
	list = slices.DeleteFunc(list, func(m net.MX) bool { return m.Host == "" })
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	slices.SortStableFunc(list, func(a, b net.MX) int { return int(a.Pref) - int(b.Pref) })
	return list[:min(len(list), maxRecords)]
}

// Hosts gives the addresses of a host, IPv4 before IPv6: Exchange's connectors
// match no IPv6 address, and over IPv6 it asks for more proof.
func (r *Resolver) Hosts(ctx context.Context, host string) (list []netip.Addr, secure bool, err error) {
	type result struct {
		answer answer
		err    error
	}
	six := make(chan result, 1)
	go func() {
		a, err := r.lookup(ctx, host, dns.TypeAAAA)
		six <- result{a, err}
	}()
	a4, err4 := r.lookup(ctx, host, dns.TypeA)
	r6 := <-six
	for _, rr := range append(slices.Clone(a4.records), r6.answer.records...) {
		switch rr := rr.(type) {
		case *dns.A:
			if ip, ok := netip.AddrFromSlice(rr.A); ok {
				list = append(list, ip.Unmap())
			}
		case *dns.AAAA:
			if ip, ok := netip.AddrFromSlice(rr.AAAA); ok {
				list = append(list, ip)
			}
		}
	}
	secure = a4.secure && r6.answer.secure
	if len(list) > 0 {
		return list[:min(len(list), maxRecords)], secure, nil
	}
	// "Nothing" counts only when both answers are there.
	if KindOf(err4) == NoData && r6.err != nil {
		return nil, secure, r6.err
	}
	return nil, secure, err4
}

// TXT gives the texts of name, each joined from its strings.
func (r *Resolver) TXT(ctx context.Context, name string) (list []string, secure bool, err error) {
	a, err := r.lookup(ctx, name, dns.TypeTXT)
	if err != nil {
		return nil, a.secure, err
	}
	size := 0
	for _, rr := range a.records {
		if t, ok := rr.(*dns.TXT); ok && len(list) < maxRecords {
			s := unescape(strings.Join(t.Txt, ""))
			if size += len(s); size > maxText {
				break
			}
			list = append(list, s)
		}
	}
	return list, a.secure, nil
}

// PTR gives the names of an address.
func (r *Resolver) PTR(ctx context.Context, addr netip.Addr) (list []string, secure bool, err error) {
	name, err := dns.ReverseAddr(addr.Unmap().String())
	if err != nil {
		return nil, false, &Error{Kind: BadName, Name: addr.String(), Type: "PTR", Err: err}
	}
	a, err := r.lookup(ctx, name, dns.TypePTR)
	if err != nil {
		return nil, a.secure, err
	}
	for _, rr := range a.records {
		if p, ok := rr.(*dns.PTR); ok && len(list) < maxRecords {
			list = append(list, plain(p.Ptr))
		}
	}
	return list, a.secure, nil
}

// canonical is name as it is asked: ASCII, lower case, with the last dot.
func canonical(name string) (string, bool) {
	ascii := true
	for i := 0; i < len(name); i++ {
		if name[i] <= ' ' || name[i] == 0x7f {
			return "", false
		}
		ascii = ascii && name[i] < 0x80
	}
	if !ascii {
		var err error
		if name, err = idna.New(idna.MapForLookup(), idna.BidiRule()).ToASCII(name); err != nil {
			return "", false
		}
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "" {
		return "", false
	}
	if _, ok := dns.IsDomainName(name); !ok {
		return "", false
	}
	return name + ".", true
}

func plain(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// unescape undoes the presentation form ("\"" and "\DDD") in which the dns
// library hands out texts.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		if i+3 < len(s) && digits(s[i+1:i+4]) {
			b.WriteByte((s[i+1]-'0')*100 + (s[i+2]-'0')*10 + s[i+3] - '0')
			i += 3
			continue
		}
		i++
		b.WriteByte(s[i])
	}
	return b.String()
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }
