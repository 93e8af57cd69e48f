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

// gate counts the connections, in all and per peer.
type gate struct {
	mu    sync.Mutex
	total int
	peers map[netip.Addr]int
}

// admission is the gate's answer.
type admission int

const (
	admitted admission = iota
	fullTotal
	fullPeer
)

// enter counts a connection from key; an invalid key has no limit of its own.
func (g *gate) enter(key netip.Addr, total, perPeer int) admission {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total >= total {
		return fullTotal
	}
	if key.IsValid() {
		if g.peers[key] >= perPeer {
			return fullPeer
		}
		g.peers[key]++
	}
	g.total++
	return admitted
}

// leave takes back an enter that was admitted.
func (g *gate) leave(key netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if !key.IsValid() {
		return
	}
	if g.peers[key]--; g.peers[key] == 0 {
		delete(g.peers, key)
	}
}

func (g *gate) open() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total
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
