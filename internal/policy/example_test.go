package policy_test

import (
	"fmt"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

func ExampleDecide() {
	set, err := policy.Load([]policy.File{{Name: "cards.yaml", Data: []byte(`
kind: policy
id: cards-leave
name: Card numbers leave the organisation
mode: enforce
when: direction == "outbound" && findings.credit_card.high >= 3 && recipient.outside
then: { hold: { approver: manager, for: 48h, then: refuse } }
`)}}, policy.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	v := policy.Decide(set, policy.Facts{
		Direction:  policy.Outbound,
		Recipients: []policy.Party{{Address: "bob@fabrikam.example"}, {Address: "eve@contoso.example", Inside: true}},
		Findings:   []policy.Finding{{Type: "CREDIT_CARD", Name: "plan.docx", Count: 3, Confidence: "high"}},
	}, policy.Gates{mail.Encrypted: policy.Closed})
	for _, r := range v.Recipients {
		fmt.Println(r.Address, r.Action, r.Rules, r.Because)
	}
	// Output:
	// bob@fabrikam.example hold [cards-leave] 3 card numbers (high) in plan.docx go outside
	// eve@contoso.example deliver []
}

func ExampleLoad() {
	_, err := policy.Load([]policy.File{{Name: "cards.yaml", Data: []byte(`kind: policy
id: cards-leave
mode: enforce
when: findings.credit_crad.high >= 3
then: block
`)}}, policy.Options{})
	fmt.Println(err)
	// Output:
	// cards.yaml:4:16: there is no field or detector "credit_crad"; did you mean "credit_card"?
	//   | when: findings.credit_crad.high >= 3
	//   |                ^
}

func ExampleWords() {
	fmt.Println(policy.Words("CREDIT_CARD", 3))
	fmt.Println(policy.Words("iban", 1))
	// Output:
	// 3 card numbers
	// a bank account number (IBAN)
}
