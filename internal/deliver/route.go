package deliver

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
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
	var unproven *Failure
	if r.Domain != "" {
		list, secure, f := d.exchangers(ctx, r.Domain)
		if f != nil {
			return nil, f
		}
		exchange, foreign := split(list)
		if r.ForeignMX {
			foreign, unproven = d.trusted(r, foreign, secure)
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
		d.detour(r, unproven, list[0])
		return ports(list), nil
	}
	if unproven != nil {
		return nil, unproven
	}
	if len(others) > 0 || r.Domain != "" {
		return nil, stuck("", problem.NoExchangeMX, "the MX records of "+r.Domain+" name no host of Exchange Online"+
			" and the tenant has no initial domain")
	}
	return nil, stuck("", problem.NoNextHop, "the message has no sender and the tenant has no initial domain")
}

// detour tells the operator, once an hour for a domain, that mail does not go
// by the MX records of its domain.
func (d *Deliverer) detour(r mail.Route, unproven *Failure, host string) {
	if r.Domain == "" || strings.EqualFold(r.Domain, strings.TrimSuffix(r.Initial, ".")) {
		return
	}
	code := problem.NoExchangeMX
	if unproven != nil {
		code = unproven.Stuck
	}
	d.config.Metrics.Count("deliver_detours", 1, "tenant", r.Tenant)
	if d.detours.mark(hop{host: r.Tenant, port: r.Domain}, time.Now()) {
		d.config.Log.Warn("mail goes by the initial domain", telemetry.KeyRoom, "deliver", telemetry.KeyCode, code,
			telemetry.KeyTenant, r.Tenant, telemetry.KeyDomain, r.Domain, telemetry.KeyHost, host)
	}
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
func (d *Deliverer) exchangers(ctx context.Context, domain string) (list []net.MX, secure bool, f *Failure) {
	list, secure, err := d.config.Resolver.MX(ctx, domain)
	if err != nil && !notFound(err) {
		return nil, false, &Failure{Why: "look up the MX of " + domain + ": " + err.Error(), outcome: Outcome{Kind: Later}}
	}
	return list, secure, nil
}

// trusted leaves out the foreign hosts that only DNS vouches for: whoever can
// forge an answer could have the mail sent to a host of his own, with a
// certificate that is valid for it. A host counts when it is in the domain
// itself, when the answer was validated, or when the route says which name the
// certificate must carry. We are no host of ours (RFC 5321 §5.1).
func (d *Deliverer) trusted(r mail.Route, foreign []string, secure bool) ([]string, *Failure) {
	var list []string
	var bad string
	for _, host := range foreign {
		if host == strings.ToLower(d.config.Hello) {
			bad = host
			break // and whoever comes after us
		}
		if !secure && r.ServerName == "" && host != r.Domain && !strings.HasSuffix(host, "."+r.Domain) {
			bad = host
			continue
		}
		list = append(list, host)
	}
	if len(list) == 0 && bad != "" {
		return nil, stuck(bad, problem.ForeignMXUnproven, "only DNS says that "+bad+" takes the mail of "+r.Domain)
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

// elsewhere leaves out the addresses at which no other host can be whose name
// was looked up: those of this machine and of private networks. A DNS server
// that lies could send us to ourselves, or to a machine inside.
func (d *Deliverer) elsewhere(list []netip.Addr) []netip.Addr {
	own := map[netip.Addr]bool{}
	if addrs, err := d.config.Own(); err == nil {
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				own[p.Addr().Unmap()] = true
			}
		}
	}
	carrier := netip.MustParsePrefix("100.64.0.0/10")
	return slices.DeleteFunc(slices.Clone(list), func(a netip.Addr) bool {
		a = a.Unmap().WithZone("")
		return !a.IsGlobalUnicast() || a.IsPrivate() || carrier.Contains(a) || own[a]
	})
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
	lasts time.Duration

	mu    sync.Mutex
	until map[hop]time.Time
}

const (
	downFor = time.Minute
	maxDown = 1000
)

func newDown(lasts time.Duration) *down { return &down{lasts: lasts, until: map[hop]time.Time{}} }

// mark reports whether it was not marked any more.
func (d *down) mark(h hop, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.until) >= maxDown {
		clear(d.until)
	}
	fresh := !now.Before(d.until[h])
	d.until[h] = now.Add(d.lasts)
	return fresh
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
