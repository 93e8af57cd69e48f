package policy

import (
	"fmt"
	"strings"
	"testing"
)

const branchPolicy = `kind: policy
id: cards
mode: enforce
when: findings.credit_card.high >= 3 && recipient.outside
exceptions:
  - id: card-team
    name: The card team may
    when: recipient.domain == "fabrikam.example"
  - id: told
    when: recipient.domain == "adatum.example" && header("X-Told") == "yes"
    then: { notify: { text: "Cards again." } }
then: { hold: { approver: manager } }
`

func TestExceptionsAreChildrenWithTheirOwnIDs(t *testing.T) {
	t.Parallel()
	s := load(t, branchPolicy)
	f := facts()
	f.Headers["x-told"] = []string{"yes"}
	v := Decide(s, f, nil)
	var got []string
	for _, r := range v.Recipients {
		line := fmt.Sprint(r.Action, r.Rules)
		for _, l := range r.Lost {
			line += " " + l.Rule + ": " + l.Why
		}
		got = append(got, line)
	}
	want := []string{
		`deliver[] cards: its exception "card-team" holds (policy.yaml:6)`,
		`notify[cards/told] cards: its exception "told" holds (policy.yaml:9)`,
	}
	if strings.Join(got[:2], "\n") != strings.Join(want, "\n") {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	if w := v.Recipients[1].Won[0]; w.Place != "policy.yaml:9" || v.Recipients[1].Text != "Cards again." {
		t.Errorf("%+v", w)
	}
	f.Headers = nil
	if r := Decide(s, f, nil).Recipients[1]; len(r.Unknown) != 1 || r.AtMost != HoldFor {
		t.Errorf("nobody knows whether the exception holds: %+v", r)
	}
	f.Headers = map[string][]string{"x-told": nil}
	if r := Decide(s, f, nil).Recipients[1]; r.Action != HoldFor || r.Rules[0] != "cards" {
		t.Errorf("no exception holds: %+v", r)
	}
	if s.Version() == load(t, strings.Replace(branchPolicy, "fabrikam", "northwind", 1)).Version() {
		t.Error("an exception changes no version")
	}
}

func TestMistakesOfExceptions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ old, new, want string }{
		{"id: told", "id: card-team", `has an exception "card-team" already`},
		{"{ notify: { text: \"Cards again.\" } }", "block", "an exception is not stronger than its policy"},
		{"id: told", "ip: told", `an exception has no key "ip"; did you mean "id"?`},
		{"\"adatum.example\" &&", "\"adatum.example\" & ", "policy.yaml:10"},
		{"  - id: card-team\n", "  - \n", `an exception needs "id"`},
	} {
		text := strings.Replace(branchPolicy, tt.old, tt.new, 1)
		_, err := Load([]File{{"policy.yaml", []byte(text)}}, Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.new, err)
		}
	}
	many := "kind: policy\nid: a\nmode: log\nwhen: \"true\"\nthen: log\nexceptions:\n"
	for i := range maxBranches + 1 {
		many += fmt.Sprintf("  - { id: x%d, when: \"false\" }\n", i)
	}
	if _, err := Load([]File{{"p", []byte(many)}}, Options{}); err == nil || !strings.Contains(err.Error(), "50 exceptions at most") {
		t.Error(err)
	}
}

func TestTheSenderIsWhomThePolicyMeans(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Sender = Party{Address: "bounce+srs=x@contoso.example", Inside: true}
	f.Mailbox, f.User = Party{Address: "shop@contoso.example", Inside: true}, Party{Address: "ann@contoso.example", Inside: true}
	for _, tt := range []struct {
		subject string
		matches string
	}{
		{"", "bounce+srs=x"}, {"sender: envelope", "bounce+srs=x"}, {"sender: mailbox", "shop"}, {"sender: user", "ann"},
		{"sender: both", "shop ann"},
	} {
		for _, who := range []string{"bounce+srs=x", "shop", "ann"} {
			s := load(t, policyText("a", ModeEnforce, `sender.local == "`+who+`"`, "block")+tt.subject+"\n")
			got, want := Decide(s, f, nil).Recipients[0].Action == Block, strings.Contains(" "+tt.matches+" ", " "+who+" ")
			if got != want {
				t.Errorf("%s matches %s: %v", tt.subject, who, got)
			}
		}
	}
	s := load(t, policyText("a", ModeEnforce, "true", "block")+"sender: both\nunless: sender.local == \"ann\"\n")
	if r := Decide(s, f, nil).Recipients[0]; r.Action != Block {
		t.Error("an exception for one of the two is one for both")
	}
	f.User = f.Mailbox
	f.Mailbox.Address, f.User.Address = "ann@contoso.example", "ann@contoso.example"
	if r := Decide(s, f, nil).Recipients[0]; r.Action != Deliver {
		t.Error("the exception does not hold")
	}
	old := facts()
	old.Unknown = []string{"user"}
	s = load(t, policyText("a", ModeEnforce, `sender.local == "ann"`, "block")+"sender: user\n")
	if r := Decide(s, old, nil).Recipients[0]; len(r.Unknown) != 1 {
		t.Errorf("%+v", r)
	}
	if _, err := Load([]File{{"p", []byte(policyText("a", ModeLog, "true", "log") + "sender: mailbocks\n")}}, Options{}); err == nil ||
		!strings.Contains(err.Error(), `did you mean "mailbox"`) {
		t.Error(err)
	}
}
