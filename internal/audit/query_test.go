package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

func TestParseQuery(t *testing.T) {
	now := start
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name, text string
		want       Query
		err        string
	}{
		{"nothing finds all", "  ", Query{}, ""},
		{"words and keys may be mixed", "Numbers from:Ann@contoso.example", Query{Terms: []Term{
			{"", "numbers"}, {"from", "ann@contoso.example"}}}, ""},
		{"quotes keep words together", `subject:"Quarter Numbers" "plan docx"`, Query{Terms: []Term{
			{"subject", "quarter numbers"}, {"", "plan docx"}}}, ""},
		{"a quoted colon is no key", `"from:ann"`, Query{Terms: []Term{{"", "from:ann"}}}, ""},
		{"an IPv6 address is a word", "2001:db8::1", Query{Terms: []Term{{"", "2001:db8::1"}}}, ""},
		{"envto is to", "envto:bob", Query{Terms: []Term{{"to", "bob"}}}, ""},
		{"a reference may be typed in any way", "ref:k7tqm2xd", Query{Terms: []Term{{"ref", "K7TQ-M2XD"}}}, ""},
		{"outbound is out", "direction:outbound", Query{Terms: []Term{{"direction", "out"}}}, ""},
		{"a message-id keeps its colon", "message-id:<a:b@c>", Query{Terms: []Term{{"message-id", "<a:b@c>"}}}, ""},
		{"a date is its midnight", "after:2026-11-01", Query{After: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}, ""},
		{"a time of day keeps its colons", "before:2026-11-01T10:30",
			Query{Before: time.Date(2026, 11, 1, 10, 30, 0, 0, time.UTC)}, ""},
		{"a duration is ago", "after:36h", Query{After: now.Add(-36 * time.Hour)}, ""},
		{"the narrower bound counts", "after:36h after:today", Query{After: day}, ""},
		{"yesterday begins at midnight", "after:yesterday before:today",
			Query{After: day.AddDate(0, 0, -1), Before: day}, ""},

		{"an unknown key is explained", "sender:ann", Query{}, `at character 1: there is no "sender:"; it is one of from:`},
		{"a misspelled key gets its name", "x form:ann", Query{}, `at character 3: there is no "form:"; did you mean from:?`},
		{"a value outside the list gets the nearest", "verdict:blok", Query{}, `verdict: is never "blok"; did you mean block?`},
		{"a value outside the list gets the list", "way:somehow", Query{}, "it is one of cut-through, custody, refused"},
		{"a key needs a value", "from: ann", Query{}, "from: needs a value, with no space after the colon"},
		{"a time must be one", "after:soon", Query{}, `"soon" is not a time; write 2026-11-01`},
		{"a quote must be closed", `subject:"a b`, Query{}, "the quotation mark is not closed"},
		{"too long is refused", strings.Repeat("a", 2001), Query{}, "at most 2000 octets"},
		{"too many are refused", strings.Repeat("a ", 31), Query{}, "more than 30 conditions"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseQuery(tt.text, now)
			if tt.err != "" {
				var q *QueryError
				if !errors.As(err, &q) || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

func fill(t *testing.T, db *store.DB) *Log {
	t.Helper()
	l := newLog(t, db)
	update(t, db, func(tx *store.Tx) error {
		second := sample("m2", "fabrikam")
		second.Received = start.Add(time.Hour)
		second.Ref, second.Subject, second.Findings, second.Way = "AAAA-BBBB", "Besprechung ÄÖÜ", nil, CutThrough
		second.From, second.HeaderFrom, second.MessageID = "zoe@fabrikam.example", "", "<other@x>"
		second.Recipients = []Recipient{{Address: "bob@fabrikam.example", Verdict: "deliver", Delivery: Delivered}}
		for _, m := range []Message{sample("m1", "contoso"), second} {
			if err := l.Save(tx, m); err != nil {
				return err
			}
		}
		return nil
	})
	return l
}

func TestSearch(t *testing.T) {
	tests := []struct{ name, query, want string }{
		{"all, newest first", "", "m2 m1"},
		{"by sender", "from:ANN@", "m1"},
		{"by From field", `from:"Ann <"`, "m1"},
		{"by recipient", "to:bob@fabrikam.example", "m2 m1"},
		{"recipient and verdict are of the same recipient", "to:carol verdict:block", ""},
		{"recipient and verdict together", "to:bob verdict:block", "m1"},
		{"recipient and delivery together", "to:carol delivery:waiting", "m1"},
		{"by subject, beyond ASCII", "subject:äöü", "m2"},
		{"a percent sign is itself", "subject:100%_d", "m1"},
		{"a percent sign is no pattern", "subject:quarter%done", ""},
		{"an underscore is no pattern", "subject:10_%", ""},
		{"by detector", "detector:credit-card", "m1"},
		{"by type of finding", "detector:CREDIT_CARD", "m1"},
		{"half a detector is none", "detector:credit", ""},
		{"by tenant", "tenant:fabrikam", "m2"},
		{"by id", "id:m1", "m1"},
		{"by reference", "ref:k7tq-m2xd", "m1"},
		{"by message-id", "message-id:id@contoso.example", "m1"},
		{"by message-id in angle brackets", "message-id:<other@x>", "m2"},
		{"by word in an attachment's name", "plan.docx quarter", "m1"},
		{"by way and direction", "way:cut-through direction:out", "m2"},
		{"by time", "before:2026-11-20T10:30", "m1"},
		{"by time, from a bound on", "after:2026-11-20T11:00", "m2"},
		{"a quote in a query is only a quote", "subject:it's", ""},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := fill(t, db)
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				q, err := ParseQuery(tt.query, start)
				if err != nil {
					t.Fatal(err)
				}
				list, err := l.Search(context.Background(), q)
				var ids []string
				for _, m := range list {
					ids = append(ids, m.ID)
				}
				if got := strings.Join(ids, " "); err != nil || got != tt.want {
					t.Errorf("%v, got %q, want %q", err, got, tt.want)
				}
			})
		}
	})
}

func TestExportGoesThroughAllPages(t *testing.T) {
	db := storetest.SQLite(t)
	l := newLog(t, db)
	update(t, db, func(tx *store.Tx) error {
		for i := range 1200 { // many at the same moment
			m := Message{ID: fmt.Sprintf("m%04d", i), Tenant: "t", Received: start.Add(time.Duration(i/700) * time.Second),
				From: mail.Address("a@b.example")}
			if err := l.Save(tx, m); err != nil {
				return err
			}
		}
		return nil
	})
	for _, limit := range []int{0, 1, 500, 501, 1200, 5000} {
		var out bytes.Buffer
		if err := l.Export(context.Background(), &out, Query{Limit: limit}); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		seen := map[string]bool{}
		for _, line := range lines {
			seen[line] = true
		}
		want := min(limit, 1200)
		if limit == 0 {
			want = 1200
		}
		if len(lines) != want || len(seen) != want {
			t.Errorf("limit %d: %d lines, %d different, want %d", limit, len(lines), len(seen), want)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{
		"", `from:ann "two words" after:3d`, "verdict:blok", "after:9999-12-31", "after:0001-01-01", `"`, `":"`, "a:b:c",
		"ref:---", "before:2026-11-01T10:30:00Z", "after:-1d", "after:d", "to:%_!", "\x00", "message-id:<>", "ÄÖ:x", ":x", "-:x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ParseQuery(s, start)
		if err != nil {
			var qe *QueryError
			if !errors.As(err, &qe) || qe.Why == "" || qe.At < 0 || qe.At > len(s) {
				t.Fatalf("%q: error %#v", s, err)
			}
			return
		}
		where, args := q.where()
		if n := strings.Count(where, "?"); n != len(args) {
			t.Fatalf("%q: %d placeholders, %d arguments", s, n, len(args))
		}
		for _, term := range q.Terms {
			if term.Value == "" || strings.Contains(term.Value, "\x00") {
				t.Fatalf("%q: term %+v", s, term)
			}
		}
	})
}
