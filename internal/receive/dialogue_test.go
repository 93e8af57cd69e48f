package receive

import (
	"context"
	"errors"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
)

func TestDialogue(t *testing.T) {
	yes := true
	tests := []struct {
		name   string
		cfg    Config
		start  []string
		script []string
		got    []string // contents of the messages handed in
	}{
		{"a message by DATA", Config{}, to, []string{
			">DATA", "<354", ">Subject: x", ">", ">..dot", ">.", "<250 2.6.0", ">QUIT", "<221", "<closed",
		}, []string{"Subject: x\r\n\r\n.dot\r\n"}},
		{"a message by BDAT keeps every octet", Config{}, to, []string{
			">BDAT 6", "=a\nb\r\x00.", "<250 2.0.0 6 octets", ">BDAT 5 LAST", "=\r\n.\r\n", "<250 2.6.0",
		}, []string{"a\nb\r\x00.\r\n.\r\n"}},
		{"the last chunk may be empty", Config{}, to, []string{
			">BDAT 3", "=abc", "<250", ">bdat 0 last", "<250 2.6.0",
		}, []string{"abc"}},
		{"an empty message is a message", Config{}, to, []string{">DATA", "<354", ">.", "<250 2.6.0"}, []string{""}},
		{"several messages in one connection", Config{}, to, []string{
			">DATA", "<354", ">1", ">.", "<250", ">MAIL FROM:<>", "<250", ">RCPT TO:<b@c.example>", "<250",
			">DATA", "<354", ">2", ">.", "<250",
		}, []string{"1\r\n", "2\r\n"}},
		{"a pipelined group", Config{}, hello, []string{
			"=MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<a@b@c>\r\nDATA\r\n",
			"<250 2.1.0", "<250 2.1.5", "<501 5.1.3", "<354", "=x\r\n.\r\nNOOP\r\nQUIT\r\n", "<250 2.6.0", "<250", "<221",
		}, []string{"x\r\n"}},
		{"HELO is enough", Config{}, nil, []string{
			"<220", ">helo client", "<250 localhost", ">mail from:<a@b.example>", "<250", ">rcpt to:<a@b.example>", "<250",
			">data", "<354", ">.", "<250",
		}, []string{""}},
		{"HELO has no parameters", Config{}, nil, []string{
			"<220", ">HELO client", "<250", ">MAIL FROM:<a@b.example> SIZE=10", "<555 5.5.4",
		}, nil},
		{"nothing goes before EHLO", Config{}, nil, []string{
			"<220", ">MAIL FROM:<a@b.example>", "<503 5.5.1", ">RCPT TO:<a@b.example>", "<503", ">DATA", "<503",
			">STARTTLS", "<503", ">BDAT 6 LAST", "=QUIT\r\n", "<503", ">NOOP", "<250",
		}, nil},
		{"EHLO needs a name", Config{}, nil, []string{
			"<220", ">EHLO", "<501 5.5.4", ">EHLO a b", "<501", ">EHLO " + strings.Repeat("x", 256), "<501",
			">EHLO [::1]", "<250",
		}, nil},
		{"a second MAIL has no place", Config{}, from, []string{
			">MAIL FROM:<eve@evil.example>", "<503 5.5.1", ">RCPT TO:<b@c.example>", "<250", ">DATA", "<354", ">.", "<250",
		}, []string{""}},
		{"DATA needs a recipient", Config{}, from, []string{">DATA", "<554 5.5.1", ">RCPT TO:<nobody>", "<501",
			">DATA", "<554"}, nil},
		{"BDAT needs a recipient, and its chunk is thrown away", Config{}, from, []string{
			">BDAT 6 LAST", "=QUIT\r\n", "<554 5.5.1", ">MAIL FROM:<>", "<250",
		}, nil},
		{"EHLO resets", Config{}, to, []string{">EHLO again", "<250-", ">DATA", "<503", ">MAIL FROM:<>", "<250"}, nil},
		{"RSET resets", Config{}, to, []string{">RSET", "<250 2.0.0", ">DATA", "<503", ">MAIL FROM:<>", "<250"}, nil},
		{"RSET between chunks", Config{}, to, []string{
			">BDAT 3", "=abc", "<250", ">RSET", "<250", ">BDAT 1 LAST", "=x", "<503", ">MAIL FROM:<>", "<250",
			">RCPT TO:<a@b.example>", "<250", ">BDAT 1 LAST", "=y", "<250 2.6.0",
		}, []string{"y"}},
		{"DATA after BDAT has no place", Config{}, to, []string{
			">BDAT 3", "=abc", "<250", ">DATA", "<503 5.5.1", ">RCPT TO:<x@y.example>", "<503", ">BDAT 0 LAST", "<250 2.6.0",
		}, []string{"abc"}},
		{"BINARYMIME needs BDAT", Config{}, hello, []string{
			">MAIL FROM:<a@b.example> BODY=BINARYMIME", "<250", ">RCPT TO:<a@b.example>", "<250", ">DATA", "<503 5.5.1",
			">BDAT 2 LAST", "=\x00\xff", "<250",
		}, []string{"\x00\xff"}},
		{"a chunk over the limit is read and thrown away", Config{MaxSize: 65536}, to, []string{
			">BDAT 10", "=0123456789", "<250", ">BDAT 65530", "=" + strings.Repeat("QUIT\r\n", 10921) + "QUIT", "<552 5.3.4",
			">BDAT 6", "=QUIT\r\n", "<503", ">BDAT 6 LAST", "=QUIT\r\n", "<503", ">MAIL FROM:<>", "<250",
		}, nil},
		{"an enormous chunk closes the connection", Config{}, to, []string{">BDAT 9223372036854775807", "<552 5.3.4",
			"<closed"}, nil},
		{"a stranger's large chunk closes the connection", Config{}, hello, []string{">BDAT 2000000 LAST", "<552",
			"<closed"}, nil},
		{"a BDAT without a size closes the connection", Config{}, to, []string{">BDAT -5 LAST", "<501 5.5.4",
			"<closed"}, nil},
		{"a BDAT with another word closes the connection", Config{}, to, []string{">BDAT 5 FIRST", "<501 5.5.4",
			"<closed"}, nil},
		{"a message over the limit is read to its end", Config{MaxSize: 65536}, to, []string{
			">DATA", "<354", "=" + strings.Repeat("QUIT\r\n", 11000) + ".\r\n", "<552 5.3.4", ">MAIL FROM:<>", "<250",
		}, nil},
		{"SIZE is checked at MAIL", Config{}, hello, []string{
			">MAIL FROM:<a@b.example> SIZE=209715201", "<552 5.3.4",
			">MAIL FROM:<a@b.example> SIZE=99999999999999999999", "<552",
			">MAIL FROM:<a@b.example> SIZE=-1", "<501", ">MAIL FROM:<a@b.example> SIZE=", "<501",
			">MAIL FROM:<a@b.example> SIZE=209715200", "<250",
		}, nil},
		{"too many recipients", Config{MaxRecipients: 2}, to, []string{
			">RCPT TO:<2@b.example>", "<250", ">RCPT TO:<3@b.example>", "<452 4.5.3", ">DATA", "<354", ">.", "<250",
		}, []string{""}},
		{"too many messages", Config{MaxMessages: 1}, to, []string{">RSET", "<250", ">MAIL FROM:<>", "<421 4.7.0",
			"<closed"}, nil},
		{"unknown parameters and commands", Config{}, hello, []string{
			">MAIL FROM:<a@b.example> AUTH=<>", "<555 5.5.4", ">MAIL FROM:<a@b.example> REQUIRETLS", "<555",
			">XYZZY", "<500 5.5.1", ">EXPN x", "<502", ">VRFY x", "<252 2.5.2", ">HELP", "<214", ">NOOP hi", "<250",
			">", "<500",
			">QUIT now", "<501", ">RSET x", "<501", ">AUTH PLAIN", "<502",
		}, nil},
		{"browsers are hung up on", Config{}, nil, []string{"<220", "=POST / HTTP/1.1\r\nMAIL FROM:<a@b>\r\n",
			"<554", "<closed"}, nil},
		{"without TLS there is no mail when it is required", Config{RequireTLS: &yes}, hello, []string{
			">MAIL FROM:<a@b.example>", "<530 5.7.0", ">RCPT TO:<a@b.example>", "<503",
		}, nil},
		{"a bare LF in DATA is refused at its end", Config{}, to, []string{
			">DATA", "<354", "=a\nb\r\nQUIT\r\n.\r\n", "<554 5.6.11", ">NOOP", "<250", ">MAIL FROM:<>", "<250",
		}, nil},
		{"a bare newline is repaired when it is configured", Config{BareNewline: BareNormalize}, to, []string{
			">DATA", "<354", "=a\nb\rc\r\r\n\n.\n.\r\n..x\r\n.\r\n", "<250",
		}, []string{"a\r\nb c \r\n\r\n.\r\n.\r\n.x\r\n"}},
		{"SMTPUTF8 addresses need SMTPUTF8", Config{}, hello, []string{
			">MAIL FROM:<jürgen@contoso.example>", "<553 5.6.7", ">MAIL FROM:<ann@contoso.example>", "<250",
			">RCPT TO:<jürgen@contoso.example>", "<553 5.6.7", ">RSET", "<250",
			">MAIL FROM:<jürgen@contoso.example> SMTPUTF8", "<250",
			">RCPT TO:<jürgen@contoso.example>", "<250",
		}, nil},
		{"the null sender, and postmaster without a domain", Config{}, hello, []string{
			">MAIL FROM:<>", "<250", ">RCPT TO:<>", "<501 5.1.3", ">RCPT TO:<Postmaster>", "<250", ">DATA", "<354",
			">.", "<250",
		}, []string{""}},
		{"TLS without STARTTLS is told so", Config{}, nil, []string{"<220", "=\x16\x03\x01\x02\x00\x01",
			"<530 5.7.0", "<closed"}, nil},
		{"one error too many closes", Config{MaxErrors: 2}, hello, []string{">X", "<500", ">X", "<500", ">NOOP",
			"<421 4.7.0", "<closed"}, nil},
		{"too many commands without mail close", Config{MaxIdleCommands: 10}, nil, []string{
			"<220", "=" + strings.Repeat("NOOP\r\n", 11), "<250", "<250", "<250", "<250", "<250", "<250", "<250",
			"<250", "<250", "<250",
			"<421 4.7.0", "<closed",
		}, nil},
		{"a message said twice to one address has one recipient", Config{}, to, []string{
			">RCPT TO:<bob@fabrikam.example>", "<250 2.1.5 Recipient taken already", ">DATA", "<354", ">.", "<250",
		}, []string{""}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := new(desk)
			c := dial(t, test.cfg, d)
			c.talk(test.start...)
			c.talk(test.script...)
			c.finish()
			var got []string
			for _, m := range d.messages() {
				got = append(got, m.content)
				if !m.Body.(*memory).closed {
					t.Error("a body was left open")
				}
			}
			if strings.Join(got, "|") != strings.Join(test.got, "|") || len(got) != len(test.got) {
				t.Errorf("handed in %q, want %q", got, test.got)
			}
			if s, u := d.fates(); s+u != len(got) {
				t.Errorf("%d messages, but %d settled and %d unsettled", len(got), s, u)
			}
		})
	}
}

func TestEHLOListsTheExtensions(t *testing.T) {
	c := dial(t, Config{Name: "mx.postern.example", MaxRecipients: 500}, new(desk))
	c.talk("<220 mx.postern.example ESMTP", ">EHLO me")
	got := c.reply()
	want := "250-mx.postern.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n" +
		"250-DSN\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250-SIZE 209715200\r\n250 LIMITS MAILMAX=1000 RCPTMAX=500\r\n"
	if got != want {
		t.Errorf("got %s", got)
	}
}

func TestTheArrivalCarriesTheEnvelope(t *testing.T) {
	d := new(desk)
	c := dial(t, Config{}, d)
	c.talk(hello...)
	c.talk(">MAIL FROM:<\"a > b\"@contoso.example> SIZE=5 BODY=8bitmime SMTPUTF8 RET=hdrs ENVID=a+2Bb", "<250",
		">RCPT TO:<bob@fabrikam.example> NOTIFY=success,DELAY ORCPT=rfc822;bob+40x", "<250",
		">RCPT TO:<eve@[192.0.2.1]> NOTIFY=NEVER", "<250", ">BDAT 5 LAST", "=a\r\nb\r", "<250", ">QUIT", "<221")
	c.finish()
	m := d.messages()[0]
	e := m.Envelope
	if e.From != `"a > b"@contoso.example` || e.Size != 5 || e.Body != mail.Body8Bit || !e.UTF8 ||
		e.Ret != mail.RetHeaders ||
		e.EnvID != "a+2Bb" || len(e.To) != 2 {
		t.Errorf("envelope %+v", e)
	}
	if e.To[0].Notify != mail.NotifySuccess|mail.NotifyDelay || e.To[0].ORcpt != "rfc822;bob+40x" ||
		e.To[1].Notify != mail.NotifyNever {
		t.Errorf("recipients %+v", e.To)
	}
	if !m.Chunked || !m.Bare || len(m.Trace) != 26 || m.Peer.Hello != "client.example" ||
		!m.Peer.Addr.IsValid() || m.Ended.Before(m.Began) {
		t.Errorf("arrival %+v", m.Arrival)
	}
	if s, u := d.fates(); s != 1 || u != 0 {
		t.Errorf("settled %d, unsettled %d", s, u)
	}
}

func TestTheHandlerIsAskedAtRCPT(t *testing.T) {
	d := &desk{onRcpt: func(p mail.Peer, e mail.Envelope, to mail.Recipient) *mail.Reply {
		switch to.Address.Local() {
		case "no":
			r := mail.NewReply(550, "5.7.1", "Not yours")
			return &r
		case "bug":
			return &mail.Reply{}
		case "lie":
			r := mail.NewReply(250, "2.0.0", "refused")
			return &r
		case "out":
			r := mail.NewReply(421, "4.7.0", "Go away")
			return &r
		}
		return nil
	}}
	c := dial(t, Config{}, d)
	c.talk(from...)
	c.talk(">RCPT TO:<no@b.example>", "<550 5.7.1 Not yours", ">DATA", "<554", ">RCPT TO:<bug@b.example>", "<451 4.3.0",
		">RCPT TO:<lie@b.example>", "<451", ">RCPT TO:<yes@b.example>", "<250", ">DATA", "<354", ">.", "<250",
		">MAIL FROM:<>", "<250",
		">RCPT TO:<out@b.example>", "<421", "<closed")
	if to := d.messages()[0].Envelope.To; len(to) != 1 || to[0].Address != "yes@b.example" {
		t.Errorf("recipients %v", to)
	}
}

func TestNothingIsStoredBeforeARecipientIsAccepted(t *testing.T) {
	d := &desk{onRcpt: func(mail.Peer, mail.Envelope, mail.Recipient) *mail.Reply {
		r := mail.NewReply(550, "5.7.1", "No")
		return &r
	}}
	c := dial(t, Config{NewBuffer: func() Buffer { t.Error("a buffer was made"); return new(memory) }}, d)
	c.talk(from...)
	c.talk(">RCPT TO:<a@b.example>", "<550", ">DATA", "<554", ">BDAT 5", "=QUIT\n", "<554", ">BDAT 5 LAST",
		"=QUIT\n", "<554", ">NOOP", "<250")
}

func TestAFullStoreDefers(t *testing.T) {
	d := new(desk)
	c := dial(t, Config{NewBuffer: func() Buffer { return &memory{fail: errors.New("disk full")} }}, d)
	c.talk(to...)
	c.talk(">DATA", "<354", ">QUIT", ">.", "<452 4.3.1", ">MAIL FROM:<>", "<250", ">RCPT TO:<a@b.example>", "<250",
		">BDAT 6", "=QUIT\r\n", "<452", ">BDAT 6 LAST", "=QUIT\r\n", "<503", ">MAIL FROM:<>", "<250",
		">RCPT TO:<a@b.example>", "<250",
		">BDAT 6 LAST", "=QUIT\r\n", "<452", ">MAIL FROM:<>", "<250")
	if len(d.messages()) != 0 {
		t.Error("a message without its octets was handed in")
	}
}

func TestAPanicOfTheHandlerEndsOneConnectionOnly(t *testing.T) {
	d := &desk{onAccept: func(context.Context, *mail.Arrival) mail.Reply { panic("bug") }}
	c := dial(t, Config{}, d)
	c.talk(to...)
	c.talk(">DATA", "<354", ">.", "<421 4.3.0", "<closed")
	c.finish()
	if s, u := d.fates(); s != 0 || u != 1 {
		t.Errorf("settled %d, unsettled %d", s, u)
	}
}

func TestAnAnswerIsSettledOnlyWhenTheClientGoesOn(t *testing.T) {
	tests := []struct {
		name               string
		script             []string
		settled, unsettled int
	}{
		{"by QUIT after the answer", []string{"=x\r\n.\r\n", "<250 2.6.0", ">QUIT", "<221"}, 1, 0},
		{"by the next message", []string{"=x\r\n.\r\n", "<250 2.6.0", ">MAIL FROM:<>", "<250"}, 1, 0},
		{"not when the connection breaks", []string{"=x\r\n.\r\n", "<250 2.6.0"}, 0, 1},
		{"not by what was pipelined behind the message", []string{"=x\r\n.\r\nQUIT\r\n", "<250 2.6.0", "<221"}, 0, 1},
		{"by what comes after what was pipelined", []string{"=x\r\n.\r\nNOOP\r\n", "<250 2.6.0", "<250", ">NOOP",
			"<250"}, 1, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := new(desk)
			c := dial(t, Config{}, d)
			c.talk(append(to[:7:7], ">DATA", "<354")...)
			c.talk(test.script...)
			c.finish()
			if s, u := d.fates(); s != test.settled || u != test.unsettled {
				t.Errorf("settled %d, unsettled %d", s, u)
			}
		})
	}
}

func TestWhatIsPipelinedWaitsForTheAnswer(t *testing.T) {
	reached := make(chan struct{})
	goOn := make(chan struct{})
	rcpts := 0
	d := &desk{
		onAccept: func(context.Context, *mail.Arrival) mail.Reply {
			close(reached)
			<-goOn
			if rcpts != 1 {
				t.Error("a pipelined command ran while the message was being accepted")
			}
			return mail.NewReply(550, "5.7.1", "Blocked")
		},
		onRcpt: func(mail.Peer, mail.Envelope, mail.Recipient) *mail.Reply { rcpts++; return nil },
	}
	c := dial(t, Config{}, d)
	c.talk(to...)
	c.talk(">BDAT 1 LAST", "=xMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\n")
	<-reached
	close(goOn)
	c.talk("<550 5.7.1 Blocked", "<250", "<250")
}
