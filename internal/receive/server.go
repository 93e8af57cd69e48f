package receive

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
)

// Handler decides about what arrives. Its methods are called by many
// connections at a time.
type Handler interface {
	// Rcpt is asked about each recipient; from is the envelope so far,
	// without To. nil takes the recipient, a reply refuses it.
	Rcpt(ctx context.Context, p mail.Peer, from mail.Envelope, to mail.Recipient) *mail.Reply
	// Accept takes a whole message and returns the answer to the end of data.
	// ctx is not cancelled when the client goes away, only by Close.
	Accept(ctx context.Context, a *mail.Arrival) mail.Reply
	// Settled says that the client went on after the answer of Accept, so it
	// has read it. Either Settled or Unsettled follows every Accept, once;
	// when it returns, the body is closed.
	Settled(a *mail.Arrival)
	// Unsettled says that the client may not have read the answer.
	Unsettled(a *mail.Arrival)
}

// ErrClosed is returned by Serve after Shutdown or Close.
var ErrClosed = errors.New("receive: server closed")

// Server is an SMTP server.
type Server struct {
	cfg        Config
	handler    Handler
	gate       gate
	handshakes chan struct{} // a token per handshake that runs
	strangers  chan struct{} // and those of strangers
	tls        *tls.Config
	windows    windows
	ctx        context.Context // ends with Close
	cancel     context.CancelFunc

	mu        sync.Mutex
	draining  bool
	listeners map[net.Listener]bool
	conns     map[*conn]bool
	running   sync.WaitGroup

	alarms telemetry.Seldom
}

// New returns a server that listens nowhere yet. It panics when cfg has no
// NewBuffer; what an administrator can get wrong is found by Config.Check.
func New(cfg Config, h Handler) *Server {
	if cfg.NewBuffer == nil || h == nil {
		panic("receive: New without NewBuffer or Handler")
	}
	cfg = cfg.withDefaults()
	cfg.Log = cfg.Log.With(telemetry.KeyRoom, "receive")
	s := &Server{
		cfg:        cfg,
		handler:    h,
		gate:       gate{peers: map[netip.Addr]int{}},
		handshakes: make(chan struct{}, cfg.MaxHandshakes),
		strangers:  make(chan struct{}, share(cfg.MaxHandshakes)),
		listeners:  map[net.Listener]bool{},
		conns:      map[*conn]bool{},
	}
	s.tls = s.tlsConfig()
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Serve takes connections from ln until Shutdown or Close, which make it
// return ErrClosed. It may be called for several listeners.
func (s *Server) Serve(ln net.Listener) error {
	if !s.watch(ln) {
		ln.Close()
		return ErrClosed
	}
	defer s.unwatch(ln)
	pause := time.Duration(0)
	for {
		nc, err := ln.Accept()
		if err == nil {
			pause = 0
			s.welcome(nc)
			continue
		}
		if s.isDraining() {
			return ErrClosed
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		// Out of file descriptors, or a connection that died in the queue:
		// the listener lives, so wait and go on.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.alarm(slog.LevelError, problem.CannotListen, telemetry.KeyError, err)
		select {
		case <-time.After(pause):
		case <-s.ctx.Done():
			return ErrClosed
		}
	}
}

// ServeConn talks to one client and returns when the connection is closed.
func (s *Server) ServeConn(nc net.Conn) {
	c, refusal := s.admit(nc)
	if c == nil {
		turnAway(nc, refusal)
		return
	}
	c.run()
}

func (s *Server) welcome(nc net.Conn) {
	c, refusal := s.admit(nc)
	if c == nil {
		go turnAway(nc, refusal)
		return
	}
	go c.run()
}

// admit counts the connection in, or says why not.
func (s *Server) admit(nc net.Conn) (*conn, mail.Reply) {
	addr := addrOf(nc.RemoteAddr())
	who := s.cfg.visitor(addr.Addr())
	switch s.gate.enter(who, s.cfg.MaxConnections, s.cfg.MaxPerPeer) {
	case fullTotal:
		s.cfg.Metrics.Count("receive_connections", 1, "result", "full")
		s.alarm(slog.LevelWarn, problem.ConnectionsFull, telemetry.KeyPeer, addr.String())
		return nil, replyTooManyConnections()
	case fullPeer:
		s.cfg.Metrics.Count("receive_connections", 1, "result", "peer-full")
		s.alarm(slog.LevelWarn, problem.PeerConnectionsFull, telemetry.KeyPeer, addr.String())
		return nil, replyTooManyFromPeer()
	}
	s.cfg.Metrics.Count("receive_connections", 1, "result", "taken")
	c := newConn(s, nc, addr, who)
	s.mu.Lock()
	defer s.mu.Unlock()
	c.draining = s.draining
	s.conns[c] = true
	s.running.Add(1)
	return c, mail.Reply{}
}

func (s *Server) forget(c *conn) {
	s.gate.leave(c.who)
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.cfg.Metrics.Set("receive_open_connections", float64(s.gate.open()))
	s.running.Done()
}

// turnAway tells a client why and hangs up; it never waits long.
func turnAway(nc net.Conn, r mail.Reply) {
	defer nc.Close()
	if nc.SetDeadline(time.Now().Add(2*time.Second)) == nil {
		_, _ = nc.Write([]byte(r.Wire())) // the client may be gone: nothing to do
	}
}

// Shutdown closes the listeners, tells idle clients to come back (421 4.3.2)
// and waits until the transactions that run are finished, or until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.drain()
	return s.Wait(ctx)
}

// Wait returns when no connection is served any more, or when ctx ends. Call
// it after Shutdown or Close.
func (s *Server) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends everything now. Arrivals that are being accepted see their
// context end; their clients get no answer and will try again.
func (s *Server) Close() error {
	s.drain()
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.raw.Close()
	}
	return nil
}

func (s *Server) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	for ln := range s.listeners {
		ln.Close()
	}
	for c := range s.conns {
		c.drain()
	}
}

func (s *Server) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

func (s *Server) watch(ln net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.listeners[ln] = true
	return true
}

func (s *Server) unwatch(ln net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, ln)
}
