package web

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
	"postern.dev/postern/internal/task"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// house is a console with its store; it runs inside a synctest bubble, so
// that its clock stands at 2000-01-01T00:00:00Z.
type house struct {
	*Console
	t       *testing.T
	handler http.Handler
	cookie  *http.Cookie
	sum     task.Sum
	lines   []string
}

// inBubble runs a test on a console that holds the given records.
func inBubble(t *testing.T, records func(now time.Time) []audit.Message, test func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		db := storetest.SQLite(t)
		log, err := audit.Open(t.Context(), db, []byte(strings.Repeat("k", 32)))
		if err != nil {
			t.Fatal(err)
		}
		if err := task.Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		h := &house{t: t, sum: task.Sum{In: 4, Delivered: 1, Held: 1, Open: 1, Refused: 1}}
		h.Console = New(Config{
			Explain: explainSample,
			Audit:   log, DB: db, Version: "test", Started: time.Now().Add(-3 * time.Hour),
			Tenants: func() []string { return []string{"contoso"} },
			Balance: func(context.Context) (task.Sum, []string, error) { return h.sum, h.lines, nil },
		})
		h.zone = time.UTC
		h.handler = h.Handler()
		if records != nil {
			h.save(records(time.Now())...)
		}
		h.cookie = h.enter()
		test(h)
	})
}

func (h *house) save(list ...audit.Message) {
	h.t.Helper()
	err := h.DB.Update(h.t.Context(), func(tx *store.Tx) error {
		for _, m := range list {
			if err := h.Audit.Save(tx, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.overviews.until = time.Time{} // the bubble's clock stands still
}

// do sends a request as it would come in by 127.0.0.1:8025.
func (h *house) do(method, target string, change ...func(*http.Request)) *http.Response {
	h.t.Helper()
	r := httptest.NewRequest(method, target, nil)
	r.Host = "127.0.0.1:8025"
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8025}
	r = r.WithContext(context.WithValue(h.t.Context(), http.LocalAddrContextKey, local))
	if h.cookie != nil {
		r.AddCookie(h.cookie)
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w.Result()
}

func (h *house) page(target string, status int) string {
	h.t.Helper()
	res := h.do("GET", target)
	text := body(h.t, res)
	if res.StatusCode != status {
		h.t.Fatalf("GET %s: %d, want %d\n%s", target, res.StatusCode, status, text)
	}
	return text
}

func (h *house) enter() *http.Cookie {
	h.t.Helper()
	res := h.do("GET", strings.TrimPrefix(h.OneTimeLink("http://127.0.0.1:8025/", Visitor{}), "http://127.0.0.1:8025"))
	if res.StatusCode != http.StatusSeeOther || len(res.Cookies()) != 1 {
		h.t.Fatalf("a fresh link: %d, %d cookies", res.StatusCode, len(res.Cookies()))
	}
	return res.Cookies()[0]
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func has(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the page lacks %q", w)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func hasNot(t *testing.T, text string, unwanted ...string) {
	t.Helper()
	for _, w := range unwanted {
		if strings.Contains(text, w) {
			t.Errorf("the page has %q", w)
		}
	}
}

// three are the samples that the goldens show.
func three(now time.Time) []audit.Message {
	all := samples(now)
	return []audit.Message{all[9], all[20], all[24]}
}

func TestPagesAreThoseOfTheGoldens(t *testing.T) {
	inBubble(t, three, func(h *house) {
		for name, target := range map[string]string{
			"list.html": "/", "message.html": "/m/K7TQ-0024", "refused.html": "/m/01kay3m7ew0000000000000009",
		} {
			got := h.page(target, 200)
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if diff := cmp.Diff(string(want), got); err != nil || diff != "" {
				t.Error(target, err, diff)
			}
		}
	})
}

func TestListAnswersWhetherMailFlows(t *testing.T) {
	one := func(d audit.Delivery) func(time.Time) []audit.Message {
		return func(now time.Time) []audit.Message {
			m := samples(now)[0]
			m.Recipients[0].Delivery = d
			return []audit.Message{m}
		}
	}
	tests := []struct {
		name    string
		records func(time.Time) []audit.Message
		sum     task.Sum
		lines   []string
		want    []string
	}{
		{"before the first message there is a next step", nil, task.Sum{}, nil,
			[]string{"Ready, but no mail was seen yet.", "No mail seen yet", "Next step:", "postern demo"}},
		{"mail that flows is counted", one(audit.Delivered), task.Sum{}, nil,
			[]string{"Mail flows: 1 message in 24 hours. Nothing waits. Every copy is accounted for.", "difference <b>0</b>"}},
		{"what waits is counted", one(audit.Waiting), task.Sum{In: 3, Open: 1, Held: 2}, nil,
			[]string{"2 copies wait for a person, 1 copy is on its way."}},
		{"nothing but failures is no flow", one(audit.Failed), task.Sum{}, nil,
			[]string{"Mail does not flow: in 24 hours nothing was delivered, and 1 copy failed"}},
		{"a difference is an alarm", one(audit.Delivered), task.Sum{In: 3, Delivered: 2}, nil,
			[]string{"The mail balance does not add up", "difference <b>1</b>", `class="answer bad"`}},
		{"a line of the balance is an alarm", one(audit.Delivered), task.Sum{}, []string{"m1: recipient 2 has <no> outcome"},
			[]string{"The mail balance does not add up", "m1: recipient 2 has &lt;no&gt; outcome"}},
		{"an old message is not of today", func(now time.Time) []audit.Message {
			m := samples(now.Add(-48 * time.Hour))[0]
			return []audit.Message{m}
		}, task.Sum{}, nil, []string{"No mail came in the last 24 hours.", "Invoice 2026-118"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, tt.records, func(h *house) {
				h.sum, h.lines = tt.sum, tt.lines
				has(h.t, h.page("/", 200), tt.want...)
			})
		})
	}
}

func TestStuckTasksAreShownWithWhatToDo(t *testing.T) {
	inBubble(t, three, func(h *house) {
		err := h.DB.Update(h.t.Context(), func(tx *store.Tx) error {
			return task.Add(tx, task.Task{
				Message: "01kay3m7ew0000000000000024", Tenant: "contoso", Kind: task.Return, Hop: "contoso.example",
				Recipients: []mail.Recipient{{Address: "carol@contoso.example"}}, Payload: json.RawMessage("{}"),
				Due: time.Now().Add(time.Hour), Stuck: "P703", Last: "550 <b>no</b>",
			})
		})
		if err != nil {
			h.t.Fatal(err)
		}
		has(h.t, h.page("/", 200), "Mail waits for you: 1 task cannot go on until somebody acts.",
			"P703 A mail loop was stopped")
		has(h.t, h.page("/m/K7TQ-0024", 200), "Next try", "01:00:00", "P703", "550 &lt;b&gt;no&lt;/b&gt;")
	})
}

func TestListIsPagedAndSearched(t *testing.T) {
	many := func(now time.Time) []audit.Message {
		list := samples(now)
		for _, m := range samples(now.Add(-24 * time.Hour)) {
			m.ID, m.Ref = m.ID+"-1", "OLD-"+m.Ref
			list = append(list, m)
		}
		m := samples(now.Add(-48 * time.Hour))[0]
		m.ID, m.Ref, m.Subject = "01oldest", "AAAA-2345", "The oldest"
		return append(list, m)
	}
	inBubble(t, many, func(h *house) {
		first := h.page("/", 200)
		hasNot(h.t, first, "The oldest", "← Newest")
		_, rest, found := strings.Cut(first, `href="/?behind=`)
		if !found {
			h.t.Fatal("no link to older messages")
		}
		next, _, _ := strings.Cut(rest, `"`)
		second := h.page("/?behind="+next, 200)
		has(h.t, second, "The oldest", "← Newest")
		if n := strings.Count(second, `href="/m/`); n != 1 {
			h.t.Errorf("%d messages on the second page, want 1", n)
		}
		for query, count := range map[string]int{
			"subject:oldest": 1, "aaaa-2345": 1, "delivery:held": 4, "zzz": 0, "from:stranger@spam.example": 2,
		} {
			text := h.page("/?q="+query, 200)
			if n := strings.Count(text, `<td role="cell" class="subject"`); n != count {
				h.t.Errorf("%s: %d rows, want %d", query, n, count)
			}
		}
		has(h.t, h.page("/?q=zzz", 200), "No message matches", `value="zzz"`, "postern audit search &#39;zzz&#39;")
	})
}

func TestQueryMistakesAreExplainedInPlace(t *testing.T) {
	inBubble(t, three, func(h *house) {
		text := h.page("/?q=from:ann+form:%3Cb%3E+x", 400)
		has(h.t, text, `role="alert"`, "there is no &#34;form:&#34;; did you mean from:?",
			"from:ann <mark>form:&lt;b&gt;</mark> x", `aria-invalid="true"`, `value="from:ann form:&lt;b&gt; x"`)
	})
}

func TestMessageIsFoundByIDAndReference(t *testing.T) {
	inBubble(t, three, func(h *house) {
		for _, id := range []string{"01kay3m7ew0000000000000024", "K7TQ-0024", "k7tq0024", "K7TQ0024"} {
			has(h.t, h.page("/m/"+id, 200), "Customer list as promised",
				"Refused for 1, held for 1, waiting for 1, of 3 recipients.",
				"3 card numbers (high) in customers.csv go outside", "cards-leave", "log-outbound",
				"4012 •••• •••• 1881", "encrypted", "fcde2b2e", "Confidential", "X-Postern-Checked",
				"P703", "compare it with the tenant", "&#43;1.3 s")
		}
		for _, id := range []string{"K7TQ-9999", "nonsense", strings.Repeat("x", 200), "..%2f..", "%00"} {
			has(h.t, h.page("/m/"+id, 404), "There is no message")
		}
		again := three(time.Now())[0]
		again.ID, again.Ref = "01other", "K7TQ-0024"
		h.save(again)
		res := h.do("GET", "/m/K7TQ-0024")
		if to := res.Header.Get("Location"); res.StatusCode != 303 || to != "/?q=ref%3AK7TQ-0024" {
			h.t.Errorf("two messages of one reference: %d to %q", res.StatusCode, to)
		}
	})
}

func TestEveryEngineCountsTheSame(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		log, err := audit.Open(t.Context(), db, []byte(strings.Repeat("k", 32)))
		if err != nil {
			t.Fatal(err)
		}
		if err := task.Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		c := New(Config{Audit: log, DB: db})
		now := time.Now()
		if n, err := c.count(t.Context(), now); err != nil || n.ever || n.messages != 0 {
			t.Errorf("an empty store: %+v, %v", n, err)
		}
		err = db.Update(t.Context(), func(tx *store.Tx) error {
			for _, m := range samples(now) {
				if err := log.Save(tx, m); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		n, err := c.count(t.Context(), now.Add(-61*time.Minute)) // the last six
		want := map[audit.Delivery]int{
			audit.Delivered: 1 + 1 + 1 + 41 + 1, audit.Refused: 1, audit.Waiting: 1, audit.Held: 1,
		}
		if diff := cmp.Diff(want, n.deliveries); err != nil || diff != "" || n.messages != 6 || !n.ever ||
			n.verdicts["block"] != 1 || n.verdicts["deliver"] != 46 {
			t.Errorf("%+v, %v, %s", n, err, diff)
		}
	})
}

func TestFirstLineSaysWhereItIsAndWhy(t *testing.T) {
	busy := mail.NewReply(451, "4.7.500", "Server busy")
	unknown := mail.NewReply(550, "5.1.10", "Recipient not found")
	tests := []struct {
		name      string
		to        []audit.Recipient
		want, why string
	}{
		{"one delivered", []audit.Recipient{{Delivery: audit.Delivered}}, "Delivered to its recipient.", ""},
		{"all delivered", []audit.Recipient{{Delivery: audit.Delivered}, {Delivery: audit.Delivered}},
			"Delivered to both recipients.", ""},
		{"a policy's reason goes before an answer", []audit.Recipient{
			{Delivery: audit.Refused, Verdict: "block", Because: "3 cards", Reply: unknown},
		}, "Refused for its recipient: nobody got it.", "3 cards"},
		{"the reason of the stronger verdict", []audit.Recipient{
			{Delivery: audit.Delivered, Verdict: "log", Because: "1 card"},
			{Delivery: audit.Held, Verdict: "hold", Because: "3 cards"},
		}, "Held for 1, delivered for 1, of 2 recipients.", "3 cards"},
		{"an answer is a reason too", []audit.Recipient{
			{Delivery: audit.Failed, Reply: unknown}, {Delivery: audit.Waiting, Reply: busy},
		}, "Failed for 1, waiting for 1, of 2 recipients.", "550 5.1.10 Recipient not found"},
		{"a next hop that is busy", []audit.Recipient{{Delivery: audit.Waiting, Reply: busy}},
			"On its way to its recipient; the next try comes by itself.", "451 4.7.500 Server busy"},
		{"nobody", nil, "This message had no recipient left when it was answered.", ""},
		{"a state of a later version", []audit.Recipient{{Delivery: "elsewhere"}},
			"It is known under a state that this version does not know.", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := audit.Message{Recipients: tt.to}
			got, _, _ := standing(m)
			why, _ := because(m)
			if got != tt.want || why != tt.why {
				t.Errorf("got %q because %q, want %q because %q", got, why, tt.want, tt.why)
			}
		})
	}
}

func TestInspectedIsReadAsTheHeaderFieldHasIt(t *testing.T) {
	for value, want := range map[string]string{
		"full": "full, every part was looked at", "": "not looked at, it never came to looking",
		"partial":                              "partial, some of it could not be looked at",
		"partial; reason=encrypted, too-large": "partial, some of it could not be looked at: encrypted, too-large",
		"none; reason=engine-down":             "none, nothing of it could be looked at: engine-down",
		"sideways\u202e":                       "sideways[U+202E], ",
	} {
		if b := inspected(value); b.Word+", "+b.Means != want {
			t.Errorf("%q is shown as %q, want %q", value, b.Word+", "+b.Means, want)
		}
	}
}

func TestSpansAreWordsWithTwoFigures(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "<0.1 ms", 400 * time.Microsecond: "0.4 ms", 41 * time.Millisecond: "41 ms", 1258 * time.Millisecond: "1.3 s",
		61 * time.Second: "1 min 1 s", 3*time.Hour + 4*time.Minute: "3 h 4 min", 72 * time.Hour: "3 days",
		-time.Second: "−1.0 s",
	} {
		if got := span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestErasedRecordsSaySo(t *testing.T) {
	inBubble(t, three, func(h *house) {
		err := h.DB.Update(h.t.Context(), func(tx *store.Tx) error {
			_, err := h.Audit.Erase(tx, "contoso", "01kay3m7ew0000000000000024", "test", "retention", time.Now())
			return err
		})
		if err != nil {
			h.t.Fatal(err)
		}
		has(h.t, h.page("/", 200), "(erased)")
		text := h.page("/m/K7TQ-0024", 200)
		has(h.t, text, "personal fields of this record were erased", "erased recipient", "CREDIT_CARD")
		hasNot(h.t, text, "Customer list", "bob@", "customers.csv", "4012")
	})
}

func TestAStoreThatFailsIsSaid(t *testing.T) {
	inBubble(t, three, func(h *house) {
		h.DB.Close()
		for target, want := range map[string]string{
			"/": "the store does not answer", "/m/K7TQ-0024": "the store does not answer",
			"/api/v1/messages": `{"error":"The record cannot be read`,
		} {
			has(h.t, h.page(target, 503), want)
		}
	})
}
