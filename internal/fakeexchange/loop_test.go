package fakeexchange_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"

	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/mailflow"
)

// arrival is what the test gateway got.
type arrival struct {
	from string
	to   []string
	raw  []byte
	name string // of the client certificate
}

// gateway is a relay on emersion/go-smtp: it takes mail from the pretend
// Exchange, puts a header in front and brings it back.
type gateway struct {
	t     *testing.T
	net   *fakeexchange.Wire
	ca    *fakeexchange.Authority
	front string // put in front of what goes back; "" gives nothing back
	reply error  // answered to the end of data

	mu  sync.Mutex
	got []arrival
}

func (g *gateway) NewSession(c *smtp.Conn) (smtp.Session, error) { return &session{g: g, c: c}, nil }

type session struct {
	g *gateway
	c *smtp.Conn
	a arrival
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.a = arrival{from: from}; return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error   { s.a.to = append(s.a.to, to); return nil }
func (s *session) Reset()                                      {}
func (s *session) Logout() error                               { return nil }

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.a.raw = raw
	if state, ok := s.c.TLSConnectionState(); ok && len(state.PeerCertificates) > 0 {
		s.a.name = state.PeerCertificates[0].Subject.CommonName
	}
	s.g.mu.Lock()
	s.g.got = append(s.g.got, s.a)
	s.g.mu.Unlock()
	if s.g.reply != nil || s.g.front == "" {
		return s.g.reply
	}
	if err := s.g.giveBack(s.a); err != nil {
		var answer *smtp.SMTPError
		if errors.As(err, &answer) {
			return answer
		}
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 4, 2}, Message: err.Error()}
	}
	return nil
}

func (g *gateway) giveBack(a arrival) error {
	conn, err := g.net.DialFrom("203.0.113.10")(context.Background(), "tcp", inbound)
	if err != nil {
		return err
	}
	certificate, err := g.ca.Certificate("t-7f3a.relay.postern.example")
	if err != nil {
		return err
	}
	c, err := smtp.NewClientStartTLS(conn, &tls.Config{
		ServerName: "contoso-example.mail.protection.outlook.com", RootCAs: g.ca.Pool(),
		Certificates: []tls.Certificate{certificate},
	})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Mail(a.from, nil); err != nil {
		return err
	}
	for _, to := range a.to {
		if err := c.Rcpt(to, nil); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(append([]byte(g.front), a.raw...)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_ = c.Quit() // the message is taken, whatever happens now
	return nil
}

func (g *gateway) arrivals() []arrival {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]arrival(nil), g.got...)
}

// house is a pretend tenant with a test gateway on one wire.
type house struct {
	x *fakeexchange.Exchange
	g *gateway
}

func newHouse(t *testing.T, setup string, change func(*mailflow.Setup), sw func(*fakeexchange.Switches)) *house {
	t.Helper()
	s, err := fakeexchange.ReadySetup(setup, fakeexchange.Params{})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&s)
	}
	switches := fakeexchange.DefaultSwitches()
	if sw != nil {
		sw(&switches)
	}
	ca, err := fakeexchange.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	wire := fakeexchange.NewWire()
	x, err := fakeexchange.New(fakeexchange.Config{
		Setups: []mailflow.Setup{s}, Dial: wire.DialFrom("40.107.1.2"), Authority: ca, Switches: &switches,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	in, err := wire.Listen("contoso-example.mail.protection.outlook.com:25")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = x.Serve(in) }()
	g := &gateway{t: t, net: wire, ca: ca}
	g.listen(t)
	return &house{x: x, g: g}
}

func (g *gateway) listen(t *testing.T) {
	t.Helper()
	ln, err := g.net.Listen("gw.postern.example:25")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := g.ca.Certificate("gw.postern.example")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(g)
	server.ErrorLog = log.New(io.Discard, "", 0)
	server.Domain = "gw.postern.example"
	server.EnableSMTPUTF8, server.EnableBINARYMIME, server.EnableDSN = true, true, true
	server.MaxMessageBytes = 64 << 20
	server.TLSConfig = &tls.Config{
		Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert,
	}
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(func() {
		synctest.Wait() // Close and a STARTTLS under way write the same field
		_ = server.Close()
		_ = ln.Close() // Close may come before Serve knows the listener
	})
}

func idle(t *testing.T, x *fakeexchange.Exchange) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := x.Idle(ctx); err != nil {
		t.Fatalf("the pretend Exchange does not come to rest: %v", err)
	}
}

const card = "From: Ann <ann@contoso.example>\r\nTo: bob@fabrikam.example\r\nSubject: Offer 12\r\n" +
	"Message-ID: <a1@contoso.example>\r\n\r\nHello Bob,\r\n.\r\n..two dots\r\nAnn\r\n"

func TestTheLoopOfThePosternSetup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "postern", nil, nil)
		h.g.front = "X-Postern-Checked: demo-mark-51c2e9b04f6d\r\n"
		h.submit(t, card, fakeexchange.Options{}, bob)
		got := h.g.arrivals()
		if len(got) != 1 {
			t.Fatalf("the gateway got %d messages, want 1\n%v", len(got), h.x.Log())
		}
		if got[0].name != "mail.protection.outlook.com" {
			t.Errorf("client certificate %q", got[0].name)
		}
		for _, want := range []string{
			"X-Postern-Tenant: contoso;demo-secret-8d1f0c5e7a3b;out;inline\r\n", "X-OriginatorOrg: contoso.example\r\n",
			"X-MS-Exchange-CrossTenant-Id: 11111111-2222-3333-4444-555555555555\r\n",
			"X-MS-Exchange-CrossTenant-AuthAs: Internal\r\n", "X-MS-Exchange-CrossPremises-AuthAs: Internal\r\n",
		} {
			if !bytes.Contains(got[0].raw, []byte(want)) {
				t.Errorf("the gateway got no %q in\n%s", want, got[0].raw)
			}
		}
		out := h.x.Internet()
		if len(out) != 1 || out[0].To != "bob@fabrikam.example" {
			t.Fatalf("internet: %v\n%v", out, h.x.Log())
		}
		if !bytes.HasSuffix(out[0].Raw, []byte(card)) {
			t.Errorf("the octets changed:\n%s", out[0].Raw)
		}
		for _, not := range []string{"demo-mark", "Organization-", "CrossPremises-"} {
			if strings.Contains(string(out[0].Raw), not) {
				t.Errorf("%q leaves for the internet:\n%s", not, out[0].Raw)
			}
		}
	})
}

func TestPlainPipesAreEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := fakeexchange.ReadySetup("postern", fakeexchange.Params{})
		if err != nil {
			t.Fatal(err)
		}
		far := make(chan net.Conn, 1)
		x, err := fakeexchange.New(fakeexchange.Config{
			Setups: []mailflow.Setup{s},
			Dial: func(context.Context, string, string) (net.Conn, error) {
				a, b := net.Pipe()
				far <- b
				return a, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		if _, err := x.Submit(ann, []string{bob}, []byte(card), fakeexchange.Options{}); err != nil {
			t.Fatal(err)
		}
		conn := <-far
		if _, err := io.WriteString(conn, "421 4.3.2 not now\r\n"); err != nil {
			t.Fatal(err)
		}
		idle(t, x)
		q := x.Queue()
		if len(q) != 1 || q[0].Last.String() != "421 4.3.2 not now" || time.Until(q[0].Next) != 15*time.Minute {
			t.Errorf("queue %+v", q)
		}
	})
}
