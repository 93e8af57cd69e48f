package deliver

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

func everything() []string {
	return []string{"SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8"}
}

// samples are contents that servers have been known to spoil.
func samples() map[string]string {
	return map[string]string{
		"a plain message":         "Subject: a\r\n\r\nhello\r\n",
		"dots at line starts":     ".\r\n..\r\n.a\r\n\r\n.\r\n",
		"an empty body":           "",
		"8-bit octets and NUL":    "Subject: \xe9\r\n\r\n\x00\xff\x80\r\n",
		"a line of 100,000":       "Subject: a\r\n\r\n" + strings.Repeat("x", 100000) + "\r\n",
		"more than three chunks":  strings.Repeat(".0123456789abcdef\r\n", 200000),
		"a dot after 64 KiB":      strings.Repeat("x", 64<<10-14) + "\r\n.\r\nb\r\n",
		"CR LF split by a buffer": strings.Repeat("y", 256<<10-13) + "\r\n.z\r\n",
	}
}

func TestContentArrivesOctetForOctet(t *testing.T) {
	bare := map[string]string{
		"bare line feeds by BDAT":     "Subject: a\n\n.\nhello\r",
		"no line end at the end":      "Subject: a\r\n\r\nhello",
		"a false end of data by BDAT": "a\r\n.\r\nMAIL FROM:<x@y>\r\n",
	}
	for _, way := range []string{"BDAT", "DATA"} {
		all := samples()
		if way == "BDAT" {
			for k, v := range bare {
				all[k] = v
			}
		}
		for name, body := range all {
			t.Run(name+" over "+way, func(t *testing.T) {
				f := &fake{offers: everything()}
				if way == "DATA" {
					f.offers = []string{"PIPELINING", "8BITMIME"}
				}
				w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
				o := outgoing(body)
				tx, err := w.Open(t.Context(), routeTo("1"), envelope("bob@fabrikam.example"), o)
				if err != nil {
					t.Fatal(err)
				}
				if r := tx.Send(t.Context()); !r.Ok() {
					t.Fatalf("Send = %v", r)
				}
				want := "X-Front: 1\r\n" + body
				if got := f.got(); len(got) != 1 || !bytes.Equal(got[0], []byte(want)) {
					t.Fatalf("%d messages arrived, or other octets", len(got))
				}
				if len(tx.Modified()) > 0 {
					t.Errorf("modified: %v", tx.Modified())
				}
				if used := len(f.told("BDAT")) > 0; used != (way == "BDAT") {
					t.Errorf("BDAT used: %v", used)
				}
			})
		}
	}
}

func TestCutRangesAreLeftOut(t *testing.T) {
	f := &fake{offers: everything()}
	w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
	o := outgoing("Secret: 1\r\nSubject: a\r\n\r\nb\r\n")
	o.Cut = []mail.Range{{Start: 0, End: 11}}
	tx, err := w.Open(t.Context(), routeTo("1"), envelope("bob@fabrikam.example"), o)
	if err != nil {
		t.Fatal(err)
	}
	if r := tx.Send(t.Context()); !r.Ok() {
		t.Fatal(r)
	}
	if got := string(f.got()[0]); got != "X-Front: 1\r\nSubject: a\r\n\r\nb\r\n" {
		t.Errorf("got %q", got)
	}
}

func TestEachRecipientHasItsOwnAnswer(t *testing.T) {
	for _, offers := range [][]string{everything(), {"8BITMIME"}} {
		f := &fake{offers: offers, answers: map[string]string{
			"RCPT TO:<b@": "550 5.4.1 Recipient address rejected: Access denied",
			"RCPT TO:<c@": "432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded",
		}}
		w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
		tx, err := w.Open(t.Context(), routeTo("1"), envelope("a@x.example", "b@x.example", "c@x.example"), outgoing("a\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		var codes []int
		for _, r := range tx.Rcpts() {
			codes = append(codes, r.Code)
		}
		if diff := cmp.Diff([]int{250, 550, 432}, codes); diff != "" {
			t.Error(diff)
		}
		if r := tx.Send(t.Context()); !r.Ok() {
			t.Error(r)
		}
		if n := w.throttle.limitOf("t1", "127.0.0.1:1"); n != 10 {
			t.Errorf("limit after a throttling answer and a success = %d, want 10", n)
		}
	}
}

func TestWithoutAnyRecipientNothingIsSent(t *testing.T) {
	f := &fake{offers: everything(), answers: map[string]string{"RCPT": "550 5.4.1 no"}}
	w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
	tx, err := w.Open(t.Context(), routeTo("1"), envelope("a@x.example"), outgoing("a\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if r := tx.Send(t.Context()); r.Code != 554 {
		t.Errorf("Send = %v", r)
	}
	if len(f.told("BDAT")) > 0 || len(f.told("RSET")) != 1 {
		t.Errorf("told %v", f.told(""))
	}
}

func TestMoreThanAHundredRecipientsWaitForAnotherTransaction(t *testing.T) {
	f := &fake{offers: append(everything(), "LIMITS RCPTMAX=3")}
	w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
	tx, err := w.Open(t.Context(), routeTo("1"), envelope("a@x", "b@x", "c@x", "d@x"), outgoing("a\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Close()
	if got := tx.Rcpts()[3]; got.Enhanced != "4.5.3" {
		t.Errorf("fourth recipient: %v", got)
	}
	if n := len(f.told("RCPT")); n != 3 {
		t.Errorf("%d RCPT commands", n)
	}
}

func TestParametersOfTheEnvelopeArePassedOn(t *testing.T) {
	f := &fake{offers: everything()}
	w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
	e := mail.Envelope{
		From: "jürgen@contoso.example", UTF8: true, Ret: mail.RetHeaders, EnvID: "Q+201", Body: mail.BodyBinary,
		To: []mail.Recipient{
			{Address: "b@x.example", Notify: mail.NotifySuccess | mail.NotifyDelay, ORcpt: "rfc822;b@x.example"},
			{Address: "c@x.example", Notify: mail.NotifyNever, ORcpt: "rfc822;c\r\nDATA"},
		},
	}
	o := outgoing("a\r\n")
	tx, err := w.Open(t.Context(), routeTo("1"), e, o)
	if err != nil {
		t.Fatal(err)
	}
	tx.Reset()
	want := []string{
		"MAIL FROM:<jürgen@contoso.example> SIZE=15 SMTPUTF8 BODY=BINARYMIME RET=HDRS ENVID=Q+201",
		"RCPT TO:<b@x.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b@x.example",
		"RCPT TO:<c@x.example> NOTIFY=NEVER",
	}
	if diff := cmp.Diff(want, append(f.told("MAIL"), f.told("RCPT")...)); diff != "" {
		t.Error(diff)
	}
	if len(tx.Relayed()) != 0 {
		t.Error("relayed, although the host knows DSN")
	}
}

func TestHostsWithoutDSNMakeRelayedReports(t *testing.T) {
	f := &fake{answers: map[string]string{"RCPT TO:<c@": "550 no"}}
	w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
	e := envelope("a@x.example", "b@x.example", "c@x.example")
	e.To[1].Notify, e.To[2].Notify = mail.NotifySuccess, mail.NotifySuccess
	tx, err := w.Open(t.Context(), routeTo("1"), e, outgoing("a\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Close()
	if diff := cmp.Diff([]mail.Address{"b@x.example"}, tx.Relayed()); diff != "" {
		t.Error(diff)
	}
}

func TestAnEnvelopeThatWouldBreakItsLineIsRefused(t *testing.T) {
	w := newWorld(t, Limits{}, nil, map[string]*fake{})
	_, err := w.Open(t.Context(), routeTo("1"), envelope("a@x>\r\nDATA"), outgoing("a\r\n"))
	if f := failure(t, err); f.Outcome().Kind != Failed || len(w.dials) > 0 {
		t.Errorf("%v, %d dials", f, len(w.dials))
	}
}

func TestAnswersToTheSenderHoldForAll(t *testing.T) {
	tests := []struct {
		name    string
		answers map[string]string
		greet   string
		kind    Kind
		code    problem.Code
	}{
		{"MAIL is refused for a missing connector", map[string]string{"MAIL": "550 5.7.64 TenantAttribution; Relay Access Denied"}, "", Stuck, problem.RelayDenied},
		{"MAIL is refused for ever", map[string]string{"MAIL": "550 5.1.8 bad sender"}, "", Failed, ""},
		{"MAIL is refused for now", map[string]string{"MAIL": "451 4.7.500 Server busy (AS1234)"}, "", Later, problem.ConnectorNotMatching},
		{"the greeting says no", nil, "554 go away", Stuck, problem.HostRefuses},
		{"the greeting says later", nil, "421 4.3.2 busy", Later, ""},
		{"the connection breaks at RCPT", map[string]string{"RCPT": "close"}, "", Later, ""},
		{"the host says what is not SMTP", map[string]string{"MAIL": "hello?"}, "", Later, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{offers: everything(), answers: tt.answers, greeting: tt.greet}
			w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
			_, err := w.Open(t.Context(), routeTo("1"), envelope("a@x.example"), outgoing("a\r\n"))
			got := failure(t, err)
			if o := got.Outcome(); o.Kind != tt.kind || o.Problem != tt.code {
				t.Errorf("outcome %v %q, want %v %q (%v)", o.Kind, o.Problem, tt.kind, tt.code, got)
			}
			if tt.kind == Stuck && got.Stuck != tt.code {
				t.Errorf("stuck %q", got.Stuck)
			}
		})
	}
}

func TestABrokenConnectionIsUnknownOnlyAfterTheLastOctet(t *testing.T) {
	big := strings.Repeat("0123456789abcdef\r\n", 200000)
	tests := []struct {
		name    string
		offers  []string
		answers map[string]string
		want    mail.Reply
	}{
		{"DATA is not answered", nil, map[string]string{"DATA": "drop"}, replyBroken()},
		{"DATA is refused", nil, map[string]string{"DATA": "451 4.3.0 no"}, mail.NewReply(451, "4.3.0", "no")},
		{"the end of DATA is not answered", nil, map[string]string{"END": "drop"}, mail.Reply{}},
		{"the first chunk is not answered", everything(), map[string]string{"BDAT": "drop"}, replyBroken()},
		{"the last chunk is not answered", everything(), map[string]string{"END": "drop"}, mail.Reply{}},
		{"a chunk is refused", everything(), map[string]string{"BDAT 1048576": "552 5.3.4 too big"}, mail.NewReply(552, "5.3.4", "too big")},
		{"a chunk is refused and the line cut", everything(), map[string]string{"BDAT 1048576": "421 4.3.2 too big"}, mail.NewReply(421, "4.3.2", "too big")},
		{"the end is refused", everything(), map[string]string{"END": "550 5.7.1 no"}, mail.NewReply(550, "5.7.1", "no")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{offers: tt.offers, answers: tt.answers}
			w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
			tx, err := w.Open(t.Context(), routeTo("1"), envelope("a@x.example"), outgoing(big))
			if err != nil {
				t.Fatal(err)
			}
			if got := tx.Send(t.Context()); got != tt.want {
				t.Errorf("Send = %v, want %v", got, tt.want)
			}
			if got := tx.Send(t.Context()); got.Ok() {
				t.Errorf("a second Send says %v", got)
			}
			if strings.HasPrefix(tt.name, "a chunk is refused") && len(f.got()) > 0 {
				t.Error("the message was taken all the same")
			}
		})
	}
}

func TestACancelledSendNeverEndsTheMessage(t *testing.T) {
	for _, offers := range [][]string{everything(), {"8BITMIME"}} {
		f := &fake{offers: offers}
		w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
		tx, err := w.Open(t.Context(), routeTo("1"), envelope("a@x.example"), outgoing("a\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if r := tx.Send(ctx); r != replyBroken() {
			t.Errorf("Send = %v", r)
		}
		if len(f.got()) > 0 {
			t.Error("the message arrived")
		}
	}
}
