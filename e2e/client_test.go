//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/fakeexchange"
)

// reply is a server's answer.
type reply struct {
	Code int
	Text string
}

func (r reply) String() string { return strconv.Itoa(r.Code) + " " + r.Text }

// client is Exchange's outbound connector, as far as the gateway can see:
// STARTTLS with Exchange's certificate, then BDAT or DATA.
type client struct {
	conn net.Conn
	r    *bufio.Reader
}

// dial connects as Exchange does.
func (g *gateway) dial(t *testing.T) *client {
	t.Helper()
	c, err := g.connect()
	must(t, err)
	t.Cleanup(func() { c.conn.Close() })
	return c
}

func (g *gateway) connect() (*client, error) {
	cert, err := g.authority.Certificate(exchangeID)
	if err != nil {
		return nil, err
	}
	return connect(g.smtp, g.authority, &cert)
}

func connect(address string, a *fakeexchange.Authority, cert *tls.Certificate) (*client, error) {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	c := newClient(conn)
	if err := c.beginAs(a.Pool(), cert, "gw.postern.example"); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func newClient(conn net.Conn) *client { return &client{conn: conn, r: bufio.NewReader(conn)} }

// beginAs brings the conversation to the point where MAIL may be said. name
// is the host that the client asks for; "clear" begins no TLS, and "" asks for
// none.
func (c *client) beginAs(roots *x509.CertPool, cert *tls.Certificate, name string) error {
	if r, err := c.read(); err != nil || r.Code != 220 {
		return fmt.Errorf("greeting: %v %w", r, err)
	}
	for _, line := range []string{"EHLO exchange.example", "STARTTLS"} {
		if line == "STARTTLS" && name == "clear" {
			return nil
		}
		if r, err := c.ask(line); err != nil || r.Code/100 != 2 {
			return fmt.Errorf("%s: %v %w", line, r, err)
		}
	}
	conf := &tls.Config{ServerName: name, InsecureSkipVerify: true} // whom the gateway is, others test
	if name == "gw.postern.example" {
		conf.RootCAs, conf.InsecureSkipVerify = roots, false
	}
	if cert != nil {
		conf.Certificates = []tls.Certificate{*cert}
	}
	secure := tls.Client(c.conn, conf)
	if err := secure.Handshake(); err != nil {
		return err
	}
	c.conn, c.r = secure, bufio.NewReader(secure)
	_, err := c.ask("EHLO exchange.example")
	return err
}

func (c *client) read() (r reply, err error) {
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return r, err
		}
		line = strings.TrimRight(line, "\r\n")
		if len(line) < 4 {
			return r, fmt.Errorf("no reply: %q", line)
		}
		if r.Code, err = strconv.Atoi(line[:3]); err != nil {
			return r, err
		}
		r.Text += line[4:]
		if line[3] == ' ' {
			return r, nil
		}
		r.Text += "\n"
	}
}

func (c *client) ask(line string) (reply, error) {
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		return reply{}, err
	}
	return c.read()
}

// envelope sends MAIL and RCPT; the first refusal is returned.
func (c *client) envelope(from string, to ...string) (reply, error) {
	r, err := c.ask("MAIL FROM:<" + from + "> BODY=8BITMIME")
	for _, a := range to {
		if err != nil || r.Code != 250 {
			return r, err
		}
		r, err = c.ask("RCPT TO:<" + a + ">")
	}
	return r, err
}

// bdat sends a whole message in one chunk.
func (c *client) bdat(raw []byte, from string, to ...string) (reply, error) {
	if r, err := c.envelope(from, to...); err != nil || r.Code != 250 {
		return r, err
	}
	if _, err := fmt.Fprintf(c.conn, "BDAT %d LAST\r\n", len(raw)); err != nil {
		return reply{}, err
	}
	if _, err := c.conn.Write(raw); err != nil {
		return reply{}, err
	}
	return c.read()
}

// data sends a whole message with DATA.
func (c *client) data(raw []byte, from string, to ...string) (reply, error) {
	if r, err := c.envelope(from, to...); err != nil || r.Code != 250 {
		return r, err
	}
	if r, err := c.ask("DATA"); err != nil || r.Code != 354 {
		return r, err
	}
	stuffed := bytes.ReplaceAll(append([]byte("\r\n"), raw...), []byte("\r\n."), []byte("\r\n.."))[2:]
	if _, err := c.conn.Write(append(stuffed, ".\r\n"...)); err != nil {
		return reply{}, err
	}
	return c.read()
}

// send is one message on a connection of its own, as Exchange brings it.
func (g *gateway) send(t *testing.T, raw []byte, to ...string) reply {
	t.Helper()
	if len(to) == 0 {
		to = []string{bob}
	}
	c := g.dial(t)
	r, err := c.bdat(raw, ann, to...)
	must(t, err)
	_, _ = c.ask("QUIT")
	c.conn.Close()
	return r
}

// message is a text with the header of a user's mail.
func message(subject, text string) []byte {
	head := fmt.Sprintf("From: Ann <%s>\nTo: %s\nSubject: %s\nMessage-ID: <%s@contoso.example>\n"+
		"Date: Sun, 22 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n",
		ann, bob, subject, unique())
	return []byte(strings.ReplaceAll(head+text, "\n", "\r\n"))
}

func unique() string {
	var b [12]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// routed is a message as Exchange's rule and connector send it: sent has the
// tenant header, which must never leave the gateway; back is what must.
func routed(raw []byte) (sent, back []byte) {
	back = append([]byte(exchangeHeader()), raw...)
	return append([]byte("X-Postern-Tenant: contoso;"+secret+";out;inline\r\n"), back...), back
}

func exchangeHeader() string {
	return "X-MS-Exchange-CrossTenant-Id: " + entra + "\r\nX-MS-Exchange-CrossTenant-AuthAs: Internal\r\n" +
		"X-OriginatorOrg: contoso.example\r\n"
}

// below checks law 1: what arrived is our fields and then the octets that
// came.
func below(t *testing.T, d *delivery, back []byte) {
	t.Helper()
	front, found := bytes.CutSuffix(d.Raw, back)
	if !found {
		t.Fatalf("the octets are not those that came:\n--- want\n%q\n--- got\n%q", back, d.Raw)
	}
	for _, line := range strings.Split(strings.TrimSuffix(string(front), "\r\n"), "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		switch {
		case line[0] == ' ' || line[0] == '\t':
		case name == "Received", name == "X-Postern-Checked", name == "X-Postern-Inspected":
		default:
			t.Errorf("a field that is not documented stands in front: %q", line)
		}
	}
	if !bytes.Contains(front, []byte("X-Postern-Checked: "+mark+"\r\n")) {
		t.Errorf("the mark is missing in front: %q", front)
	}
}
