package web

import (
	"context"
	"strings"
	"testing"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/policy/explain"
)

const samplePolicy = `kind: policy
id: cards-leave
name: Cards leave <b>
mode: enforce
when: recipient.outside && (findings.credit_card.high >= 3 || any(attachments, a, a.extension == "exe"))
unless: header("X-Class") == "free"
then: block
---
kind: policy
id: iban
mode: enforce
when: findings.iban.total > 0
then: { hold: {} }
`

// explainSample explains the samples as a house would.
func explainSample(_ context.Context, m audit.Message, to mail.Address, rule string) (e Explained, err error) {
	set, err := policy.Load([]policy.File{{Name: "rules.yaml", Data: []byte(samplePolicy)}}, policy.Options{})
	if err != nil {
		return e, err
	}
	f := policy.Facts{Schema: 1, Direction: policy.Outbound, Headers: map[string][]string{"x-class": {}}, Subject: m.Subject}
	for _, r := range m.Recipients {
		f.Recipients = append(f.Recipients, policy.Party{Address: r.Address})
		e.Recipients = append(e.Recipients, r.Address)
	}
	for _, x := range m.Findings {
		f.Findings = append(f.Findings, policy.Finding{Type: x.Type, Detector: x.Detector, Part: x.Part, Name: x.Name, Count: x.Count,
			Confidence: x.Confidence.String()})
	}
	x := explain.New(explain.Case{Set: set, Facts: f, Findings: m.Findings, Root: "/"})
	for _, r := range set.Rules() {
		e.Rules = append(e.Rules, RuleName{r.ID, r.Name})
	}
	asked, err := x.Asked(to)
	if err != nil {
		return e, err
	}
	e.Policy, e.Why = set.Version(), []explain.Why{}
	for _, i := range asked {
		if rule != "" {
			w, err := x.WhyNot(i, rule)
			if err != nil {
				return e, err
			}
			e.WhyNot = append(e.WhyNot, w)
			continue
		}
		w, err := x.Full(i)
		if err != nil {
			return e, err
		}
		e.Why = append(e.Why, w)
	}
	return e, nil
}

func TestThePageSaysWhyAndWhyNot(t *testing.T) {
	inBubble(t, samples, func(h *house) {
		if text := h.page("/m/K7TQ-0024", 200); !strings.Contains(text, `href="/m/01kay3m7ew0000000000000024/why"`) {
			t.Error("the message does not lead there")
		}
		text := h.page("/m/K7TQ-0024/why", 200)
		for _, want := range []string{"Cards leave &lt;b&gt;", "4012 •••• •••• 1881", "findings.credit_card.high &gt;= 3",
			"remove 1 of the 3 card numbers in customers.csv → deliver", "Why not this policy?"} {
			if !strings.Contains(text, want) {
				t.Errorf("the page does not say %q", want)
			}
		}
		text = h.page("/m/K7TQ-0024/why?rule=iban&to=bob@fabrikam.example", 200)
		for _, want := range []string{"findings.iban.total is 0, the rule wants &gt; 0", `<option value="iban" selected>`,
			"add an IBAN"} {
			if !strings.Contains(text, want) && !strings.Contains(text, "add a bank account number") {
				t.Errorf("the page does not say %q", want)
			}
		}
		h.page("/m/K7TQ-0024/why?rule=%3Cscript%3E", 400)
		h.page("/m/none/why", 404)
	})
}
