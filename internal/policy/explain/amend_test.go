package explain

import (
	"strings"
	"testing"

	"postern.dev/postern/internal/policy"
)

// explained decides about a message of a tenant with five card numbers for
// a recipient, by these policies.
func explained(t *testing.T, tenant, text string) *Explainer {
	t.Helper()
	s, err := policy.Load([]policy.File{{Name: "rules.yaml", Data: []byte(text)}}, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return New(Case{Set: s, Gates: policy.Gates{}, Facts: policy.Facts{
		Tenant: tenant, Direction: policy.Outbound, Recipients: []policy.Party{{Address: "bob@fabrikam.example"}},
		Findings: []policy.Finding{{Type: "CREDIT_CARD", Part: "1", Count: 5, Confidence: "high"}},
	}})
}

func TestARuleIsExplainedWithTheDefaultsOfTheTenant(t *testing.T) {
	t.Parallel()
	text := `kind: policy
id: cards
when: findings.credit_card.high >= 3
then: block
---
kind: defaults
id: house
mode: log
---
kind: defaults
id: strict
tenants: [fabrikam]
mode: enforce
`
	for tenant, want := range map[string]policy.Mode{"contoso": policy.ModeLog, "fabrikam": policy.ModeEnforce} {
		x := explained(t, tenant, text)
		w, err := x.Why(0)
		if err != nil {
			t.Fatal(err)
		}
		if len(w.Rules) != 1 || w.Rules[0].Mode != want {
			t.Errorf("%s: %+v", tenant, w.Rules)
		}
		n, err := x.WhyNot(0, "cards")
		if err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(n.Text, "its mode is log"); told != (want == policy.ModeLog) {
			t.Errorf("%s: %s", tenant, n.Text)
		}
	}
}

func TestAChangeOfThePolicyIsFoundInItsModeAndItsExceptions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		stronger   bool
		action     policy.Action
		want       string
	}{
		{"a rule that only watches", "kind: policy\nid: cards\nmode: log\nwhen: findings.credit_card.high >= 3\nthen: block\n", true,
			policy.Block, "rules.yaml:2: mode: enforce instead of log"},
		{"a rule without a threshold is only watched", "kind: policy\nid: out\nmode: enforce\nwhen: recipient.outside\nthen: block\n", false,
			policy.LogOnly, "rules.yaml:2: mode: log instead of enforce"},
		{"the threshold of an exception", "kind: policy\nid: cards\nmode: enforce\nwhen: recipient.outside\n" +
			"exceptions:\n  - { id: few, when: findings.credit_card.high < 4 }\nthen: block\n", false,
			policy.Deliver, "rules.yaml:2: findings.credit_card.high < 6 instead of findings.credit_card.high < 4"},
		{"the exception that holds", "kind: policy\nid: cards\nmode: enforce\nwhen: recipient.outside\n" +
			"exceptions:\n  - { id: few, when: findings.credit_card.high < 9, then: notify }\nthen: block\n", true,
			policy.Block, "rules.yaml:2: findings.credit_card.high < 5 instead of findings.credit_card.high < 9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := explained(t, "contoso", tt.text)
			s := x.Weaker(0)
			if tt.stronger {
				s = x.Stronger(0)
			}
			if s.Policy == nil || s.Policy.Text != tt.want || s.Policy.Action != tt.action {
				t.Fatalf("%+v", s.Policy)
			}
			if v := policy.Decide(s.Policy.Set(), x.Facts, x.Gates); v.Recipients[0].Action != tt.action {
				t.Errorf("it does not flip: %s", v.Recipients[0].Action)
			}
		})
	}
}

func TestAnElementIsAddedAsTheConditionWantsIt(t *testing.T) {
	t.Parallel()
	for when, want := range map[string]string{
		`any(labels, l, l.name == "Board")`:                          `with the label "Board"`,
		`any(attachments, a, a.extension in ["exe", "js"])`:          `with one more attachment "file.exe"`,
		`any(attachments, a, a.name == "plan.exe" && a.size > 1000)`: `with one more attachment "plan.exe"`,
	} {
		x := explained(t, "contoso", "kind: policy\nid: p\nmode: enforce\nwhen: '"+when+"'\nthen: block\n")
		s := x.Stronger(0)
		if s.Found == nil || s.Found.Text() != want {
			t.Errorf("%s: %+v", when, s.Found)
		}
	}
}
