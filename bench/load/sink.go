package load

import (
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Sink takes mail from anybody.
type Sink struct {
	// Hello is the name in the banner. Default: "sink.load.example".
	Hello string
	// TLS turns STARTTLS on.
	TLS *tls.Config
	// Chunking offers BDAT.
	Chunking bool
	// Connections is how many are served at the same time; 0: all.
	Connections int
	// Log gets a line of Got for each content; nil for none, which saves
	// the hashing.
	Log *Log
	// Count is a header field whose messages are counted, by its value up to
	// the first semicolon.
	Count string
	// Answers are the scripted answers and faults; the first that fits
	// counts.
	Answers []Rule
	// Answer decides where no rule fits; the zero Answer is the usual one.
	Answer func(s Step) Answer
	// OnMessage is told how many sessions began, how many said QUIT and how
	// many messages were taken, at each of these. One call at a time.
	OnMessage func(sessions, quits, messages int64)
	// OnContent gets the whole content of a message with its envelope; nil
	// for nobody, which saves the memory.
	OnContent func(e Envelope, content []byte)

	sessions, quits, messages atomic.Int64
	mu                        sync.Mutex
	counted                   map[string]int64
	turns                     []atomic.Int64
	conns                     map[net.Conn]bool
	closed                    bool
	ln                        []net.Listener
	handlers                  sync.WaitGroup
	telling                   sync.Mutex
	once                      sync.Once
}

// Envelope is what came before a content.
type Envelope struct {
	Client, Hello string
	Mail          string   // the argument of MAIL FROM:
	Rcpt          []string // the arguments of RCPT TO:
}

// Serve takes connections until the listener is closed.
func (s *Sink) Serve(ln net.Listener) error {
	s.once.Do(func() {
		s.turns = make([]atomic.Int64, len(s.Answers))
		if s.Hello == "" {
			s.Hello = "sink.load.example"
		}
	})
	s.mu.Lock()
	s.ln = append(s.ln, ln)
	if s.closed {
		ln.Close()
	}
	s.mu.Unlock()
	var places chan struct{}
	if s.Connections > 0 {
		places = make(chan struct{}, s.Connections)
	}
	for {
		if places != nil {
			places <- struct{}{}
		}
		conn, err := ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			if e, ok := err.(net.Error); ok && e.Timeout() || strings.Contains(err.Error(), "too many open files") {
				time.Sleep(10 * time.Millisecond)
				if places != nil {
					<-places
				}
				continue
			}
			return err
		}
		if !s.enter(conn) {
			conn.Close()
			return nil
		}
		go func() {
			defer s.leave(conn)
			(&session{sink: s, conn: conn, raw: conn}).serve()
			if places != nil {
				<-places
			}
		}()
	}
}

func (s *Sink) enter(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.conns == nil {
		s.conns = map[net.Conn]bool{}
	}
	s.conns[conn] = true
	s.handlers.Add(1)
	return true
}

func (s *Sink) leave(conn net.Conn) {
	conn.Close()
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
	s.handlers.Done()
}

// Close ends the listeners and all sessions, and waits for their log lines.
func (s *Sink) Close() error {
	s.mu.Lock()
	s.closed = true
	for _, ln := range s.ln {
		ln.Close()
	}
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.handlers.Wait()
	return s.Log.Err()
}

// Messages is how many contents were taken with a 2xx.
func (s *Sink) Messages() int64 { return s.messages.Load() }

// Counted is how many messages had the header field of Count, by value.
func (s *Sink) Counted() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make(map[string]int64, len(s.counted))
	for k, v := range s.counted {
		list[k] = v
	}
	return list
}

func (s *Sink) count(mark string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counted == nil {
		s.counted = map[string]int64{}
	}
	mark, _, _ = strings.Cut(mark, ";")
	s.counted[strings.TrimSpace(mark)]++
}

func (s *Sink) tell(counter *atomic.Int64) {
	if s.OnMessage == nil {
		counter.Add(1)
		return
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	counter.Add(1)
	s.OnMessage(s.sessions.Load(), s.quits.Load(), s.messages.Load())
}
