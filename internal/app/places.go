package app

import (
	"net"
	"net/netip"
	"sync"
)

// places is a listener with so many places, and so many for one client: a
// client beyond them is hung up on at once, so that clients who never go cost
// no more than their places.
type places struct {
	net.Listener
	taken chan struct{}
	each  int

	mu sync.Mutex
	of map[netip.Prefix]int
}

func newPlaces(ln net.Listener, n, each int) *places {
	return &places{Listener: ln, taken: make(chan struct{}, n), each: each, of: map[netip.Prefix]int{}}
}

// Accept implements net.Listener.
func (p *places) Accept() (net.Conn, error) {
	for {
		conn, err := p.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := networkOf(conn.RemoteAddr())
		if !p.sit(from) {
			conn.Close()
			continue
		}
		return &seated{Conn: conn, stand: func() { p.stand(from) }}, nil
	}
}

// networkOf is whose places count together: an address, or the network that
// one customer of IPv6 has (RFC 6177).
func networkOf(a net.Addr) (p netip.Prefix) {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return p
	}
	ip, bits := at.Addr().Unmap().WithZone(""), 32
	if ip.Is6() {
		bits = 64
	}
	p, _ = ip.Prefix(bits)
	return p
}

func (p *places) sit(from netip.Prefix) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of[from] >= p.each {
		return false
	}
	select {
	case p.taken <- struct{}{}:
		p.of[from]++
		return true
	default:
		return false
	}
}

func (p *places) stand(from netip.Prefix) {
	p.mu.Lock()
	defer p.mu.Unlock()
	<-p.taken
	if p.of[from]--; p.of[from] == 0 {
		delete(p.of, from)
	}
}

// seated is a connection that gives its place back once.
type seated struct {
	net.Conn
	stand func()
	once  sync.Once
}

// Close implements net.Conn.
func (p *seated) Close() error {
	p.once.Do(p.stand)
	return p.Conn.Close()
}
