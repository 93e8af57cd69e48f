package receive

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
)

// acts are the pieces of a session. An empty one is a client that waits for
// all answers, and says its half of a handshake after a STARTTLS.
var acts = []string{
	"", "EHLO x\r\n", "HELO y\r\n", "MAIL FROM:<a@b.example>\r\n", "RCPT TO:<c@d.example>\r\n", "DATA\r\n",
	"Subject: x\r\n\r\ntext\r\n.\r\n", "BDAT 5\r\nhello", "BDAT 5 LAST\r\nworld", "STARTTLS\r\n", "QUIT\r\n", "RSET\r\n",
	"MAIL FROM:<> BODY=BINARYMIME SIZE=3\r\n", "MAIL FROM:<a@b.example> SIZE=99999\r\n", "RCPT TO:<no@d.example>\r\n",
	"RCPT TO:<later@d.example> NOTIFY=NEVER\r\n", "RCPT TO:<postmaster>\r\n", "RCPT TO:<e@f.example> ORCPT=rfc822;x+2B\r\n",
	"BDAT 0\r\n", "BDAT 0 LAST\r\n", "BDAT 700\r\n", "BDAT 3000\r\n", "BDAT 3000 LAST\r\n", "BDAT 9999999\r\n", "BDAT x\r\n",
	"BDAT 5 LA\u017fT\r\nworld", "R\u017fET\r\n", "noop\r\n", "VRFY a\r\n", "VRFY\r\n", "HELP\r\n", "AUTH PLAIN\r\n", "GET / HTTP/1.1\r\n",
	"\r\n", ".\r\n", "..\r\n", "\r\n.\r\n", ".", "\r", "\n", "\r\n.\n", "\n.\r\n", "\r\r\n", "\x16\x03\x01", "\x00", "NOOP \x07\r\n",
	"x", strings.Repeat("y", 700), strings.Repeat("long", 1100), "NOOP\n", "starttls x\r\n", "data \r\n", "bdat 5 last\r\nagain",
}

// answers are the Handler's, for the messages in their order.
var answers = []int{250, 250, 451, 550, 421, 354}

func refused(a mail.Address) int {
	switch {
	case strings.HasPrefix(string(a), "no@"):
		return 550
	case strings.HasPrefix(string(a), "later@"):
		return 450
	}
	return 250
}

// FuzzSession runs a whole session, in clear and inside TLS, and compares it
// with the model: every answer in its order, and every message, which is one
// exactly when its end was brought.
func FuzzSession(f *testing.F) {
	a := newAuthority(f)
	secure := secured(f, a, a)
	f.Add([]byte{1, 3, 4, 5, 6, 10}, []byte("raw"), []byte{1}, byte(0))
	f.Add([]byte{1, 9, 0, 1, 3, 4, 7, 8, 3, 4, 5, 0, 6, 10}, []byte{}, []byte{7, 200}, byte(1))
	f.Add([]byte{1, 3, 4, 9, 11, 9, 1, 3, 4, 8}, []byte{}, []byte{3}, byte(2))
	f.Add([]byte{1, 3, 4, 7, 21, 47, 47, 47, 47, 47, 8, 3, 4, 20, 47, 8, 11}, []byte{}, []byte{}, byte(3))
	f.Add([]byte{1, 12, 4, 5, 7, 8, 1, 12, 14, 15, 8, 7, 8, 26, 25, 24}, []byte{}, []byte{50}, byte(4))
	f.Add([]byte{1, 3, 4, 5, 46, 41, 40, 39, 6, 48, 48, 33, 45, 43}, []byte("a\x16b"), []byte{9, 1}, byte(5))
	f.Add([]byte{1, 3, 4, 4, 17, 16, 14, 5, 37, 35, 34, 36, 3, 200, 201}, []byte("RCPT TO:<x@y.example>\r\n"), []byte{2}, byte(9))
	// Fewer octets than a record's header, in a segment of their own.
	f.Add([]byte("\x01\t!@\x00@\x01@@@"), []byte(""), []byte("\x01"), byte(0))
	f.Fuzz(func(t *testing.T, plan, raw, slicing []byte, mood byte) {
		var parts [][]byte
		part := []byte{}
		for _, b := range plan[:min(len(plan), 120)] {
			switch {
			case b == 0:
				parts, part = append(parts, part), []byte{}
			case int(b) < len(acts):
				part = append(part, acts[b]...)
			case len(raw) > 0:
				part = append(part, raw[int(b)%len(raw):min(len(raw), 2000)]...)
			}
		}
		cfg := Config{MaxSize: 2500, MaxRecipients: 3, MaxMessages: 6, MaxErrors: 8, MaxIdleCommands: 12, ClientRoots: secure.ClientRoots}
		if mood&1 == 0 {
			cfg.Certificate = secure.Certificate
		}
		play(t, cfg, append(parts, part), slicing, int(mood)>>1, a)
	})
}

// play runs one session against the server and the model.
func play(t *testing.T, cfg Config, parts [][]byte, slicing []byte, mood int, a *authority) {
	accept := func(n int) int { return answers[(n+mood)%len(answers)] }
	d := new(desk)
	d.onRcpt = func(_ mail.Peer, _ mail.Envelope, to mail.Recipient) *mail.Reply {
		if code := refused(to.Address); code != 250 {
			return &mail.Reply{Code: code, Text: "no"}
		}
		return nil
	}
	d.onAccept = func(context.Context, *mail.Arrival) mail.Reply {
		return mail.Reply{Code: accept(len(d.messages())), Text: "said"}
	}
	var bodies []*memory
	cfg.NewBuffer = func() Buffer {
		b := new(memory)
		bodies = append(bodies, b)
		return b
	}
	s := New(cfg, d)
	said := func(n int) int {
		if code := accept(n); code != 354 {
			return code
		}
		return 451 // no answer to a message
	}
	m := &model{cfg: s.cfg, rcpt: refused, accept: said, phase: "fresh", replies: []int{220}}
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.ServeConn(theirs)
	}()
	p := &player{t: t, conn: ours, raw: ours, r: bufio.NewReader(ours), m: m, slicing: slicing, authority: a}
	p.all(parts)
	ours.Close()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("the server hangs")
	}
	if m.vague {
		return
	}
	compare(t, d, m)
	for _, b := range bodies {
		if !b.closed {
			t.Fatal("a body was left open")
		}
	}
}

// player is the client of a session.
type player struct {
	t         *testing.T
	conn, raw net.Conn
	r         *bufio.Reader
	m         *model
	slicing   []byte
	authority *authority
	read      int // answers so far
}

func (p *player) all(parts [][]byte) {
	if err := p.raw.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		p.t.Fatal(err)
	}
	for i, part := range parts {
		p.m.inside = false
		p.m.run(part)
		if p.m.vague {
			return
		}
		if i == len(parts)-1 && !p.m.closed && !p.m.secure && !p.m.inside {
			p.m.run([]byte("QUIT\r\n"))
			part = append(part, "QUIT\r\n"...)
		}
		p.exchange(part)
		switch {
		case p.m.injected != nil:
			p.end()
			return
		case p.m.closed:
			if code, err := p.reply(); err == nil {
				p.t.Fatalf("a reply %d after the last one, %v", code, p.m.replies)
			} else if errors.Is(err, os.ErrDeadlineExceeded) {
				p.t.Fatalf("the connection was not closed after %v", p.m.replies)
			}
			return
		case p.m.secure:
			p.handshake()
		case p.m.inside:
			return
		}
	}
}

// exchange writes a part in slices and reads the answers to it.
func (p *player) exchange(part []byte) {
	written := make(chan struct{})
	go func(conn net.Conn) {
		defer close(written)
		for i, at := 0, 0; at < len(part); i++ {
			n := len(part) - at
			if len(p.slicing) > 0 {
				n = min(n, 1+int(p.slicing[i%len(p.slicing)]))
			}
			if _, err := conn.Write(part[at : at+n]); err != nil {
				return
			}
			at += n
		}
	}(p.conn)
	for ; p.read < len(p.m.replies); p.read++ {
		code, err := p.reply()
		if err != nil || code != p.m.replies[p.read] {
			p.t.Fatalf("reply %d to %.300q is %d, %v; the model says %v", p.read, part, code, err, p.m.replies)
		}
	}
	if !p.m.closed {
		<-written
	}
}

// reply reads one reply and checks its form.
func (p *player) reply() (int, error) {
	code := 0
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			return 0, err
		}
		n := 0
		if _, err := fmt.Sscanf(line, "%3d", &n); err != nil || len(line) > 514 || !strings.HasSuffix(line, "\r\n") ||
			len(line) < 6 || code != 0 && n != code || !clean(strings.TrimSuffix(line, "\r\n")) {
			p.t.Fatalf("a reply with the line %q", line)
		}
		if code = n; line[3] == ' ' {
			return code, nil
		}
	}
}

// end reads what comes after an injection: at most one reply in clear and an
// alert, and then nothing. What may be the beginning of a handshake is waited
// on, so there the client hangs up.
func (p *player) end() {
	if p.m.injected[0] == handshakeRecord {
		if code, err := p.reply(); err != nil || code != 554 && code != 220 {
			p.t.Fatalf("after an injection came %d, %v", code, err)
		}
		return
	}
	rest, err := io.ReadAll(p.r)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatal("the connection was not closed after an injection")
	}
	if !bytes.HasPrefix(rest, []byte("554 ")) && !bytes.HasPrefix(rest, []byte("220 ")) || bytes.Contains(rest, []byte("250 ")) {
		p.t.Fatalf("after an injection came %q", rest)
	}
}

func (p *player) handshake() {
	p.m.say(220)
	if code, err := p.reply(); err != nil || code != 220 {
		p.t.Fatalf("STARTTLS was answered by %d, %v", code, err)
	}
	p.read++
	conn := tls.Client(p.raw, &tls.Config{RootCAs: p.authority.pool, ServerName: "mx.postern.example"})
	if err := conn.Handshake(); err != nil {
		p.t.Fatal(err)
	}
	p.m.begunTLS()
	p.conn, p.r = conn, bufio.NewReader(conn)
}

// compare checks that the messages are those of the model, and that each has
// one fate.
func compare(t *testing.T, d *desk, m *model) {
	t.Helper()
	got := d.messages()
	if len(got) != len(m.got) {
		t.Fatalf("%d messages, the model has %d; replies %v", len(got), len(m.got), m.replies)
	}
	for i, g := range got {
		w := m.got[i]
		if g.content != w.content || g.Chunked != w.chunked || (g.Peer.TLS != nil) != w.tls || g.Peer.Hello != w.hello ||
			!reflect.DeepEqual(g.Envelope, w.envelope) {
			t.Fatalf("message %d: %q %+v %q; the model has %+v", i, g.content, g.Envelope, g.Peer.Hello, w)
		}
		var l newlines
		l.feed([]byte(w.content))
		if g.Bare != (w.chunked && l.bare()) || !w.chunked && l.bare() {
			t.Fatalf("message %d: bare %v, %q", i, g.Bare, w.content)
		}
	}
	if settled, unsettled := d.fates(); settled+unsettled != len(got) {
		t.Fatalf("%d messages, %d settled, %d unsettled", len(got), settled, unsettled)
	}
}
