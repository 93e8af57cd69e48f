//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// laxEnds are what some server took for the end of data.
func laxEnds() []string {
	return []string{
		"\r\n.\r\n", "\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\n.\r", "\r.\n", "\r\n.\r\r\n", "\r\r\n.\r\r\n",
	}
}

// ends counts the ends that a lax server could see in what came by DATA, the
// true one included. stripped is for servers that drop NULs first.
func seen(wire []byte, stripped bool) (n int, why string) {
	if stripped {
		wire = bytes.ReplaceAll(wire, []byte{0}, nil)
	}
	wire = append([]byte("\r\n"), wire...)
	for _, end := range laxEnds() {
		if at := bytes.Index(wire, []byte(end)); at >= 0 && at < len(wire)-len("\r\n.\r\n") {
			n++
			why = fmt.Sprintf("%q at %d of %d", end, at, len(wire))
		}
	}
	return n, why
}

// onwardBodies are contents with an end of data inside, in every variant, and
// a second message behind it.
func onwardBodies() (list []string) {
	for _, end := range append(laxEnds(), "\r\n\x00.\r\n", "\r\n.\x00\r\n", "\r\n\x00.\x00\r\n", "\x00\r\n.\r\n", "\n\x00.\x00\n",
		"\r\n\x00\x00.\x00\x00\r\n") {
		list = append(list, "first"+end+"MAIL FROM:<"+ann+">\r\nRCPT TO:<victim@elsewhere.example>\r\nDATA\r\n"+
			"From: <"+ann+">\r\nSubject: smuggled\r\n\r\nevil\r\n.\r\nQUIT\r\nlast line\r\n")
	}
	return list
}

func bareText(s string) bool {
	s = strings.ReplaceAll(s, "\r\n", "")
	return strings.ContainsAny(s, "\r\n")
}

func TestNothingSmugglesThroughUs(t *testing.T) {
	t.Parallel()
	for _, hop := range []struct {
		name, without, config string
		convert               bool
	}{
		{"to a host with CHUNKING", "", "", false},
		{"to a host without CHUNKING", "CHUNKING", "", false},
		{"to a host without CHUNKING, converting", "CHUNKING", "deliver: { convert: true }\n", true},
	} {
		t.Run(hop.name, func(t *testing.T) {
			s := newSink(t)
			s.without = hop.without
			g := start(t, setup{sink: s, config: hop.config})
			byDATA, byBDAT, refused := 0, 0, 0
			for i, body := range onwardBodies() {
				for _, subject := range []string{"straight", "archive-it"} {
					token := fmt.Sprintf("%s-%d-%s", subject, i, unique())
					m := append(message(token, ""), body...)
					sent, back := routed(m)
					r := g.send(t, sent)
					bare := bareText(body)
					if hop.without != "" && bare && !hop.convert {
						refused++
						g.staysHere(t, r, body, token, subject == "archive-it")
						continue
					}
					if r.Code != 250 {
						t.Errorf("%q: %v", body[:16], r)
						continue
					}
					eventually(t, 10*time.Second, "it is at the next hop", func() bool { return len(s.to(bob, token)) == 1 })
					d := s.to(bob, token)[0]
					if d.BDAT {
						byBDAT++
					} else {
						byDATA++
						clean(t, d.Wire, body)
					}
					if !hop.convert || !bare {
						below(t, d, back)
					}
				}
			}
			if n := len(s.to("victim@elsewhere.example", "")); n > 0 {
				t.Errorf("%d smuggled messages", n)
			}
			t.Logf("%d by BDAT as they came, %d by DATA, %d not sent", byBDAT, byDATA, refused)
			g.unharmed(t, 200)
		})
	}
}

// clean checks that no server can see an end but the true one, nor a bare CR
// or LF.
func clean(t *testing.T, wire []byte, body string) {
	t.Helper()
	for _, stripped := range []bool{false, true} {
		if n, why := seen(wire, stripped); n > 0 {
			t.Errorf("%q went out with an end inside (NULs dropped: %v): %s", body[:16], stripped, why)
		}
	}
	if bareText(string(wire)) {
		t.Errorf("%q went out with a bare CR or LF", body[:16])
	}
}

// staysHere checks that a message that a host cannot take whole was refused,
// or reported to its sender.
func (g *gateway) staysHere(t *testing.T, r reply, body, token string, custody bool) {
	t.Helper()
	switch {
	case !custody && (r.Code/100 != 5 || !strings.Contains(r.Text, "5.6.")):
		t.Errorf("%q: %v", body[:16], r)
	case custody && r.Code == 250:
		eventually(t, 10*time.Second, "the sender has a report", func() bool { return len(g.sink.to(ann, token)) == 1 })
	}
	if n := len(g.sink.to(bob, token)); n != 0 {
		t.Errorf("%q was sent all the same", body[:16])
	}
	for _, d := range g.sink.to(ann, token) {
		clean(t, d.Wire, body)
	}
}

// hostileHop is a next hop, or somebody between, that speaks out of turn.
type hostileHop struct {
	answer string // to STARTTLS
	pause  time.Duration
	behind string // said in clear before the handshake
	secure bool   // and then does the handshake
}

func (h *hostileHop) startTLS(c *session) (handshake bool) {
	if h.pause == 0 {
		fmt.Fprint(c.conn, h.answer+"\r\n"+h.behind)
	} else {
		c.say(h.answer)
		time.Sleep(h.pause)
		fmt.Fprint(c.conn, h.behind)
	}
	return h.secure
}

func TestANextHopThatSpeaksBeforeTLSGetsNoMail(t *testing.T) {
	t.Parallel()
	ahead := "250-hop\r\n250 CHUNKING\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 2.0.0 taken\r\n"
	for _, c := range []struct {
		name    string
		hop     *hostileHop
		without string
		other   bool   // the certificate of another name
		foreign bool   // of another authority
		code    string // what the operator sees of mail in custody
	}{
		{name: "answers behind 220", hop: &hostileHop{"220 go", 0, ahead, true}},
		{name: "answers after a moment", hop: &hostileHop{"220 go", 50 * time.Millisecond, ahead, true}},
		{name: "half an answer behind 220", hop: &hostileHop{"220 go", 0, "250-hop", true}},
		{name: "no TLS now", hop: &hostileHop{"454 4.7.0 not now", 0, "", false}},
		{name: "no TLS ever", hop: &hostileHop{"502 5.5.1 no", 0, "", false}},
		{name: "clear text in the place of the handshake", hop: &hostileHop{"220 go", 0, "", false}},
		{name: "STARTTLS is taken off the offer", without: "STARTTLS", code: "P312"},
		{name: "a certificate for another name", other: true, code: "P313"},
		{name: "a certificate of another authority", foreign: true, code: "P313"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSink(t)
			s.hostile, s.without, s.plain = c.hop, c.without, true
			var err error
			switch {
			case c.other:
				s.cert, err = s.authority.Certificate("mail.evil.example")
			case c.foreign:
				s.cert, err = newSink(t).authority.Certificate(returnName)
			}
			must(t, err)
			g := start(t, setup{sink: s, config: "deliver: { command: 2s, connect: 2s }\n"})
			plain, _ := routed(message("straight", "Hello\n"))
			if r := g.send(t, plain); r.Code/100 != 4 && (r.Code != 250 || !strings.Contains(r.Text, "Taken by Postern")) {
				t.Errorf("mail must wait at the sender, or here until the fault is mended: %v", r)
			}
			kept, _ := routed(message("archive-it", "Hello\n"))
			if r := g.send(t, kept); r.Code != 250 {
				t.Errorf("mail in custody waits here: %v", r)
			}
			if c.code != "" {
				eventually(t, 10*time.Second, "the operator sees "+c.code, func() bool {
					return strings.Contains(g.log.String(), "code="+c.code) &&
						strings.Contains(g.ok(t, "audit", "search", "--json", "archive-it"), c.code)
				})
			}
			if n := len(s.got()); n != 0 {
				t.Errorf("%d messages went out", n)
			}
		})
	}
}
