package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/notice"
	"postern.dev/postern/internal/post"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/tenant"
)

func TestTheFirstTextOfAnAnswerIsRead(t *testing.T) {
	head := "From: a@b.example\r\nMIME-Version: 1.0\r\n"
	for _, tt := range []struct{ name, raw, want string }{
		{"plain", head + "\r\nAPPROVE fine\r\n", "APPROVE fine"},
		{"quoted-printable", head + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nREJECT nicht =C3=BCber\r\n", "REJECT nicht über"},
		{"both forms", head + "Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nAPPROVE\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>REJECT</p>\r\n--x--\r\n", "APPROVE"},
		{"a page alone", head + "Content-Type: text/html\r\n\r\n<html><head><title>REJECT</title><style>p{}</style></head><body><div>APPROVE&nbsp;yes</div><blockquote>REJECT</blockquote></body></html>", "APPROVE\u00a0yes"},
		{"what is attached is not read", head + "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nAPPROVE\r\n--x\r\nContent-Type: text/plain\r\n\r\nREJECT\r\n--x--\r\n", "REJECT"},
		{"nothing", head + "\r\n", ""},
		{"a long page is read to its bound", head + "Content-Type: text/html\r\n\r\n<!--" + strings.Repeat("x", mostText) + "--><p>APPROVE</p>", ""},
	} {
		if got := strings.TrimSpace(firstText(mail.Bytes(tt.raw), mail.Limits{})); got != tt.want {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}

// FuzzAnswer reads any mail as an answer: never more than is bounded, always
// text, and nothing of markup.
func FuzzAnswer(f *testing.F) {
	f.Add("Content-Type: text/html\r\n\r\n<p>APPROVE <b>all</b></p><hr>REJECT")
	f.Add("\r\nREJECT\r\n> APPROVE")
	f.Fuzz(func(t *testing.T, raw string) {
		text := firstText(mail.Bytes(raw), mail.Limits{})
		if len(text) > 4*mostText+100 {
			t.Fatalf("%d octets", len(text))
		}
		if a, ok := quarantine.ParseReply(text); ok && (!utf8.ValidString(a.Comment) || strings.ContainsRune(a.Comment, 0)) {
			t.Fatalf("%q", a.Comment)
		}
		ownName(mail.Address(raw))
		pageText(strings.NewReader(raw))
	})
}

func TestADraftsRecipientsAreBounded(t *testing.T) {
	g := New(Config{Tenants: tenant.NewRegistry(tenant.NewPublished())})
	var list []string
	for i := range 3 * mostParties {
		list = append(list, fmt.Sprintf("b%d@fabrikam.example", i))
	}
	h := mail.ParseHeader(mail.Bytes("To: " + strings.Join(list, ",\r\n ") + "\r\nCc: b1@fabrikam.example\r\n\r\n"))
	if got := g.parties(h); len(got) != mostParties {
		t.Errorf("%d recipients", len(got))
	}
}

// Every text is sent by something, or it is said to which later work it
// belongs.
func TestEveryNoticeIsSentBySomething(t *testing.T) {
	sent := map[notice.Kind]bool{}
	for _, f := range letterForms() {
		if sent[f.notice] {
			t.Errorf("%s has two letters", f.notice)
		}
		sent[f.notice] = true
	}
	sent[notice.NotSentOutside] = true // blocked, declined, expired for strangers
	for _, s := range Sendings() {
		if (s.By == "") == (s.Later == "") {
			t.Errorf("%s: one of the two, who sends it or why nobody does", s.Kind)
		}
		if s.By != "" && strings.HasPrefix(s.By, "letter ") && !sent[s.Kind] {
			t.Errorf("%s is no letter", s.Kind)
		}
		sent[s.Kind] = true
	}
	for _, k := range notice.Kinds() {
		if !sent[k] {
			t.Errorf("nobody sends %s", k)
		}
		n := 0
		for _, s := range Sendings() {
			if s.Kind == k {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s has %d rows", k, n)
		}
	}
}

// huge is a body of a size that nobody reads.
type huge struct{ mail.Bytes }

func (huge) Size() int64 { return mostOwn + 1 }

func TestAMailToOurselvesIsBounded(t *testing.T) {
	w := newWorld(t, &script{})
	a := &mail.Arrival{Trace: "x", Body: huge{}, Envelope: mail.Envelope{From: "ann@contoso.example", To: []mail.Recipient{{Address: "check@m.example"}}}}
	if r := w.g.toOurselves(t.Context(), w.g.open(a), a, mail.ParseHeader(mail.Bytes("\r\n"))); r.Code != 552 {
		t.Error(r)
	}
}

func TestAnswersAndDraftsOfOnePersonAreBounded(t *testing.T) {
	ok := mail.NewReply(250, "2.0.0", "ok")
	door := &script{rcpts: []mail.Reply{ok}, dot: ok}
	w := newWorld(t, door)
	owner := w.g.Tenants.Current().Tenants()[0]
	raw := mail.Bytes("From: ann@contoso.example\r\nTo: b@fabrikam.example\r\n\r\nhello\r\n")
	a := &mail.Arrival{Trace: "x", Body: raw, Ended: time.Now(), Envelope: mail.Envelope{From: "ann@contoso.example"}}
	h, id := mail.ParseHeader(raw), tenant.Identity{Tenant: owner, Internal: true}
	for i := range mostDrafts + 1 {
		want := 250
		if i == mostDrafts {
			want = 550
		}
		if r := w.g.checkDraft(t.Context(), a, h, id); r.Code != want {
			t.Fatalf("draft %d: %v", i, r)
		}
	}
	for range mostAnswers + 5 {
		in := incoming{arrival: a, header: h, id: id, identified: true}
		if err := w.g.tellAnswered(t.Context(), in, quarantine.Token{Tenant: owner.ID, Message: "abcdefgh12345678"}, answered{}, true, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	var list []post.Out
	err := w.g.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		list, err = post.Waiting(tx, time.Now(), 100)
		return err
	})
	if err != nil || len(list) != mostAnswers {
		t.Errorf("%d mails, %v", len(list), err)
	}
	w.g.Wait()
}
