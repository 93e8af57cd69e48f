package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// answer is what the servers say to one question.
type answer struct {
	records []dns.RR // of the type that was asked for
	kind    Kind     // "" when there are records
	secure  bool
	ttl     time.Duration
}

// How long an answer is kept, whatever its TTL says: a wrong one must not do
// harm for a day.
const (
	maxTTL      = time.Hour
	maxNegative = 5 * time.Minute
)

// lookup answers from the cache or asks, following aliases that the server
// did not follow itself.
func (r *Resolver) lookup(ctx context.Context, name string, qtype uint16) (answer, error) {
	fqdn, ok := canonical(name)
	if !ok {
		return answer{}, &Error{Kind: BadName, Name: name, Type: dns.TypeToString[qtype]}
	}
	fail := func(k Kind, err error) error {
		return &Error{Kind: k, Name: plain(fqdn), Type: dns.TypeToString[qtype], Err: err}
	}
	key := question{fqdn, qtype}
	if a, ok := r.cache.get(key, time.Now()); ok {
		if a.kind != "" {
			return a, fail(a.kind, nil)
		}
		return a, nil
	}
	total := answer{secure: true, ttl: maxTTL}
	target := fqdn
	for hops := 0; ; {
		m, trusted, err := r.ask(ctx, target, qtype)
		if err != nil {
			// A text may be a key: one that was revoked must not live on.
			if a, ok := r.cache.stale(key, time.Now()); ok && qtype != dns.TypeTXT {
				return a, nil
			}
			return answer{}, fail(kindOfFailure(err), err)
		}
		step := read(m, target, qtype)
		total.secure = total.secure && trusted && m.AuthenticatedData
		total.ttl = min(total.ttl, step.ttl)
		if hops += step.aliases; hops > maxAliases {
			return answer{}, fail(Loop, nil)
		}
		if step.kind == NoData && step.end != target {
			target = step.end
			continue
		}
		total.records, total.kind = step.records, step.kind
		break
	}
	r.cache.put(key, total, time.Now())
	if total.kind != "" {
		return total, fail(total.kind, nil)
	}
	return total, nil
}

func kindOfFailure(err error) Kind {
	var ne net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ne) && ne.Timeout() {
		return Timeout
	}
	return ServerFailure
}

// step is one message from a server, read for one name.
type step struct {
	records []dns.RR
	kind    Kind
	end     string // the name at which the aliases end
	aliases int
	ttl     time.Duration
}

// read follows the aliases inside m from name, and picks the records there.
func read(m *dns.Msg, name string, qtype uint16) step {
	s := step{end: name, ttl: maxTTL}
	alias := map[string]*dns.CNAME{}
	for _, rr := range m.Answer {
		if c, ok := rr.(*dns.CNAME); ok {
			alias[strings.ToLower(c.Hdr.Name)] = c
		}
	}
	for s.aliases <= maxAliases {
		c := alias[s.end]
		if c == nil {
			break
		}
		s.aliases++
		s.ttl = min(s.ttl, seconds(c.Hdr.Ttl))
		s.end = strings.ToLower(c.Target)
	}
	for _, rr := range m.Answer {
		h := rr.Header()
		if h.Rrtype != qtype || h.Class != dns.ClassINET || !strings.EqualFold(h.Name, s.end) {
			continue
		}
		s.records = append(s.records, rr)
		s.ttl = min(s.ttl, seconds(h.Ttl))
	}
	if len(s.records) > 0 {
		return s
	}
	s.kind = NoData
	if m.Rcode == dns.RcodeNameError {
		s.kind = NoDomain
	}
	if s.kind == NoData && s.aliases > 0 {
		return s // not an answer yet: the caller asks for the name at the end
	}
	// RFC 2308 §5: "nothing" is kept as long as the SOA says; without a SOA
	// it is not kept at all.
	negative := time.Duration(0)
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			negative = min(seconds(soa.Hdr.Ttl), seconds(soa.Minttl), maxNegative)
		}
	}
	s.ttl = min(s.ttl, negative)
	return s
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }

// ask goes through the servers until one gives an answer: NOERROR or
// NXDOMAIN. What a server cannot answer, the next one may.
func (r *Resolver) ask(ctx context.Context, fqdn string, qtype uint16) (m *dns.Msg, trusted bool, err error) {
	q := new(dns.Msg)
	q.SetQuestion(fqdn, qtype)
	q.SetEdns0(1232, false)
	q.AuthenticatedData = true // RFC 6840 §5.7: tell me whether it is validated
	for range r.config.Rounds {
		for _, s := range r.servers {
			if ctx.Err() != nil {
				return nil, false, ctx.Err()
			}
			var reply *dns.Msg
			if reply, err = r.exchange(ctx, q, s); err != nil {
				err = fmt.Errorf("%s: %w", s, err)
				continue
			}
			if reply.Rcode == dns.RcodeSuccess || reply.Rcode == dns.RcodeNameError {
				return reply, r.config.Trusted || s.Addr().Unmap().IsLoopback(), nil
			}
			err = fmt.Errorf("%s says %s", s, dns.RcodeToString[reply.Rcode])
		}
	}
	return nil, false, err
}

// exchange asks one server, again over TCP when the answer was cut off.
func (r *Resolver) exchange(ctx context.Context, q *dns.Msg, s netip.AddrPort) (*dns.Msg, error) {
	q = q.Copy()
	q.Id = dns.Id()
	reply, err := r.over(ctx, "udp", q, s)
	if err == nil && reply.Truncated {
		reply, err = r.over(ctx, "tcp", q, s)
	}
	if err != nil {
		return nil, err
	}
	if !reply.Response || len(reply.Question) != 1 || reply.Question[0].Qtype != q.Question[0].Qtype ||
		!strings.EqualFold(reply.Question[0].Name, q.Question[0].Name) {
		return nil, errors.New("the answer is to another question")
	}
	return reply, nil
}

func (r *Resolver) over(ctx context.Context, network string, q *dns.Msg, s netip.AddrPort) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	c, err := r.config.Dial(ctx, network, s.String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	client := dns.Client{Net: network, Timeout: r.config.Timeout, UDPSize: 1232}
	reply, _, err := client.ExchangeWithConnContext(ctx, q, &dns.Conn{Conn: c, UDPSize: 1232})
	return reply, err
}
