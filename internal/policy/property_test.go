package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"postern.dev/postern/internal/mail"
)

// pool is a set of rules of every action, mode and kind of condition, from
// which the property tests draw.
func pool(t testing.TB) []*Rule {
	conditions := []string{
		"true", "false", `direction == "outbound"`, "recipient.outside", `recipient.domain == "fabrikam.example"`,
		"findings.credit_card.high >= 3", "findings.nl_bsn.total > 0", `header("X-Class") == "red"`,
		`recipient.inside && findings.nl_bsn.total > 0`, "size > 1000", "size / deferrals > 0",
	}
	var b strings.Builder
	for i, when := range conditions {
		for _, a := range Actions() {
			for _, m := range Modes()[1:] {
				fmt.Fprintf(&b, "%spriority: %d\n---\n", policyText(fmt.Sprintf("r%d-%s-%s", i, a, m), m, when, thenOf(a)), i%3)
			}
		}
	}
	return load(t, b.String()).rules
}

func drawFacts(t *rapid.T) Facts {
	f := facts()
	f.Recipients = f.Recipients[:rapid.IntRange(1, 3).Draw(t, "recipients")]
	f.Findings[0].Count = rapid.IntRange(0, 5).Draw(t, "count")
	f.Size = rapid.Int64Range(0, 3000).Draw(t, "size")
	f.Deferrals = rapid.IntRange(0, 4).Draw(t, "deferrals")
	f.Automatic = rapid.Bool().Draw(t, "automatic")
	if rapid.Bool().Draw(t, "copy") {
		f.Kind = "copy"
	}
	if rapid.Bool().Draw(t, "detectors known") {
		f.Detectors = []string{"credit-card"}
	}
	if rapid.Bool().Draw(t, "header known") {
		f.Headers["x-class"] = []string{rapid.SampledFrom([]string{"red", "green"}).Draw(t, "class")}
	}
	for _, c := range rapid.SliceOfNDistinct(rapid.SampledFrom(mail.Causes()), 0, 3, rapid.ID).Draw(t, "causes") {
		f.Unseen = append(f.Unseen, mail.Unseen{Part: "1", Reason: c})
	}
	return f
}

// setOf is a set as Load would have sealed it.
func setOf(rules []*Rule) *Set {
	s := &Set{rules: slices.Clone(rules)}
	s.seal()
	return s
}

func TestDecideKeepsItsPromises(t *testing.T) {
	t.Parallel()
	all := pool(t)
	rapid.Check(t, func(t *rapid.T) {
		rules := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 8, func(r *Rule) string { return r.ID }).Draw(t, "rules")
		f := drawFacts(t)
		gates := Gates{}
		for _, c := range mail.Causes() {
			if rapid.Bool().Draw(t, "set "+string(c)) {
				gates[c] = rapid.SampledFrom([]Gate{Open, Closed}).Draw(t, "gate "+string(c))
			}
		}
		v := Decide(setOf(rules), f, gates)
		if again := Decide(setOf(rules), f, gates); !reflect.DeepEqual(v, again) {
			t.Fatalf("not deterministic:\n%+v\n%+v", v, again)
		}
		turned := slices.Clone(rules)
		slices.Reverse(turned)
		if w := Decide(setOf(turned), f, gates); !reflect.DeepEqual(v, w) {
			t.Fatalf("the order of the files matters:\n%+v\n%+v", v, w)
		}
		fewer := Decide(setOf(rules[1:]), f, gates)
		for i, r := range v.Recipients {
			less := fewer.Recipients[i]
			if r.Action.Strength() < less.Action.Strength() && !v.Defer {
				t.Fatalf("one rule more (%s) weakens %s to %s", rules[0].ID, less.Action, r.Action)
			}
			if r.AtMost.Strength() < r.Action.Strength() || r.AtMost.Strength() < less.AtMost.Strength() && !v.Defer {
				t.Fatalf("at most %s, is %s, was at most %s", r.AtMost, r.Action, less.AtMost)
			}
			if len(r.Rules) == 0 && r.Action != Deliver && r.Action != HoldFor {
				t.Fatalf("%s by nobody", r.Action)
			}
			if f.Copied() && r.Action.Strength() > Copy.Strength() {
				t.Fatalf("a copy is refused: %s", r.Action)
			}
			if f.Robotic() && (r.Notify || r.Action == Override) {
				t.Fatalf("automatic mail starts a conversation: %+v", r)
			}
		}
		blocked := func(r RecipientVerdict) bool { return r.Action == Block }
		if fewer.Defer && !v.Defer && !slices.ContainsFunc(v.Recipients, blocked) {
			t.Fatal("one rule more opens a gate")
		}
	})
}

func FuzzLoad(f *testing.F) {
	f.Add(contractPolicy)
	f.Add("kind: policy\nid: [a\n---\n- &a *a\n")
	f.Add("kind: list\nid: a\nmembers: {a: b}\ninclude: [a]\n")
	f.Add("kind: dictionary\nid: a\nterms: |\n  a\n---\nkind: detector\nid: b\nattachment: { larger: 1GB }\n")
	f.Add("? kind\n: policy\n<<: *x\n")
	f.Add(calendarText + "kind: list\nid: a\nmembers: [\"group:b\", public-providers]\ninclude: [public-providers]\n")
	f.Add(branchPolicy)
	f.Add(defaultsText)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Load([]File{{"f.yaml", []byte(text)}}, Options{})
		if err != nil {
			if len(err.Error()) == 0 {
				t.Error("a mistake without words")
			}
			return
		}
		Decide(s, facts(), nil)
		if again, err := Load([]File{{"f.yaml", []byte(text)}}, Options{}); err != nil || again.Version() != s.Version() {
			t.Error("loading twice gives two versions", err)
		}
	})
}

func FuzzCondition(f *testing.F) {
	for _, when := range []string{"true", `recipient.in("us")`, "findings.iban.high > 2", `headers("X")[0] == r'''a'''`,
		`subject.matches("a*") // .in(`, "[[[1]]].all(x, x.all(y, y == 1))",
		"any(attachments, a, a.findings.iban.high > 2) && none(findings, f, f.count == 1) || all(recipients, r, r.in('us'))",
		"now.working_hours('office') ? sender.member('a@b.example') : recipient.role in ['to', 'cc']",
		"!(direction == 'inbound' || subject.lower().contains('x')) && size(labels) == 0 && findings.iban.total < 1",
		`"""` + "\n" + `""" == '' ? true : 1/0 > 2`, "a.in", "IN('us')"} {
		f.Add(when)
	}
	lists := map[string]*List{"us": {ID: "us"}}
	l, err := newLanguage(lists, []string{"iban"})
	if err != nil {
		f.Fatal(err)
	}
	l.calendars = map[string]*Calendar{"office": {ID: "office"}}
	f.Fuzz(func(t *testing.T, when string) {
		if got := methodIn(when); len(got) != len(when) {
			t.Fatalf("%q became %q", when, got)
		}
		c, flaws := l.compile(when)
		if (c == nil) != (len(flaws) > 0) {
			t.Fatal("neither a condition nor a flaw")
		}
		if c != nil {
			fa := facts()
			a, err := c.eval(newMoment(&fa))
			if (a == cannotKnow) != (err != nil) {
				t.Fatal("an error that is an answer", a, err)
			}
			agrees(t, c, a, err)
		}
	})
}

// agrees checks that the index says of a condition what CEL says, where it
// says anything.
func agrees(t *testing.T, c *condition, want answer, err error) {
	t.Helper()
	fa := facts()
	p, m := newPlan([]*Rule{{when: c}}), newMoment(&fa)
	s := p.sieve(m, func(*Rule) bool { return true })
	s.turn()
	got := s.ask(p.rules[0].node)
	if err != nil && strings.Contains(whyUnknown(err), "cost limit") {
		return
	}
	if (got == yes || got == no) && got != want {
		t.Fatalf("%s: the index says %d, CEL %d (%v)", c.Source, got, want, err)
	}
}

func FuzzReadFacts(f *testing.F) {
	f.Add([]byte(`{"schema":1,"findings":[{"type":"IBAN","count":-1}],"unknown":["subject"]}`))
	f.Add([]byte(`{"schema":2,"recipients":[{}],"now":"x","unseen":null}`))
	full, err := json.Marshal(richFacts())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	f.Add(bytes.Replace(full, []byte("for you"), []byte(`\u0066\"or`), 1))
	f.Add(bytes.Replace(full, []byte("2000"), []byte("2e3"), 1))
	s := load(f, contractPolicy)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := ReadFacts(data)
		if slow, slowErr := readSlowly(data); (err == nil) != (slowErr == nil) || !reflect.DeepEqual(got, slow) {
			t.Errorf("read in one pass: %+v (%v), slowly: %+v (%v)", got, err, slow, slowErr)
		}
		if err == nil {
			Decide(s, got, nil)
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	var text strings.Builder
	for i := range 100 {
		text.WriteString(policyText(fmt.Sprintf("r-%d", i), ModeEnforce,
			fmt.Sprintf(`direction == "outbound" && findings.credit_card.high >= %d && !recipient.in("partners")`, i%5),
			"{ hold: { approver: manager } }") + "---\n")
	}
	text.WriteString("kind: list\nid: partners\nmembers: [fabrikam.example]\n")
	s := load(b, text.String())
	f := facts()
	b.ReportAllocs()
	for b.Loop() {
		Decide(s, f, nil)
	}
}
