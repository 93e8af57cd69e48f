package receive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"hash"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/emersion/go-smtp"

	"postern.dev/postern/internal/mail"
)

func TestAnotherEnginesClientHandsInMail(t *testing.T) {
	ours := newAuthority(t)
	d := new(desk)
	cfg := secured(t, ours, ours)
	yes := true
	cfg.RequireTLS = &yes
	s := New(withMemory(cfg), d)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(ln)
	defer s.Close()
	c, err := smtp.DialStartTLS(ln.Addr().String(), &tls.Config{RootCAs: ours.pool, ServerName: "mx.postern.example"})
	if err != nil {
		t.Fatal(err)
	}
	if n, fine := c.MaxMessageSize(); !fine || n != 200<<20 {
		t.Errorf("SIZE %d", n)
	}
	content := "Subject: hello\r\n\r\n.leading dot\r\n..\r\n" + strings.Repeat("x", 5000) + "\r\n"
	for range 3 {
		if err := c.Mail("ann@contoso.example", &smtp.MailOptions{
			Body: smtp.Body8BitMIME, Size: int64(len(content)), UTF8: true, Return: smtp.DSNReturnHeaders, EnvelopeID: "a+b",
		}); err != nil {
			t.Fatal(err)
		}
		if err := c.Rcpt("jürgen@fabrikam.example", &smtp.RcptOptions{
			Notify:                []smtp.DSNNotify{smtp.DSNNotifyDelayed, smtp.DSNNotifyFailure},
			OriginalRecipientType: smtp.DSNAddressTypeUTF8,
			OriginalRecipient:     "jürgen@fabrikam.example",
		}); err != nil {
			t.Fatal(err)
		}
		if err := c.Rcpt("broken@@fabrikam.example", nil); err == nil {
			t.Error("a broken address was taken")
		}
		w, err := c.Data()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Quit(); err != nil {
		t.Error(err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	got := d.messages()
	if len(got) != 3 || got[2].content != content ||
		got[2].Envelope.To[0].Notify != mail.NotifyDelay|mail.NotifyFailure ||
		got[2].Envelope.EnvID != "a+2Bb" || got[2].Envelope.Ret != mail.RetHeaders || !got[2].Envelope.UTF8 {
		t.Errorf("%d messages, the last %+v", len(got), got[len(got)-1].Envelope)
	}
	if settled, _ := d.fates(); settled != 3 {
		t.Errorf("%d settled", settled)
	}
}

// meter is a Buffer that keeps nothing but a count and a sum.
type meter struct {
	n   int64
	sum hash.Hash
}

func (m *meter) Write(p []byte) (int, error) {
	m.n += int64(len(p))
	if m.sum != nil {
		m.sum.Write(p)
	}
	return len(p), nil
}
func (m *meter) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }
func (m *meter) Size() int64                       { return m.n }
func (m *meter) Close() error                      { return nil }

func TestAHugeMessageIsNeverInMemory(t *testing.T) {
	const total = 150 << 20
	block := bytes.Repeat([]byte(strings.Repeat("A", 75)+"\r\n.."+strings.Repeat("B", 72)+"\r\n"), 512)
	plain := bytes.ReplaceAll(block, []byte("\r\n.."), []byte("\r\n."))
	for _, way := range []string{"DATA", "BDAT"} {
		t.Run(way, func(t *testing.T) {
			buffer := &meter{sum: sha256.New()}
			want := sha256.New()
			var size atomic.Int64
			s := New(Config{NewBuffer: func() Buffer { return buffer }}, quiet{&size})
			c := connect(t, s)
			c.talk(to...)
			sent := total / len(block) * len(block)
			if way == "DATA" {
				c.talk(">DATA", "<354")
			} else {
				c.send(fmt.Sprintf("BDAT %d LAST\r\n", sent))
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for n := 0; n < sent; n += len(block) {
				if _, err := c.nc.Write(block); err != nil {
					t.Fatal(err)
				}
				if way == "DATA" {
					want.Write(plain)
				} else {
					want.Write(block)
				}
			}
			if way == "DATA" {
				c.send(".\r\n")
			}
			c.want("250")
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
				t.Errorf("%d octets were allocated for a message of %d", used, sent)
			}
			if size.Load() != buffer.n || !bytes.Equal(buffer.sum.Sum(nil), want.Sum(nil)) {
				t.Error("other octets came out")
			}
		})
	}
}

// quiet is a Handler that takes everything and looks at nothing.
type quiet struct{ size *atomic.Int64 }

func (quiet) Rcpt(context.Context, mail.Peer, mail.Envelope, mail.Recipient) *mail.Reply { return nil }
func (quiet) Settled(*mail.Arrival)                                                      {}
func (quiet) Unsettled(*mail.Arrival)                                                    {}
func (q quiet) Accept(_ context.Context, a *mail.Arrival) mail.Reply {
	q.size.Store(a.Body.Size())
	return mail.NewReply(250, "2.6.0", "Queued")
}
