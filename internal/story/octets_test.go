package story

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/textproto"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/emersion/go-msgauth/dkim"
	"golang.org/x/tools/txtar"

	"postern.dev/postern/internal/mail"
)

// gates opens every gate: these messages are about octets, not verdicts.
const gates = `peers: { other: [ { networks: [198.51.100.77], certificate: mta.contoso.example } ] }
on: { too-deep: open, too-many-parts: open, ambiguous: open, encrypted: open, malformed: open, engine-failed: open, out-of-time: open }
`

// carrier brings messages to the gateway by BDAT, over one connection.
type carrier struct {
	*textproto.Conn
	s *stage
}

func newCarrier(t *testing.T, s *stage) *carrier {
	if err := s.need(); err != nil {
		t.Fatal(err)
	}
	conn, err := s.house.Wire.DialFrom("198.51.100.77")(s.ctx, "tcp", "gw.postern.example:25")
	if err != nil {
		t.Fatal(err)
	}
	c := &carrier{textproto.NewConn(conn), s}
	if _, _, err := c.ReadResponse(220); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"EHLO mta.contoso.example", "STARTTLS"} {
		if err := c.say(line); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := s.house.Exchange.Authority().Certificate("mta.contoso.example")
	if err != nil {
		t.Fatal(err)
	}
	c.Conn = textproto.NewConn(tls.Client(conn, &tls.Config{
		ServerName: "gw.postern.example", RootCAs: s.house.Exchange.Authority().Pool(), Certificates: []tls.Certificate{cert},
	}))
	if err := c.say("EHLO mta.contoso.example"); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *carrier) say(line string) error {
	if err := c.PrintfLine("%s", line); err != nil {
		return err
	}
	_, _, err := c.ReadResponse(2)
	return err
}

// bring hands a message over by BDAT and returns what came back to Exchange.
func (c *carrier) bring(raw []byte) ([]byte, error) {
	return c.hand(func() error {
		if _, err := fmt.Fprintf(c.W, "BDAT %d LAST\r\n", len(raw)); err != nil {
			return err
		}
		_, err := c.W.Write(raw)
		return err
	})
}

// bringLines hands over by DATA what has CR LF line ends and ends with one.
func (c *carrier) bringLines(raw []byte) ([]byte, error) {
	return c.hand(func() error {
		if err := c.PrintfLine("DATA"); err != nil {
			return err
		}
		if _, _, err := c.ReadResponse(354); err != nil {
			return err
		}
		stuffed := bytes.ReplaceAll(append([]byte("\r\n"), raw...), []byte("\r\n."), []byte("\r\n.."))[2:]
		_, err := c.W.Write(append(stuffed, ".\r\n"...))
		return err
	})
}

// hand is one transaction around the content.
func (c *carrier) hand(content func() error) ([]byte, error) {
	before := len(c.s.house.Exchange.Taken())
	for _, line := range []string{"MAIL FROM:<mia@northwind.example>", "RCPT TO:<ann@contoso.example>"} {
		if err := c.say(line); err != nil {
			return nil, err
		}
	}
	if err := content(); err != nil {
		return nil, err
	}
	if err := c.W.Flush(); err != nil {
		return nil, err
	}
	if _, _, err := c.ReadResponse(2); err != nil {
		if reset := c.say("RSET"); reset != nil {
			return nil, reset
		}
		return nil, err
	}
	synctest.Wait()
	all := c.s.house.Exchange.Taken()
	if len(all) != before+1 {
		return nil, fmt.Errorf("%d messages came back", len(all)-before)
	}
	return all[before].Raw, nil
}

// unchanged is law 1: what left is what came, behind fields of our own. A
// field with a name that is reserved for us is the only thing taken out.
func unchanged(sent, got []byte) error {
	h := mail.ParseHeader(mail.Bytes(sent))
	want := sent
	if fields := h.Fields(); len(fields) > 0 {
		want = nil
		at := int64(0)
		for _, f := range fields {
			if strings.HasPrefix(strings.ToLower(f.Name), "x-postern-") {
				want = append(want, sent[at:f.Range.Start]...)
				at = f.Range.End
			}
		}
		want = append(want, sent[at:]...)
	}
	front, ok := bytes.CutSuffix(got, want)
	switch {
	case !ok:
		return fmt.Errorf("changed: %d octets came, %d left", len(sent), len(got))
	case !bytes.HasPrefix(front, []byte("Received: ")) || !bytes.HasSuffix(front, []byte("\r\n")) ||
		bytes.Contains(front, []byte("\r\n\r\n")):
		return fmt.Errorf("what stands in front is not ours: %q", front)
	}
	return nil
}

func TestGeneratedMessagesComeBackOctetForOctet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, &txtar.Archive{})
		s.plan.Tenant = gates
		defer s.clear()
		c := newCarrier(t, s)
		defer c.Close()
		r := rand.New(rand.NewPCG(1, 2))
		for n := range 300 {
			raw := generated(r, n)
			got, err := c.bring(raw)
			if err == nil {
				err = unchanged(raw, got)
			}
			if err != nil {
				t.Fatalf("message %d: %v\n%q", n, err, raw[:min(len(raw), 2000)])
			}
		}
	})
}

// generated is a message with odd octets wherever one can stand.
func generated(r *rand.Rand, n int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: ann@contoso.example\r\nMessage-ID: <%d@contoso.example>\r\nSubject: %d\r\n", n, n)
	for range r.IntN(6) {
		fmt.Fprintf(&b, "X-Odd-%d: %s\r\n", r.IntN(4), pieces(r, 3, false))
		if r.IntN(3) == 0 {
			fmt.Fprintf(&b, "\tfolded %s\r\n", pieces(r, 2, false))
		}
	}
	if r.IntN(10) > 0 {
		b.WriteString("\r\n")
		b.WriteString(pieces(r, r.IntN(40), true))
	}
	return b.Bytes()
}

func pieces(r *rand.Rand, n int, lines bool) string {
	list := []string{"word", " ", "\t", "\x00", "\xff\xfe", "é", strings.Repeat("y", 1200), "=3D", "."}
	if lines {
		list = append(list, "\r\n", "\n", "\r", "\r\n.\r\n", "\n.\n", "\r\n..", "\r\n--b\r\n", "\r\n\r\n", "BDAT 5 LAST\r\n")
	}
	var b strings.Builder
	for range n {
		b.WriteString(list[r.IntN(len(list))])
	}
	return b.String()
}

// A signature of a third party still verifies after the loop: header fields
// that are signed, and the body, are what they were.
func TestSignaturesOfOthersStillVerify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, &txtar.Archive{})
		s.plan.Tenant = gates
		defer s.clear()
		c := newCarrier(t, s)
		defer c.Close()
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		var signed bytes.Buffer
		message := "From: mia@northwind.example\r\nTo: ann@contoso.example\r\nSubject: signed\r\n" +
			"Message-ID: <signed@northwind.example>\r\n\r\nHello,\r\n\r\ncaf\xc3\xa9.  \r\n\r\n"
		err = dkim.Sign(&signed, strings.NewReader(message), &dkim.SignOptions{
			Domain: "northwind.example", Selector: "s", Signer: private,
			HeaderKeys: []string{"From", "To", "Subject", "Message-ID"},
		})
		if err != nil {
			t.Fatal(err)
		}
		key := "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
		verify := func(raw []byte) error {
			list, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{
				LookupTXT: func(string) ([]string, error) { return []string{key}, nil },
			})
			if err != nil || len(list) != 1 {
				return fmt.Errorf("%d signatures: %w", len(list), err)
			}
			return list[0].Err
		}
		if err := verify(signed.Bytes()); err != nil {
			t.Fatal("before:", err)
		}
		got, err := c.bring(signed.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(got); err != nil {
			t.Error("after:", err)
		}
	})
}
