package receive

import (
	"net/netip"
	"sync"
	"time"
)

// maxLine is the longest command line with its CR LF. RFC 5321 §4.5.3.1.4
// gives 512; the extensions of MAIL and RCPT add up to about 1,700.
const maxLine = 4096

// maxDiscarded is how much of an endless line, or of a message beyond the
// size limit, is read and thrown away before the connection is closed.
const maxDiscarded = 1 << 20

// gate counts the connections, in all, of strangers and per peer.
type gate struct {
	mu        sync.Mutex
	total     int
	strangers int
	peers     map[netip.Addr]int
}

// visitor is whom the gate counts.
type visitor struct {
	key   netip.Addr // what MaxPerPeer counts; invalid: it has no limit of its own
	known bool       // a tenant's server may stand at this address
}

// share is how many of n places strangers may take together: however many
// addresses a flood comes from, the rest is left for those whose mail we are
// here for.
func share(n int) int { return (n + 1) / 2 }

// admission is the gate's answer.
type admission int

const (
	admitted admission = iota
	fullTotal
	fullPeer
)

// enter counts a connection in, or says what is full.
func (g *gate) enter(v visitor, total, perPeer int) admission {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.total >= total:
		return fullTotal
	case v.key.IsValid() && g.peers[v.key] >= perPeer:
		return fullPeer
	case !v.known && g.strangers >= share(total):
		return fullTotal
	}
	if v.key.IsValid() {
		g.peers[v.key]++
	}
	if !v.known {
		g.strangers++
	}
	g.total++
	return admitted
}

// leave takes back an enter that was admitted.
func (g *gate) leave(v visitor) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if !v.known {
		g.strangers--
	}
	if !v.key.IsValid() {
		return
	}
	if g.peers[v.key]--; g.peers[v.key] == 0 {
		delete(g.peers, v.key)
	}
}

func (g *gate) open() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total
}

// visitor is how the gate counts an address.
func (c *Config) visitor(a netip.Addr) visitor {
	v := visitor{key: c.peerKey(a)}
	v.known = !v.key.IsValid() || c.Known != nil && c.Known(a)
	return v
}

// peerKey is what MaxPerPeer counts: an IPv4 address, or the /64 network that
// one IPv6 customer gets as a rule. It is invalid for an exempt address.
func (c *Config) peerKey(a netip.Addr) netip.Addr {
	if !a.IsValid() || c.Exempt != nil && c.Exempt(a) {
		return netip.Addr{}
	}
	for _, p := range c.Unlimited {
		if p.Contains(a) {
			return netip.Addr{}
		}
	}
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// pace holds one message to a least rate. Only time spent waiting for the
// client counts: a slow disk of ours is not the client's fault.
type pace struct {
	grace  time.Duration
	rate   int64 // octets per second
	waited time.Duration
	got    int64
}

// left is how long the client may still be waited for.
func (p *pace) left() time.Duration {
	return p.grace + time.Duration(float64(p.got)/float64(p.rate)*float64(time.Second)) - p.waited
}

// add counts n octets that were waited for.
func (p *pace) add(n int, waited time.Duration) {
	p.got += int64(n)
	p.waited += waited
}
