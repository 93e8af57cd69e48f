//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postern.dev/postern/internal/fakeexchange"
)

// sink is the next hop: a mail server that keeps every octet. It speaks
// STARTTLS, PIPELINING, CHUNKING, 8BITMIME and SMTPUTF8, and takes what
// anybody brings.
type sink struct {
	authority *fakeexchange.Authority
	address   string
	login     string // user NUL password that it demands, or ""
	marker    string // with it only the hash from there on is kept
	plain     bool   // STARTTLS is not demanded
	without   string // extensions that it does not offer
	hostile   *hostileHop
	ln        net.Listener
	cert      tls.Certificate

	mu    sync.Mutex
	all   []*delivery
	dot   func(*delivery) string                     // the answer to the end of a message; may wait
	watch func(stage, to string, d *delivery) string // what happens, as it happens; see atStage
}

// The stages of a transaction that a watch is told of. What it returns is
// the answer at atRcpt and atDot; at atDot hangUp breaks the connection
// without one.
const (
	atMail, atRcpt, atContent, atDot, atAnswered = "MAIL", "RCPT", "content", "final dot", "answer"

	hangUp = "hang up"
)

// delivery is a message that came.
type delivery struct {
	From   string
	To     []string
	Params string
	Raw    []byte
	Size   int64
	Sum    [sha256.Size]byte // from marker on, when one is set
	BDAT   bool
	Wire   []byte   // what came in DATA, with the end
	Client []string // names in the client's certificate
	Began  time.Time
	At     time.Time // of the end of the content
	Done   time.Time // of the answer; zero while there is none
	Broke  bool      // taken, and the answer could not be given
}

func newSink(t *testing.T) *sink {
	t.Helper()
	a, err := fakeexchange.NewAuthority()
	must(t, err)
	return newSinkOf(t, a, returnName)
}

func newSinkOf(t *testing.T, a *fakeexchange.Authority, name string) *sink {
	t.Helper()
	cert, err := a.Certificate(name)
	must(t, err)
	s := &sink{authority: a, cert: cert}
	for range 5 { // another program may take a port between the look and the use
		if s.address = port(t); s.tryListen() == nil {
			break
		}
	}
	if s.ln == nil {
		s.listen(t)
	}
	t.Cleanup(func() { s.ln.Close() })
	return s
}

func (s *sink) listen(t *testing.T) {
	t.Helper()
	must(t, s.tryListen())
}

func (s *sink) tryListen() error {
	ln, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.ln = ln
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return nil
}

// answer sets what the sink says to the end of messages; "" is 250.
func (s *sink) answer(fn func(*delivery) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dot = fn
}

// got lists what was taken.
func (s *sink) got() []*delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// find lists what was taken and contains a text.
func (s *sink) find(text string) (list []*delivery) {
	for _, d := range s.got() {
		if bytes.Contains(d.Raw, []byte(text)) {
			list = append(list, d)
		}
	}
	return list
}

// to lists what was taken for a recipient and contains a text.
func (s *sink) to(address, text string) (list []*delivery) {
	for _, d := range s.find(text) {
		if slices.Contains(d.To, address) {
			list = append(list, d)
		}
	}
	return list
}

// session is one connection.
type session struct {
	s      *sink
	conn   net.Conn
	r      *bufio.Reader
	secure bool
	known  bool
	d      *delivery
	in     *intake
}

func (s *sink) serve(conn net.Conn) {
	c := &session{s: s, conn: conn, r: bufio.NewReaderSize(conn, 1<<16)}
	defer func() { c.conn.Close() }()
	c.say("220 sink ESMTP")
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, rest, _ := strings.Cut(line, " ")
		if c.handle(strings.ToUpper(verb), rest) != nil {
			return
		}
	}
}

func (c *session) say(text string) { fmt.Fprintf(c.conn, "%s\r\n", text) }

var errQuit = io.EOF

func (c *session) handle(verb, rest string) error {
	switch verb {
	case "EHLO", "HELO":
		list := []string{"sink", "PIPELINING", "SIZE 300000000", "8BITMIME", "SMTPUTF8", "CHUNKING", "ENHANCEDSTATUSCODES"}
		if !c.secure {
			list = append(list, "STARTTLS")
		} else if c.s.login != "" {
			list = append(list, "AUTH PLAIN")
		}
		list = slices.DeleteFunc(list, func(x string) bool { return strings.Contains(c.s.without, x) })
		for i, l := range list {
			sep := "-"
			if i == len(list)-1 {
				sep = " "
			}
			c.say("250" + sep + l)
		}
	case "STARTTLS":
		if h := c.s.hostile; h != nil && !h.startTLS(c) {
			return nil
		} else if h == nil {
			c.say("220 2.0.0 go ahead")
		}
		t := tls.Server(c.conn, &tls.Config{Certificates: []tls.Certificate{c.s.cert}, ClientAuth: tls.RequestClientCert})
		if err := t.Handshake(); err != nil {
			return err
		}
		c.conn, c.r, c.secure = t, bufio.NewReaderSize(t, 1<<16), true
	case "AUTH":
		word := strings.TrimPrefix(rest, "PLAIN ")
		got, err := base64.StdEncoding.DecodeString(word)
		if err != nil || "\x00"+c.s.login != string(got) {
			c.say("535 5.7.8 wrong")
			return nil
		}
		c.known = true
		c.say("235 2.7.0 welcome")
	case "MAIL":
		c.mail(rest)
	case "RCPT":
		if reply := c.told(atRcpt, path(rest)); reply != "" {
			c.say(reply)
			return nil
		}
		c.d.To = append(c.d.To, path(rest))
		c.say("250 2.1.5 ok")
	case "DATA":
		c.say("354 go on")
		if err := c.data(); err != nil {
			return err
		}
	case "BDAT":
		return c.bdat(rest)
	case "RSET", "NOOP":
		c.d, c.in = nil, nil
		c.say("250 2.0.0 ok")
	case "QUIT":
		c.say("221 2.0.0 bye")
		return errQuit
	default:
		c.say("502 5.5.1 no")
	}
	return nil
}

func path(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}

func (c *session) mail(rest string) {
	switch {
	case !c.secure && !c.s.plain:
		c.say("530 5.7.0 STARTTLS first")
		return
	case c.s.login != "" && !c.known:
		c.say("530 5.7.0 authentication required")
		return
	}
	_, params, _ := strings.Cut(rest, "> ")
	c.d = &delivery{From: path(rest), Params: params, Began: time.Now()}
	c.in = &intake{marker: []byte(c.s.marker)}
	if t, ok := c.conn.(*tls.Conn); ok {
		for _, cert := range t.ConnectionState().PeerCertificates[:min(1, len(t.ConnectionState().PeerCertificates))] {
			c.d.Client = cert.DNSNames
		}
	}
	c.told(atMail, "")
	c.say("250 2.1.0 ok")
}

// told tells the watch, if there is one.
func (c *session) told(stage, to string) string {
	c.s.mu.Lock()
	watch := c.s.watch
	c.s.mu.Unlock()
	if watch == nil {
		return ""
	}
	return watch(stage, to, c.d)
}

func (c *session) data() error {
	for first := true; ; first = false {
		line, err := c.r.ReadBytes('\n')
		if err != nil {
			return err
		}
		c.d.Wire = append(c.d.Wire, line...)
		if first {
			c.told(atContent, "")
		}
		if string(line) == ".\r\n" {
			return c.end()
		}
		c.in.Write(bytes.TrimPrefix(line, []byte(".")))
	}
}

func (c *session) bdat(rest string) error {
	size, last, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || c.in == nil {
		c.say("503 5.5.1 no")
		return errQuit
	}
	c.d.BDAT = true
	if _, err := io.CopyN(c.in, c.r, n/2); err != nil {
		return err
	}
	c.told(atContent, "")
	if _, err := io.CopyN(c.in, c.r, n-n/2); err != nil {
		return err
	}
	if strings.EqualFold(last, "LAST") {
		return c.end()
	}
	c.say("250 2.0.0 chunk")
	return nil
}

func (c *session) end() error {
	d := c.d
	d.Raw, d.Size, d.At = c.in.kept.Bytes(), c.in.size, time.Now()
	if c.in.sum != nil {
		copy(d.Sum[:], c.in.sum.Sum(nil))
	}
	c.s.mu.Lock()
	dot := c.s.dot
	c.s.mu.Unlock()
	reply := c.told(atDot, "")
	if dot != nil {
		reply = dot(d)
	}
	if reply == "" {
		reply = "250 2.6.0 taken"
	}
	if reply[0] == '2' || reply == hangUp {
		c.s.mu.Lock()
		d.Broke = reply == hangUp
		c.s.all = append(c.s.all, d)
		c.s.mu.Unlock()
	}
	if reply == hangUp {
		return errQuit
	}
	_, err := fmt.Fprintf(c.conn, "%s\r\n", reply)
	c.s.mu.Lock()
	d.Done, d.Broke = time.Now(), err != nil
	c.s.mu.Unlock()
	c.told(atAnswered, "")
	c.d, c.in = nil, nil
	return nil
}

// intake keeps a message, or with a marker only its beginning and a hash.
type intake struct {
	kept   bytes.Buffer
	size   int64
	marker []byte
	sum    hash.Hash
}

func (i *intake) Write(p []byte) (int, error) {
	n := len(p)
	i.size += int64(n)
	if i.sum != nil {
		i.sum.Write(p)
		return n, nil
	}
	i.kept.Write(p)
	if len(i.marker) == 0 {
		return n, nil
	}
	if at := bytes.Index(i.kept.Bytes(), i.marker); at >= 0 {
		i.sum = sha256.New()
		i.sum.Write(i.kept.Bytes()[at:])
	}
	return n, nil
}
