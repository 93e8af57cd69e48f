package fakeexchange_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"

	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/mailflow"
)

const inbound = "contoso-example.mail.protection.outlook.com:25"

// TestAttribution returns mail by go-smtp's client, as a peer with some name
// and address, and looks at the answer to RCPT (exchange.md 5.4, 5.5, 5.8).
func TestAttribution(t *testing.T) {
	partner := func(change func(*mailflow.InboundConnector)) func(*mailflow.Setup) {
		return func(s *mailflow.Setup) {
			c := mailflow.InboundConnector{
				Name: "Partner", ConnectorType: mailflow.Partner, Enabled: true, SenderDomains: mailflow.Strings{"*"},
			}
			change(&c)
			s.InboundConnectors = append(s.InboundConnectors, c)
		}
	}
	noCertDomain := func(s *mailflow.Setup) { s.AcceptedDomains = s.AcceptedDomains[:2] }
	rejectDirect := func(s *mailflow.Setup) { s.Organization.RejectDirectSend = true }
	strict := func(sw *fakeexchange.Switches) { sw.CertificateDomain = fakeexchange.AcceptedCertificate }
	off := func(s *mailflow.Setup) { s.InboundConnectors[0].Enabled = false }
	own := "t-7f3a.relay.postern.example"
	tests := []struct {
		name     string
		change   func(*mailflow.Setup)
		sw       func(*fakeexchange.Switches)
		cert     string
		from, to string
		want     string
	}{
		{"the tenant's certificate may relay", nil, nil, own, ann, bob, "250"},
		{"without a certificate there is no relay", nil, nil, "", ann, bob, "550 5.7.64 TenantAttribution; Relay"},
		{"another certificate is no relay", nil, nil, "t-other.relay.postern.example", ann, bob, "550 5.7.64"},
		{"the certificate's accepted domain relays a foreign sender", nil, nil, own, "x@news.example", bob, "250"},
		{"a foreign sender is not relayed otherwise", noCertDomain, nil, own, "x@news.example", bob, "550 5.7.64"},
		{"an own sender is relayed whatever the certificate's domain", noCertDomain, nil, own, ann, bob, "250"},
		{"an own sender is not enough in the strict reading", noCertDomain, strict, own, ann, bob, "550 5.7.64"},
		{"a null sender is relayed", noCertDomain, nil, own, "", bob, "250"},
		{"a null sender is not relayed in the strict reading", noCertDomain, func(sw *fakeexchange.Switches) {
			sw.NullSenderOriginates = false
		}, own, "", bob, "550 5.7.64"},
		{"the internet may write to users", nil, nil, "", bob, ann, "250"},
		{"an unknown recipient is refused at the edge", nil, nil, "", bob, "no@contoso.example", "550 5.4.1 Recipient"},
		{"direct send is possible by default", nil, nil, "", ann, cid, "250"},
		{"direct send can be rejected", rejectDirect, nil, "", ann, cid, "550 5.7.68 TenantInboundAttribution; Direct Send"},
		{"a connector match is no direct send", rejectDirect, nil, own, ann, cid, "250"},
		{"a restricting partner connector wants its certificate", partner(func(c *mailflow.InboundConnector) {
			c.TLSSenderCertificateName, c.RestrictDomainsToCertificate = "partner.example", true
		}), nil, "", bob, ann, "550 5.7.51 TenantInboundAttribution"},
		{"a restricting partner connector takes its certificate", partner(func(c *mailflow.InboundConnector) {
			c.TLSSenderCertificateName, c.RestrictDomainsToCertificate = "*.partner.example", true
		}), nil, "mx.partner.example", bob, ann, "250"},
		{"a restricting partner connector wants its address", partner(func(c *mailflow.InboundConnector) {
			c.SenderIPAddresses, c.RestrictDomainsToIPAddresses = mailflow.Strings{"192.0.2.0/24"}, true
		}), nil, "", bob, ann, "550 5.7.51"},
		{"an OnPremises connector may match by address", func(s *mailflow.Setup) {
			s.InboundConnectors[0].TLSSenderCertificateName = ""
			s.InboundConnectors[0].SenderIPAddresses = mailflow.Strings{"203.0.113.0/28"}
		}, nil, "", ann, bob, "250"},
		{"a disabled connector does not match", off, nil, own, ann, bob, "550 5.7.64"},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T) {
			h := newHouse(t, "postern", tt.change, tt.sw)
			c := h.dial(t, tt.cert)
			defer c.Close()
			if err := c.Mail(tt.from, nil); err != nil {
				t.Fatal(err)
			}
			got := "250"
			if err := c.Rcpt(tt.to, nil); err != nil {
				var e *smtp.SMTPError
				if !errors.As(err, &e) {
					t.Fatal(err)
				}
				got = fmt.Sprintf("%d %d.%d.%d %s", e.Code, e.EnhancedCode[0], e.EnhancedCode[1], e.EnhancedCode[2], e.Message)
			}
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// dial is go-smtp's client at the tenant's door, with a certificate.
func (h *house) dial(t *testing.T, name string) *smtp.Client {
	t.Helper()
	conn, err := h.g.net.DialFrom("203.0.113.10")(context.Background(), "tcp", inbound)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{ServerName: strings.TrimSuffix(inbound, ":25"), RootCAs: h.g.ca.Pool()}
	if name != "" {
		certificate, err := h.g.ca.Certificate(name)
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	c, err := smtp.NewClientStartTLS(conn, config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestDialogs speaks to the inbound server line by line: "C:" is sent, "S:"
// is the beginning of the answer.
func TestDialogs(t *testing.T) {
	hello := "S:220|C:EHLO x|S:250 SMTPUTF8|"
	begun := hello + "C:MAIL FROM:<a@b.example>|S:250|C:RCPT TO:<ann@contoso.example>|S:250|"
	tests := []struct{ name, dialog string }{
		{"commands out of order", "S:220|C:MAIL FROM:<a@b.example>|S:503|C:EHLO x|S:250 SMTPUTF8|" +
			"C:RCPT TO:<ann@contoso.example>|S:503|C:DATA|S:503|C:NOPE|S:500|C:QUIT|S:221"},
		{"a message by DATA", begun + "C:DATA|S:354|C:Subject: x|C:|C:..|C:.|S:250 2.6.0"},
		{"two chunks by BDAT", begun + "C:BDAT 4|c:Subj|S:250|C:BDAT 6 LAST|c:ect: x|S:250 2.6.0"},
		{"a refused chunk is not run as commands", hello + "C:BDAT 6|c:QUIT\r\n|S:503|C:NOOP|S:250"},
		{"a bare LF in DATA is refused", begun + "C:DATA|S:354|c:Subject: x\n\nx\n.\n|C:y|C:.|S:550 5.6.11"},
		{"pipelining", hello + "c:MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@contoso.example>\r\n" +
			"RCPT TO:<no@contoso.example>\r\nDATA\r\n|S:250|S:250|S:550 5.4.1|S:354"},
		{"too large by its own word", hello + "C:MAIL FROM:<a@b.example> SIZE=999999999|S:552"},
		{"syntax", hello + "C:MAIL a@b|S:501|C:MAIL FROM:<a@b.example>|S:250|C:RCPT TO:<>|S:501|C:BDAT x|S:501"},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T) {
			h := newHouse(t, "postern", nil, nil)
			conn, err := h.g.net.DialFrom("198.51.100.7")(context.Background(), "tcp", inbound)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			speak(t, conn, tt.dialog)
		})
	}
}

func speak(t *testing.T, conn net.Conn, dialog string) {
	t.Helper()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	r := bufio.NewReader(conn)
	for _, step := range strings.Split(dialog, "|") {
		kind, text, _ := strings.Cut(step, ":")
		switch kind {
		case "C":
			text += "\r\n"
			fallthrough
		case "c":
			if _, err := io.WriteString(conn, text); err != nil {
				t.Fatal(err)
			}
		case "S":
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					t.Fatalf("want %q: %v", text, err)
				}
				if len(line) > 3 && line[3] == '-' {
					continue
				}
				if !strings.HasPrefix(line, text) {
					t.Fatalf("got %q, want %q", line, text)
				}
				break
			}
		}
	}
}

func TestTooManyRecipients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "postern", nil, nil)
		c := h.dial(t, "t-7f3a.relay.postern.example")
		defer c.Close()
		if err := c.Mail(ann, nil); err != nil {
			t.Fatal(err)
		}
		for i := range 201 {
			err := c.Rcpt(fmt.Sprintf("u%d@fabrikam.example", i), nil)
			var e *smtp.SMTPError
			if i < 200 && err != nil || i == 200 && (!errors.As(err, &e) || e.Code != 452) {
				t.Fatalf("recipient %d: %v", i, err)
			}
		}
	})
}

func TestRealSockets(t *testing.T) {
	s, err := fakeexchange.ReadySetup("postern", fakeexchange.Params{Egress: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	x, err := fakeexchange.New(fakeexchange.Config{Setups: []mailflow.Setup{s}})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- x.Serve(ln) }()
	c, err := smtp.Dial(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SendMail(bob, []string{ann}, strings.NewReader(card)); err != nil {
		t.Fatal(err)
	}
	_ = c.Quit()
	// The incoming rule routes it to a gateway that nobody runs here.
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
