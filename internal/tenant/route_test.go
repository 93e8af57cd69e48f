package tenant_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/tenant"
)

func TestRouteBackToTheTenantsExchange(t *testing.T) {
	const text = `
kind: tenant
id: mx
domains: [mx.example, mx.onmicrosoft.com, "*.mx.example"]
secret: [mx-secret-now-1234567]
mark: [mx-mark-now-123456789]
return: { foreign_mx: true }
---
kind: tenant
id: plain
domains: [first.example, second.example]
secret: [plain-secret-now-1234]
mark: [plain-mark-now-123456]
---
kind: tenant
id: pinned
domains: [pinned.example]
secret: [pinned-secret-now-123]
mark: [pinned-mark-now-12345]
return: { host: "smart.example:587", user: u, password: p, server_name: other.example }
---
kind: tenant
id: local
domains: [local.example]
secret: [local-secret-now-1234]
mark: [local-mark-now-123456]
return: { host: "[::1]:2525", tls: off }
`
	s := load(t, text)
	mx := func(domain string) mail.Route {
		return mail.Route{Tenant: "mx", Domain: domain, Initial: "mx.onmicrosoft.com", ForeignMX: true, TLS: mail.TLSRequire}
	}
	plain := func(domain string) mail.Route {
		return mail.Route{Tenant: "plain", Domain: domain, TLS: mail.TLSRequire}
	}
	pinned := mail.Route{Tenant: "pinned", Host: "smart.example:587", TLS: mail.TLSRequire, ServerName: "other.example", User: "u", Password: "p"}
	const out, in = mail.Out, mail.In
	for _, test := range []struct {
		name, id string
		dir      mail.Direction
		from, to mail.Address
		want     mail.Route
	}{
		{"outgoing mail by the sender's domain", "mx", out, "ann@MX.example", "bob@outside.example", mx("mx.example")},
		{"from the initial domain", "mx", out, "ann@mx.onmicrosoft.com", "bob@outside.example", mx("mx.onmicrosoft.com")},
		{"from a subdomain", "mx", out, "ann@a.mx.example", "bob@outside.example", mx("a.mx.example")},
		{"a rewritten sender is an own one", "mx", out, "ann+SRS=x=y=bank.example=c@mx.example", "bob@outside.example", mx("mx.example")},
		{"a foreign sender by the initial domain", "mx", out, "c@bank.example", "bob@outside.example", mx("mx.onmicrosoft.com")},
		{"the null sender by the initial domain", "mx", out, "", "bob@outside.example", mx("mx.onmicrosoft.com")},
		{"incoming mail by the recipient's domain", "mx", in, "bob@outside.example", "ann@mx.example", mx("mx.example")},
		{"incoming reports too", "mx", in, "", "ann@mx.example", mx("mx.example")},
		{"never by a recipient's foreign domain", "mx", in, "ann@mx.example", "bob@outside.example", mx("mx.onmicrosoft.com")},
		{"without an initial domain by the first", "plain", out, "", "bob@outside.example", plain("first.example")},
		{"of several domains by the right one", "plain", in, "", "ann@second.example", plain("second.example")},
		{"a pinned host for everything", "pinned", out, "ann@pinned.example", "bob@outside.example", pinned},
		{"a pinned host for reports", "pinned", in, "", "ann@pinned.example", pinned},
		{"loopback without TLS", "local", out, "ann@local.example", "b@x.example", mail.Route{Tenant: "local", Host: "[::1]:2525", TLS: mail.TLSOff}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if d := cmp.Diff(test.want, s.Find(test.id).Route(test.dir, test.from, test.to)); d != "" {
				t.Error(d)
			}
		})
	}
	if got := s.Find("mx").RouteOwn("bob@outside.example"); got.Domain != "mx.onmicrosoft.com" {
		t.Errorf("our own mail to somebody outside goes by %s", got.Domain)
	}
	if got := s.Find("plain").Postmaster(); got != "postmaster@first.example" {
		t.Error(got)
	}
}

// certificate is a new client certificate.
func certificate(t *testing.T) *tls.Certificate {
	t.Helper()
	text := pemOf(t)
	cert, err := tls.X509KeyPair(text, text)
	if err != nil {
		t.Fatal(err)
	}
	return &cert
}

func pemOf(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "t1.relay.example"}, DNSNames: []string{"t1.relay.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, &x509.Certificate{SerialNumber: big.NewInt(1)}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
}

func TestTheClientCertificateIsReadOrItsFaultIsTold(t *testing.T) {
	dir := t.TempDir()
	one, two := pemOf(t), pemOf(t)
	cert, key, _ := bytes.Cut(one, []byte("-----BEGIN PRIVATE"))
	key = append([]byte("-----BEGIN PRIVATE"), key...)
	_, foreign, _ := bytes.Cut(two, []byte("-----BEGIN PRIVATE"))
	write(t, filepath.Join(dir, "good.pem"), string(one))
	write(t, filepath.Join(dir, "cert.pem"), string(cert))
	write(t, filepath.Join(dir, "key.pem"), string(key))
	write(t, filepath.Join(dir, "foreign.pem"), string(cert)+"-----BEGIN PRIVATE"+string(foreign))
	write(t, filepath.Join(dir, "empty.pem"), "")
	t.Setenv("POSTERN_TEST_PEM", string(one))
	for _, test := range []struct{ name, value, err string }{
		{"a chain and its key in one file", "good.pem", ""},
		{"with file: before it", "file:good.pem", ""},
		{"with its whole path", filepath.Join(dir, "good.pem"), ""},
		{"from the environment", "env:POSTERN_TEST_PEM", ""},
		{"no file", "none.pem", "no such file"},
		{"an empty file", "empty.pem", "failed to find any PEM data"},
		{"a certificate without its key", "cert.pem", "found a certificate rather than a key"},
		{"a key without a certificate", "key.pem", "failed to find"},
		{"the key of another certificate", "foreign.pem", "private key does not match"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.TrimSpace(least) + "\nreturn: { client_cert: '" + test.value + "' }\n"
			s, bad := tenant.NewRegistry(tenant.NewPublished()).Load(documents(t, filepath.Join(dir, "t.yaml"), text))
			if test.err == "" {
				if len(bad) > 0 || s.Find("least").Route(mail.Out, "", "").Certificate == nil {
					t.Fatal(bad)
				}
				return
			}
			if len(bad) != 1 || !strings.Contains(bad[0].Text, test.err) || bad[0].Line != 6 {
				t.Fatal(bad)
			}
			if strings.Contains(bad[0].Text, "BEGIN") {
				t.Fatal("the text of a key is in the mistake")
			}
		})
	}
}
