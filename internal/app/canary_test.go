package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/mailflow"
	"postern.dev/postern/internal/store"
)

// canaries are strings that nobody may find: in the text, in an attachment, in
// the name of an attachment, and of a file within an archive.
func canaries() []string {
	return []string{"canarybodyqx7", "canaryattachedqx7", "canarynameqx7", "canaryhtmlqx7"}
}

// birdcage is a mail that is full of them, with an account number so that it
// is held.
func birdcage() []byte {
	return []byte(strings.ReplaceAll(`From: ann@contoso.example
To: bob@fabrikam.example
Subject: offer
Message-ID: <cage@contoso.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

The canarybodyqx7 sings. IBAN DE89 3704 0044 0532 0130 00
--b
Content-Type: text/html

<p>A canaryhtmlqx7 too</p>
--b
Content-Type: text/plain; name="canarynameqx7-prices.txt"
Content-Disposition: attachment; filename="canarynameqx7-prices.txt"

canaryattachedqx7 and IBAN DE89 3704 0044 0532 0130 00
--b--
`, "\n", "\r\n"))
}

// safeLog is a log that several goroutines write.
type safeLog struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *safeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *safeLog) text() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.Bytes())
}

// leaks names the places that hold a canary, in clear, in base64 or in
// quoted-printable.
func leaks(places map[string][]byte) (list []string) {
	for name, text := range places {
		low := bytes.ToLower(text)
		for _, c := range canaries() {
			if i := bytes.Index(low, []byte(c)); i >= 0 {
				list = append(list, name+": …"+string(low[max(0, i-80):min(len(low), i+60)])+"…")
			}
		}
	}
	return list
}

// remains are everything that a gateway leaves behind.
func remains(t *testing.T, h *House, log *safeLog) map[string][]byte {
	t.Helper()
	ctx := t.Context()
	all := map[string][]byte{"log": log.text()}
	err := filepath.WalkDir(h.config.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil {
			name, _ := filepath.Rel(h.config.Data, path)
			all["file "+name] = text
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := h.App.Audit.ExportEvents(ctx, &b, "contoso"); err != nil {
		t.Fatal(err)
	}
	if err := h.App.Audit.Export(ctx, &b, audit.Query{}); err != nil {
		t.Fatal(err)
	}
	all["audit export"] = b.Bytes()
	w := httptest.NewRecorder()
	h.App.Metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	all["metrics"] = w.Body.Bytes()
	return all
}

func TestNothingOfHeldMailStandsAnywhereInClear(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	log := &safeLog{}
	h, err := Build(ctx, Plan{
		Dir: t.TempDir(), Policies: everyWay + "---" + accountsKept, InProcess: true, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		// The manager is asked, and a journal report of each mail comes beside it.
		People: true, Tenant: "console: mail.contoso-checks.example\n",
		Edit: func(s *mailflow.Setup) {
			p := fakeexchange.DefaultParams()
			s.JournalRules = append(s.JournalRules, mailflow.JournalRule{
				Name: "all", JournalEmailAddress: p.ID + "-journal@" + p.Copy, Scope: "Global", Enabled: true,
			})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	for range 2 {
		if _, err := h.Exchange.Submit("ann@contoso.example", []string{"bob@fabrikam.example"}, birdcage(), fakeexchange.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	held := do(t, h, "held-list", Call{}, "uid:0").Held
	if len(held) == 0 || len(do(t, h, "evidence-list", Call{}, "uid:0").Evidence) == 0 {
		t.Fatal("nothing is held or kept")
	}
	for _, where := range leaks(remains(t, h, log)) {
		t.Errorf("while it is held: %s", where)
	}
	pages := map[string][]byte{"explanation": explained(t, h, held[0].Message)}
	if len(pages["explanation"]) < 100 {
		t.Errorf("nothing is explained: %s", pages["explanation"])
	}
	for _, where := range leaks(pages) {
		t.Errorf("what an administrator is shown: %s", where)
	}
	journals, err := h.App.Audit.Search(ctx, audit.Query{Terms: []audit.Term{{Key: "kind", Value: "journal"}}})
	if err != nil || len(journals) == 0 {
		t.Fatalf("%d journal reports: %v", len(journals), err)
	}
	others := mailsOfOthers(h)
	if len(others) == 0 {
		t.Error("nobody was asked")
	}
	for _, where := range leaks(others) {
		t.Errorf("what others are told: %s", where)
	}
	// The facts are whole all the same: what was decided can be decided again.
	var facts audit.Facts
	err = h.App.DB.View(ctx, func(tx *store.Tx) (err error) {
		facts, err = h.App.Audit.Facts(tx, held[0].Message)
		return err
	})
	if err != nil || !facts.Sealed || !strings.Contains(string(facts.Data), "canarynameqx7-prices.txt") {
		t.Errorf("%v %s", err, facts.Data)
	}
	do(t, h, "held-reject", Call{Message: held[0].Message, Comment: "not this one"}, "uid:0")
	if err := h.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	for _, where := range leaks(remains(t, h, log)) {
		t.Errorf("after it was declined: %s", where)
	}
}

// mailsOfOthers are the mails of our own to people who have not sent it.
func mailsOfOthers(h *House) map[string][]byte {
	all := map[string][]byte{}
	for _, who := range []string{"boss", "cid", "dan", "eva", "archive"} {
		for i, m := range h.Exchange.Mailbox(who + "@contoso.example") {
			all[fmt.Sprintf("mail %d to %s", i, who)] = m.Raw
		}
	}
	return all
}

// explained is what the console says about a message.
func explained(t *testing.T, h *House, id string) []byte {
	t.Helper()
	var m audit.Message
	err := h.App.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		m, err = h.App.Audit.Get(tx, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	e, err := h.App.forConsole(t.Context(), m, "", "")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal([]any{e, m})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
