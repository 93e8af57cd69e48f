package app

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/mailflow"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/store"
)

const consoleName = "mail.contoso-checks.example"

// writers is how many people write: a person may check few drafts in an hour.
const writers = 300

// writings writes mails at random, as somebody of a tenant might.
type writings struct {
	drafts
	n int
}

// draftMail is one of them.
type draftMail struct {
	from     mail.Address
	to       []mail.Address
	head     string // the fields without To and Cc
	visible  string // To and Cc
	body     string
	watching bool
}

func (w *writings) mail() draftMail {
	w.n++
	m := draftMail{from: mail.Address(fmt.Sprintf("ann%d@contoso.example", w.n%writers)), watching: w.IntN(20) == 0}
	var to, cc []string
	for i := range 1 + w.IntN(4) {
		a := w.pick("bob", "eve", "office", "d.visser") + strconv.Itoa(i) + "@" +
			w.pick("fabrikam.example", "partner.org", "mail.com", "contoso.example", "sub.fabrikam.example")
		m.to = append(m.to, mail.Address(a))
		if i > 0 && w.IntN(3) == 0 {
			cc = append(cc, a)
			continue
		}
		to = append(to, "Some Body <"+a+">")
	}
	m.visible = "To: " + strings.Join(to, ", ") + "\r\n"
	if len(cc) > 0 {
		m.visible += "Cc: " + strings.Join(cc, ",\r\n ") + "\r\n"
	}
	m.head = fmt.Sprintf("From: Ann <%s>\r\nSubject: %s\r\nMessage-ID: <draft-%d@contoso.example>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n%s"+
		"MIME-Version: 1.0\r\n", m.from, w.pick("Re: meeting", "invoice 7", "test", "=?utf-8?q?R=C3=A9sum=C3=A9?=", "plans"), w.n,
		w.pick("", "", "X-Project: high road\r\n", "Importance: high\r\n", "Sensitivity: Company-Confidential\r\n", "Reply-To: eve@partner.org\r\n"))
	m.body = w.entity()
	return m
}

func (w *writings) words() string {
	var b strings.Builder
	for range w.IntN(5) {
		b.WriteString(w.pick("Please look at the invoice.", "Visa card 4539 1488 0343 6467, expires 12/28.", "IBAN DE89 3704 0044 0532 0130 00",
			"Call me at +49 30 901820 or +1 (212) 555-0123.", "SSN 123-45-6789", "See https://www.example.com/plans?x=1", "Born 12.03.1980",
			"Project Bluebird starts in May.", "Password: hunter2-Sommer!", "10.1.2.3 is the server", "AKIAIOSFODNN7EXAMPLE",
			"write to eva@example.org and tom@example.org", "5500 0000 0000 0004 and 3400 000000 00009") + "\r\n")
	}
	return b.String()
}

// entity is the content fields and the body.
func (w *writings) entity() string {
	if w.IntN(3) > 0 {
		return w.pick("Content-Type: text/plain; charset=utf-8", "Content-Type: text/plain", "Content-Type: text/html") + "\r\n\r\nHello\r\n" + w.words()
	}
	var b strings.Builder
	b.WriteString("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n" + w.words())
	for range 1 + w.IntN(3) {
		kind := w.pick("text/csv; name=list.csv", "application/pdf; name=plan.pdf", "application/octet-stream; name=run.exe", "image/png; name=a.png",
			"text/plain; name=notes.txt", "application/zip; name=all.zip")
		data := w.words()
		if strings.HasPrefix(kind, "application") {
			data = "%PDF-1.4\n" + strings.Repeat("x", w.IntN(30_000)) + data
		}
		b.WriteString("--b\r\nContent-Type: " + kind + "\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			folded(base64.StdEncoding.EncodeToString([]byte(data))) + "\r\n")
	}
	return b.String() + "--b--\r\n"
}

func folded(text string) string {
	var lines []string
	for len(text) > 76 {
		lines, text = append(lines, text[:76]), text[76:]
	}
	return strings.Join(append(lines, text), "\r\n")
}

// raw is the mail as Exchange hands it to us.
func (m draftMail) raw(entra, secret string) mail.Bytes {
	route := "contoso;" + secret + ";out;inline"
	if m.watching {
		route = "contoso;" + secret + ";out;monitor"
	}
	return mail.Bytes("X-OriginatorOrg: contoso.example\r\nX-MS-Exchange-CrossTenant-AuthAs: Internal\r\nX-MS-Exchange-CrossTenant-Id: " +
		entra + "\r\nX-Postern-Tenant: " + route + "\r\n" +
		m.visible + m.head + m.body)
}

func hand(ctx context.Context, h *House, m draftMail, to ...mail.Address) (trace string, r mail.Reply) {
	now := time.Now()
	a := &mail.Arrival{
		Trace: store.NewID(now), Peer: mail.Peer{Addr: netip.MustParseAddrPort("127.0.0.1:40000")}, Body: m.raw(h.Params.Entra, h.Params.Secret),
		Began: now, Ended: now, Envelope: mail.Envelope{From: m.from},
	}
	for _, x := range to {
		a.Envelope.To = append(a.Envelope.To, mail.Recipient{Address: x})
	}
	r = h.App.Gateway.Accept(ctx, a)
	h.App.Gateway.Settled(a)
	return a.Trace, r
}

// actionsIn reads what an answer says would happen to whom.
func actionsIn(t *testing.T, raw []byte) map[mail.Address]string {
	t.Helper()
	r, _ := mail.Parse(mail.Bytes(raw), mail.Limits{Depth: 10, Parts: 10}).Leaves()[0].Text()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(data)), " ")
	words := map[string]string{
		"be sent": "deliver", "wait for a decision": "hold", "not be sent": "block", "go to somebody else": "redirect",
		"wait until you choose": "override", "be looked at again later": "defer",
	}
	by := map[mail.Address]string{}
	says := regexp.MustCompile(`(\S+@\S+): it would (be sent|wait for a decision|not be sent|go to somebody else|wait until you choose|be looked at again later)`)
	for _, m := range says.FindAllStringSubmatch(text, -1) {
		by[mail.Address(m[1])] = words[m[2]]
	}
	return by
}

// What check@ says about a draft is what happens to the same mail when it is
// sent: over mails and policies drawn at random. POSTERN_PREFLIGHT=5000 is the
// full size.
func TestADraftsVerdictIsThatOfTheMailWhenItIsSent(t *testing.T) {
	many, each := 100, 25
	if n, err := strconv.Atoi(os.Getenv("POSTERN_PREFLIGHT")); err == nil {
		many, each = n, 100
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	dir := t.TempDir()
	h, err := Build(ctx, Plan{
		Dir: dir, Policies: cardsLeave, InProcess: true,
		Edit: func(s *mailflow.Setup) {
			for i := range writers {
				s.Mailboxes = append(s.Mailboxes, mailflow.Mailbox{Address: fmt.Sprintf("ann%d@contoso.example", i)})
			}
		},
		Tenant: "peers: { exchange: { networks: [127.0.0.0/8] } }\nconsole: " + consoleName + "\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	w := &writings{drafts: drafts{rand.New(rand.NewPCG(11, uint64(many)))}}
	known := func(when string) bool {
		_, err := policy.Load([]policy.File{{Name: "p.yaml", Data: []byte("kind: list\nid: partners\nmembers: [a.example]\n---\n" +
			"kind: policy\nid: p\nmode: log\nwhen: " + strconv.Quote(when) + "\nthen: log\n")}}, PolicyOptions())
		return err == nil
	}
	counts, differ, verdicts := map[string]int{}, 0, 0
	began := time.Now()
	for i := range many {
		if i%each == 0 {
			text := strings.ReplaceAll(w.text(known), "then: notify\n", "then: "+w.pick("{ override: { for: 4h, then: refuse } }",
				"{ redirect: { to: [archive@contoso.example] } }", "notify")+"\n")
			if err := os.WriteFile(filepath.Join(dir, "tenants", "policies.yaml"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := h.App.Do(ctx, "apply", Call{Paths: []string{filepath.Join(dir, "tenants")}}, "uid:0"); err != nil {
				t.Fatal(err, text)
			}
		}
		m := w.mail()
		before := len(h.Exchange.Mailbox(string(m.from)))
		if _, r := hand(ctx, h, m, "check@"+consoleName); r.Code != 250 {
			t.Fatalf("mail %d: %v", i, r)
		}
		box := h.Exchange.Mailbox(string(m.from))
		for patience := time.Now().Add(20 * time.Second); len(box) == before && time.Now().Before(patience); {
			time.Sleep(time.Millisecond) // Exchange delivers after it has answered
			box = h.Exchange.Mailbox(string(m.from))
		}
		if len(box) != before+1 {
			t.Fatalf("mail %d: %d answers\n%.700s", i, len(box)-before, m.visible+m.head+m.body)
		}
		says := actionsIn(t, box[before].Raw)
		really := sentReally(t, h, m)
		for _, to := range slices.Compact(slices.Sorted(slices.Values(m.to))) {
			verdicts++
			counts[really[to]]++
			if says[to] != really[to] {
				if differ++; differ < 5 {
					t.Errorf("mail %d to %s: the answer says %q, and it is %q\n%.700s", i, to, says[to], really[to], m.visible+m.head+m.body)
				}
			}
		}
	}
	took := time.Since(began)
	t.Logf("%d mails, %d verdicts %v: %d differ (%s a mail)", many, verdicts, counts, differ, (took / time.Duration(many)).Round(time.Millisecond))
	if len(counts) < 3 {
		t.Error("that is too few kinds of verdicts to say anything")
	}
}

// sentReally sends the mail and says what is done with it for whom.
func sentReally(t *testing.T, h *House, m draftMail) map[mail.Address]string {
	t.Helper()
	trace, r := hand(t.Context(), h, m, m.to...)
	h.App.Gateway.Wait()
	var rec audit.Message
	err := h.App.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		rec, err = h.App.Audit.Get(tx, trace)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	by := map[mail.Address]string{}
	for _, x := range rec.Recipients {
		by[x.Address] = x.Verdict
		switch x.Verdict {
		case "block", "hold", "override", "redirect", "secure":
		default:
			by[x.Address] = "deliver"
		}
		if r.Code == 451 {
			by[x.Address] = "defer"
		}
	}
	return by
}
