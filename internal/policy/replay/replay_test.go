package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

func load(t testing.TB, text string) *policy.Set {
	t.Helper()
	s, err := policy.Load([]policy.File{{Name: "p.yaml", Data: []byte(text)}}, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rule(id, when, then string) string {
	return fmt.Sprintf("---\nkind: policy\nid: %s\nmode: enforce\nwhen: '%s'\nthen: %s\n", id, when, then)
}

var day = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// past is n messages of which every third has so many card numbers.
func past(t testing.TB, n int, change func(i int, f *policy.Facts)) []Record {
	t.Helper()
	boss := mail.Address("boss@contoso.example")
	list := make([]Record, n)
	for i := range n {
		ann := policy.Party{Address: "ann@contoso.example", Inside: true, Manager: &boss}
		f := policy.Facts{
			Schema: policy.Schema, Tenant: "contoso", Direction: policy.Outbound, Kind: "inline-out", Sender: ann, Mailbox: ann,
			From: []policy.Party{ann}, User: ann, Recipients: []policy.Party{{Address: "bob@fabrikam.example"}},
			Headers: map[string][]string{}, Own: map[string]string{}, Other: []string{}, Now: day,
			Findings: []policy.Finding{}, Labels: []policy.Label{}, Attachments: []policy.Attachment{}, Unseen: []mail.Unseen{},
		}
		if i%3 == 0 {
			f.Findings = []policy.Finding{
				{Type: "CREDIT_CARD", Detector: "credit-card", Part: "1", Count: i % 7, Here: i % 7, Confidence: "high"},
			}
		}
		if change != nil {
			change(i, &f)
		}
		data, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		list[i] = Record{ID: fmt.Sprintf("m%06d", i), Tenant: "contoso", At: day.AddDate(0, 0, i%2), Facts: data}
	}
	return list
}

func from(list []Record) func(func(Record) error) error {
	return func(yield func(Record) error) error {
		for _, r := range list {
			if err := yield(r); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestADraftIsComparedWithWhatIsInForce(t *testing.T) {
	old := load(t, rule("cards", "findings.credit_card.high >= 3", "{ hold: { approver: manager } }"))
	fresh := load(t, rule("cards", "findings.credit_card.high >= 5", "{ hold: { approver: manager } }")+
		rule("two", "findings.credit_card.high == 1", "block"))
	list := past(t, 210, nil)
	r, err := Run(t.Context(), Options{Old: old, New: fresh, List: 2}, from(list))
	if err != nil {
		t.Fatal(err)
	}
	// Of each 7 messages with cards (every third), one has 0, 1, … 6 cards.
	want := []Cell{
		{Old: "deliver", New: "block", AtMost: "block", Recipients: 10, Examples: []string{"m000015", "m000036", "m000057"}},
		{Old: "hold", New: "hold", AtMost: "hold", Recipients: 20, Examples: []string{}},
		{Old: "deliver", New: "deliver", AtMost: "deliver", Recipients: 160, Examples: []string{}},
		{Old: "hold", New: "deliver", AtMost: "deliver", Recipients: 20, Examples: []string{"m000003", "m000018", "m000024"}},
	}
	if d := cmp.Diff(want, r.Matrix); d != "" {
		t.Error(d)
	}
	if r.Same != 180 || r.Changed != 30 || r.Unknown != 0 || len(r.List) != 2 || r.List[0].Message != "m000003" {
		t.Errorf("%+v", r)
	}
	if d := cmp.Diff([]Load{{"boss@contoso.example", 40, 20, 20}}, r.Approvals.Approvers); d != "" {
		t.Error(d)
	}
	if n := len(r.Approvals.Days); n != 2 || r.Approvals.Days[0].Who != "2026-11-02" {
		t.Errorf("%+v", r.Approvals.Days)
	}
	for workers := 1; workers < 5; workers++ {
		again, err := Run(t.Context(), Options{Old: old, New: fresh, List: 2, Workers: workers}, from(list))
		again.Matrix[0].Examples, again.Matrix[3].Examples = want[0].Examples, want[3].Examples // some, not the first
		if d := cmp.Diff(r, again); d != "" || err != nil {
			t.Errorf("%d workers: %s %v", workers, d, err)
		}
	}
}

// Whether a copy is kept as evidence is compared too, and for how long.
func TestADraftThatKeepsCopiesIsADifference(t *testing.T) {
	hold := rule("cards", "findings.credit_card.high >= 1", "{ hold: { approver: manager } }")
	keep := func(d string) string {
		return rule("kept", "findings.credit_card.high >= 5", "{ copy: { keep: "+d+" } }")
	}
	list, seen := past(t, 210, nil), []string{"m000006", "m000012", "m000027"}
	for _, tt := range []struct {
		name, old, fresh string
		want             []Cell
	}{
		{"kept from now on", hold, hold + keep("48h"), []Cell{
			{"hold", "hold, kept 48h", "hold, kept 48h", 20, seen}, {"hold", "hold", "hold", 40, []string{}},
		}},
		{"not any more", hold + keep("30m"), hold, []Cell{
			{"hold, kept 30m", "hold", "hold", 20, seen}, {"hold", "hold", "hold", 40, []string{}},
		}},
		{"for longer", hold + keep("48h"), hold + keep("720h"), []Cell{
			{"hold, kept 48h", "hold, kept 720h", "hold, kept 720h", 20, seen}, {"hold", "hold", "hold", 40, []string{}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Run(t.Context(), Options{Old: load(t, tt.old), New: load(t, tt.fresh), Workers: 1}, from(list))
			if err != nil || r.Changed != 20 || r.Unknown != 0 {
				t.Errorf("%d changed, %d unknown: %v", r.Changed, r.Unknown, err)
			}
			if d := cmp.Diff(tt.want, r.Matrix[:2]); d != "" {
				t.Error(d)
			}
		})
	}
	if a := ActionOf("hold, kept 48h"); a != policy.HoldFor {
		t.Errorf("%q", a)
	}
}

func TestWhatWasNotKeptIsCountedApart(t *testing.T) {
	old := load(t, rule("a", "size > 100000", "log"))
	fresh := load(t, rule("a", "findings.names.total > 0", "block")+"---\nkind: dictionary\nid: names\nterms: [Bluebird]\n")
	r, err := Run(t.Context(), Options{Old: old, New: fresh}, from(past(t, 10, func(i int, f *policy.Facts) {
		if i < 4 {
			f.Own = fresh.Own()
		}
	})))
	if err != nil || r.Unknown != 6 || r.Same != 4 || r.Share != 60 {
		t.Errorf("%+v %v", r, err)
	}
	if d := cmp.Diff([]Missing{{"findings.names", 6}}, r.Missing); d != "" {
		t.Error(d)
	}
}

// A detector that came later has found nothing in older mail because nobody
// looked: that is no zero.
func TestWhatAnOlderProgramDidNotLookForCannotBeKnown(t *testing.T) {
	s := load(t, rule("a", "findings.iban.total == 0", "block"))
	records := past(t, 3, func(i int, f *policy.Facts) { f.Looked = []string{"now-1", "then-1", "lost-1"}[i] })
	r, err := Run(t.Context(), Options{Old: nil, New: s, Looked: func(v string) ([]string, bool) {
		return map[string][]string{"now-1": nil, "then-1": {"CREDIT_CARD"}}[v], v != "lost-1"
	}}, from(records))
	if err != nil || r.Changed != 1 || r.Unknown != 2 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestRecordedVerdictsComeOutAgain(t *testing.T) {
	s := load(t, rule("cards", "findings.credit_card.high >= 3", "hold"))
	records := past(t, 30, nil)
	for i := range records {
		f, err := policy.ReadFacts(records[i].Facts)
		if err != nil {
			t.Fatal(err)
		}
		records[i].Policy, records[i].Verdicts = s.Version(), map[string]string{}
		for _, r := range policy.Decide(s, f, nil).Recipients {
			records[i].Verdicts[r.Address.Fold()] = string(r.Action)
		}
	}
	find := func(r Record) (Version, bool) { return Version{Set: s}, r.Policy == s.Version() }
	c, err := Recorded(t.Context(), find, from(records))
	if err != nil || c.Same != 30 || c.Different != 0 || c.Messages != 30 {
		t.Fatalf("%+v %v", c, err)
	}
	records[3].Policy = "gone"
	records[4].Verdicts["bob@fabrikam.example"] = "block"
	records[5].Facts = []byte("{")
	records[8].Facts = []byte(`{"schema":1,"recipients":[{"address":"bob@fabrikam.example","inside":false}]}`)
	records[7].Policy, records[7].Verdicts = "", nil
	c, err = Recorded(t.Context(), find, from(records))
	if err != nil || c.Same != 25 || c.Skipped != 1 || c.Different != 4 {
		t.Fatalf("%+v %v", c, err)
	}
	for i, cause := range []string{
		"version gone of the policies is not kept any more", "this program decides in another way than the one that recorded it",
		"its facts cannot be read", "these facts were not kept: ",
	} {
		if got := c.Differences[i].Cause; len(got) < len(cause) || got[:len(cause)] != cause {
			t.Errorf("%d: %q", i, got)
		}
	}
}

func TestAFailureOfTheRecordsEndsTheReplay(t *testing.T) {
	s := load(t, rule("a", "true", "log"))
	broken := errors.New("broken")
	_, err := Run(t.Context(), Options{Old: s, New: s}, func(func(Record) error) error { return broken })
	if !errors.Is(err, broken) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Run(ctx, Options{Old: s, New: s, Workers: 1}, func(yield func(Record) error) error {
		for {
			if err := yield(Record{}); err != nil {
				return err
			}
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func BenchmarkRun(b *testing.B) {
	var text string
	for i := range 20 {
		text += rule(fmt.Sprint("r", i), fmt.Sprintf("direction == \"outbound\" && findings.credit_card.high >= %d", i%5+1),
			"{ hold: { approver: manager } }")
	}
	old, fresh := load(b, text), load(b, text+rule("more", "recipient.outside && size > 1000", "block"))
	common := policy.KeptHeaders()
	list := past(b, 1000, func(_ int, f *policy.Facts) {
		for _, n := range slices.Clone(common[:20]) {
			f.Headers[n] = []string{"some value of a header"}
		}
	})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Run(b.Context(), Options{Old: old, New: fresh, Workers: 1}, from(list)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(list))/b.Elapsed().Seconds(), "messages/s")
}
