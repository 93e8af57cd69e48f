package explain

import (
	"strings"
	"testing"

	"postern.dev/postern/internal/policy"
)

func TestExceptionsThatAreChildrenAreExplained(t *testing.T) {
	t.Parallel()
	text := `kind: policy
id: cards
mode: enforce
when: findings.credit_card.high >= 3
exceptions:
  - id: partner
    when: recipient.domain == "partner.example"
  - id: told
    when: header("X-Told") == "yes"
    then: { notify: { text: "Cards again." } }
then: hold
`
	s, err := policy.Load([]policy.File{{Name: "rules.yaml", Data: []byte(text)}}, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for told, want := range map[string]policy.Action{"yes": policy.Notify, "no": policy.HoldFor, "": policy.HoldFor} {
		f := policy.Facts{
			Direction:  policy.Outbound,
			Recipients: []policy.Party{{Address: "bob@fabrikam.example"}, {Address: "pia@partner.example"}},
			Findings:   []policy.Finding{{Type: "CREDIT_CARD", Part: "1", Count: 3, Confidence: "high"}},
		}
		if told != "" {
			f.Headers = map[string][]string{"x-told": {told}}
		}
		x := New(Case{Set: s, Facts: f, Gates: policy.Gates{}})
		if got := x.Verdict.Recipients[0].Action; got != want && told != "" {
			t.Errorf("told %q: %s", told, got)
		}
		for i := range f.Recipients {
			w, err := x.Full(i)
			if err != nil {
				t.Fatal(err)
			}
			if told == "yes" && i == 0 && (len(w.Rules) != 2 || w.Rules[0].ID != "cards/told" || w.Rules[0].Standing != Decides ||
				w.Rules[1].Standing != Lost) {
				t.Errorf("the exception decides: %+v", w.Rules)
			}
			for _, r := range w.Rules {
				if r.When == nil {
					t.Errorf("told %q, recipient %d: %s is not explained: %+v", told, i, r.ID, r)
				}
			}
			n, err := x.WhyNot(i, "cards")
			if err != nil {
				t.Fatal(err)
			}
			if i == 1 && !strings.Contains(n.Text, `its exception "partner" holds (rules.yaml:6)`) {
				t.Errorf("told %q: %s", told, n.Text)
			}
		}
	}
}
