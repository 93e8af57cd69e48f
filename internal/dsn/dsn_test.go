package dsn

import (
	"bytes"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"os"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
)

var update = flag.Bool("update", false, "rewrite goldens")

func sample() Report {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	return Report{
		Hostname: "gw.postern.example", FromName: "Contoso mail gateway", From: "postmaster@contoso.example",
		To: "anna@contoso.example", Subject: `Not sent: "Größe"`, Text: "Your message was not sent.\n\nref: K7TQ-M2XD\n",
		MessageID: "r1@gw.postern.example", InReplyTo: "<a1@contoso.example>", Date: at, Arrival: at.Add(-time.Minute),
		EnvID: "QQ+2B314", Extra: []Field{{"X-Postern-Checked", "abc"}},
		Recipients: []Recipient{
			{Address: "bob@fabrikam.example", ORcpt: "rfc822;Bob+40x@fabrikam.example", Action: Failed,
				Reply: mail.NewReply(550, "5.7.1", `Stopped by rule "Card numbers". ref K7TQ-M2XD`)},
			{Address: "eve@fabrikam.example", Action: Failed, Remote: "mx.fabrikam.example", Last: at,
				Reply: mail.NewReply(451, "4.2.1", "busy")},
		},
		Original: []byte("From: anna@contoso.example\r\nSubject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\r\n"),
	}
}

func TestAReportIsTheGolden(t *testing.T) {
	got := sample().Bytes()
	const golden = "testdata/report.eml"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("report differs:\n%s", got)
	}
}

func TestAReportIsReadByAnotherParser(t *testing.T) {
	m, err := netmail.ReadMessage(bytes.NewReader(sample().Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/report" || params["report-type"] != "delivery-status" {
		t.Fatal(kind, params, err)
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	var kinds []string
	for {
		p, err := r.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(p)
		kinds = append(kinds, p.Header.Get("Content-Type"))
		if strings.HasPrefix(kinds[len(kinds)-1], "message/delivery-status") {
			s := ReadStatus(bytes.NewReader(text))
			if len(s.Recipients) != 2 || AddressOf(s.Recipients[0]) != "bob@fabrikam.example" {
				t.Fatalf("%+v", s)
			}
			if s.Message["original-envelope-id"] != "QQ+314" || s.Recipients[0]["original-recipient"] != "rfc822; Bob@x@fabrikam.example" {
				t.Fatalf("%+v", s)
			}
			if s.Recipients[0]["status"] != "5.7.1" || s.Recipients[1]["status"] != "5.0.0" {
				t.Fatalf("a 4.x.x answer must not stand beside failed: %+v", s)
			}
		}
	}
	if len(kinds) != 3 || kinds[2] != "text/rfc822-headers" {
		t.Fatal(kinds)
	}
}

func TestOurOwnReaderReadsIt(t *testing.T) {
	m := mail.Parse(mail.Bytes(sample().Bytes()), mail.Limits{})
	s, ok := Read(m)
	if !ok || len(s.Recipients) != 2 {
		t.Fatalf("%v %+v", ok, s)
	}
	if len(m.Unseen) > 0 || m.Bare {
		t.Fatalf("our own report is odd: %+v", m.Unseen)
	}
}

func TestAnInternationalAddressMakesAGlobalReport(t *testing.T) {
	r := sample()
	r.Recipients[0].Address = "jörg@fabrikam.example"
	text := string(r.Bytes())
	for _, want := range []string{"message/global-delivery-status", "utf-8; jörg@fabrikam.example", "message/global-headers"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestNobodyEndsAField(t *testing.T) {
	r := sample()
	r.Subject = "a\r\nBcc: x@y"
	r.FromName = "b\r\nBcc: x@y"
	r.InReplyTo = "<a>\r\nBcc: x@y"
	r.Extra = []Field{{"X-Mark", "v\r\nBcc: x@y"}}
	r.Recipients[0].Reply.Text = "no\r\nBcc: x@y"
	if bytes.Contains(r.Bytes(), []byte("\nBcc:")) {
		t.Fatalf("injected:\n%s", r.Bytes())
	}
}

func TestTheOriginalsSecretsStayHere(t *testing.T) {
	text := "Received: by x id 1\r\nX-Postern-Tenant: contoso;s3cr3t;out;inline\r\nX-Other: has S3CR3T inside\r\n" +
		"Subject: folded\r\n line\r\nX-Bare: a\nb\r\n\r\nbody s3cr3t"
	b := mail.Bytes(text)
	got := string(Headers(mail.ParseHeader(b), b, func(n string) bool {
		return strings.EqualFold(n, "X-Postern-Tenant")
	}, []string{"s3cr3t"}))
	if strings.Contains(strings.ToLower(got), "s3cr3t") || strings.Contains(got, "body") {
		t.Fatalf("leaked: %q", got)
	}
	if !strings.Contains(got, "Subject: folded\r\n line\r\n") {
		t.Fatalf("lost: %q", got)
	}
}

func TestWhatIsAutomatic(t *testing.T) {
	tests := []struct {
		name, from, header string
		want               Class
	}{
		{"a person's mail", "a@b.example", "Subject: hi\r\n", Class{}},
		{"the null sender", "", "Subject: hi\r\n", Class{Automatic: true, Why: "null reverse-path"}},
		{"Auto-Submitted: no is a person", "a@b.example", "Auto-Submitted: no\r\n", Class{}},
		{"a word in the subject is no sign", "a@b.example", "Subject: Out of office\r\n", Class{}},
		{"an automatic reply of Exchange", "a@b.example",
			"auto-submitted: auto-generated\r\nX-MS-Exchange-Inbox-Rules-Loop: a@b.example\r\n",
			Class{Automatic: true, OOO: true, Why: "Auto-Submitted: auto-generated"}},
		{"a mailing list", "a@b.example", "List-Id: <x>\r\n", Class{Automatic: true, Bulk: true, Why: "List-Id"}},
		{"suppression of delivery reports alone is no sign", "a@b.example", "X-Auto-Response-Suppress: DR, RN\r\n", Class{}},
		{"suppression of all", "a@b.example", "X-Auto-Response-Suppress: All\r\n",
			Class{Automatic: true, Why: "X-Auto-Response-Suppress"}},
		{"a report", "a@b.example", "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n",
			Class{Automatic: true, Report: true, Why: "multipart/report"}},
		{"an inbox rule forwards", "a@b.example", "From: a@b.example\r\nX-MS-Exchange-Inbox-Rules-Loop: a@b.example\r\n",
			Class{Automatic: true, Forwarded: true, Why: "X-MS-Exchange-Inbox-Rules-Loop"}},
		{"an inbox rule redirects", "a+SRS=x=y=c.example=z@b.example", "From: z@c.example\r\nX-MS-Exchange-Inbox-Rules-Loop: a@b.example\r\n",
			Class{Automatic: true, Forwarded: true, Redirected: true, Why: "X-MS-Exchange-Inbox-Rules-Loop"}},
		{"a forwarding mailbox", "bob+SRS=k1=2B=c.example=z@b.example", "From: z@c.example\r\nX-MS-Exchange-ForwardingLoop: bob@b.example;1\r\n",
			Class{Forwarded: true, Redirected: true}},
		{"another forwarder", "SRS0=k1=2B=c.example=z@b.example", "From: z@c.example\r\n", Class{Forwarded: true, Redirected: true}},
		{"a person resends", "a@b.example", "From: z@c.example\r\nResent-From: a@b.example\r\n", Class{Forwarded: true, Redirected: true}},
		{"Outlook says so itself", "a@b.example", "From: a@b.example\r\nX-MS-Exchange-Organization-AutoForwarded: true\r\n", Class{Forwarded: true}},
		{"a recall", "a@b.example", "X-MS-Exchange-RecallReportGenerated: true\r\n", Class{Recall: true}},
		{"a meeting", "a@b.example", "Content-Type: text/calendar; method=REQUEST\r\n", Class{Calendar: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := mail.Bytes(tt.header + "\r\nx")
			if got := Classify(mail.Address(tt.from), mail.ParseHeader(b)); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func FuzzReadStatus(f *testing.F) {
	f.Add([]byte("Reporting-MTA: dns; a\r\n\r\nFinal-Recipient: rfc822; b@c\r\nAction: failed\r\n"))
	f.Add([]byte(" folded first\r\n:\r\n\x00: x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		status := ReadStatus(bytes.NewReader(b))
		size := 0
		for _, block := range append(status.Recipients, status.Message) {
			for name, value := range block {
				size += len(name) + len(value)
				if name != strings.ToLower(name) || strings.ContainsAny(name+value, "\r\n") {
					t.Fatalf("%q: %q", name, value)
				}
			}
			if a := AddressOf(block); strings.ContainsAny(string(a), "\r\n;") && !strings.Contains(block["final-recipient"], string(a)) {
				t.Fatalf("address %q", a)
			}
		}
		if size > 2*len(b) || len(status.Recipients) > len(b) {
			t.Fatalf("%d octets of %d", size, len(b))
		}
	})
}

func FuzzReport(f *testing.F) {
	f.Add("subject", "text\n.\n", "<id@x>", "reply")
	f.Fuzz(func(t *testing.T, subject, text, id, reply string) {
		r := sample()
		r.Subject, r.Text, r.InReplyTo = subject, text, id
		r.Recipients[0].Reply.Text = reply
		b := r.Bytes()
		if !sendable(b) {
			t.Fatalf("not sendable by DATA: %q", b)
		}
		m := mail.Parse(mail.Bytes(b), mail.Limits{})
		s, ok := Read(m)
		if !ok || len(s.Recipients) != 2 || len(m.Unseen) > 0 {
			t.Fatalf("%v %+v %v", ok, s, m.Unseen)
		}
		if n := len(m.Header.Fields()); n != len(mail.Parse(mail.Bytes(sample().Bytes()), mail.Limits{}).Header.Fields()) && id != "" {
			t.Fatalf("%d fields: %q", n, b)
		}
	})
}

func TestALongSubjectIsFoldedAndReadsAsBefore(t *testing.T) {
	r := sample()
	r.Subject = "Not sent: " + strings.Repeat("\u5b57", 120)
	b := r.Bytes()
	if !sendable(b) {
		t.Errorf("a line is too long: %q", b)
	}
	if got := mail.ParseHeader(mail.Bytes(b)).Text("subject"); got != r.Subject {
		t.Errorf("%q", got)
	}
}
