package app

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/policy/replay"
	"postern.dev/postern/internal/store"
)

// The past of a month: POSTERN_PAST=1000000 replays so many messages out of a
// store and says how many a second. It fails below 10,000 a second of
// processor time.
func TestALongPastIsReplayed(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("POSTERN_PAST"))
	if err != nil || n < 1 {
		n = 2000
	}
	ctx := t.Context()
	db, err := store.Open(ctx, store.Config{Path: t.TempDir() + "/past.db"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	log, err := audit.Open(ctx, db, []byte("a key of sixteen or more octets"))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for at := 0; at < n; at += 2000 {
		err := db.Update(ctx, func(tx *store.Tx) error {
			for i := at; i < min(at+2000, n); i++ {
				f := ordinaryFacts(i)
				data, err := json.Marshal(f)
				if err != nil {
					return err
				}
				m := audit.Message{ID: fmt.Sprintf("m%09d", i), Tenant: "contoso", Received: now.Add(time.Duration(i) * time.Second)}
				if err := log.Add(tx, m, audit.Facts{Schema: f.Schema, Data: data}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d messages were written in %s", n, time.Since(began).Round(time.Second))
	load := func(text string) *policy.Set {
		s, err := policy.Load([]policy.File{{Name: "p.yaml", Data: []byte(text)}}, PolicyOptions())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	var rules string
	for i, when := range []string{
		`direction == "outbound" && findings.credit_card.high >= 3`, `direction == "outbound" && findings.iban.total >= 10`,
		`findings.nl_bsn.high > 0 && recipient.outside`, `attachments.exists(a, a.extension == "exe")`, `size > 25000000`,
		`direction == "inbound" && header("X-Spam-Flag") == "YES"`, `recipient.in("partners") && findings.secrets.total > 0`,
		`subject.startsWith("[secret]")`, `size(recipients) > 50`, `labels.exists(l, l.name == "Secret") && recipient.outside`,
	} {
		rules += fmt.Sprintf("kind: policy\nid: r%d\nmode: enforce\nwhen: '%s'\nthen: { hold: { approver: manager } }\n---\n", i, when)
	}
	rules += "kind: list\nid: partners\nmembers: [fabrikam.example]\n"
	old := load(rules)
	fresh := load(rules + "---\nkind: policy\nid: draft\nmode: enforce\nwhen: 'findings.credit_card.high >= 1 && recipient.outside'\nthen: block\n")
	before, start := processor(t), time.Now()
	r := &Reader{DB: db, Audit: log}
	result, err := replay.Run(ctx, replay.Options{Old: old, New: fresh}, func(yield func(replay.Record) error) error {
		return r.eachFacts(ctx, Span{Since: now}, false, yield)
	})
	if err != nil || result.Messages != n || result.Changed != (n+4)/5 || result.Unknown != 0 {
		t.Fatalf("%d messages, %d changed, %d unknown: %v", result.Messages, result.Changed, result.Unknown, err)
	}
	took, spent := time.Since(start), processor(t)-before
	rate := float64(n) / spent.Seconds()
	t.Logf("%d messages in %s (%.0f a second); %s of processor time: %.0f a second and core", n, took.Round(time.Millisecond),
		float64(n)/took.Seconds(), spent.Round(time.Millisecond), rate)
	if os.Getenv("POSTERN_PAST") != "" && rate < 10_000 {
		t.Errorf("%.0f messages a second and core", rate)
	}
}

// ordinaryFacts are those of everyday mail; every fifth has a card number.
func ordinaryFacts(i int) policy.Facts {
	ann := policy.Party{Address: mail.Address(fmt.Sprintf("user%d@contoso.example", i%1000)), Inside: true}
	f := policy.Facts{
		Schema: policy.Schema, Tenant: "contoso", Direction: policy.Outbound, Kind: "inline-out", Sender: ann, Mailbox: ann, User: ann,
		From: []policy.Party{ann}, Recipients: []policy.Party{{Address: "bob@fabrikam.example", Role: policy.To}},
		Subject: "An ordinary subject of a mail", Size: 40_000, Headers: map[string][]string{
			"to": {"Bob <bob@fabrikam.example>"}, "date": {"Mon, 2 Nov 2026 12:00:00 +0100"}, "message-id": {"<0123456789@contoso.example>"},
			"content-type": {"multipart/mixed; boundary=0123456789"}, "content-language": {"en-US"}, "thread-topic": {"An ordinary subject"},
			"x-ms-has-attach": {"yes"}, "importance": {"normal"}, "user-agent": {"A program 1.0"}, "in-reply-to": {"<9876543210@fabrikam.example>"},
		},
		Own: map[string]string{}, Looked: "", PerPart: true, Now: time.Date(2026, 11, 1, 0, 0, i, 0, time.UTC),
		Other: []string{"received", "from", "subject", "mime-version", "dkim-signature", "arc-seal", "arc-message-signature"},
		Findings: []policy.Finding{
			{Type: "EMAIL_ADDRESS", Detector: "email-address", Part: "1", Count: 2, Here: 2, Confidence: "high"},
			{Type: "PHONE", Detector: "phone", Part: "1", Count: 1, Here: 1, Confidence: "medium"},
		},
		Labels: []policy.Label{}, Attachments: []policy.Attachment{
			{Name: "plan.docx", Type: "application/vnd.openxmlformats-officedocument.wordprocessingml.document", Size: 20_000, Part: "2"},
		},
		Unseen: []mail.Unseen{}, Excepted: []policy.Excepted{}, Inspected: "full",
	}
	if i%5 == 0 {
		f.Findings = append(f.Findings, policy.Finding{
			Type: "CREDIT_CARD", Detector: "credit-card", Part: "2", Name: "plan.docx", Count: 1, Here: 1, Confidence: "high",
		})
	}
	return f
}

// processor is the processor time of this process so far.
func processor(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
