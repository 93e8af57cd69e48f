package mutation

import (
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

const withExceptions = `kind: policy
id: cards
mode: enforce
when: findings.credit_card.high >= 3
exceptions:
  - id: partner
    when: recipient.in("partners")
  - id: few
    when: findings.credit_card.high < 5
    then: { notify: { text: Few. } }
then: block
---
kind: list
id: partners
members: [partner.example]
`

func TestExceptionsThatAreChildrenAreMutatedToo(t *testing.T) {
	t.Parallel()
	s, err := policy.Load([]policy.File{{Name: "p.yaml", Data: []byte(withExceptions)}}, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, m := range Mutants(s) {
		got[m.Change] = m.Place
		set, err := s.Edited(m.rules, m.lists...)
		if err != nil || set.Version() == s.Version() {
			t.Errorf("%s: no other policy: %v", m.Change, err)
		}
	}
	for change, place := range map[string]string{
		"without the exception partner": "p.yaml:6", "without the exception few": "p.yaml:8",
		"exception few: findings.credit_card.high < 6 instead of findings.credit_card.high < 5": "p.yaml:8",
		"exception few: log instead of notify":                                                  "p.yaml:8", "exception few comes before partner": "p.yaml:8",
		"without the member partner.example": "p.yaml:14",
	} {
		if got[change] != place {
			t.Errorf("%q stands at %q, not %s", change, got[change], place)
		}
	}
	if t.Failed() {
		t.Logf("there are: %v", got)
	}
}

func TestAMutantOfAnExceptionIsNoticedByATestOfIt(t *testing.T) {
	t.Parallel()
	s, err := policy.Load([]policy.File{{Name: "p.yaml", Data: []byte(withExceptions)}}, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	facts := func(to string, cards int) policy.Facts {
		return policy.Facts{
			Tenant: "t", Direction: policy.Outbound, Recipients: []policy.Party{{Address: mail.Address(to)}},
			Findings: []policy.Finding{{Type: "CREDIT_CARD", Part: "1", Count: cards, Confidence: "high"}},
		}
	}
	cases := []policy.Examined{
		{Case: policy.Case{Expect: "block"}, Facts: facts("bob@fabrikam.example", 5)},
		{Case: policy.Case{Expect: "deliver"}, Facts: facts("bob@partner.example", 9)},
	}
	r, err := Run(t.Context(), s, cases, func(string) policy.Gates { return policy.Gates{} })
	if err != nil {
		t.Fatal(err)
	}
	var missed []string
	for _, m := range r.Missed {
		missed = append(missed, m.Change)
	}
	all := strings.Join(missed, "\n")
	if strings.Contains(all, "without the exception partner") || !strings.Contains(all, "without the exception few") {
		t.Errorf("missed:\n%s", all)
	}
}
