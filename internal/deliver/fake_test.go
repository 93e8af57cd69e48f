package deliver

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
)

// fake is a host that follows a script: what it offers, and which answer it
// gives to which command. What it was told, it keeps.
type fake struct {
	greeting string            // "" for 220
	offers   []string          // extensions
	afterTLS []string          // extensions inside TLS; nil: the same without STARTTLS
	answers  map[string]string // command line prefix → reply; "close" closes, "drop" says nothing and closes
	tls      *tls.Config

	mu       sync.Mutex
	lines    []string
	messages [][]byte
	sessions int
	certs    int    // sessions with a client certificate
	hang     func() // run before the answer to the end of a message
}

func (f *fake) serve(c net.Conn) {
	defer c.Close()
	f.mu.Lock()
	f.sessions++
	f.mu.Unlock()
	r := bufio.NewReader(c)
	greeting := f.greeting
	if greeting == "" {
		greeting = "220 fake.example ESMTP"
	}
	fmt.Fprint(c, greeting+"\r\n")
	offers := f.offers
	var chunks bytes.Buffer
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		f.mu.Lock()
		f.lines = append(f.lines, line)
		f.mu.Unlock()
		answer := f.answer(line)
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		if verb == "BDAT" {
			words := strings.Fields(line)
			n, _ := strconv.ParseInt(words[1], 10, 64)
			if _, err := io.CopyN(&chunks, r, n); err != nil {
				return
			}
			if answer == "" && len(words) > 2 {
				answer = f.take(bytes.Clone(chunks.Bytes()))
				chunks.Reset()
			}
		}
		switch {
		case answer == "close" || answer == "drop":
			return
		case answer != "":
			fmt.Fprint(c, answer+"\r\n")
			if strings.HasPrefix(answer, "421") {
				return
			}
			continue
		}
		switch verb {
		case "EHLO":
			fmt.Fprint(c, reply250(append([]string{"fake.example"}, offers...)))
		case "STARTTLS":
			fmt.Fprint(c, "220 go\r\n")
			tc := tls.Server(c, f.tls)
			if tc.Handshake() != nil {
				return
			}
			f.mu.Lock()
			f.certs += min(1, len(tc.ConnectionState().PeerCertificates))
			f.mu.Unlock()
			c, r = tc, bufio.NewReader(tc)
			offers = f.afterTLS
			if offers == nil {
				for _, o := range f.offers {
					if o != "STARTTLS" {
						offers = append(offers, o)
					}
				}
			}
		case "DATA":
			fmt.Fprint(c, "354 go on\r\n")
			data, err := unstuff(r)
			if err != nil {
				return
			}
			if answer := f.take(data); answer != "drop" {
				fmt.Fprint(c, answer+"\r\n")
			} else {
				return
			}
		case "QUIT":
			fmt.Fprint(c, "221 bye\r\n")
			return
		default:
			fmt.Fprint(c, "250 2.0.0 ok\r\n")
		}
	}
}

func (f *fake) answer(line string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for prefix, a := range f.answers {
		if strings.HasPrefix(line, prefix) {
			return a
		}
	}
	return ""
}

func (f *fake) take(data []byte) string {
	if f.hang != nil {
		f.hang()
	}
	f.mu.Lock()
	f.messages = append(f.messages, data)
	end := f.answers["END"]
	f.mu.Unlock()
	if end != "" {
		return end
	}
	return "250 2.6.0 <1@fake> Queued mail for delivery"
}

func (f *fake) told(prefix string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for _, l := range f.lines {
		if strings.HasPrefix(l, prefix) {
			list = append(list, l)
		}
	}
	return list
}

func (f *fake) got() [][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.messages
}

func reply250(lines []string) string {
	var b strings.Builder
	for i, l := range lines {
		sep := "-"
		if i == len(lines)-1 {
			sep = " "
		}
		b.WriteString("250" + sep + l + "\r\n")
	}
	return b.String()
}

// unstuff reads DATA as a strict server does: only CR LF ends a line.
func unstuff(r *bufio.Reader) ([]byte, error) {
	var out []byte
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		for !bytes.HasSuffix(line, []byte("\r\n")) {
			more, err := r.ReadBytes('\n')
			if err != nil {
				return nil, err
			}
			line = append(line, more...)
		}
		if string(line) == ".\r\n" {
			return out, nil
		}
		if line[0] == '.' {
			line = line[1:]
		}
		out = append(out, line...)
	}
}

// zone is the resolver of the tests.
type zone struct {
	mx     map[string][]net.MX
	fail   map[string]error
	secure bool
	at     string // the address of every host; 192.0.2.1 when empty
}

type noSuch struct{ null bool }

func (noSuch) Error() string  { return "no such domain" }
func (noSuch) NotFound() bool { return true }
func (n noSuch) NullMX() bool { return n.null }

func (z zone) MX(_ context.Context, domain string) ([]net.MX, bool, error) {
	if err := z.fail[domain]; err != nil {
		return nil, false, err
	}
	if list := z.mx[domain]; len(list) > 0 {
		return list, z.secure, nil
	}
	return nil, false, noSuch{}
}

func (z zone) Hosts(_ context.Context, host string) ([]netip.Addr, bool, error) {
	if err := z.fail[host]; err != nil {
		return nil, false, err
	}
	return []netip.Addr{netip.MustParseAddr(cmp.Or(z.at, "192.0.2.1"))}, false, nil
}

// world is a deliverer and the hosts it can reach over in-memory pipes; the
// port of a route names the host.
type world struct {
	*Deliverer
	dials []string
}

func newWorld(t *testing.T, limits Limits, roots *x509.CertPool, hosts map[string]*fake) *world {
	t.Helper()
	w := &world{}
	var mu sync.Mutex
	d, err := New(Config{
		Resolver: zone{at: "127.0.0.1"}, Roots: roots, Hello: "postern.example", Limits: limits,
		Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
			_, port, _ := net.SplitHostPort(address)
			mu.Lock()
			w.dials = append(w.dials, address)
			mu.Unlock()
			f := hosts[port]
			if f == nil {
				return nil, errors.New("connection refused")
			}
			if f.tls != nil {
				return overTCP(f)
			}
			client, server := net.Pipe()
			go f.serve(server)
			return client, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Deliverer = d
	t.Cleanup(func() { d.Close() })
	return w
}

// overTCP connects through the kernel: over a pipe without buffers, both sides
// of a failed handshake wait for the other to read.
func overTCP(f *fake) (net.Conn, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		defer ln.Close()
		if c, err := ln.Accept(); err == nil {
			f.serve(c)
		}
	}()
	return net.Dial("tcp", ln.Addr().String())
}

func routeTo(port string) mail.Route {
	return mail.Route{Tenant: "t1", Host: "127.0.0.1:" + port, TLS: mail.TLSOff}
}

func envelope(to ...string) mail.Envelope {
	e := mail.Envelope{From: "ann@contoso.example"}
	for _, a := range to {
		e.To = append(e.To, mail.Recipient{Address: mail.Address(a)})
	}
	return e
}

func outgoing(s string) *mail.Outgoing {
	o := &mail.Outgoing{Front: []byte("X-Front: 1\r\n"), Body: mail.Bytes(s)}
	for i := range len(s) {
		o.EightBit = o.EightBit || s[i] > 0x7f
		o.Bare = o.Bare || s[i] == '\n' && (i == 0 || s[i-1] != '\r') || s[i] == '\r' && (i+1 == len(s) || s[i+1] != '\n')
	}
	return o
}

func failure(t *testing.T, err error) *Failure {
	t.Helper()
	var f *Failure
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a *Failure", err)
	}
	return f
}

// authority is a CA made for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(1000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
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

func (a *authority) issue(t *testing.T, name string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Unix(0, 0), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
