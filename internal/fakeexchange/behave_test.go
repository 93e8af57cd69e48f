package fakeexchange_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"

	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/mailflow"
)

const (
	ann  = "ann@contoso.example"
	cid  = "cid@contoso.example"
	boss = "boss@contoso.example"
	bob  = "bob@fabrikam.example"
	mark = "X-Postern-Checked: demo-mark-51c2e9b04f6d\r\n"
)

// inBubble runs a test under the fake clock.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

func (h *house) submit(t *testing.T, raw string, o fakeexchange.Options, to ...string) {
	t.Helper()
	if _, err := h.x.Submit(ann, to, []byte(raw), o); err != nil {
		t.Fatal(err)
	}
	idle(t, h.x)
}

func (h *house) internet(t *testing.T, want int) []fakeexchange.Delivered {
	t.Helper()
	got := h.x.Internet()
	if len(got) != want {
		t.Fatalf("%d messages on the internet, want %d\n%s", len(got), want, story(h.x))
	}
	return got
}

func refusal(text string) error {
	return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: text}
}

// only returns the single message of a mailbox.
func (h *house) only(t *testing.T, address string) string {
	t.Helper()
	got := h.x.Mailbox(address)
	if len(got) != 1 {
		t.Fatalf("%d messages in the mailbox of %s, want 1\n%s", len(got), address, story(h.x))
	}
	return string(got[0].Raw)
}

func story(x *fakeexchange.Exchange) string {
	var b strings.Builder
	for _, e := range x.Log() {
		fmt.Fprintf(&b, "%s %s %s %s: %s\n", e.At.Format(time.TimeOnly), e.Message, e.Step, e.Recipient, e.Detail)
	}
	return b.String()
}

func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in\n%s", p, text)
		}
	}
}

func TestQueue(t *testing.T) {
	inBubble(t, "a refusal in the session becomes a report to the sender", func(t *testing.T) {
		h := newHouse(t, "postern", nil, nil)
		h.g.reply = refusal("Card numbers (ref 8F2K)")
		h.submit(t, card, fakeexchange.Options{}, bob)
		h.internet(t, 0)
		wants(t, h.only(t, ann), "Content-Type: multipart/report; report-type=delivery-status",
			"Final-Recipient: rfc822;"+bob, "Status: 5.7.1",
			"Diagnostic-Code: smtp;550 5.0.350 Remote server returned an error -> 550 5.7.1 Card numbers (ref 8F2K)",
			"Subject: Undeliverable: Offer 12", "In-Reply-To: <a1@contoso.example>")
		if n := h.x.NDRs(); len(n) != 1 || n[0].To != ann || n[0].Reply.Enhanced != "5.7.1" {
			t.Errorf("NDRs %+v", n)
		}
	})
	inBubble(t, "a temporary answer is tried again after 15, 15, 60 minutes until 24 hours are over", func(t *testing.T) {
		h := newHouse(t, "postern", nil, nil)
		h.g.reply = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later"}
		start := time.Now()
		h.submit(t, card, fakeexchange.Options{}, bob)
		var next []string
		for len(h.x.Queue()) > 0 {
			q := h.x.Queue()[0]
			next = append(next, q.Next.Sub(start).String())
			time.Sleep(time.Until(q.Next) + time.Second)
			idle(t, h.x)
		}
		want := []string{"15m0s", "30m0s", "1h30m0s"}
		if !slices.Equal(next[:3], want) || next[len(next)-1] != "24h0m0s" {
			t.Errorf("attempts at %v", next)
		}
		wants(t, h.only(t, ann), "550 4.4.7 QUEUE.Expired; message expired")
	})
	inBubble(t, "a gateway that comes back gets its mail", func(t *testing.T) {
		h := newHouse(t, "postern", nil, nil)
		h.g.front = mark
		h.x.Inject(fakeexchange.Fault{Side: fakeexchange.Outbound, Stage: fakeexchange.AtConnect, Drop: true, Times: 2})
		h.submit(t, card, fakeexchange.Options{}, bob)
		h.internet(t, 0)
		time.Sleep(31 * time.Minute)
		idle(t, h.x)
		h.internet(t, 1)
	})
	inBubble(t, "bare LF goes by BDAT and comes back", func(t *testing.T) {
		h := newHouse(t, "postern", nil, nil)
		raw := "From: Ann <ann@contoso.example>\r\nSubject: bare\r\n\r\none\ntwo\r\n.\nthree\r"
		h.submit(t, raw, fakeexchange.Options{}, bob)
		got := h.g.arrivals()
		if len(got) != 1 || !bytes.HasSuffix(got[0].raw, []byte("\r\n\r\none\ntwo\r\n.\nthree\r")) {
			t.Fatalf("the gateway got %q\n%s", got, story(h.x))
		}
	})
	inBubble(t, "several recipients have one transaction and an answer each", func(t *testing.T) {
		h := newHouse(t, "postern", nil, nil)
		h.x.Inject(fakeexchange.Fault{
			Side: fakeexchange.Outbound, Stage: fakeexchange.AtRcpt, To: "no@fabrikam.example",
			Reply: mail.NewReply(550, "5.1.1", "unknown"),
		})
		h.submit(t, card, fakeexchange.Options{}, bob, "no@fabrikam.example", "eve@fabrikam.example")
		if n := h.x.NDRs(); len(n) != 1 || !slices.Equal(n[0].Recipients, []string{"no@fabrikam.example"}) {
			t.Errorf("NDRs %+v", n)
		}
		if got := h.g.arrivals(); len(got) != 1 || len(got[0].to) != 3 {
			t.Errorf("arrivals %+v", got)
		}
	})
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name     string
		fault    fakeexchange.Fault
		arrivals int // complete messages at the gateway after an hour
		internet int
	}{
		{"a connection that breaks inside the content is no message",
			fakeexchange.Fault{Stage: fakeexchange.AtData, Drop: true}, 1, 1},
		{"a lost answer makes Exchange send again", fakeexchange.Fault{Stage: fakeexchange.AtDot, Drop: true}, 2, 2},
		{"a submission can come twice", fakeexchange.Fault{Stage: fakeexchange.AtDot, Twice: true}, 2, 2},
		{"a slow Exchange is still a sender",
			fakeexchange.Fault{Stage: fakeexchange.AtMail, Delay: time.Minute}, 1, 1},
		{"without TLS the gateway still sees the message",
			fakeexchange.Fault{Stage: fakeexchange.AtStartTLS, PlainText: true}, 1, 1},
		{"a stranger's certificate is shown", fakeexchange.Fault{Stage: fakeexchange.AtStartTLS, Stranger: true}, 1, 1},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T) {
			// go-smtp takes a BDAT chunk that was cut off for a message, so DATA is used.
			h := newHouse(t, "postern", nil, func(sw *fakeexchange.Switches) { sw.AlwaysChunk = false })
			h.g.front = mark
			tt.fault.Side = fakeexchange.Outbound
			h.x.Inject(tt.fault)
			h.submit(t, card, fakeexchange.Options{}, bob)
			time.Sleep(time.Hour)
			idle(t, h.x)
			got := h.g.arrivals()
			if len(got) != tt.arrivals {
				t.Errorf("%d arrivals, want %d\n%s", len(got), tt.arrivals, story(h.x))
			}
			if tt.fault.PlainText && got[0].name != "" || tt.fault.Stranger && got[0].name != "mail.outsider.example" {
				t.Errorf("certificate %q", got[0].name)
			}
			h.internet(t, tt.internet)
		})
	}
	inBubble(t, "a certificate of another name keeps the mail in the queue", func(t *testing.T) {
		h := newHouse(t, "postern", func(s *mailflow.Setup) { s.OutboundConnectors[0].TLSDomain = "other.example" }, nil)
		h.submit(t, card, fakeexchange.Options{}, bob)
		if q := h.x.Queue(); len(q) != 1 || !strings.Contains(q[0].Last.Text, "certificate is for gw.postern.example") {
			t.Errorf("queue %+v", q)
		}
	})
	inBubble(t, "a return that is dropped before its 250 is there twice when it is repeated", func(t *testing.T) {
		h := newHouse(t, "postern", nil, nil)
		h.g.front = mark
		h.x.Inject(fakeexchange.Fault{Side: fakeexchange.Inbound, Stage: fakeexchange.AtDot, Drop: true, After: true})
		h.submit(t, card, fakeexchange.Options{}, bob)
		time.Sleep(time.Hour)
		idle(t, h.x)
		h.internet(t, 2)
	})
	inBubble(t, "a throttled return is answered as scripted", func(t *testing.T) {
		h := newHouse(t, "postern", nil, nil)
		h.g.front = mark
		h.x.Inject(fakeexchange.Fault{
			Side: fakeexchange.Inbound, Stage: fakeexchange.AtMail,
			Reply: mail.NewReply(451, "4.7.500", "Server busy (AS77713)"),
		})
		h.submit(t, card, fakeexchange.Options{}, bob)
		h.internet(t, 0)
		time.Sleep(time.Hour)
		idle(t, h.x)
		h.internet(t, 1)
	})
	inBubble(t, "a connector that is disabled in the middle lets the rule fail", func(t *testing.T) {
		h := newHouse(t, "postern", nil, nil)
		if err := h.x.Update("contoso", func(s *mailflow.Setup) { s.OutboundConnectors[0].Enabled = false }); err != nil {
			t.Fatal(err)
		}
		h.submit(t, card, fakeexchange.Options{}, bob)
		if got := h.internet(t, 1); bytes.Contains(got[0].Raw, []byte("demo-secret")) {
			t.Error("the secret leaked")
		}
	})
}

func TestModerationOfNetskopesDocument(t *testing.T) {
	quarantine := "X-Netskope-Action: Quarantine\r\nX-Netskope-Inspected: true\r\n"
	begin := func(t *testing.T, sw func(*fakeexchange.Switches)) (*house, string) {
		h := newHouse(t, "netskope", nil, sw)
		h.g.front = quarantine
		h.submit(t, card, fakeexchange.Options{}, bob)
		h.internet(t, 0)
		a := h.x.Approvals()
		if len(a) != 1 || a[0].State != "pending" || a[0].Recipient != bob {
			t.Fatalf("approvals %+v\n%s", a, story(h.x))
		}
		wants(t, h.only(t, boss), "Subject: Approval requested: Offer 12", "Content-Type: message/rfc822")
		return h, a[0].ID
	}
	inBubble(t, "approved: the mail goes on and the sender is told", func(t *testing.T) {
		h, id := begin(t, nil)
		if err := h.x.Approve(id, boss); err != nil {
			t.Fatal(err)
		}
		idle(t, h.x)
		if got := h.internet(t, 1); !bytes.HasSuffix(got[0].Raw, []byte(card)) {
			t.Errorf("the octets changed:\n%s", got[0].Raw)
		}
		wants(t, h.only(t, ann), "The sender responded Approve")
		if err := h.x.Reject(id, boss, ""); err == nil {
			t.Error("a decision can be changed")
		}
	})
	inBubble(t, "approved, as Microsoft's page has it: the sender is not told", func(t *testing.T) {
		h, id := begin(t, func(sw *fakeexchange.Switches) { sw.SenderToldOfApproval = false })
		if err := h.x.Approve(id, boss); err != nil {
			t.Fatal(err)
		}
		idle(t, h.x)
		h.internet(t, 1)
		if len(h.x.Mailbox(ann)) != 0 {
			t.Error("the sender was told")
		}
	})
	inBubble(t, "rejected: the sender hears it with the comment", func(t *testing.T) {
		h, id := begin(t, nil)
		if err := h.x.Reject(id, cid, ""); err == nil {
			t.Error("a colleague decides")
		}
		if err := h.x.Reject(id, boss, "not this one"); err != nil {
			t.Fatal(err)
		}
		idle(t, h.x)
		h.internet(t, 0)
		wants(t, h.only(t, ann), "Your message was rejected by a moderator for these recipients: "+bob, "not this one")
	})
	inBubble(t, "two days of silence: returned because no decision was made", func(t *testing.T) {
		h, _ := begin(t, nil)
		time.Sleep(47 * time.Hour)
		idle(t, h.x)
		if len(h.x.Mailbox(ann)) != 0 {
			t.Error("too early")
		}
		time.Sleep(2 * time.Hour)
		idle(t, h.x)
		h.internet(t, 0)
		wants(t, h.only(t, ann), "The message has been returned to the sender because no decision was made")
	})
}

func TestSafeticaSetup(t *testing.T) {
	inBubble(t, "every outgoing and internal mail passes once", func(t *testing.T) {
		h := newHouse(t, "safetica", nil, nil)
		h.g.front = "X-St-Checked-Casb: yes\r\n"
		h.submit(t, card, fakeexchange.Options{}, bob, cid)
		if got := h.g.arrivals(); len(got) != 2 {
			t.Errorf("%d arrivals, want one for each fork\n%s", len(got), story(h.x))
		}
		h.internet(t, 1)
		h.only(t, cid)
	})
	inBubble(t, "an exception for a user and a rule that is off let mail flow around", func(t *testing.T) {
		h := newHouse(t, "safetica", func(s *mailflow.Setup) { s.Groups[0].Members = mailflow.Strings{ann} }, nil)
		h.submit(t, card, fakeexchange.Options{}, bob)
		if err := h.x.Update("contoso", func(s *mailflow.Setup) {
			s.Groups[0].Members, s.TransportRules[0].State = nil, "Disabled"
		}); err != nil {
			t.Fatal(err)
		}
		h.submit(t, card, fakeexchange.Options{}, bob)
		h.internet(t, 2)
		if len(h.g.arrivals()) != 0 {
			t.Error("the gateway saw it")
		}
	})
	inBubble(t, "an automatic reply with a null sender comes back and leaves", func(t *testing.T) {
		h := newHouse(t, "safetica", nil, nil)
		h.g.front = "X-St-Checked-Casb: yes\r\n"
		h.submit(t, card, fakeexchange.Options{Class: fakeexchange.OOF}, bob)
		if got := h.internet(t, 1); got[0].From != "" {
			t.Errorf("MAIL FROM:<%s>", got[0].From)
		}
	})
	inBubble(t, "without the mark the loop ends at the hop limit", func(t *testing.T) {
		h := newHouse(t, "safetica", nil, nil)
		h.g.front = "X-Other: x\r\n"
		h.submit(t, card, fakeexchange.Options{}, bob)
		h.internet(t, 0)
		if n := len(h.g.arrivals()); n != 20 {
			t.Errorf("%d passes", n)
		}
		wants(t, string(h.x.Mailbox(ann)[0].Raw), "5.4.14 Hop count exceeded")
	})
}

func TestJournalAndCopies(t *testing.T) {
	change := func(s *mailflow.Setup) {
		s.TransportRules = s.TransportRules[:0]
		s.JournalRules = []mailflow.JournalRule{{
			Name: "all", JournalEmailAddress: "t-7f3a@copy.postern.example", Enabled: true,
		}}
		s.TransportRules = append(s.TransportRules, mailflow.Rule{
			Properties: mailflow.Properties{Name: "bcc"},
			When:       mailflow.Predicates{SubjectContainsWords: mailflow.Strings{"bcc"}},
			Do: mailflow.Actions{
				BlindCopyTo: mailflow.Strings{"bcc@copy.postern.example"}, StopRuleProcessing: true,
			},
		})
	}
	inBubble(t, "a journal report lists the envelope and carries the original", func(t *testing.T) {
		h := newHouse(t, "postern", change, nil)
		raw := "From: Ann <ann@contoso.example>\r\nTo: bob@fabrikam.example, sales@contoso.example\r\n" +
			"Subject: Offer\r\n\r\nb\r\n"
		h.submit(t, raw, fakeexchange.Options{}, bob, "sales@contoso.example", "hid@fabrikam.example")
		got := h.g.arrivals()
		if len(got) != 2 { // one for the internal, one for the external fork
			t.Fatalf("%d reports\n%s", len(got), story(h.x))
		}
		var text string
		for _, a := range got {
			if a.from != "" {
				t.Errorf("MAIL FROM:<%s>", a.from)
			}
			text += string(a.raw)
		}
		wants(t, text, "X-MS-Journal-Report:\r\n", "Sender: ann@contoso.example\r\n", "\r\nTo: bob@fabrikam.example\r\n",
			"\r\nBcc: hid@fabrikam.example\r\n", "\r\nTo: cid@contoso.example, Expanded: sales@contoso.example\r\n", raw,
			"X-MS-Exchange-CrossTenant-Id: 11111111-")
		if strings.Contains(text, "X-Postern-Tenant") {
			t.Error("rules ran for a journal report")
		}
	})
	inBubble(t, "a BCC copy goes by the connector of its domain", func(t *testing.T) {
		h := newHouse(t, "postern", func(s *mailflow.Setup) { change(s); s.JournalRules = nil }, nil)
		h.submit(t, strings.Replace(card, "Offer", "bcc", 1), fakeexchange.Options{}, bob)
		if got := h.g.arrivals(); len(got) != 1 || !slices.Equal(got[0].to, []string{"bcc@copy.postern.example"}) {
			t.Errorf("arrivals %+v", got)
		}
		h.internet(t, 1)
	})
	inBubble(t, "a refused report goes to JournalingReportNdrTo, else it is lost", func(t *testing.T) {
		h := newHouse(t, "postern", func(s *mailflow.Setup) {
			change(s)
			s.Organization.JournalingReportNdrTo = boss
		}, nil)
		h.g.reply = refusal("no")
		h.submit(t, card, fakeexchange.Options{}, bob)
		wants(t, h.only(t, boss), "Content-Type: message/rfc822", "X-MS-Journal-Report")
	})
}

func TestValidationHasNoTenantHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "postern", nil, nil)
		probe := []string{"probe@gw.postern.example"}
		replies, err := h.x.Validate(context.Background(), "contoso", "Postern Outbound", probe)
		if err != nil || len(replies) != 1 || !replies[0].Ok() {
			t.Fatalf("%v %v", replies, err)
		}
		got := h.g.arrivals()
		if len(got) != 1 || bytes.Contains(got[0].raw, []byte("X-Postern-Tenant")) ||
			got[0].from != "O365ConnectorValidation@contoso.example" {
			t.Errorf("arrivals %+v", got)
		}
	})
}

func TestTwoTenants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, err := fakeexchange.ReadySetup("onpremises", fakeexchange.Params{})
		if err != nil {
			t.Fatal(err)
		}
		two, err := fakeexchange.ReadySetup("onpremises", fakeexchange.Params{
			Name: "fabrikam", Domain: "fabrikam", Entra: "99999999-2222-3333-4444-555555555555",
		})
		if err != nil {
			t.Fatal(err)
		}
		x, err := fakeexchange.New(fakeexchange.Config{
			Setups: []mailflow.Setup{one, two}, Dial: fakeexchange.NewWire().DialFrom("40.107.1.2"),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		o := fakeexchange.Options{Notify: mail.NotifySuccess}
		if _, err := x.Submit(ann, []string{"ann@fabrikam.example"}, []byte(card), o); err != nil {
			t.Fatal(err)
		}
		idle(t, x)
		got := x.Mailbox("ann@fabrikam.example")
		if len(got) != 1 || got[0].Tenant != "fabrikam" {
			t.Fatalf("%+v\n%s", got, story(x))
		}
		wants(t, string(got[0].Raw), "X-MS-Exchange-Transport-CrossTenantHeadersStripped",
			"X-MS-Exchange-Organization-AuthAs: Anonymous")
		if strings.Contains(string(got[0].Raw), "CrossTenant-Id") {
			t.Error("the first tenant's stamp survives")
		}
		if q := x.Queue(); len(q) != 0 {
			t.Errorf("queue %+v", q)
		}
		if len(x.Mailbox(ann)) != 1 {
			t.Errorf("a report of success was asked for\n%s", story(x))
		}
	})
}

func TestReadySetups(t *testing.T) {
	if got := fakeexchange.SetupNames(); !slices.Equal(got, []string{"netskope", "onpremises", "postern", "safetica"}) {
		t.Errorf("set-ups %v", got)
	}
	for _, name := range fakeexchange.SetupNames() {
		s, err := fakeexchange.ReadySetup(name, fakeexchange.Params{Domain: "fabrikam", Gateway: "g.example", Secret: `a"b`})
		if err != nil {
			t.Fatal(err)
		}
		if s.AcceptedDomains[0].DomainName != "fabrikam.example" || s.OutboundConnectors[0].SmartHosts[0] != "g.example" {
			t.Errorf("%s: %+v", name, s)
		}
		if x, err := fakeexchange.New(fakeexchange.Config{Setups: []mailflow.Setup{s}}); err != nil {
			t.Error(err)
		} else if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := fakeexchange.ReadySetup("none", fakeexchange.Params{}); err == nil {
		t.Error("a set-up that is not there")
	}
}

func TestIncomingMailOfThePosternSetup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "postern", nil, nil)
		h.g.front = mark + "X-Postern-Spam: yes\r\n"
		raw := "From: Bob <bob@fabrikam.example>\r\nTo: ann@contoso.example\r\nSubject: hi\r\n\r\nhi\r\n"
		for _, r := range h.x.Arrive(bob, []string{ann, cid}, []byte(raw), fakeexchange.Options{}) {
			if !r.Ok() {
				t.Fatal(r)
			}
		}
		idle(t, h.x)
		got := h.g.arrivals()
		if len(got) != 1 || len(got[0].to) != 2 {
			t.Fatalf("arrivals %+v\n%s", got, story(h.x))
		}
		wants(t, string(got[0].raw), "X-Postern-Tenant: contoso;demo-secret-8d1f0c5e7a3b;in;inline",
			"X-MS-Exchange-CrossTenant-Id: 11111111", "X-MS-Exchange-CrossTenant-AuthAs: Anonymous",
			"OriginalAttributedTenantConnectingIp: TenantId=11111111-2222-3333-4444-555555555555;Ip=[198.51.100.25]")
		box := h.x.Mailbox(ann)
		if len(box) != 1 || box[0].Folder != "Junk Email" || !bytes.HasSuffix(box[0].Raw, []byte(raw)) {
			t.Errorf("%+v\n%s", box, story(h.x))
		}
		if bytes.Contains(box[0].Raw, []byte("demo-mark")) {
			t.Error("the mark was not taken off")
		}
	})
}

func TestCrossTenantSwitches(t *testing.T) {
	tests := []struct {
		name  string
		set   func(*fakeexchange.Switches)
		class fakeexchange.Class
		id    bool
	}{
		{"a user's message is stamped", func(*fakeexchange.Switches) {}, "", true},
		{"an automatic reply is stamped", func(*fakeexchange.Switches) {}, fakeexchange.OOF, true},
		{"an automatic reply is not", func(sw *fakeexchange.Switches) {
			sw.CrossTenantOnSystemMail = false
		}, fakeexchange.OOF, false},
		{"nothing is", func(sw *fakeexchange.Switches) { sw.CrossTenantHeaders = false }, "", false},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T) {
			h := newHouse(t, "postern", nil, tt.set)
			h.submit(t, card, fakeexchange.Options{Class: tt.class}, bob)
			got := h.g.arrivals()
			if len(got) != 1 || bytes.Contains(got[0].raw, []byte("X-MS-Exchange-CrossTenant-Id")) != tt.id {
				t.Errorf("arrivals %s", got)
			}
		})
	}
}
