package policy

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestAConditionIsWrittenBackWithTheSameMeaning(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`a&&b&&(c||d)`:                             `a && b && (c || d)`,
		`!(a || b) ? 1+2*3 : -x`:                   `!(a || b) ? 1 + 2 * 3 : -x`,
		`(1 + 2) * 3 - (4 - 5)`:                    `(1 + 2) * 3 - (4 - 5)`,
		`recipient.in("partners")`:                 `recipient.in("partners")`,
		`x in ["a", 'b"', "\n"]`:                   `x in ["a", "b\"", "\n"]`,
		`files.exists(a, a.size > 1 && !a.b)`:      `files.exists(a, a.size > 1 && !a.b)`,
		`headers("X")[0] == r'''\d'''`:             `headers("X")[0] == "\\d"`,
		`{"a": 1u}["a"] == 1u && 1.0 < 2e30`:       `{"a": 1u}["a"] == 1u && 1.0 < 2e+30`,
		`(a == b) == (c < d)`:                      `a == b == (c < d)`,
		`size(x) == 0 ? true : null == null`:       `size(x) == 0 ? true : null == null`,
		`any(files,a,a.size>1)&&none(files,a,a.b)`: `any(files, a, a.size > 1) && none(files, a, a.b)`,
		`(a ? b : c) ? d : e ? f : g`:              `(a ? b : c) ? d : e ? f : g`,
		`subject.lower().contains("größe ✓")`:      `subject.lower().contains("größe ✓")`,
	} {
		e, err := Syntax(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := e.String(); got != want {
			t.Errorf("%s is written as %s, want %s", in, got, want)
		}
		if again, err := Syntax(e.String()); err != nil || again.String() != want {
			t.Errorf("%s does not come back: %v", want, err)
		}
		if e.Clone().String() != want {
			t.Error("a clone differs")
		}
	}
	if _, err := Syntax("a &&"); err == nil {
		t.Error("half a condition is read")
	}
}

func TestATraceSaysWhatEveryPartWas(t *testing.T) {
	t.Parallel()
	s := load(t, policyText("cards", ModeEnforce,
		`direction == "outbound" && (findings.credit_card.high >= 9 || header("X-Gone") == "x") && recipients.exists(r, r.outside)`, "block"))
	f := facts()
	tr, err := s.Tracer().Rule(s.Rules()[0], &f, 0)
	if err != nil {
		t.Fatal(err)
	}
	if tr.Truth != Unknown || tr.When.Op != "and" || len(tr.When.Parts) != 3 {
		t.Fatalf("%+v", tr.When)
	}
	or := tr.When.Parts[1]
	if or.Truth != Unknown || or.Parts[0].Truth != False || or.Parts[1].Truth != Unknown || or.Parts[1].Why == "" {
		t.Errorf("%+v", or)
	}
	if v := or.Parts[0].Values; len(v) != 1 || v[0].Text != "findings.credit_card.high" || v[0].Value == "" {
		t.Errorf("%+v", v)
	}
	exists := tr.When.Parts[2]
	if exists.Op != "any" || len(exists.Parts) != len(f.Recipients) || exists.Truth != True {
		t.Errorf("%+v", exists)
	}
}

func TestATraceOfALongListIsShort(t *testing.T) {
	t.Parallel()
	s := load(t, policyText("many", ModeEnforce, `all(recipients, r, r.outside)`, "block"))
	f := facts()
	for range 200 {
		f.Recipients = append(f.Recipients, Party{Address: "x@fabrikam.example"})
	}
	tr, err := s.Tracer().Rule(s.Rules()[0], &f, 0)
	if err != nil || len(tr.When.Parts) != maxElements || tr.When.More != len(f.Recipients)-maxElements {
		t.Errorf("%d parts and %d more: %v", len(tr.When.Parts), tr.When.More, err)
	}
}

func TestATraceAnswersAsDecideDoes(t *testing.T) {
	t.Parallel()
	all := pool(t)
	set := setOf(all)
	set.language = load(t, policyText("one", ModeLog, "true", "log")).language
	tracer := set.Tracer()
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		r := rapid.SampledFrom(all).Draw(t, "rule")
		d := &decision{set: set, facts: &f, moment: newMoment(&f), once: map[evaluated]result{}}
		for i, p := range f.Recipients {
			d.moment.turn(p)
			got, err := tracer.Rule(*r, &f, i)
			if want := d.match(r, p).answer.truth(); err != nil || got.Truth != want {
				t.Fatalf("%s: %s, want %s (%v)", r.When, got.Truth, want, err)
			}
		}
	})
}

func TestAnEditedSetIsAsIfTheFilesSaidSo(t *testing.T) {
	t.Parallel()
	text := `kind: policy
id: cards
mode: enforce
when: findings.credit_card.high >= %d && !recipient.in("partners")
then: hold
---
kind: list
id: partners
include: [more]
members: [partner.example]
---
kind: list
id: more
members: [%s]
`
	a := load(t, fmt.Sprintf(text, 3, "one.example"))
	b := load(t, fmt.Sprintf(text, 4, "two.example"))
	rules := a.Rules()
	rules[0].When = b.Rules()[0].When
	edited, err := a.Edited(rules, List{ID: "more", Members: []string{"two.example"}})
	if err != nil {
		t.Fatal(err)
	}
	if edited.Version() != b.Version() {
		t.Error("another version")
	}
	for _, l := range edited.Lists() {
		if l.Has("x@one.example") || !l.Has("x@two.example") {
			t.Errorf("the list %s still has its old members", l.ID)
		}
	}
	rules[0].When = "nonsense"
	if _, err := a.Edited(rules); err == nil {
		t.Error("nonsense is a condition")
	}
}
