package deliver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/mail"
)

// hostile is a next hop that says anything at any point. It reads commands
// and content as a strict server does, and keeps what it was told beside what
// it answered, so that a test can say who must have known what.
type hostile struct {
	mu    sync.Mutex
	plan  []byte
	raw   []byte
	log   []*told
	loose bool // it has said more or less than one reply to a command
	lied  bool // it has taken a message that it had not read
}

// told is a command or a message, and the answer to it.
type told struct {
	session int
	line    string
	code    int    // 0: none that is whole
	message string // the whole content, for the last of it
	whole   bool
}

// sayings are the answers; what is no whole reply has the code 0.
var sayings = []struct {
	code int
	text string
}{
	{250, "250 2.0.0 ok\r\n"}, {250, "250-one\r\n250-two\r\n250 three\r\n"}, {251, "251 will forward\r\n"}, {250, "250 lf only\n"},
	{354, "354 go\r\n"}, {421, "421 4.3.2 bye\r\n"}, {450, "450 4.2.1 later\r\n"}, {451, "451 4.7.500 busy\r\n"},
	{452, "452 4.5.3 many\r\n"}, {550, "550 5.1.1 nobody\r\n"}, {552, "552 5.3.4 big\r\n"}, {554, "554 5.7.64 TenantAttribution\r\n"},
	{530, "530 5.7.0 tls\r\n"}, {0, "close"}, {0, "silence"}, {0, "garbage\r\n"}, {0, "250-never ending\r\n"}, {0, "2"},
	{0, strings.Repeat("250-x\r\n", 200)}, {250, "250 " + strings.Repeat("y", 5000) + "\r\n"}, {0, "250-a\r\n550 b\r\n"}, {0, "999 x\r\n"},
	{-1, "250 ok\r\n250 ok\r\n"}, {-1, "550 no\r\n250 yes\r\n"}, {250, "250 \xff\x00\x07\r\n"}, {334, "334 more\r\n"}, {220, "220 go\r\n"},
	{0, "100 x\r\n"}, {0, "\r\n"}, {0, "raw"},
}

// next takes an octet of the plan; at its end everything is well.
func (h *hostile) next() byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.plan) == 0 {
		return 0
	}
	b := h.plan[0]
	h.plan = h.plan[1:]
	return b
}

// answer says the next thing; it is false when the conversation is over.
func (h *hostile) answer(c net.Conn, s *told, fine string) bool {
	say, b := sayings[0], h.next()
	if int(b) < len(sayings) {
		say = sayings[b]
	}
	if b == 0 || int(b) >= len(sayings) {
		say.text = fine
		fmt.Sscanf(fine, "%d", &say.code)
	}
	h.mu.Lock()
	if say.code < 0 {
		h.loose = true
		fmt.Sscanf(say.text, "%d", &say.code)
	}
	s.code = say.code
	h.mu.Unlock()
	switch say.text {
	case "close":
		return false
	case "silence":
		_, _ = io.Copy(io.Discard, c)
		return false
	case "raw":
		h.mu.Lock()
		say.text, h.loose = string(h.raw), true
		h.mu.Unlock()
	}
	if _, err := io.WriteString(c, say.text); err != nil || say.code == 421 {
		h.mu.Lock()
		if err != nil {
			s.code = 0
		}
		h.mu.Unlock()
		return false
	}
	return true
}

func (h *hostile) offers() string {
	b := h.next()
	lines := []string{"hostile.example"}
	for i, x := range []string{"PIPELINING", "CHUNKING", "8BITMIME", "SIZE 100000", "DSN", "SMTPUTF8", "BINARYMIME", "LIMITS RCPTMAX=2 MAILMAX=2"} {
		if b>>i&1 == 1 {
			lines = append(lines, x)
		}
	}
	return reply250(lines)
}

func (h *hostile) note(session int, line string) *told {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &told{session: session, line: line}
	h.log = append(h.log, s)
	return s
}

func (h *hostile) serve(c net.Conn, session int) {
	defer c.Close()
	r := bufio.NewReader(c)
	var chunks strings.Builder
	if !h.answer(c, h.note(session, "(greeting)"), "220 hostile.example\r\n") {
		return
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		s := h.note(session, line)
		verb, rest, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), " ")
		fine := "250 2.0.0 ok\r\n"
		switch verb {
		case "EHLO":
			fine = h.offers()
		case "DATA":
			fine = "354 go on\r\n"
		case "MAIL", "RSET":
			chunks.Reset()
		case "BDAT":
			var n int64
			fmt.Sscanf(rest, "%d", &n)
			if h.next() == 7 {
				n /= 2 // and away
				h.answerEarly(c, r, n)
				return
			}
			if _, err := io.CopyN(&chunks, r, n); err != nil {
				return
			}
			h.mu.Lock()
			s.message, s.whole = chunks.String(), strings.HasSuffix(rest, " LAST")
			h.mu.Unlock()
		}
		if !h.answer(c, s, fine) {
			return
		}
		if verb == "DATA" && s.code == 354 {
			if h.next() == 7 {
				h.answerEarly(c, r, 5)
				return
			}
			data, err := unstuff(r)
			if err != nil {
				return
			}
			end := h.note(session, "(content)")
			h.mu.Lock()
			end.message, end.whole = string(data), true
			h.mu.Unlock()
			if !h.answer(c, end, "250 2.6.0 queued\r\n") {
				return
			}
		}
	}
}

// answerEarly reads a little of the content, says something and hangs up.
func (h *hostile) answerEarly(c net.Conn, r io.Reader, n int64) {
	_, _ = io.CopyN(io.Discard, r, n)
	h.mu.Lock()
	h.loose = true
	h.mu.Unlock()
	s := &told{}
	h.answer(c, s, "451 early\r\n")
	h.mu.Lock()
	h.lied = h.lied || s.code/100 == 2
	h.mu.Unlock()
}

var commandLine = regexp.MustCompile(`^(EHLO postern\.example|HELO postern\.example|STARTTLS|DATA|RSET|QUIT|BDAT \d+( LAST)?|` +
	`MAIL FROM:<ann@contoso\.example>( [A-Z0-9]+(=[!-~]+)?)*|RCPT TO:<[a-z0-9]+@y\.example>( [A-Z]+=[!-~]+)*)\r\n$`)

// FuzzHostileHost sends three messages to a host that says anything. What is
// told as delivered was whole at the host; what is told as not delivered was
// not, or the host refused it; nothing hangs and nothing is left over.
func FuzzHostileHost(f *testing.F) {
	f.Add([]byte{}, []byte("x"), "S: a\r\n\r\nb\r\n", byte(0))
	f.Add([]byte{0, 0, 255, 0, 0, 9, 0, 0, 0, 6, 0}, []byte("x"), "S: a\r\n\r\nb\r\n.\r\n", byte(1))
	f.Add([]byte{0, 0, 3, 0, 0, 0, 0, 13, 0, 0, 255, 0, 0, 22}, []byte("250 a\r\n"), "S: a\r\n\r\nb", byte(2))
	f.Add([]byte{0, 0, 2, 0, 0, 0, 0, 9, 0, 0, 7, 5, 0, 0, 0}, []byte("354\r\n"), "S: \xff\r\n\r\n\nb", byte(3))
	f.Add([]byte{0, 1, 5, 0, 0, 0, 14, 0, 0, 16, 0, 0, 23, 8, 8}, []byte("\r\n250 ok\r\n"), "\r\n", byte(5))
	f.Add([]byte{0, 0, 1, 0, 0, 0, 0, 4, 0, 0, 7, 20, 26, 25}, []byte("221"), strings.Repeat("S: a\r\n", 500), byte(7))
	f.Fuzz(func(t *testing.T, plan, raw []byte, body string, mood byte) {
		synctest.Test(t, func(t *testing.T) {
			h := &hostile{plan: plan, raw: raw}
			sessions := 0
			d, err := New(Config{
				Resolver: zone{}, Hello: "postern.example", Limits: Limits{Convert: mood&1 == 1, EightBit: true},
				Dial: func(context.Context, string, string) (net.Conn, error) {
					client, server := net.Pipe()
					sessions++
					go h.serve(server, sessions)
					return client, nil
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			for n := range 3 {
				h.log, h.loose, h.lied = nil, false, false
				o := outgoing(fmt.Sprintf("N: %d\r\n", n) + body)
				e := envelope("a@y.example", "b@y.example", "c@y.example")
				e.To[1].Notify = mail.NotifySuccess
				if len(body)%2 == 1 {
					e.To = e.To[:1]
				}
				visit(t, d, h, e, o, mood>>1&3)
				// Longer than a connection rests, sometimes.
				time.Sleep(time.Duration(mood>>3) * 5 * time.Second)
				synctest.Wait()
			}
			d.Close()
			time.Sleep(time.Hour) // what is left over then is left over for ever
		})
	})
}

// visit is one transaction and what must hold of it.
func visit(t *testing.T, d *Deliverer, h *hostile, e mail.Envelope, o *mail.Outgoing, mood byte) {
	tx, err := d.Open(t.Context(), routeTo("1"), e, o)
	if err != nil {
		var f *Failure
		if !errors.As(err, &f) {
			t.Fatalf("%v is not a *Failure", err)
		}
		if k := f.Outcome(); k.Kind == Done || k.Kind == Stuck && k.Problem == "" {
			t.Fatalf("%v means %+v", f, k)
		}
		synctest.Wait()
		h.check(t, mail.Reply{Code: 451}, o)
		return
	}
	synctest.Wait()
	h.checkRcpts(t, tx, e)
	if mood == 0 {
		tx.Reset()
		synctest.Wait()
		h.check(t, mail.Reply{Code: 451}, o)
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if mood == 1 {
		defer time.AfterFunc(time.Duration(len(h.raw))*time.Second, cancel).Stop()
	}
	r := tx.Send(ctx)
	synctest.Wait()
	h.check(t, r, o)
	if got := tx.Send(t.Context()); got.Ok() {
		t.Fatalf("a transaction that is over sends: %v", got)
	}
}

// checkRcpts: the answers stand beside the recipients that they were given to.
func (h *hostile) checkRcpts(t *testing.T, tx *Transaction, e mail.Envelope) {
	h.mu.Lock()
	defer h.mu.Unlock()
	got := tx.Rcpts()
	if len(got) != len(e.To) {
		t.Fatalf("%d answers to %d recipients", len(got), len(e.To))
	}
	session := h.log[len(h.log)-1].session
	for i, r := range e.To {
		if got[i].None() {
			t.Fatalf("no answer to %s", r.Address)
		}
		heard := 452 // over the limit that the host named
		for _, s := range h.log {
			if s.session == session && strings.HasPrefix(s.line, "RCPT TO:<"+string(r.Address)+">") {
				heard = s.code
			}
		}
		if !h.loose && got[i].Code != heard {
			t.Fatalf("the host said %d to %s, and %v was heard; %s", heard, r.Address, got[i], h)
		}
	}
}

// check holds what the caller was told against what the host knows.
func (h *hostile) check(t *testing.T, r mail.Reply, o *mail.Outgoing) {
	h.mu.Lock()
	defer h.mu.Unlock()
	want, err := io.ReadAll(o.Reader())
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.NewReplacer("\r\n", "\n", "\r", "\n")
	var taken, unknown, wholes int
	for _, s := range h.log {
		if !strings.HasPrefix(s.line, "(") && !commandLine.MatchString(s.line) {
			t.Fatalf("the host was told %q; %s", s.line, h)
		}
		if !s.whole {
			continue
		}
		wholes++
		if s.message != string(want) && strings.TrimSuffix(flat.Replace(s.message), "\n") != strings.TrimSuffix(flat.Replace(string(want)), "\n") {
			t.Fatalf("the host has %q, sent was %q", s.message, want)
		}
		switch s.code / 100 {
		case 2:
			taken++
		case 0, 1, 3:
			unknown++
		}
	}
	switch {
	case r.Ok() && wholes == 0 && !h.lied:
		t.Fatalf("%v, and the host has nothing; %s", r, h)
	case h.loose:
	case r.Ok() && taken != 1, taken > 1:
		t.Fatalf("%v, and the host took %d; %s", r, taken, h)
	case !r.Ok() && !r.None() && taken+unknown > 0:
		t.Fatalf("%v, and the host has the message (%d taken, %d unknown); %s", r, taken, unknown, h)
	}
}

// String is the conversation.
func (h *hostile) String() string {
	var b strings.Builder
	for _, s := range h.log {
		b.WriteString(strconv.Itoa(s.session) + " " + strconv.Quote(s.line[:min(len(s.line), 60)]) + " -> " + strconv.Itoa(s.code) + "\n")
	}
	return b.String()
}
