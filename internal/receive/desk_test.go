package receive

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
)

// memory is a Buffer for tests.
type memory struct {
	mu     sync.Mutex
	b      []byte
	closed bool
	fail   error
}

func (m *memory) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		panic("written after Close")
	}
	if m.fail != nil {
		return 0, m.fail
	}
	m.b = append(m.b, p...)
	return len(p), nil
}

func (m *memory) ReadAt(p []byte, off int64) (int, error) { return mail.Bytes(m.b).ReadAt(p, off) }
func (m *memory) Size() int64                             { return int64(len(m.b)) }
func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		panic("closed twice")
	}
	m.closed = true
	return nil
}

// taken is a message that the desk accepted.
type taken struct {
	*mail.Arrival
	content string
}

// desk is a Handler for tests. The functions may be nil.
type desk struct {
	onRcpt   func(mail.Peer, mail.Envelope, mail.Recipient) *mail.Reply
	onAccept func(context.Context, *mail.Arrival) mail.Reply

	mu        sync.Mutex
	got       []taken
	settled   []string
	unsettled []string
}

func (d *desk) Rcpt(_ context.Context, p mail.Peer, e mail.Envelope, to mail.Recipient) *mail.Reply {
	if d.onRcpt != nil {
		return d.onRcpt(p, e, to)
	}
	return nil
}

func (d *desk) Accept(ctx context.Context, a *mail.Arrival) mail.Reply {
	b, err := io.ReadAll(io.NewSectionReader(a.Body, 0, a.Body.Size()))
	if err != nil {
		panic(err)
	}
	d.mu.Lock()
	d.got = append(d.got, taken{a, string(b)})
	d.mu.Unlock()
	if d.onAccept != nil {
		return d.onAccept(ctx, a)
	}
	return mail.NewReply(250, "2.6.0", "Queued")
}

func (d *desk) Settled(a *mail.Arrival) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settled = append(d.settled, a.Trace)
}

func (d *desk) Unsettled(a *mail.Arrival) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unsettled = append(d.unsettled, a.Trace)
}

func (d *desk) messages() []taken {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]taken(nil), d.got...)
}

func (d *desk) fates() (settled, unsettled int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.settled), len(d.unsettled)
}

func withMemory(cfg Config) Config {
	if cfg.NewBuffer == nil {
		cfg.NewBuffer = func() Buffer { return new(memory) }
	}
	return cfg
}

// client is the other end of a conversation that a test writes down.
type client struct {
	t    *testing.T
	nc   net.Conn
	buf  []byte
	done chan struct{} // closed when the server has finished
}

// dial connects to a server of its own over loopback.
func dial(t *testing.T, cfg Config, d *desk) *client {
	t.Helper()
	return connect(t, New(withMemory(cfg), d))
}

func connect(t *testing.T, s *Server) *client {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ours, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return begin(t, s, ours, theirs)
}

func begin(t *testing.T, s *Server, ours, theirs net.Conn) *client {
	c := &client{t: t, nc: ours, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		s.ServeConn(theirs)
	}()
	t.Cleanup(func() {
		ours.Close()
		<-c.done
	})
	return c
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c.nc, s); err != nil {
		c.t.Fatalf("send %.60q: %v", s, err)
	}
}

// line reads one line of a reply; "" at the end of the connection.
func (c *client) line() string {
	for {
		if i := bytes.IndexByte(c.buf, '\n'); i >= 0 {
			line := string(c.buf[:i+1])
			c.buf = c.buf[i+1:]
			return line
		}
		b := make([]byte, 4096)
		n, err := c.nc.Read(b)
		c.buf = append(c.buf, b[:n]...)
		if err != nil && n == 0 {
			return ""
		}
	}
}

// reply reads a whole reply.
func (c *client) reply() string {
	var all string
	for {
		line := c.line()
		all += line
		if len(line) < 4 || line[3] != '-' {
			return all
		}
	}
}

// want reads a reply that begins so; "closed" is the end of the connection.
func (c *client) want(begin string) string {
	c.t.Helper()
	r := c.reply()
	if begin == "closed" && r == "" || begin != "closed" && strings.HasPrefix(r, begin) && r != "" {
		return r
	}
	c.t.Fatalf("the server said %q, want %q", r, begin)
	return ""
}

// talk runs a conversation: lines that begin with ">" are sent with CR LF,
// "=" without, "<" are wanted.
func (c *client) talk(script ...string) {
	c.t.Helper()
	for _, step := range script {
		switch step[0] {
		case '>':
			c.send(step[1:] + "\r\n")
		case '=':
			c.send(step[1:])
		case '<':
			c.want(step[1:])
		}
	}
}

// hello, from and to bring a conversation to the place a test is about.
var (
	hello = []string{"<220", ">EHLO client.example", "<250-localhost"}
	from  = append(hello[:3:3], ">MAIL FROM:<ann@contoso.example>", "<250 2.1.0")
	to    = append(from[:5:5], ">RCPT TO:<bob@fabrikam.example>", "<250 2.1.5")
)

// finish hangs up and waits for the server.
func (c *client) finish() {
	c.nc.Close()
	select {
	case <-c.done:
	case <-time.After(20 * time.Second):
		c.t.Fatal("the server did not end")
	}
}
