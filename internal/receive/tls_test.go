package receive

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
)

// authority issues certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key := newKey(t)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authority{cert, key, pool}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) issue(t testing.TB, change func(*x509.Certificate)) *tls.Certificate {
	t.Helper()
	key := newKey(t)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Mail.Protection.Outlook.com"},
		DNSNames:  []string{"Mail.Protection.Outlook.com", "*.mail.eo.outlook.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(tmpl)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// secured is a Config that offers TLS and trusts clients' says for clients.
func secured(t testing.TB, server, clients *authority) Config {
	cert := server.issue(t, func(c *x509.Certificate) { c.DNSNames = []string{"mx.postern.example"} })
	return Config{
		Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return cert, nil },
		ClientRoots: func() *x509.CertPool { return clients.pool },
	}
}

// startTLS continues the conversation over TLS.
func (c *client) startTLS(cfg *tls.Config) *tls.Conn {
	c.t.Helper()
	c.talk(">STARTTLS", "<220 2.0.0")
	secure := tls.Client(c.nc, cfg)
	if err := secure.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	c.nc = secure
	return secure
}

func TestTheClientCertificateIsAFactAndNoCondition(t *testing.T) {
	ours, theirs, strangers := newAuthority(t), newAuthority(t), newAuthority(t)
	tests := []struct {
		name     string
		cert     *tls.Certificate
		given    bool
		verified bool
		names    []string
	}{
		{"none is given", nil, false, false, nil},
		{"a trusted one proves its names", theirs.issue(t, nil), true, true, []string{"mail.protection.outlook.com",
			"*.mail.eo.outlook.com"}},
		{"one for clients", theirs.issue(t, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
			c.DNSNames = []string{"a.example"}
		}), true, true, []string{"a.example"}},
		{"the common name counts when there is no other", theirs.issue(t,
			func(c *x509.Certificate) { c.DNSNames = nil }), true, true,
			[]string{"mail.protection.outlook.com"}},
		{"the common name counts for nothing beside an address", theirs.issue(t, func(c *x509.Certificate) {
			c.DNSNames = nil
			c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)}
		}), true, true, nil},
		{"a stranger's proves nothing", strangers.issue(t, nil), true, false, nil},
		{"an expired one proves nothing", theirs.issue(t,
			func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), true, false, nil},
		{"one for signing code proves nothing", theirs.issue(t, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		}), true, false, nil},
	}
	for _, test := range tests {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(test.name+" "+tls.VersionName(version), func(t *testing.T) {
				d := new(desk)
				c := dial(t, secured(t, ours, theirs), d)
				c.talk(hello...)
				cfg := &tls.Config{RootCAs: ours.pool, ServerName: "MX.postern.example", MinVersion: version, MaxVersion: version}
				if test.cert != nil {
					cfg.Certificates = []tls.Certificate{*test.cert}
				}
				c.startTLS(cfg)
				c.talk(">EHLO again", "<250-", ">MAIL FROM:<>", "<250", ">RCPT TO:<a@b.example>", "<250", ">BDAT 1 LAST",
					"=x", "<250", ">QUIT", "<221")
				c.finish()
				p := d.messages()[0].Peer
				if p.TLS == nil || p.TLS.Version != version || p.TLS.ServerName != "mx.postern.example" ||
					p.TLS.Cipher == 0 || p.Hello != "again" {
					t.Fatalf("peer %+v, %+v", p, p.TLS)
				}
				if (len(p.TLS.Certificates) > 0) != test.given || p.TLS.Verified != test.verified ||
					!slices.Equal(p.TLS.Names, test.names) {
					t.Errorf("given %d, verified %v, names %q", len(p.TLS.Certificates), p.TLS.Verified, p.TLS.Names)
				}
				if settled, _ := d.fates(); settled != 1 {
					t.Error("the answer was not settled over TLS")
				}
			})
		}
	}
}

func TestNothingSaidInClearSurvivesSTARTTLS(t *testing.T) {
	ours := newAuthority(t)
	t.Run("commands in the same segment close the connection", func(t *testing.T) {
		c := dial(t, secured(t, ours, ours), new(desk))
		c.talk(hello...)
		c.talk("=STARTTLS\r\nMAIL FROM:<eve@evil.example>\r\nRCPT TO:<a@b.example>\r\n", "<554 5.5.1", "<closed")
	})
	t.Run("commands after the answer break the handshake", func(t *testing.T) {
		c := dial(t, secured(t, ours, ours), new(desk))
		c.talk(hello...)
		c.talk(">STARTTLS", "<220", ">MAIL FROM:<eve@evil.example>")
		for r := c.reply(); r != ""; r = c.reply() {
			if strings.HasPrefix(r, "2") {
				t.Errorf("%q", r)
			}
		}
	})
	t.Run("a few octets that begin no handshake are not waited on", func(t *testing.T) {
		for _, octets := range []string{"\r", "\r\n", "!", "\x16\r", "\x15\x03", "QUIT"} {
			cfg := secured(t, ours, ours)
			cfg.HandshakeTimeout = time.Hour
			c := dial(t, cfg, new(desk))
			c.talk(hello...)
			c.talk(">STARTTLS", "<220", "="+octets)
			select {
			case <-c.done:
			case <-time.After(20 * time.Second):
				t.Fatalf("after %q the server still waits for a handshake", octets)
			}
		}
	})
	t.Run("EHLO is forgotten", func(t *testing.T) {
		c := dial(t, secured(t, ours, ours), new(desk))
		c.talk(hello...)
		c.startTLS(&tls.Config{RootCAs: ours.pool, ServerName: "mx.postern.example"})
		c.talk(">MAIL FROM:<a@b.example>", "<503 5.5.1", ">EHLO x", "<250-", ">STARTTLS", "<503 5.5.1")
	})
	t.Run("not within a transaction", func(t *testing.T) {
		c := dial(t, secured(t, ours, ours), new(desk))
		c.talk(from...)
		c.talk(">STARTTLS", "<503", ">STARTTLS x", "<503", ">RSET", "<250", ">STARTTLS x", "<501")
	})
	t.Run("not without a certificate", func(t *testing.T) {
		c := dial(t, Config{}, new(desk))
		c.talk(hello...)
		c.talk(">STARTTLS", "<502")
	})
}

func TestOldTLSIsRefused(t *testing.T) {
	ours := newAuthority(t)
	c := dial(t, secured(t, ours, ours), new(desk))
	c.talk(hello...)
	c.talk(">STARTTLS", "<220")
	err := tls.Client(c.nc, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10,
		MaxVersion: tls.VersionTLS11}).Handshake()
	if err == nil {
		t.Error("TLS 1.1 was spoken")
	}
	<-c.done
}

func TestTLSExtensions(t *testing.T) {
	ours := newAuthority(t)
	yes := true
	cfg := secured(t, ours, ours)
	cfg.OfferRequireTLS, cfg.RequireTLS = true, &yes
	d := new(desk)
	c := dial(t, cfg, d)
	c.talk("<220", ">EHLO x")
	if r := c.reply(); !strings.Contains(r, "STARTTLS\r\n") || strings.Contains(r, "REQUIRETLS") {
		t.Errorf("before TLS: %s", r)
	}
	c.talk(">MAIL FROM:<> REQUIRETLS", "<530 5.7.0")
	c.startTLS(&tls.Config{RootCAs: ours.pool, ServerName: "mx.postern.example"})
	c.send("EHLO x\r\n")
	if r := c.reply(); strings.Contains(r, "STARTTLS") || !strings.Contains(r, "REQUIRETLS\r\n") {
		t.Errorf("within TLS: %s", r)
	}
	c.talk(">MAIL FROM:<> REQUIRETLS=1", "<501", ">MAIL FROM:<> REQUIRETLS", "<250", ">RCPT TO:<a@b.example>",
		"<250", ">DATA", "<354", ">.", "<250")
	if !d.messages()[0].Envelope.RequireTLS {
		t.Error("REQUIRETLS was lost")
	}
}

func TestTheCertificateIsChosenPerHandshake(t *testing.T) {
	ours := newAuthority(t)
	cfg := secured(t, ours, ours)
	next := ours.issue(t, func(c *x509.Certificate) { c.DNSNames = []string{"new.example"} })
	cfg.Certificate = func(h *tls.ClientHelloInfo) (*tls.Certificate, error) { return next, nil }
	c := dial(t, cfg, new(desk))
	c.talk(hello...)
	secure := c.startTLS(&tls.Config{RootCAs: ours.pool, ServerName: "new.example"})
	next = ours.issue(t, func(c *x509.Certificate) { c.DNSNames = []string{"newer.example"} })
	if got := secure.ConnectionState().PeerCertificates[0].DNSNames[0]; got != "new.example" {
		t.Error(got)
	}
}

func TestHandshakesAreLimited(t *testing.T) {
	ours := newAuthority(t)
	cfg := secured(t, ours, ours)
	cfg.MaxHandshakes = 1
	s := New(withMemory(cfg), new(desk))
	slow := connect(t, s)
	slow.talk(hello...)
	slow.talk(">STARTTLS", "<220")
	second := connect(t, s)
	second.talk(hello...)
	second.talk(">STARTTLS", "<454 4.7.0", ">NOOP", "<250")
}

func TestAServerNameThatIsNoneIsDropped(t *testing.T) {
	for in, want := range map[string]string{"MX.Example": "mx.example", "a\nb": "", "a b": "", "é.example": "", "": ""} {
		if got := hostName(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

var _ mail.Body = (*memory)(nil)
