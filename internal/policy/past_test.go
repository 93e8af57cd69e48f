package policy

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"postern.dev/postern/internal/mail"
)

// hidden takes facts away, as an older program or another policy would not
// have kept them.
func hidden(t *rapid.T, f Facts) Facts {
	f.Headers = maps.Clone(f.Headers)
	for _, key := range []string{"size", "findings", "subject", "sender", "labels"} {
		if rapid.IntRange(0, 3).Draw(t, "hide "+key) == 0 {
			f.Unknown = append(slices.Clone(f.Unknown), key)
			switch key {
			case "size":
				f.Size = 0
			case "findings":
				f.Findings = nil
			}
		}
	}
	if rapid.Bool().Draw(t, "hide the header") {
		if len(f.Headers["x-class"]) > 0 {
			f.Other = []string{"x-class"}
		}
		delete(f.Headers, "x-class")
	}
	return f
}

// What a replay calls known is what deciding over all facts says; else the
// truth lies between.
func TestAReplayIsNeverWrong(t *testing.T) {
	t.Parallel()
	all := pool(t)
	rapid.Check(t, func(t *rapid.T) {
		rules := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 8, func(r *Rule) string { return r.ID }).Draw(t, "rules")
		f := drawFacts(t)
		f.Detectors, f.Other, f.Own = nil, []string{}, map[string]string{}
		if f.Headers["x-class"] == nil {
			f.Headers["x-class"] = []string{}
		}
		gates := Gates{mail.EngineFailed: rapid.SampledFrom([]Gate{Open, Closed}).Draw(t, "gate")}
		s := setOf(rules)
		truth, past := Decide(s, f, gates), Replay(s, hidden(t, f), gates)
		for i, r := range truth.Recipients {
			least, most := past.Least.Recipients[i], past.Most.Recipients[i]
			if past.Known(i) && (least.Action != r.Action || past.Least.Defer != truth.Defer) {
				t.Fatalf("%s is called known, and is %s (missing %v)", least.Action, r.Action, past.Missing)
			}
			if r.Action.Strength() < least.Action.Strength() || r.Action.Strength() > most.Action.Strength() {
				t.Fatalf("%s is not between %s and %s", r.Action, least.Action, most.Action)
			}
		}
	})
}

func TestWhatWasNotKeptIsNamed(t *testing.T) {
	t.Parallel()
	s := load(t, `kind: dictionary
id: project-names
terms: [Bluebird]
---
`+policyText("a", ModeEnforce, `findings.project_names.total > 0`, "block")+"---\n"+
		policyText("b", ModeEnforce, `header("X-Class") == "red"`, "hold"))
	for _, test := range []struct {
		name    string
		change  func(f *Facts)
		missing []string
		most    Action
	}{
		{"all was kept", func(f *Facts) { f.Own = s.Own() }, nil, HoldFor},
		{"there was no such dictionary", func(f *Facts) { f.Own = map[string]string{} }, []string{"findings.project_names"}, Block},
		{"it had other terms", func(f *Facts) { f.Own = map[string]string{"project_names": "x"} },
			[]string{"findings.project_names"}, Block},
		{"nobody wrote down what was looked for", func(f *Facts) { f.Unknown = []string{"own"} },
			[]string{"findings.project_names"}, Block},
		{"the field was there, and its value was not kept", func(f *Facts) {
			f.Own, f.Headers, f.Other = s.Own(), nil, []string{"x-class"}
		}, []string{"header X-Class"}, HoldFor},
		{"the field was not there", func(f *Facts) { f.Own, f.Headers, f.Other = s.Own(), nil, []string{} }, nil, Deliver},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := facts()
			f.Headers = map[string][]string{"x-class": {"red"}}
			test.change(&f)
			p := Replay(s, f, nil)
			if !slices.Equal(p.Missing, test.missing) || p.Most.Recipients[0].Action != test.most {
				t.Errorf("missing %v, at most %s", p.Missing, p.Most.Recipients[0].Action)
			}
			if p.Known(0) != (len(test.missing) == 0) {
				t.Errorf("known: %v", p.Known(0))
			}
		})
	}
	f := facts()
	f.Unknown = []string{"recipients"}
	if p := Replay(s, f, nil); p.Known(0) {
		t.Error("who got it is not known, and the verdict is")
	}
}

func TestAProfileIsKnownAsFarAsItsTypesAre(t *testing.T) {
	t.Parallel()
	s, err := Load([]File{{"p.yaml", []byte(policyText("a", ModeEnforce, "findings.care.total > 0", "block"))}}, Options{
		Detectors: []string{"NL_BSN", "MEDICAL"}, Terms: map[string]string{"MEDICAL": "1"},
		Profiles: []Profile{{ID: "care", Needs: [][]string{{"NL_BSN"}, {"MEDICAL"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f := facts()
	f.Own, f.Findings = map[string]string{}, []Finding{}
	if p := Replay(s, f, nil); !p.Known(0) || p.Least.Recipients[0].Action != Deliver {
		t.Error("without a number the words do not matter", p.Missing)
	}
	f.Findings = []Finding{{Type: "NL_BSN", Detector: "nl-bsn", Part: "1", Count: 1, Confidence: "high"}}
	if p := Replay(s, f, nil); p.Known(0) {
		t.Error("nobody looked for the words, and the profile is known")
	}
	f.Own = s.Own()
	if p := Replay(s, f, nil); !p.Known(0) {
		t.Error("the words were looked for", p.Missing)
	}
}

func TestOnlyWhatIsExceptedDoesNotCount(t *testing.T) {
	t.Parallel()
	s := load(t, policyText("a", ModeEnforce, "findings.credit_card.high >= 3", "block")+"---\n"+
		policyText("b", ModeEnforce, "findings.credit_card.total >= 3 && recipient.outside", "hold"))
	one := func(count int, by ...Exception) Excepted {
		return Excepted{Type: "CREDIT_CARD", Detector: "credit-card", Part: "1.2", Confidence: "high", Count: count, Here: count, By: by}
	}
	for _, test := range []struct {
		name     string
		excepted []Excepted
		want     []Action
	}{
		{"nothing", nil, []Action{Block, Block, Block}},
		{"a value everywhere", []Excepted{one(1, Exception{ID: "x"})}, []Action{Deliver, Deliver, Deliver}},
		{"for one rule", []Excepted{one(1, Exception{ID: "x", Rule: "a"})}, []Action{HoldFor, HoldFor, Deliver}},
		{"for one domain", []Excepted{one(1, Exception{ID: "x", Domain: "Fabrikam.example"})}, []Action{Deliver, Block, Block}},
		{"two exceptions of the same value", []Excepted{
			one(1, Exception{ID: "x", Domain: "fabrikam.example"}, Exception{ID: "y", Domain: "adatum.example"}),
		}, []Action{Deliver, Deliver, Block}},
		{"values of another part", []Excepted{{
			Type: "CREDIT_CARD", Detector: "credit-card", Part: "2", Confidence: "high", Count: 3, Here: 3, By: []Exception{{ID: "x"}},
		}}, []Action{Block, Block, Block}},
		{"more than there are", []Excepted{one(9, Exception{ID: "x"})}, []Action{Deliver, Deliver, Deliver}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := facts()
			f.Excepted = test.excepted
			for i, r := range Decide(s, f, nil).Recipients {
				if r.Action != test.want[i] {
					t.Errorf("%s: %s, want %s", r.Address, r.Action, test.want[i])
				}
			}
		})
	}
}

func TestTheHeadersThatAreKeptAreInOrder(t *testing.T) {
	if !slices.IsSorted(KeptHeaders()) {
		t.Error("they are looked up by halves")
	}
}

// richFacts are facts with something in every kind of field.
func richFacts() Facts {
	f := facts()
	f.Own, f.Other = map[string]string{"project_names": "0123456789ab"}, []string{"received", "x-foo"}
	for _, n := range KeptHeaders()[:20] {
		f.Headers[n] = []string{"some value of a header"}
	}
	manager, guest := mail.Address("boss@contoso.example"), false
	f.Recipients[0].Manager, f.Recipients[0].Guest, f.Recipients[0].Groups = &manager, &guest, []string{"sales@contoso.example"}
	f.Recipients[0].Contact = &Contact{Count: 3, First: noon, Last: noon}
	f.Auth, f.Directory = &Auth{SPF: "pass"}, &Directory{AsOf: noon, Asked: []string{"sales@contoso.example"}}
	f.Excepted = []Excepted{{Type: "IBAN", Count: 1, By: []Exception{{ID: "x"}}}}
	f.Unseen = []mail.Unseen{{Part: "1", Reason: mail.Encrypted}}
	return f
}

func TestFactsAreReadInOnePass(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(richFacts())
	if err != nil {
		t.Fatal(err)
	}
	fast, ok := readFast(data)
	slow, err := readSlowly(data)
	if !ok || err != nil {
		t.Fatal("what this program writes goes the slow way", err)
	}
	if d := cmp.Diff(slow, fast); d != "" {
		t.Error(d)
	}
	for i := range data {
		if _, ok := readFast(data[:i]); ok {
			t.Fatalf("%d octets of %d are read as facts", i, len(data))
		}
	}
}

func BenchmarkReadFacts(b *testing.B) {
	data, err := json.Marshal(richFacts())
	if err != nil {
		b.Fatal(err)
	}
	for name, read := range map[string]func([]byte) (Facts, error){"in one pass": ReadFacts, "slowly": readSlowly} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := read(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
