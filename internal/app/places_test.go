package app

import (
	"net"
	"testing"
)

// callers is a listener whose clients come from the given addresses.
type callers struct {
	net.Listener
	from []string
}

type caller struct {
	net.Conn
	from net.Addr
}

func (c caller) RemoteAddr() net.Addr { return c.from }
func (c caller) Close() error         { return nil }

func (c *callers) Accept() (net.Conn, error) {
	if len(c.from) == 0 {
		return nil, net.ErrClosed
	}
	addr, err := net.ResolveTCPAddr("tcp", c.from[0])
	c.from = c.from[1:]
	return caller{from: addr}, err
}

func TestOneClientTakesOnlyItsOwnPlaces(t *testing.T) {
	ln := &callers{}
	p := newPlaces(ln, 4, 2)
	accepted := func(from ...string) (list []net.Conn) {
		ln.from = from
		for {
			conn, err := p.Accept()
			if err != nil {
				return list
			}
			list = append(list, conn)
		}
	}
	const one = "192.0.2.1:1"
	first := accepted(one, one, one, "192.0.2.2:1")
	if len(first) != 3 {
		t.Fatalf("%d of 3 have a place", len(first))
	}
	if n := len(accepted(one, one)); n != 0 {
		t.Errorf("%d places more for the same client", n)
	}
	if n := len(accepted("[2001:db8::1]:1", "[2001:db8::2]:1")); n != 1 {
		t.Errorf("%d places of the last one", n)
	}
	for range 2 {
		first[0].Close() // twice gives one place back
	}
	if n := len(accepted(one, one)); n != 1 {
		t.Errorf("%d places of the one that was given back", n)
	}
}
