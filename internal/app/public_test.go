package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/public"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/telemetry"
)

const publicName = "held.contoso-mail.example"

// publicHouse is a house whose pages for people are served.
func publicHouse(t *testing.T, secure bool) *House {
	t.Helper()
	dir := t.TempDir()
	h, err := Build(t.Context(), Plan{Dir: dir, Policies: cardsLeave, InProcess: true, Configure: func(c *Config) {
		c.Public = Public{Listen: "127.0.0.1:0", Name: publicName}
		if secure {
			c.Public.TLS = PublicTLS{Cert: filepath.Join(dir, "p.pem"), Key: filepath.Join(dir, "p.pem")}
			selfSigned(t, c.Public.TLS.Cert)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := h.App.servePublic(); err != nil {
		t.Fatal(err)
	}
	return h
}

func selfSigned(t *testing.T, path string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{publicName}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// say sends a request as it stands and returns the first line of the answer.
func say(t *testing.T, conn net.Conn, request string) string {
	t.Helper()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, request)
	var b [4096]byte
	n, _ := conn.Read(b[:])
	line, _, _ := strings.Cut(string(b[:n]), "\r\n")
	return line
}

func TestThePagesForPeopleServeNothingElse(t *testing.T) {
	h := publicHouse(t, false)
	address := h.App.public.String()
	for request, want := range map[string]string{
		"GET /approve/style.css HTTP/1.1\r\nHost: " + publicName + "\r\n\r\n":                                  "200",
		"GET /healthz HTTP/1.1\r\nHost: " + publicName + "\r\n\r\n":                                            "404",
		"GET /api/v1/messages HTTP/1.1\r\nHost: " + publicName + "\r\n\r\n":                                    "404",
		"GET /approve/my/contoso HTTP/1.1\r\nHost: " + publicName + "\r\n\r\n":                                 "200",
		"GET /approve/style.css HTTP/1.1\r\nHost: " + address + "\r\n\r\n":                                     "421",
		"GET /approve/style.css HTTP/1.1\r\n\r\n":                                                              "400",
		"GET / HTTP/1.1\r\nHost: " + publicName + "\r\nX: " + strings.Repeat("x", 24<<10) + "\r\n\r\n":         "431",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                                                                     "421",
		"GET /approve/ HTTP/1.1\r\nHost: " + publicName + "\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n": "400",
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := say(t, conn, request); !strings.Contains(got, " "+want) {
			t.Errorf("%.60q: %q, want %s", request, got, want)
		}
		conn.Close()
	}
	if _, ok := h.App.somebody("contoso", "eve@elsewhere.example"); ok {
		t.Error("somebody outside is one of the tenant")
	}
	if _, err := h.App.doFor(t.Context(), publicDeed("none")); quarantine.WhyOf(err) != quarantine.OverAlready {
		t.Errorf("a mail that is not there: %v", err)
	}
}

func TestASlowClientOfThePagesIsHungUpOn(t *testing.T) {
	for name, request := range map[string]string{
		"in the header": "GET / HTTP/1.1\r\nHost: x\r\nX: ", "in the body": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab",
		"before anything": "",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wire := fakeexchange.NewWire()
				ln, err := wire.Listen("203.0.113.10:443")
				if err != nil {
					t.Fatal(err)
				}
				a := &App{Log: telemetry.Discard()}
				s := a.publicServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
				go func() { _ = s.Serve(ln) }()
				defer s.Close()
				conn, err := wire.DialFrom("192.0.2.1")(t.Context(), "tcp", "203.0.113.10:443")
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				began := time.Now()
				_, _ = io.WriteString(conn, request)
				_, _ = io.Copy(io.Discard, conn)
				if took := time.Since(began); took > publicWholeRead+time.Second {
					t.Errorf("after %s", took)
				}
			})
		})
	}
}

func TestOneClientDoesNotTakeAllPlacesOfThePages(t *testing.T) {
	h := publicHouse(t, false)
	var open []net.Conn
	for range maxPublicOfOne {
		conn, err := net.Dial("tcp", h.App.public.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		open = append(open, conn)
	}
	more, err := net.Dial("tcp", h.App.public.String())
	if err != nil {
		t.Fatal(err)
	}
	defer more.Close()
	if got := say(t, more, "GET /none HTTP/1.1\r\nHost: "+publicName+"\r\n\r\n"); got != "" {
		t.Errorf("one more connection is served: %q", got)
	}
	if got := say(t, open[0], "GET /none HTTP/1.1\r\nHost: "+publicName+"\r\n\r\n"); !strings.Contains(got, "404") {
		t.Errorf("one of the first is not: %q", got)
	}
}

func TestThePagesSpeakOnlyTheirTLS(t *testing.T) {
	h := publicHouse(t, true)
	address := h.App.public.String()
	dial := func(c *tls.Config) (*tls.Conn, error) {
		c.InsecureSkipVerify, c.ServerName = true, publicName
		return tls.Dial("tcp", address, c)
	}
	conn, err := dial(&tls.Config{NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if p := conn.ConnectionState().NegotiatedProtocol; p == "h2" {
		t.Errorf("%s was chosen", p)
	}
	if got := say(t, conn, fmt.Sprintf("GET /approve/style.css HTTP/1.1\r\nHost: %s\r\n\r\n", publicName)); !strings.Contains(got, "200") {
		t.Errorf("%q", got)
	}
	if old, err := dial(&tls.Config{MaxVersion: tls.VersionTLS11}); err == nil {
		old.Close()
		t.Error("TLS 1.1 is spoken")
	}
}

func publicDeed(message string) public.Deed {
	return public.Deed{
		Message: message, To: []mail.Address{"bob@fabrikam.example"}, Act: quarantine.Approve,
		Person: quarantine.Person{Address: "boss@contoso.example", Tenant: "contoso", By: quarantine.ByDevice},
	}
}
