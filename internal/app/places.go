package app

import (
	"net"
	"sync"
)

// places is a listener with so many places: a client beyond them is hung up
// on at once, so that clients who never go cost no more than their places.
type places struct {
	net.Listener
	taken chan struct{}
}

func newPlaces(ln net.Listener, n int) *places { return &places{ln, make(chan struct{}, n)} }

// Accept implements net.Listener.
func (p *places) Accept() (net.Conn, error) {
	for {
		conn, err := p.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case p.taken <- struct{}{}:
			return &seated{Conn: conn, free: p.taken}, nil
		default:
			conn.Close()
		}
	}
}

// seated is a connection that gives its place back once.
type seated struct {
	net.Conn
	free chan struct{}
	once sync.Once
}

// Close implements net.Conn.
func (p *seated) Close() error {
	p.once.Do(func() { <-p.free })
	return p.Conn.Close()
}
