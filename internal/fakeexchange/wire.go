package fakeexchange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Wire is a network in memory, for stories and tests: hosts listen and dial
// by name, connections have buffers like a socket's, and everything blocks in
// a way that a fake clock understands.
type Wire struct {
	mu    sync.Mutex
	hosts map[string]*wireListener
	pipes map[*pipeEnd]bool // the open connections, by the end that dialed
	port  uint16
}

// NewWire makes a network without hosts.
func NewWire() *Wire {
	return &Wire{hosts: map[string]*wireListener{}, pipes: map[*pipeEnd]bool{}, port: 40000}
}

// Listen takes connections to "host:port".
func (w *Wire) Listen(addr string) (net.Listener, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hosts[addr] != nil {
		return nil, fmt.Errorf("fakeexchange: %s is taken", addr)
	}
	l := &wireListener{wire: w, addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
	w.hosts[addr] = l
	return l, nil
}

// DialFrom is a dialer for a host with that IP address.
func (w *Wire) DialFrom(ip string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		w.mu.Lock()
		l := w.hosts[addr]
		w.port++
		from := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), w.port))
		w.mu.Unlock()
		if l == nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
		}
		near, far := newPipe(from, wireAddr(addr))
		select {
		case l.conns <- far:
			w.mu.Lock()
			w.pipes[near] = true
			near.wire = w
			w.mu.Unlock()
			return near, nil
		case <-l.done:
			return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Cut breaks every connection, as when a machine loses its power: what was
// written and not yet read is lost.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for p := range w.pipes {
		p.in.close(io.ErrClosedPipe)
		p.out.close(io.ErrClosedPipe)
	}
	clear(w.pipes)
}

type wireAddr string

func (a wireAddr) Network() string { return "tcp" }
func (a wireAddr) String() string  { return string(a) }

type wireListener struct {
	wire  *Wire
	addr  string
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *wireListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *wireListener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.wire.mu.Lock()
		defer l.wire.mu.Unlock()
		if l.wire.hosts[l.addr] == l {
			delete(l.wire.hosts, l.addr)
		}
	})
	return nil
}

func (l *wireListener) Addr() net.Addr { return wireAddr(l.addr) }

// newPipe is a connection: what one end writes the other reads.
func newPipe(near, far net.Addr) (a, b *pipeEnd) {
	there, back := newStream(), newStream()
	return &pipeEnd{in: back, out: there, local: near, remote: far},
		&pipeEnd{in: there, out: back, local: far, remote: near}
}

type pipeEnd struct {
	in, out       *stream
	local, remote net.Addr
	closed        atomic.Bool
	wire          *Wire // of the end that dialed
}

func (p *pipeEnd) Read(b []byte) (int, error) { return p.in.read(b) }

func (p *pipeEnd) Write(b []byte) (int, error) {
	if p.closed.Load() {
		return 0, io.ErrClosedPipe
	}
	return p.out.write(b)
}

func (p *pipeEnd) LocalAddr() net.Addr  { return p.local }
func (p *pipeEnd) RemoteAddr() net.Addr { return p.remote }

func (p *pipeEnd) Close() error {
	p.closed.Store(true)
	if p.wire != nil {
		p.wire.mu.Lock()
		delete(p.wire.pipes, p)
		p.wire.mu.Unlock()
	}
	p.in.close(io.ErrClosedPipe)
	p.out.close(io.EOF)
	return nil
}

func (p *pipeEnd) SetDeadline(t time.Time) error {
	p.in.readBy(t)
	p.out.writeBy(t)
	return nil
}
func (p *pipeEnd) SetReadDeadline(t time.Time) error  { p.in.readBy(t); return nil }
func (p *pipeEnd) SetWriteDeadline(t time.Time) error { p.out.writeBy(t); return nil }

// streamSize is how much one end may write before the other reads.
const streamSize = 256 << 10

// stream is one direction of a connection.
type stream struct {
	mu           sync.Mutex
	change       *sync.Cond
	data         []byte
	err          error // what a reader gets after the data
	reads, sends limit
}

// limit is a deadline with its timer.
type limit struct {
	at    time.Time
	timer *time.Timer
}

func (l *limit) passed() bool { return !l.at.IsZero() && !time.Now().Before(l.at) }

func newStream() *stream {
	s := &stream{}
	s.change = sync.NewCond(&s.mu)
	return s
}

func (s *stream) read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.data) == 0 {
		switch {
		case s.err != nil:
			return 0, s.err
		case s.reads.passed():
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		}
		s.change.Wait()
	}
	n := copy(b, s.data)
	s.data = s.data[n:]
	s.change.Broadcast()
	return n, nil
}

func (s *stream) write(b []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(b) > 0 {
		switch {
		case s.err != nil: // as with TCP, the writer learns it when it reads
			return n + len(b), nil
		case s.sends.passed():
			return n, os.ErrDeadlineExceeded
		case len(s.data) >= streamSize:
			s.change.Wait()
			continue
		}
		part := b[:min(len(b), streamSize-len(s.data))]
		s.data = append(s.data, part...)
		b, n = b[len(part):], n+len(part)
		s.change.Broadcast()
	}
	return n, nil
}

// close ends the stream; a reader's own close throws away what is unread.
func (s *stream) close(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	if errors.Is(err, io.ErrClosedPipe) {
		s.data, s.err = nil, err
	}
	for _, l := range []*limit{&s.reads, &s.sends} {
		if l.timer != nil {
			l.timer.Stop()
		}
	}
	s.change.Broadcast()
}

func (s *stream) readBy(t time.Time)  { s.by(&s.reads, t) }
func (s *stream) writeBy(t time.Time) { s.by(&s.sends, t) }

func (s *stream) by(l *limit, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	l.at = t
	if !t.IsZero() && s.err == nil {
		l.timer = time.AfterFunc(time.Until(t), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.change.Broadcast()
		})
	}
	s.change.Broadcast()
}
