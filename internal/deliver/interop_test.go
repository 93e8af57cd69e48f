package deliver_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"postern.dev/postern/internal/deliver"
	"postern.dev/postern/internal/mail"
)

// sink is a go-smtp server: a second opinion about the protocol.
type sink struct {
	mu   sync.Mutex
	mail []received
}

type received struct {
	from string
	to   []string
	opts smtp.MailOptions
	data []byte
}

func (s *sink) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{sink: s}, nil }

type session struct {
	sink *sink
	m    received
}

func (s *session) Reset()        { s.m = received{} }
func (s *session) Logout() error { return nil }
func (s *session) Mail(from string, opts *smtp.MailOptions) error {
	s.m.from, s.m.opts = from, *opts
	return nil
}
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody@") {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	s.m.to = append(s.m.to, to)
	return nil
}
func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.m.data = data
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	s.sink.mail = append(s.sink.mail, s.m)
	return nil
}

type loopback struct{}

func (loopback) MX(context.Context, string) ([]net.MX, bool, error) { return nil, false, io.EOF }
func (loopback) Hosts(context.Context, string) ([]netip.Addr, bool, error) {
	return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, false, nil
}

func TestAnotherServerUnderstandsUs(t *testing.T) {
	s := &sink{}
	server := smtp.NewServer(s)
	server.Domain, server.EnableBINARYMIME, server.EnableDSN, server.EnableSMTPUTF8 = "sink.example", true, true, true
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(ln)
	t.Cleanup(func() { server.Close() })

	d, err := deliver.New(deliver.Config{Resolver: loopback{}, Hello: "postern.example"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	body := make([]byte, 3<<20)
	if _, err := rand.Read(body); err != nil {
		t.Fatal(err)
	}
	e := mail.Envelope{
		From: "ann@contoso.example", Body: mail.BodyBinary, EnvID: "x1", Ret: mail.RetFull,
		To: []mail.Recipient{{Address: "bob@fabrikam.example", Notify: mail.NotifySuccess}, {Address: "nobody@fabrikam.example"}},
	}
	o := &mail.Outgoing{Front: []byte("X: 1\r\n"), Body: mail.Bytes(body), Bare: true, EightBit: true}
	r := mail.Route{Tenant: "t", Host: ln.Addr().String(), TLS: mail.TLSOff}
	for range 2 {
		tx, err := d.Open(t.Context(), r, e, o)
		if err != nil {
			t.Fatal(err)
		}
		if got := tx.Rcpts(); !got[0].Ok() || got[1].Enhanced != "5.1.1" {
			t.Errorf("recipients: %v", got)
		}
		if got := tx.Send(t.Context()); !got.Ok() {
			t.Fatal(got)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mail) != 2 {
		t.Fatalf("%d messages arrived", len(s.mail))
	}
	for _, m := range s.mail {
		if !bytes.Equal(m.data, append([]byte("X: 1\r\n"), body...)) {
			t.Error("other octets arrived")
		}
		if m.from != "ann@contoso.example" || len(m.to) != 1 || m.opts.EnvelopeID != "x1" || m.opts.Body != smtp.BodyBinaryMIME {
			t.Errorf("%s %v %+v", m.from, m.to, m.opts)
		}
	}
}
