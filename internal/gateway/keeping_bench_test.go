package gateway

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/contact"
	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/vault"
)

// BenchmarkKeeping is what it takes to keep what happened to a message that is
// cut through: its facts, its intent, its outcome and its link of the chain;
// intents and outcomes ten to a commit. CPU is that of the process, octets are
// what it wrote into files.
func BenchmarkKeeping(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgresql"} {
		b.Run(engine, func(b *testing.B) {
			db := (*store.DB)(nil)
			if engine == "sqlite" {
				db = storetest.SQLite(b)
			} else {
				db = storetest.Postgres(b)
			}
			benchmarkKeeping(b, db)
		})
	}
}

func benchmarkKeeping(b *testing.B, db *store.DB) {
	ctx := b.Context()
	log, err := audit.Open(ctx, db, []byte("0123456789abcdef"))
	if err != nil {
		b.Fatal(err)
	}
	past, err := contact.Open(ctx, db, []byte("key"))
	if err != nil {
		b.Fatal(err)
	}
	dir, err := durable.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	keys, err := vault.NewKeys()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := spool.Open(dir, db, vault.NewRing(keys, nil), telemetry.Discard()); err != nil {
		b.Fatal(err)
	}
	g := &Gateway{Config: Config{DB: db, Audit: log, Contacts: past}, flights: newFlights()}
	const group = 10
	cpu, octets, commits := used(b), wrote(b), db.Stats().Groups
	b.ReportAllocs()
	for n := 0; b.Loop(); n += group {
		w := &intentGroup{done: make(chan struct{})}
		var trails []*trail
		for i := range group {
			tr := someTrail(g, n+i)
			record, err := tr.intention()
			if err != nil {
				b.Fatal(err)
			}
			w.list = append(w.list, keptIntent{intent: spool.Intent{ID: tr.trace, Tenant: "contoso", Record: record, At: time.Now()}})
			trails = append(trails, tr)
		}
		if g.commitGroup(ctx, w); w.err != nil {
			b.Fatal(w.err)
		}
		var outcomes []record
		for _, tr := range trails {
			tr.intent = true
			tr.step("onward-dot")
			tr.handed("127.0.0.1", mail.NewReply(250, "2.0.0", "Ok"))
			tr.step("answered")
			outcomes = append(outcomes, record{"outcome", tr.settle})
		}
		g.writeGroup(outcomes)
	}
	many := float64(b.N * group)
	b.ReportMetric(float64(used(b)-cpu)/1e3/many, "cpu-µs/message")
	b.ReportMetric(float64(wrote(b)-octets)/many, "octets/message")
	b.ReportMetric(float64(db.Stats().Groups-commits)/many, "commits/message")
}

// someTrail is a message with a document and a picture, up to its intent.
func someTrail(g *Gateway, n int) *trail {
	now := time.Now()
	id := store.NewID(now)
	from, to := mail.Address("anna.visser@contoso.example"), mail.Address(fmt.Sprintf("bert.%d@fabrikam.example", n%1000))
	unseen := []mail.Unseen{{Part: "1.2.1", Name: "word/media/image1.png", Reason: "unsupported", Detail: "image/png cannot be read"}}
	const document = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	tr := &trail{g: g, trace: id, tenant: "contoso"}
	tr.m = audit.Message{
		ID: id, Tenant: "contoso", Ref: refOf(id), Kind: "inline-out", Direction: mail.Out, Mode: "inline", Way: audit.CutThrough,
		From: from, HeaderFrom: string(from), Subject: "Budget review and attached agreement",
		MessageID: fmt.Sprintf("<dn2sbkny74oi.%d@load.example>", n), Received: now, Size: 77434,
		Inspected: "partial; reason=unsupported", Policy: "2e2b121987f4843b", Unseen: unseen,
		Recipients: []audit.Recipient{{Address: to, Verdict: "deliver"}},
		Parts: []audit.Part{
			{Path: "1.1.1", Type: "text/plain", Size: 2570, SHA256: strings.Repeat("b0", 32)},
			{Path: "1.1.2", Type: "text/html", Size: 8483, SHA256: strings.Repeat("9e", 32)},
			{Path: "1.2", Name: "agreement.docx", Type: document, Size: 47209, SHA256: strings.Repeat("ce", 32), Attachment: true},
			{Path: "1.2.1", Name: "word/media/image1.png", Type: "image/png", Size: 33914, SHA256: strings.Repeat("a0", 32),
				Attachment: true},
		},
	}
	for _, step := range []string{
		"connected", "received", "identified", "indexed", "looked", "decided", "planned", "onward-rcpt", "handing back", "intent",
	} {
		tr.did(step, "127.0.0.1")
	}
	none := ""
	author := policy.Party{Address: from, Inside: true, LooksLike: &none}
	tr.facts = kept(policy.Facts{
		Schema: policy.Schema, Tenant: "contoso", Direction: policy.Outbound, Kind: "inline-out", Sender: author,
		From: []policy.Party{author}, Mailbox: author, User: author, Subject: tr.m.Subject, Size: tr.m.Size, Unseen: unseen,
		Recipients: []policy.Party{{Address: to, Role: policy.To, LooksLike: &none,
			Contact: &policy.Contact{Count: 170, Sent: 170, First: now.Truncate(time.Second), Last: now.Truncate(time.Second)}}},
		Headers: map[string][]string{
			"content-type": {`multipart/mixed; boundary="_978_AM0PR01MB0001_"`}, "date": {"Mon, 05 Jan 2026 09:00:00 +0000"},
			"message-id": {tr.m.MessageID}, "to": {"Bert Jansen <" + string(to) + ">"}, "x-bench-violates": {},
			"x-ms-exchange-crosstenant-authas": {"Internal"}, "x-ms-has-attach": {"yes"},
		},
		Findings: []policy.Finding{}, Labels: []policy.Label{},
		Attachments: []policy.Attachment{
			{Name: "agreement.docx", Type: document, Size: 47209, Part: "1.2"},
			{Name: "word/media/image1.png", Type: "image/png", Size: 33914, Part: "1.2.1", Parent: "1.2"},
		},
		Inspected: "partial", Now: now, Visible: policy.Visible{To: 1, Outside: 1, Domains: 1}, PerPart: true,
		Auth: &policy.Auth{SPF: "none", DKIM: "none", DMARC: "none", ARC: "none", CompAuth: "none", Source: "none"},
		Own:  map[string]string{}, Looked: "2e8d9bd44d4a-80146d", Excepted: []policy.Excepted{},
		Other: []string{
			"x-originatororg", "x-load", "received", "from", "subject", "x-ms-exchange-crosstenant-id", "accept-language", "mime-version",
		},
	})
	tr.contacts = []contact.Pair{{Mailbox: from, Outside: to, Out: true}}
	tr.intended("127.0.0.1")
	return tr
}

// used is the CPU time that the process has taken.
func used(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// wrote is how many octets the process has written.
func wrote(b *testing.B) (n int64) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Skip("SKIPPED: no /proc/self/io")
	}
	if _, rest, found := strings.Cut(string(text), "wchar: "); found {
		fmt.Sscan(rest, &n)
	}
	return n
}
