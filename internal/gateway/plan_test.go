package gateway

import (
	"fmt"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/tenant"
)

func TestPlanForChoosesTheWay(t *testing.T) {
	all := func(actions ...policy.Action) policy.Verdict { return verdictOf(actions) }
	tests := []struct {
		name    string
		verdict policy.Verdict
		manner  manner
		want    way
	}{
		{"a clean message goes through", all(policy.Deliver, policy.LogOnly), manner{}, wayThrough},
		{"a header alone goes through", all(policy.SetHeader), manner{}, wayThrough},
		{"a block needs custody for its report", all(policy.Block), manner{}, wayCustody},
		{"a block for everybody is refused in the session when the tenant says so", all(policy.Block, policy.Block),
			manner{refuseInSession: true}, wayRefuse},
		{"a block for some is not", all(policy.Block, policy.Deliver), manner{refuseInSession: true}, wayCustody},
		{"a hold needs custody", all(policy.HoldFor), manner{}, wayCustody},
		{"a redirection needs custody", all(policy.Redirect), manner{}, wayCustody},
		{"a deferral beats everything", policy.Verdict{Defer: true, Recipients: all(policy.Block).Recipients}, manner{}, wayDefer},
		{"a watched message goes through whatever was decided", all(policy.Block, policy.HoldFor), manner{watching: true}, wayThrough},
		{"a watched message is never deferred", policy.Verdict{Defer: true, Recipients: all(policy.Deliver).Recipients},
			manner{watching: true}, wayThrough},
		{"a copy is only recorded", all(policy.Block), manner{copyOnly: true}, wayWatch},
		{"two next hops need custody", all(policy.Deliver, policy.Deliver), manner{hop: mail.Address.Local}, wayCustody},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.manner.hop == nil {
				test.manner.hop = func(mail.Address) string { return "mx" }
			}
			if p := planFor(recipientsOf(len(test.verdict.Recipients)), test.verdict, test.manner); p.way != test.want {
				t.Errorf("%s, want %s", p.String(), test.want)
			}
		})
	}
}

// Every mix of five recipients and the actions that differ in what is done:
// each recipient stands in exactly one place.
func TestPlanForLosesNobody(t *testing.T) {
	kinds := []policy.Action{policy.Deliver, policy.SetHeader, policy.Redirect, policy.HoldFor, policy.Block}
	mixes := 1
	for range 5 {
		mixes *= len(kinds)
	}
	for mix := range mixes {
		var actions []policy.Action
		for n := mix; len(actions) < 5; n /= len(kinds) {
			actions = append(actions, kinds[n%len(kinds)])
		}
		v := verdictOf(actions)
		p := planFor(recipientsOf(5), v, manner{hop: func(mail.Address) string { return "mx" }})
		seen := map[mail.Address]int{}
		want := map[mail.Address]policy.Action{}
		for _, r := range v.Recipients {
			want[r.Address] = r.Action
		}
		for _, g := range p.back {
			for _, r := range g.To {
				seen[r.Address]++
				if a := want[r.Address]; a != policy.Deliver && a != policy.SetHeader {
					t.Fatalf("%v: %s is handed back", actions, a)
				}
			}
		}
		for _, list := range [][]fate{p.held, p.blocked, p.redirected} {
			for _, f := range list {
				seen[f.to.Address]++
			}
		}
		if len(seen) != 5 {
			t.Fatalf("%v: %d of 5 have a place", actions, len(seen))
		}
		for a, n := range seen {
			if n != 1 {
				t.Fatalf("%v: %s has %d places", actions, a, n)
			}
		}
		if through := p.way == wayThrough; through && !p.alone() {
			t.Fatalf("%v: cut through with more to do", actions)
		}
	}
}

func TestPlanForGroups(t *testing.T) {
	v := verdictOf(make([]policy.Action, 250))
	for i := range v.Recipients {
		v.Recipients[i].Action = policy.Deliver
	}
	p := planFor(recipientsOf(250), v, manner{hop: func(mail.Address) string { return "mx" }})
	if len(p.back) != 3 || len(p.back[0].To) != maxGroup || len(p.back[2].To) != 50 || p.way != wayCustody {
		t.Errorf("%s", p.String())
	}
	twice := append(recipientsOf(2), recipientsOf(2)...)
	if p := planFor(twice, verdictOf([]policy.Action{policy.Deliver, policy.Deliver, policy.Deliver, policy.Deliver}),
		manner{hop: func(mail.Address) string { return "mx" }}); len(p.back[0].To) != 2 {
		t.Errorf("a recipient named twice gets two copies: %s", p.String())
	}
}

func TestPlanForAddsEverybodyOnce(t *testing.T) {
	v := verdictOf([]policy.Action{policy.Deliver, policy.Copy, policy.Block, policy.HoldFor})
	for i := range v.Recipients {
		v.Recipients[i].Added = []policy.Added{{Address: "R1@fabrikam.example"}, {Address: "legal@contoso.example"}}
	}
	v.Recipients[1].Copy = []mail.Address{"audit@contoso.example"}
	v.Recipients[1].Added = append(v.Recipients[1].Added, policy.Added{Address: "AUDIT@contoso.example"}, policy.Added{Address: "Legal@contoso.example"})
	p := planFor(recipientsOf(4), v, manner{hop: func(mail.Address) string { return "mx" }})
	if len(p.added) != 1 || p.added[0].To[0].Address != "legal@contoso.example" || p.way != wayCustody {
		t.Errorf("%s: %+v", p.String(), p.added)
	}
	for i := range v.Recipients {
		v.Recipients[i].Action = policy.Block
	}
	if p := planFor(recipientsOf(4), v, manner{}); len(p.added) != 0 {
		t.Errorf("somebody is added to a message that nobody gets: %s", p.String())
	}
}

func TestPlanForKeepsRecipientsWithOtherChangesApart(t *testing.T) {
	v := verdictOf(make([]policy.Action, 100))
	for i := range v.Recipients {
		v.Recipients[i].Action = policy.SetHeader
		switch i % 4 {
		case 1:
			v.Recipients[i].Headers = []policy.Header{{Name: "X-A", Value: "b"}}
		case 2:
			v.Recipients[i].Edit = policy.Edit{Tags: []string{"[A]"}}
		case 3:
			v.Recipients[i].Edit = policy.Edit{Hide: policy.HideAll}
		}
	}
	p := planFor(recipientsOf(100), v, manner{hop: func(mail.Address) string { return "mx" }})
	if len(p.back) != 4 || p.way != wayCustody {
		t.Fatalf("%s", p.String())
	}
	for i, g := range p.back {
		if len(g.To) != 25 || (len(g.Headers) == 1) != (i == 1) || (len(g.Edit.Tags) == 1) != (i == 2) || (g.Edit.Hide != "") != (i == 3) {
			t.Errorf("group %d: %+v", i, g)
		}
	}
}

func TestHowABlockIsTold(t *testing.T) {
	for _, tt := range []struct {
		name   string
		refuse []policy.Refuse
		m      manner
		want   way
	}{
		{"as the tenant says: report", []policy.Refuse{"", ""}, manner{}, wayCustody},
		{"as the tenant says: session", []policy.Refuse{"", ""}, manner{refuseInSession: true}, wayRefuse},
		{"as the policy says: session", []policy.Refuse{policy.RefuseSession}, manner{}, wayRefuse},
		{"as the policy says: report", []policy.Refuse{policy.RefuseReport}, manner{refuseInSession: true}, wayCustody},
		{"a report for one is a report for all", []policy.Refuse{policy.RefuseSession, policy.RefuseReport}, manner{refuseInSession: true}, wayCustody},
		{"a session for one is not one for all", []policy.Refuse{policy.RefuseSession, ""}, manner{}, wayCustody},
		{"nobody is there to be told", []policy.Refuse{policy.RefuseSession}, manner{noSender: true}, wayCustody},
	} {
		v := verdictOf(make([]policy.Action, len(tt.refuse)))
		for i := range v.Recipients {
			v.Recipients[i].Action, v.Recipients[i].Refuse = policy.Block, tt.refuse[i]
		}
		if p := planFor(recipientsOf(len(tt.refuse)), v, tt.m); p.way != tt.want {
			t.Errorf("%s: %s", tt.name, p.String())
		}
	}
}

// TestNothingWeakerThanThePolicySays: what cannot be done here is held or
// blocked.
func TestNothingWeakerThanThePolicySays(t *testing.T) {
	postern, opswat := tenant.Presets()[0], tenant.Presets()[3]
	for _, tt := range []struct {
		name   string
		preset tenant.Preset
		in     policy.RecipientVerdict
		want   policy.Action
		header string
	}{
		{"a hand-off becomes a field", postern, policy.RecipientVerdict{Action: policy.SetHeader, Handoff: []policy.Handoff{policy.Encrypt}},
			policy.SetHeader, "X-Postern-Action: Encrypt"},
		{"the strictest one", postern, policy.RecipientVerdict{Action: policy.SetHeader, Handoff: []policy.Handoff{policy.Quarantine, policy.Encrypt}},
			policy.SetHeader, "X-Postern-Action: Quarantine"},
		{"in the place of a field that a policy sets", postern, policy.RecipientVerdict{Action: policy.SetHeader,
			Headers: []policy.Header{{Name: "x-postern-action", Value: "Encrypt", Exists: policy.Append}}, Handoff: []policy.Handoff{policy.Moderate}},
			policy.SetHeader, "X-Postern-Action: Moderate"},
		{"a preset without the field holds", opswat, policy.RecipientVerdict{Action: policy.SetHeader, Handoff: []policy.Handoff{policy.Encrypt}}, policy.HoldFor, ""},
		{"another product's rules know no other verdict", tenant.Presets()[2],
			policy.RecipientVerdict{Action: policy.SetHeader, Handoff: []policy.Handoff{policy.Encrypt}}, policy.HoldFor, ""},
		{"even what only waits", opswat, policy.RecipientVerdict{Action: policy.HoldFor, Handoff: []policy.Handoff{policy.Encrypt},
			Hold: &policy.Hold{Terms: policy.Terms{Delay: true}}}, policy.HoldFor, ""},
		{"and does not weaken a block", opswat, policy.RecipientVerdict{Action: policy.Block, Handoff: []policy.Handoff{policy.Encrypt}}, policy.Block, ""},
		{"what should be secure waits", postern, policy.RecipientVerdict{Action: policy.Secure, Otherwise: policy.HoldFor}, policy.HoldFor, ""},
		{"or is blocked", postern, policy.RecipientVerdict{Action: policy.Secure, Otherwise: policy.Block}, policy.Block, ""},
	} {
		v := policy.Verdict{Recipients: []policy.RecipientVerdict{tt.in}}
		attainable(&v, &tenant.Tenant{Preset: tt.preset})
		r := v.Recipients[0]
		header := ""
		for _, h := range r.Headers {
			header += h.Name + ": " + h.Value
		}
		if r.Action != tt.want || header != tt.header || (r.Hold != nil) != (tt.want == policy.HoldFor) || r.Hold != nil && (r.Hold.Delay || r.Hold.For == 0) {
			t.Errorf("%s: %+v %+v", tt.name, r, r.Hold)
		}
	}
}

func recipientsOf(n int) []mail.Recipient {
	var list []mail.Recipient
	for i := range n {
		list = append(list, mail.Recipient{Address: mail.Address(fmt.Sprintf("r%d@fabrikam.example", i))})
	}
	return list
}

func verdictOf(actions []policy.Action) policy.Verdict {
	var v policy.Verdict
	for i, a := range actions {
		rv := policy.RecipientVerdict{Address: recipientsOf(len(actions))[i].Address, Action: a}
		switch a {
		case policy.HoldFor:
			rv.Hold = &policy.Hold{For: time.Hour, Then: policy.EndRefuse}
		case policy.SetHeader:
			rv.Headers = []policy.Header{{Name: "X-A", Value: "b"}}
		case policy.Redirect:
			rv.Redirect = []mail.Address{"boss@contoso.example"}
		}
		v.Recipients = append(v.Recipients, rv)
	}
	return v
}
