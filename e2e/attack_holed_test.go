//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// holed is a mail server with every hole that the driver looks for: the
// control that shows that it finds them.
type holed struct {
	cert tls.Certificate
	mu   sync.Mutex
	all  [][]byte
}

func startHoled(t *testing.T) (*holed, *target) {
	t.Helper()
	s := newSink(t) // for its certificate
	h := &holed{cert: s.cert}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go (&holedConn{h: h, conn: conn, r: bufio.NewReaderSize(conn, 1<<20)}).serve()
		}
	}()
	return h, &target{
		name: "holed", address: ln.Addr().String(), roots: s.authority.Pool(), server: returnName, from: ann, to: bob,
		settle: 300 * time.Millisecond, patience: time.Second, got: h.got,
	}
}

func (h *holed) got(token string) (list [][]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.all {
		if bytes.Contains(m, []byte(token)) {
			list = append(list, m)
		}
	}
	return list
}

func (h *holed) keep(m []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, bytes.Clone(m))
}

type holedConn struct {
	h      *holed
	conn   net.Conn
	r      *bufio.Reader
	chunks []byte
	from   bool // MAIL was said
	to     bool // RCPT was said
}

func (c *holedConn) say(s string) { fmt.Fprintf(c.conn, "%s\r\n", s) }

func (c *holedConn) serve() {
	defer func() { c.conn.Close() }()
	c.say("220 holed ESMTP")
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, args, _ := strings.Cut(line, " ")
		if !c.handle(strings.ToUpper(verb), args, line) {
			return
		}
	}
}

func (c *holedConn) handle(verb, args, line string) bool {
	switch verb {
	case "EHLO": // resets nothing, and repeats what it is told
		c.say("250-hello " + args)
		for _, x := range []string{"SIZE 1000000000", "8BITMIME", "SMTPUTF8", "DSN", "CHUNKING", "BINARYMIME", "PIPELINING"} {
			c.say("250-" + x)
		}
		c.say("250 STARTTLS")
	case "STARTTLS": // what was read ahead is kept
		c.say("220 go")
		ahead, _ := c.r.Peek(c.r.Buffered())
		ahead = bytes.Clone(ahead)
		secure := tls.Server(c.conn, &tls.Config{Certificates: []tls.Certificate{c.h.cert}})
		if secure.Handshake() != nil {
			return true // and goes on in clear
		}
		c.conn, c.r = secure, bufio.NewReaderSize(io.MultiReader(bytes.NewReader(ahead), secure), 1<<20)
	case "MAIL":
		c.from = true
		c.say("250 " + line)
	case "RCPT":
		c.to = true
		c.say("250 " + line)
	case "DATA":
		c.say("354 go")
		c.data()
	case "BDAT":
		return c.bdat(args)
	case "QUIT":
		c.say("221 bye")
		return false
	default:
		c.say("250 " + line)
	}
	return true
}

// data ends at a dot between any two line ends, and at the end of the
// connection.
func (c *holedConn) data() {
	var text []byte
	atLine := true
	for {
		b, err := c.r.ReadByte()
		if err != nil {
			c.h.keep(text)
			return
		}
		if b == 0 {
			continue
		}
		if next, _ := c.r.Peek(1); b == '.' && atLine && len(next) == 1 && strings.ContainsRune("\r\n", rune(next[0])) {
			if _, _ = c.r.ReadByte(); next[0] == '\r' {
				if lf, _ := c.r.Peek(1); string(lf) == "\n" {
					_, _ = c.r.ReadByte()
				}
			}
			if c.h.keep(text); !bytes.Contains(text, []byte(":")) {
				c.conn.Close() // a message without a header kills it
			}
			c.say("250 taken")
			return
		}
		text = append(text, b)
		atLine = (b == '\n' || b == '\r') && !bytes.HasSuffix(text, []byte("\r\r\n"))
	}
}

// bdat runs a chunk without a sender as commands, reads sizes as they come
// and takes what was cut off.
func (c *holedConn) bdat(args string) bool {
	size, last, _ := strings.Cut(args, " ")
	n, _ := strconv.ParseInt(size, 0, 64)
	if !c.from || !c.to {
		c.say("503 no")
		return true
	}
	part := make([]byte, max(0, min(n, 1<<20)))
	k, err := io.ReadFull(c.r, part)
	c.chunks = append(c.chunks, part[:k]...)
	if err != nil || strings.HasPrefix(last, "LAST") {
		c.h.keep(c.chunks)
		c.chunks = nil
	}
	c.say("250 taken")
	return err == nil
}

func TestTheAttackDriverFindsHoles(t *testing.T) {
	t.Parallel()
	_, tg := startHoled(t)
	list := attacks()
	s := drive(t, tg, list)
	for _, g := range groups(list) {
		if len(s.holes[g]) == 0 {
			t.Errorf("no hole was found in group %q", g)
		}
	}
	if s.bad+s.lax < len(list)/2 {
		t.Errorf("only %d of %d attacks were seen to succeed", s.bad, len(list))
	}
}

const plainMain = `mynetworks = 10.255.255.0/24
relay_domains = fabrikam.example
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
`

// TestTheAttackDriverOnPostfix prints what the same attacks come to at
// Debian's Postfix, as it is shipped and hardened.
func TestTheAttackDriverOnPostfix(t *testing.T) {
	long(t)
	for name, more := range map[string]string{"as shipped": "", "hardened": "smtpd_forbid_bare_newline = yes"} {
		t.Run(name, func(t *testing.T) {
			tg := plainPostfix(t, more)
			s := drive(t, tg, attacks())
			for g, list := range s.holes {
				for _, hole := range list {
					t.Logf("postfix %s: %s: %s", name, g, hole)
				}
			}
		})
	}
}

func plainPostfix(t *testing.T, more string) *target {
	t.Helper()
	out := newSink(t)
	out.plain = true
	in := port(t)
	_, services, _ := strings.Cut(postfixMaster, "\nsmtp unix")
	runPostfix(t, out.authority, out, plainMain+more+"\n", func(string) string {
		return in + " inet n - n - - smtpd\nrelay unix - - n - - smtp\nsmtp unix" + services
	})
	return &target{
		name: "postfix", address: in, roots: out.authority.Pool(), server: mta, from: ann, to: bob, settle: 5 * time.Second,
		patience: 5 * time.Second,
		got: func(token string) (list [][]byte) {
			for _, d := range out.find(token) {
				list = append(list, d.Raw)
			}
			return list
		},
	}
}

// long skips what belongs into "make e2e-long".
func long(t *testing.T) {
	t.Helper()
	if !inFull() {
		t.Skip("for make e2e-long")
	}
}
