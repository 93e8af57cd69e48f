package deliver

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

// hop is a host to try.
type hop struct{ host, port string }

// String is the hop as "host:port".
func (h hop) String() string { return net.JoinHostPort(h.host, h.port) }

// exchange reports whether the host is one of Exchange Online's.
func (h hop) exchange() bool { return isExchange(h.host) }

// maxHops is how many hosts of one domain are tried in one attempt.
const maxHops = 8

func isExchange(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return strings.HasSuffix(host, ".mail.protection.outlook.com") || strings.HasSuffix(host, ".mx.microsoft")
}

// hops lists the hosts of a route in the order to try. Exchange Online's come
// first whatever their preference; others are used only when the route allows
// it, because mail for the tenant must not pass through foreign hands by
// surprise.
func (d *Deliverer) hops(ctx context.Context, r mail.Route) ([]hop, *Failure) {
	if r.Host != "" {
		return []hop{pinned(r.Host)}, nil
	}
	var others []string
	if r.Domain != "" {
		list, f := d.exchangers(ctx, r.Domain)
		if f != nil {
			return nil, f
		}
		exchange, foreign := split(list)
		if r.ForeignMX {
			exchange = append(exchange, foreign...)
			if len(list) == 0 && d.accepts(ctx, r) {
				exchange = append(exchange, r.Domain) // RFC 5321 §5.1: no MX, so the domain is its own host
			}
		}
		if len(exchange) > 0 {
			return ports(exchange), nil
		}
		others = foreign
	}
	if list := d.initial(ctx, r.Initial); len(list) > 0 {
		return ports(list), nil
	}
	if len(others) > 0 || r.Domain != "" {
		return nil, stuck("", problem.NoExchangeMX, "the MX records of "+r.Domain+" name no host of Exchange Online"+
			" and the tenant has no initial domain")
	}
	return nil, stuck("", problem.NoNextHop, "the message has no sender and the tenant has no initial domain")
}

// accepts reports whether a domain without MX records, not without mail
// altogether, may be its own mail host. The tenant's initial domain is better.
func (d *Deliverer) accepts(ctx context.Context, r mail.Route) bool {
	if r.Initial != "" {
		return false
	}
	_, _, err := d.config.Resolver.MX(ctx, r.Domain)
	var null interface{ NullMX() bool }
	if errors.As(err, &null) && null.NullMX() {
		return false
	}
	list, _, _ := d.config.Resolver.Hosts(ctx, r.Domain)
	return len(list) > 0
}

// exchangers are the MX hosts of a domain; none when there are none.
func (d *Deliverer) exchangers(ctx context.Context, domain string) ([]net.MX, *Failure) {
	list, _, err := d.config.Resolver.MX(ctx, domain)
	if err != nil && !notFound(err) {
		return nil, &Failure{Why: "look up the MX of " + domain + ": " + err.Error(), outcome: Outcome{Kind: Later}}
	}
	return list, nil
}

// initial are the hosts of the tenant's initial domain. Exchange Online's name
// for them follows from the domain, so a DNS server that is down does no harm.
func (d *Deliverer) initial(ctx context.Context, domain string) []string {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	if domain == "" {
		return nil
	}
	if list, _, err := d.config.Resolver.MX(ctx, domain); err == nil {
		if exchange, _ := split(list); len(exchange) > 0 {
			return exchange
		}
	}
	if name, ok := strings.CutSuffix(domain, ".onmicrosoft.com"); ok && name != "" {
		return []string{strings.ReplaceAll(name, ".", "-") + ".mail.protection.outlook.com"}
	}
	return nil
}

func notFound(err error) bool {
	var nf interface{ NotFound() bool }
	return errors.As(err, &nf) && nf.NotFound()
}

// split parts Exchange Online's hosts from the others; each part keeps its
// order, which is that of the preferences.
func split(list []net.MX) (exchange, foreign []string) {
	for _, m := range list {
		host := strings.ToLower(strings.TrimSuffix(m.Host, "."))
		switch {
		case host == "":
		case isExchange(host):
			exchange = append(exchange, host)
		default:
			foreign = append(foreign, host)
		}
	}
	return exchange, foreign
}

func ports(hosts []string) []hop {
	var list []hop
	for _, h := range hosts[:min(len(hosts), maxHops)] {
		list = append(list, hop{h, "25"})
	}
	return list
}

// pinned reads "host" or "host:port".
func pinned(s string) hop {
	if host, port, err := net.SplitHostPort(s); err == nil {
		return hop{strings.ToLower(host), port}
	}
	return hop{strings.ToLower(strings.Trim(s, "[]")), "25"}
}

// addresses of a host, without a look-up where none is needed.
func (d *Deliverer) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	if host == "localhost" { // RFC 6761 §6.3
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil
	}
	list, _, err := d.config.Resolver.Hosts(ctx, host)
	return list, err
}

// laneOf names the next hop for the throttle: the same whatever order equal
// hosts have this time.
func laneOf(hops []hop) string {
	name := hops[0].String()
	for _, h := range hops {
		name = min(name, h.String())
	}
	return name
}

// down remembers for a short time which hosts could not be reached, so that
// each message does not wait for the same time-out; they are tried last.
type down struct {
	mu    sync.Mutex
	until map[hop]time.Time
}

const (
	downFor = time.Minute
	maxDown = 1000
)

func newDown() *down { return &down{until: map[hop]time.Time{}} }

func (d *down) mark(h hop, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.until) >= maxDown {
		clear(d.until)
	}
	d.until[h] = now.Add(downFor)
}

// last puts the hosts that were down to the end of the list.
func (d *down) last(list []hop, now time.Time) []hop {
	d.mu.Lock()
	defer d.mu.Unlock()
	var up, late []hop
	for _, h := range list {
		if until, ok := d.until[h]; ok && now.Before(until) {
			late = append(late, h)
			continue
		}
		delete(d.until, h)
		up = append(up, h)
	}
	return append(up, late...)
}
