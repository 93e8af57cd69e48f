package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// rig is a sink that listens, with its log.
type rig struct {
	sink     *Sink
	addr     string
	got      bytes.Buffer
	contents map[string][]byte
}

func start(t *testing.T, s *Sink) *rig {
	t.Helper()
	r := &rig{sink: s, contents: map[string][]byte{}}
	s.Log = NewLog(&r.got)
	var mu sync.Mutex
	s.OnContent = func(_ Envelope, content []byte) {
		mu.Lock()
		defer mu.Unlock()
		r.contents[messageID(content)] = bytes.Clone(content)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = ln.Addr().String()
	go s.Serve(ln)
	t.Cleanup(func() { s.Close() })
	return r
}

// lines ends the sink and reads its log.
func (r *rig) lines(t *testing.T) []Got {
	t.Helper()
	if err := r.sink.Close(); err != nil {
		t.Fatal(err)
	}
	list, err := ReadGot(&r.got)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

const sample = "From: <a@contoso.example>\nMessage-ID:\n <old@contoso.example>\nMIME-Version: 1.0\n" +
	"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n" +
	"we send the small papers to the house and then the answer to all people here\n.leading dot\n..two\n" +
	"--b\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nAAAA\n--b--\n"

func template(t *testing.T, content string, v Variation) *Template {
	t.Helper()
	tp, err := NewTemplate([]byte(content), v)
	if err != nil {
		t.Fatal(err)
	}
	return tp
}

func to(list ...string) func(int) (string, []string) {
	return func(int) (string, []string) { return "a@contoso.example", list }
}

func send(t *testing.T, s Source) (Result, []Sent) {
	t.Helper()
	var log bytes.Buffer
	s.Log, s.Hello = NewLog(&log), "source.test"
	r, err := s.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	list, err := ReadSent(&log)
	if err != nil {
		t.Fatal(err)
	}
	return r, list
}

func TestWhatTheSinkTookIsWhatTheSourceSent(t *testing.T) {
	cert, _, err := NewCertificate("sink.test")
	if err != nil {
		t.Fatal(err)
	}
	big := sample + strings.Repeat(strings.Repeat("x", 70)+"\n.\n.y\r\n", 12000)
	tests := []struct {
		name    string
		content string
		sink    *Sink
		source  Source
	}{
		{"with DATA", sample, &Sink{}, Source{}},
		{"with DATA over one connection", sample, &Sink{}, Source{Reuse: true}},
		{"with a large content full of dots", big, &Sink{}, Source{}},
		{"with BDAT in small chunks", sample, &Sink{Chunking: true}, Source{Chunk: 7, Reuse: true}},
		{"with BDAT in large chunks", big, &Sink{Chunking: true}, Source{Chunk: 300_000}},
		{"with TLS", big, &Sink{TLS: SinkTLS(cert, false)}, Source{TLS: SourceTLS(cert, nil, "", false)}},
		{"with TLS that resumes", sample, &Sink{TLS: SinkTLS(cert, true)}, Source{TLS: SourceTLS(cert, nil, "sink.test", true)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t, tt.sink)
			s := tt.source
			s.Addr, s.Connections, s.Messages, s.Envelope = r.addr, 3, 20, to("b@fabrikam.example", "c@fabrikam.example")
			s.Templates = []*Template{template(t, tt.content,
				Variation{Mark: true, Words: true, Violate: 10, Run: "r", Front: []byte("X-Front: 1\r\n"), Seed: 5})}
			result, sent := send(t, s)
			if result.Taken != 20 || result.Violating != 2 || len(sent) != 20 {
				t.Fatalf("%+v, %d lines", result, len(sent))
			}
			if tt.name == "with TLS that resumes" && result.Resumed < 10 {
				t.Errorf("%d of %d connections resumed", result.Resumed, result.Connected)
			}
			compare(t, sent, r.lines(t))
			for _, line := range sent {
				m := s.Templates[0].Message(line.N)
				if !bytes.Equal(r.contents[line.ID], m.Content()) {
					t.Errorf("message %d arrived otherwise than it was meant", line.N)
				}
			}
		})
	}
}

func compare(t *testing.T, sent []Sent, got []Got) {
	t.Helper()
	if len(got) != len(sent) {
		t.Fatalf("%d sent, %d arrived", len(sent), len(got))
	}
	byID := map[string]Got{}
	for _, g := range got {
		byID[g.ID] = g
	}
	for _, s := range sent {
		g := byID[s.ID]
		if !s.Taken() || !g.Taken() || g.Sum != s.Sum || g.N != s.N || g.From != s.From || !slices.Equal(g.To, s.To) {
			t.Errorf("sent %+v\ngot  %+v", s, g)
		}
	}
}

func TestMessagesDifferAndKeepTheirSize(t *testing.T) {
	tp := template(t, sample, Variation{Mark: true, Words: true, Violate: 2, Run: "run", Seed: 1})
	sums, violating := map[string]bool{}, 0
	for n := 1; n <= 1000; n++ {
		m := tp.Message(n)
		sums[m.Sum()] = true
		text := string(m.Content())
		if m.Violates {
			violating++
			if strings.Count(text, "credit card number 4539 ") != 3 {
				t.Fatalf("no three card numbers in\n%s", text)
			}
			continue
		}
		if !strings.HasPrefix(text, fmt.Sprintf("X-Load: %d\r\n", n)) ||
			!strings.Contains(text, fmt.Sprintf("Message-ID:\r\n <run.%d@load.example>\r\n", n)) {
			t.Fatalf("not marked:\n%s", text)
		}
		if want := len(crlf([]byte(sample))); m.Size() < want-5 || m.Size() > want+25 {
			t.Fatalf("message %d has %d octets, the original %d", n, m.Size(), want)
		}
	}
	if len(sums) != 1000 || violating != 20 {
		t.Errorf("%d different messages, %d violate", len(sums), violating)
	}
	if string(template(t, sample, Variation{}).Message(1).Content()) != string(crlf([]byte(sample))) {
		t.Error("without variation the message is not that of the file")
	}
}

func TestWordsOfTheVocabularyHaveTheLengthOfTheirRow(t *testing.T) {
	for i, row := range vocabulary {
		for _, w := range strings.Fields(row) {
			if len(w) != i+shortest || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" {
				t.Errorf("%q stands among words of %d letters", w, i+shortest)
			}
		}
	}
}

func TestCardNumbersHaveTheirCheckDigit(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		digits := strings.ReplaceAll(string(cardNumber(dice)), " ", "")
		sum := 0
		for i := range digits {
			v := int(digits[len(digits)-1-i] - '0')
			if i%2 == 1 {
				v *= 2
			}
			sum += v/10 + v%10
		}
		if len(digits) != 16 || sum%10 != 0 {
			t.Fatalf("%s", digits)
		}
	}
}

func TestTheEndOfDataIsFoundWhereverReadsAreCut(t *testing.T) {
	wire := "X-Load: 1\r\nMessage-ID: <i>\r\n\r\n..a\r\n.b\r\n...\r\n\n.\n\r.\r\n..\r\nlast.\r\n.\r\n"
	want := "X-Load: 1\r\nMessage-ID: <i>\r\n\r\n.a\r\nb\r\n..\r\n\n.\n\r.\r\n.\r\nlast.\r\n"
	for size := 1; size < len(wire); size++ {
		r := start(t, &Sink{})
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		server, client := net.Pipe()
		conn.Close()
		go func() {
			s := &session{sink: r.sink, conn: server, raw: conn, small: make([]byte, smallSize)}
			c := r.sink.content()
			err := s.dots(c)
			c.finish()
			if got := string(c.all); err != nil || got != want || string(s.in) != "QUIT\r\n"[:len(s.in)] {
				t.Errorf("pieces of %d: %v\n%q\n%q, left %q", size, err, got, want, s.in)
			}
			io.Copy(io.Discard, server)
		}()
		for text := wire + "QUIT\r\n"; text != ""; {
			n := min(size, len(text))
			io.WriteString(client, text[:n])
			text = text[n:]
		}
		client.Close()
	}
}

func TestFaultsStandInBothLogs(t *testing.T) {
	rules, err := ParseAnswers("rcpt:nobody@=550 5.1.1 no; dot@25%=drop; dot@25%=451 4.3.0 later; mail@10%=421 4.3.2 busy")
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, &Sink{Answers: rules})
	result, sent := send(t, Source{
		Addr: r.addr, Connections: 4, Messages: 60, Reuse: true, Tries: 20, Abort: 10, Deaf: 10,
		Templates: []*Template{template(t, sample, Variation{Mark: true, Run: "r"})},
		Envelope:  to("b@fabrikam.example", "nobody@fabrikam.example"),
	})
	if result.Taken != 60 {
		t.Fatalf("%+v", result)
	}
	got := r.lines(t)
	taken, dropped, cut := map[string]int{}, 0, 0
	for _, g := range got {
		switch {
		case !g.Whole():
			cut++
		case g.Broke:
			dropped++
		case g.Taken():
			taken[g.ID]++
		}
		if !slices.Equal(g.To, []string{"b@fabrikam.example"}) || len(g.Refused) != 1 {
			t.Fatalf("%+v", g)
		}
	}
	unknown, later, unended := 0, 0, 0
	for _, s := range sent {
		switch {
		case s.Unknown():
			unknown++
		case strings.HasPrefix(s.Reply, "451"):
			later++
		case s.Phase == PhaseData:
			unended++
		}
		if s.Phase == PhaseDot && !slices.Equal(s.Accepted(), []string{"b@fabrikam.example"}) {
			t.Fatalf("%+v", s)
		}
	}
	if len(taken) != 60 || dropped == 0 || cut != unended || unended < 3 || unknown < 6 || later == 0 {
		t.Errorf("taken %d, dropped %d, cut %d and %d, unknown %d, later %d", len(taken), dropped, cut, unended, unknown, later)
	}
}

func TestASinkThatAnswersTooLateKnowsThatNobodyHeardIt(t *testing.T) {
	r := start(t, &Sink{Answers: []Rule{{Phase: PhaseDot, Percent: 100, Answer: Answer{Wait: 30 * time.Second}}}})
	result, sent := send(t, Source{
		Addr: r.addr, Messages: 1, Timeout: 100 * time.Millisecond, Envelope: to("b@fabrikam.example"),
		Templates: []*Template{template(t, sample, Variation{Mark: true})},
	})
	if result.Lost != 1 || !sent[0].Unknown() {
		t.Errorf("%+v %+v", result, sent)
	}
	for {
		time.Sleep(time.Millisecond)
		r.sink.mu.Lock()
		left := len(r.sink.conns)
		r.sink.mu.Unlock()
		if left == 0 {
			break
		}
	}
	if got := r.lines(t); len(got) != 1 || !got[0].Whole() || !got[0].Broke || got[0].Taken() {
		t.Errorf("%+v", got)
	}
}

func TestAReportIsReadForWhomItIsAbout(t *testing.T) {
	r := start(t, &Sink{Count: "X-Mark"})
	report := "X-Mark: yes; more\nFrom: <>\nMessage-ID: <report@gateway.example>\nContent-Type: multipart/report; boundary=b\n\n" +
		"--b\n\nsorry\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n" +
		"Final-Recipient: rfc822; b@fabrikam.example\nAction: failed\n\nFinal-Recipient: rfc822;c@fabrikam.example\nAction: failed\n\n" +
		"--b\nContent-Type: text/rfc822-headers\n\nX-Load: 3\nMessage-ID: <r.3@load.example>\n\n--b--\n"
	send(t, Source{
		Addr: r.addr, Messages: 1, Envelope: to("a@contoso.example"), Templates: []*Template{template(t, report, Variation{})},
	})
	got := r.lines(t)
	if len(got) != 1 || got[0].About == nil || got[0].N != 0 || got[0].ID != "<report@gateway.example>" {
		t.Fatalf("%+v", got)
	}
	if a := got[0].About; a.ID != "<r.3@load.example>" || a.Action != "failed" || len(a.To) != 2 || a.To[1] != "c@fabrikam.example" {
		t.Errorf("%+v", a)
	}
	if n := r.sink.Counted()["yes"]; n != 1 {
		t.Errorf("%v counted", r.sink.Counted())
	}
}

func TestIdleConnectionsStayWhileMessagesAreSent(t *testing.T) {
	var mu sync.Mutex
	var most int64
	r := start(t, &Sink{OnMessage: func(sessions, quits, messages int64) {
		mu.Lock()
		defer mu.Unlock()
		most = sessions
	}})
	result, _ := send(t, Source{
		Addr: r.addr, Messages: 2, Idle: 30, Timeout: time.Minute, Envelope: to("b@fabrikam.example"),
		Templates: []*Template{template(t, sample, Variation{})},
	})
	mu.Lock()
	defer mu.Unlock()
	if result.Connected != 32 || most != 32 {
		t.Errorf("%+v; the sink saw %d sessions", result, most)
	}
}

func TestWrongRulesAreSaid(t *testing.T) {
	for _, text := range []string{"dot", "nowhere=550 x", "dot@0%=drop", "dot@x%=drop", "mail=later", "mail=wait long"} {
		if _, err := ParseAnswers(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
