package deliver

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
)

func FuzzReadReply(f *testing.F) {
	for _, s := range []string{
		"250 ok\r\n", "250-a\r\n250-SIZE 1\r\n250 AUTH=PLAIN LOGIN\r\n", "250-a\n250 b\n", "250-a\r\n550 b\r\n",
		"99 x\r\n", "354\r\n", "250 \xff\r\n", strings.Repeat("250-a\r\n", 200), strings.Repeat("x", 5000), "250-LIMITS RCPTMAX=1\r\n250 LIMITS MAILMAX=-1\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bufio.NewReaderSize(bytes.NewReader(b), 16)
		for range len(b) + 1 {
			reply, err := readReply(r)
			if err != nil {
				return
			}
			if reply.Code < 200 || reply.Code > 599 {
				t.Fatalf("code %d", reply.Code)
			}
			if strings.Count(reply.Text, "\n") >= maxReplyLines || len(reply.Text) > maxReplyLines*maxReplyLine {
				t.Fatal("a reply without end")
			}
			x := parseExtensions(reply)
			if x.maxSize < 0 || x.maxRcpts < 0 || x.maxMails < 0 {
				t.Fatalf("%+v", x)
			}
			for p := PhaseGreeting; p <= PhaseEnd; p++ {
				if o := Classify(reply, p); o.Kind == Stuck && o.Problem == "" {
					t.Fatalf("%v: stuck without a problem", reply)
				}
			}
		}
	})
}

// What goes in comes out of a strict reader, however it was cut into slices,
// and nothing but CR LF ever ends a line.
func FuzzStuffing(f *testing.F) {
	for _, s := range samples() {
		f.Add([]byte(s[:min(len(s), 1000)]), uint8(3))
	}
	f.Add([]byte("a\n.\nb\r.\r\r\n"), uint8(1))
	f.Add([]byte("a\r\n\x00.\r\nb\r\n.\x00\r\n\x00\x00.\x00\r\n\x00"), uint8(1))
	f.Add([]byte("\x00.\r\n.\x00\r\n\x00.\r\n"), uint8(200))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		var out held
		s := &stuffer{w: &out, start: true}
		err := inSlices(s, b, int(step)+1)
		added := false
		if err == nil {
			added, err = s.end()
		}
		bare := outgoing(string(b)).Bare
		if (err == errBare) != bare || err != nil && !bare {
			t.Fatalf("error %v, bare line end %v", err, bare)
		}
		if err != nil {
			if bytes.Contains(out.Bytes(), []byte("\r\n.\r\n")) {
				t.Fatal("a refused message was ended")
			}
			// Converted, it goes.
			out = held{}
			s = &stuffer{w: &out, start: true}
			if err := inSlices(&normalizer{w: s}, b, int(step)+1); err != nil {
				t.Fatal(err)
			}
			if _, err := s.end(); err != nil {
				t.Fatal(err)
			}
			flat := strings.NewReplacer("\r\n", "\n", "\r", "\n")
			got := unstuffed(t, out.Bytes())
			if want := flat.Replace(string(b)); strings.TrimSuffix(flat.Replace(got), "\n") != strings.TrimSuffix(want, "\n") {
				t.Fatalf("%q became %q", b, got)
			}
			return
		}
		want := string(b)
		if added {
			want += "\r\n"
		}
		if got := unstuffed(t, out.Bytes()); got != want {
			t.Fatalf("%q became %q", want, got)
		}
	})
}

// surveyed is what survey says, written for the eye.
func surveyed(p []byte, start, cr bool) (dot int, nul, clean bool) {
	dot, clean = -1, true
	for i, c := range p {
		before := byte(0)
		if i > 0 {
			before = p[i-1]
		} else if cr {
			before = '\r'
		}
		clean = clean && (c == '\n') == (before == '\r')
		nul = nul || c == 0 && (i == 0 && start || i > 0 && before == '\n')
		if c == '.' && i > 0 && before == '\n' && dot < 0 {
			dot = i - 1
		}
	}
	return dot, nul, clean
}

func TestEvenLinesAreSurveyedLikeOthers(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 40000 {
		p := []byte(strings.Repeat(strings.Repeat("x", r.IntN(20))+"\r\n", 5+r.IntN(60)) + "end\r\n")
		for range r.IntN(4) {
			p[r.IntN(len(p))] = "\r\n.. \x00x"[r.IntN(7)]
		}
		p = p[r.IntN(len(p)-4):]
		p = p[:len(p)-r.IntN(4)]
		s := &stuffer{start: r.IntN(2) == 0, cr: r.IntN(8) == 0}
		dot, nul, clean := s.survey(p)
		wantDot, wantNUL, wantClean := surveyed(p, s.start, s.cr)
		if clean != wantClean || clean && (dot != wantDot || nul != wantNUL) {
			t.Fatalf("%q %v %v: %d %v %v, want %d %v %v", p, s.start, s.cr, dot, nul, clean, wantDot, wantNUL, wantClean)
		}
	}
}

// A server that drops NULs sees no end of the message but the true one.
func TestNULsHideNoEnd(t *testing.T) {
	const alphabet = "\r\n.\x00a"
	for code := range 5 * 5 * 5 * 5 * 5 * 5 {
		var in []byte
		for c := code; c > 0; c /= 5 {
			in = append(in, alphabet[c%5])
		}
		for step := 1; step <= 3; step++ {
			var out held
			s := &stuffer{w: &out, start: true}
			if inSlices(s, in, step) != nil {
				continue
			}
			added, err := s.end()
			if err != nil {
				continue
			}
			want := string(in)
			if added {
				want += "\r\n"
			}
			if got := unstuffed(t, out.Bytes()); got != want {
				t.Fatalf("%q became %q", want, got)
			}
			wire := append([]byte("\r\n"), bytes.ReplaceAll(out.Bytes(), []byte{0}, nil)...)
			if at := bytes.Index(wire, []byte("\r\n.\r\n")); at != len(wire)-5 {
				t.Fatalf("%q went out as %q", in, out.Bytes())
			}
		}
	}
}

// held keeps pieces as an outlet does: not by their octets.
type held struct{ net.Buffers }

func (h *held) Write(p []byte) (int, error) {
	h.Buffers = append(h.Buffers, p)
	return len(p), nil
}

func (h *held) Bytes() []byte { return bytes.Join(h.Buffers, nil) }

func inSlices(w io.Writer, b []byte, step int) error {
	for len(b) > 0 {
		n := min(step, len(b))
		if _, err := w.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func unstuffed(t *testing.T, wire []byte) string {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(wire))
	got, err := unstuff(r)
	if err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(r); len(rest) > 0 {
		t.Fatalf("%q stands after the end of the message", rest)
	}
	return string(got)
}

func TestFit(t *testing.T) {
	all := extensions{chunking: true, binary: true, eightBit: true, utf8: true, dsn: true}
	plain, eight, bare := outgoing("S: a\r\n\r\nb\r\n"), outgoing("S: a\r\n\r\n\xe9\r\n"), outgoing("S: a\n\nb\n")
	header := outgoing("S: \xc3\xa9\r\n\r\nb\r\n")
	tests := []struct {
		name     string
		ext      extensions
		exchange bool
		env      mail.Envelope
		out      *mail.Outgoing
		limits   Limits
		mail     string
		refused  string
		modified int
	}{
		{name: "nothing needed, nothing said", out: plain},
		{name: "the size is told", ext: extensions{size: true}, out: plain, mail: " SIZE=23"},
		{name: "too large for the host", ext: extensions{size: true, maxSize: 22}, out: plain, refused: "5.3.4"},
		{name: "SMTPUTF8 that is not needed is dropped", env: mail.Envelope{UTF8: true}, out: plain},
		{name: "an 8-bit body does not need SMTPUTF8", ext: extensions{eightBit: true}, env: mail.Envelope{UTF8: true}, out: eight, mail: " BODY=8BITMIME"},
		{name: "an 8-bit header does", ext: extensions{eightBit: true}, env: mail.Envelope{UTF8: true}, out: header, refused: "5.6.7"},
		{name: "an address does", env: mail.Envelope{UTF8: true, From: "ü@x"}, out: plain, refused: "5.6.7"},
		{name: "SMTPUTF8 is passed on", ext: all, env: mail.Envelope{UTF8: true}, out: plain, mail: " SMTPUTF8"},
		{name: "8-bit content to a host that cannot", out: eight, refused: "5.6.3"},
		{name: "8-bit content goes to Exchange as it is", exchange: true, out: eight},
		{name: "8-bit content goes as it is when allowed", limits: Limits{EightBit: true}, out: eight},
		{name: "8BITMIME about 7-bit content is dropped", env: mail.Envelope{Body: mail.Body8Bit}, out: plain},
		{name: "7BIT is passed on", ext: all, env: mail.Envelope{Body: mail.Body7Bit}, out: plain, mail: " BODY=7BIT"},
		{name: "binary content to a host that cannot", ext: extensions{eightBit: true}, env: mail.Envelope{Body: mail.BodyBinary}, out: plain, refused: "5.6.1"},
		{name: "binary content needs chunks too", ext: extensions{binary: true}, env: mail.Envelope{Body: mail.BodyBinary}, out: plain, refused: "5.6.1"},
		{name: "binary content is declared anew when allowed", ext: extensions{eightBit: true}, env: mail.Envelope{Body: mail.BodyBinary},
			out: eight, limits: Limits{Convert: true}, mail: " BODY=8BITMIME", modified: 1},
		{name: "bare line ends without chunks", out: bare, refused: "5.6.11"},
		{name: "bare line ends are converted when allowed", out: bare, limits: Limits{Convert: true}, modified: 1},
		{name: "bare line ends in chunks", ext: extensions{chunking: true}, out: bare},
		{name: "REQUIRETLS to a host that cannot", ext: all, env: mail.Envelope{RequireTLS: true}, out: plain, refused: "5.7.30"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, no := fit(peer{ext: tt.ext, exchange: tt.exchange}, tt.env, tt.out, tt.limits)
			refused := ""
			if no != nil {
				refused = no.Enhanced
			}
			if refused != tt.refused || p.mail != tt.mail || len(p.modified) != tt.modified {
				t.Errorf("refused %q, parameters %q, modified %v", refused, p.mail, p.modified)
			}
		})
	}
}

func TestConvertedMessagesSayThatTheyAreModified(t *testing.T) {
	f := &fake{offers: []string{"8BITMIME"}}
	w := newWorld(t, Limits{Convert: true}, nil, map[string]*fake{"1": f})
	for _, body := range []string{"S: a\n\n.b\rc\r\n", "S: a\r\n\r\nno end"} {
		tx, err := w.Open(t.Context(), routeTo("1"), envelope("b@y.example"), outgoing(body))
		if err != nil {
			t.Fatal(err)
		}
		if r := tx.Send(t.Context()); !r.Ok() || len(tx.Modified()) != 1 {
			t.Errorf("%v, modified %v", r, tx.Modified())
		}
	}
	want := "X-Front: 1\r\nS: a\r\n\r\n.b\r\nc\r\n"
	if got := string(f.got()[0]); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A flag that is wrong must not become a message that is two messages.
func TestABareLineEndThatWasNotAnnouncedStopsTheMessage(t *testing.T) {
	f := &fake{}
	w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
	o := outgoing("S: a\r\n\r\nb\n.\nMAIL FROM:<x@y>\r\n")
	o.Bare = false
	tx, err := w.Open(t.Context(), routeTo("1"), envelope("b@y.example"), o)
	if err != nil {
		t.Fatal(err)
	}
	if r := tx.Send(t.Context()); r.Enhanced != "5.6.11" {
		t.Errorf("Send = %v", r)
	}
	if len(f.got()) > 0 || len(f.told("MAIL")) > 1 {
		t.Errorf("told %v", f.told(""))
	}
}
