package explain

import (
	"strings"
	"testing"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

const example = `kind: policy
id: cards-leave
mode: enforce
priority: 10
when: direction == "outbound" && findings.credit_card.high >= 3 && !recipient.in("partners")
unless: sender.in("card-team")
then: { hold: { approver: manager } }
---
kind: policy
id: cards-log
mode: log
when: findings.credit_card.total > 0
then: block
---
kind: policy
id: secrets
mode: enforce
when: any(labels, l, l.name == "Secret") || any(attachments, a, a.encrypted)
then: block
---
kind: policy
id: sleeping
mode: off
when: "true"
then: block
---
kind: policy
id: elsewhere
tenants: [fabrikam]
mode: enforce
when: "true"
then: block
---
kind: policy
id: x-known
mode: enforce
when: header("X-Class") == "red"
then: notify
---
kind: list
id: partners
members: [partner.example]
---
kind: list
id: card-team
members: [carla@contoso.example]
`

func explainer(t *testing.T, edit func(f *policy.Facts)) *Explainer {
	t.Helper()
	s, err := policy.Load([]policy.File{{Name: "rules.yaml", Data: []byte(example)}}, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := policy.Facts{
		Schema: 1, Tenant: "contoso", Direction: policy.Outbound, Kind: "inline-out",
		Sender:     policy.Party{Address: "ann@contoso.example", Inside: true},
		Recipients: []policy.Party{{Address: "bob@fabrikam.example"}, {Address: "pia@partner.example"}},
		Findings: []policy.Finding{{Type: "CREDIT_CARD", Detector: "credit-card", Part: "2", Name: "plan.docx", Count: 3,
			Confidence: "high"}},
		Attachments: []policy.Attachment{{Name: "plan.docx", Type: "application/x-docx", Size: 10}},
		Headers:     map[string][]string{},
	}
	if edit != nil {
		edit(&f)
	}
	return New(Case{Set: s, Facts: f, Gates: policy.DefaultGates(), Findings: []detect.Finding{{Type: "CREDIT_CARD",
		Detector: "credit-card", Part: "2", Name: "plan.docx", Count: 3, Confidence: detect.High,
		Sample: "4012 •••• •••• 1881", Place: "line 12"}}})
}

func TestAVerdictIsExplained(t *testing.T) {
	t.Parallel()
	w, err := explainer(t, nil).Full(0)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Rules) != 3 || w.Rules[0].ID != "cards-leave" || w.Rules[0].Standing != Decides || w.Rules[1].Standing != Unknown ||
		w.Rules[2].Standing != Lost || w.Others != 3 {
		t.Errorf("%+v", w.Rules)
	}
	got := strings.Join(Lines(w.Rules[0].When), "\n")
	want := `yes all of these:
yes   direction == "outbound"
yes   findings.credit_card.high >= 3: it is 3
yes   !recipient.in("partners")
no      recipient.in("partners"): it is bob@fabrikam.example (outside)`
	got = strings.ReplaceAll(got, `"outbound": it is "outbound"`, `"outbound"`)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if w.Rules[0].Unless.Truth != policy.False {
		t.Errorf("%+v", w.Rules[0].Unless)
	}
	if e := w.Rules[0].Evidence; len(e) != 1 ||
		Evidence(e[0]) != "3 card numbers (high) in plan.docx: 4012 •••• •••• 1881 at line 12" {
		t.Errorf("%+v", e)
	}
	if got := w.Weaker.Flip(); got != "remove 1 of the 3 card numbers in plan.docx → log" {
		t.Error(got)
	}
	if got := w.Weaker.Policy.Text; !strings.HasSuffix(got, "findings.credit_card.high >= 4 instead of findings.credit_card.high >= 3") {
		t.Error(got)
	}
	if got := w.Stronger.Flip(); got != `with the label "Secret" → block` && got != "if attachments[0].encrypted were true → block" {
		t.Error(got)
	}
}

func TestARuleThatAddsSomethingHasNotLost(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		action policy.Action // of the verdict
		notify bool
		rule   policy.Action
		want   bool
	}{
		{"a header on held mail", policy.HoldFor, false, policy.SetHeader, true},
		{"a header on blocked mail", policy.Block, false, policy.SetHeader, false},
		{"a copy", policy.Block, false, policy.Copy, true},
		{"a notice", policy.Block, true, policy.Notify, true},
		{"a notice that an automatic sender does not get", policy.Block, false, policy.Notify, false},
		{"a weaker hold", policy.Block, false, policy.HoldFor, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := policy.RecipientVerdict{Action: test.action, Notify: test.notify}
			if got := adds(r, &policy.Match{Action: test.rule}); got != test.want {
				t.Errorf("%t, want %t", got, test.want)
			}
		})
	}
}

func TestAVerdictForManyIsExplainedOnce(t *testing.T) {
	t.Parallel()
	x := explainer(t, func(f *policy.Facts) {
		f.Recipients = append(f.Recipients, policy.Party{Address: "eve@fabrikam.example"})
	})
	list, left, err := x.Whole()
	if err != nil || left != 0 || len(list) != 2 || len(list[0].Also) != 1 || list[0].Also[0] != "eve@fabrikam.example" {
		t.Errorf("%+v, %d left: %v", list, left, err)
	}
	if _, err := x.Asked("nobody@fabrikam.example"); err == nil {
		t.Error("somebody is asked about who is no recipient")
	}
}

func TestWhyARuleDidNotDecide(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, rule, text string
		standing         Standing
		who              int
		edit             func(f *policy.Facts)
	}{
		{"one card short", "cards-leave", "findings.credit_card.high is 2, the rule wants >= 3", NoMatch, 0,
			func(f *policy.Facts) { f.Findings[0].Count = 2 }},
		{"another direction", "cards-leave", `direction is "internal", the rule wants == "outbound"`, NoMatch, 0,
			func(f *policy.Facts) { f.Direction = policy.Internal }},
		{"on the list", "cards-leave", `recipient.in("partners") is true, the rule wants false; recipient is pia@partner.example (outside)`,
			NoMatch, 1, nil},
		{"the exception", "cards-leave",
			`its exception: sender.in("card-team") is true, the rule wants false; sender is carla@contoso.example (inside)`, Excepted, 0,
			func(f *policy.Facts) { f.Sender.Address = "carla@contoso.example" }},
		{"no label", "secrets", `any(labels, l, l.name == "Secret") is false, the rule wants true; labels is empty`, NoMatch, 0, nil},
		{"lost", "cards-log", `it matched, and lost: log is weaker than the hold of "cards-leave" (its mode is log: in enforce it would block)`,
			Lost, 0, nil},
		{"won", "cards-leave", "it did decide: hold", Decides, 0, nil},
		{"off", "sleeping", "its mode is off: it is not evaluated", Off, 0, nil},
		{"another tenant", "elsewhere", `it is for the tenants fabrikam; this message is of "contoso"`, Foreign, 0, nil},
		{"not known", "x-known", `header("X-Class") == "red" cannot be known: header X-Class cannot be known`, Unknown, 0, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, err := explainer(t, test.edit).WhyNot(test.who, test.rule)
			if err != nil {
				t.Fatal(err)
			}
			if w.Text != test.text || w.Standing != test.standing {
				t.Errorf("%s: %s\nwant %s: %s", w.Standing, w.Text, test.standing, test.text)
			}
			if w.Change != nil && w.Change.Found == nil {
				t.Errorf("no change is found: %s", w.Change.None())
			}
		})
	}
	if _, err := explainer(t, nil).WhyNot(0, "cards-leaf"); err == nil || !strings.Contains(err.Error(), "cards-leave") {
		t.Error(err)
	}
}

func TestAClosedGateIsExplained(t *testing.T) {
	t.Parallel()
	x := explainer(t, func(f *policy.Facts) {
		f.Findings = nil
		f.Unseen = []mail.Unseen{{Part: "2", Name: "deep.zip", Reason: mail.TooDeep}}
	})
	w, err := x.Full(0)
	if err != nil {
		t.Fatal(err)
	}
	if w.Action != policy.HoldFor || len(w.Gates) != 1 || w.Gates[0].Gate != policy.Closed {
		t.Errorf("%+v", w)
	}
	if got := w.Weaker.Flip(); got != `if "deep.zip" could be looked into (too-deep) → deliver` {
		t.Error(got)
	}
}

func TestASearchThatFindsNothingSaysSo(t *testing.T) {
	t.Parallel()
	s, err := policy.Load([]policy.File{{Name: "r.yaml", Data: []byte("kind: policy\nid: all\nmode: enforce\nwhen: \"true\"\nthen: block\n")}},
		policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x := New(Case{Set: s, Facts: policy.Facts{Recipients: []policy.Party{{Address: "a@b.example"}}}})
	if got := x.Weaker(0); got.Found != nil || !strings.HasPrefix(got.Flip(), "none found") {
		t.Error(got.Flip())
	}
}

func TestTheSimplestTextOfAnExpression(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"a(b|c)?d+": "ad", "[0-9]{3}x*$": "000", "(?i)Offer": "OFFER"} {
		if got, ok := matching(in); !ok || !strings.EqualFold(got, want) {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
