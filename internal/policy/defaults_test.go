package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/mail"
)

const defaultsText = `kind: defaults
id: installation
mode: log
hold: { approver: compliance@contoso.example, for: 24h, text: "Ask compliance." }
---
kind: defaults
id: contoso
tenants: [contoso]
mode: enforce
hold: { for: 8h }
---
kind: defaults
id: sales
tenants: [contoso]
group: Sales@contoso.example
mode: override
priority: 5
hold: { approver: manager }
---
kind: policy
id: cards
when: recipient.outside
exceptions:
  - { id: small, when: size < 10, then: hold }
then: hold
---
kind: policy
id: own
mode: enforce
priority: 10
when: recipient.outside && findings.credit_card.high >= 3
then: { hold: { for: 1h } }
`

func TestDefaultsAreInherited(t *testing.T) {
	t.Parallel()
	s := load(t, defaultsText)
	in, out := []string{"sales@contoso.example"}, []string{}
	for _, tt := range []struct {
		name, tenant string
		groups       []string
		rule         string
		action       Action
		spans        time.Duration
		approver     string
	}{
		{"the installation only logs", "other", out, "own", HoldFor, time.Hour, "compliance@contoso.example"},
		{"a tenant enforces and holds shorter", "contoso", out, "own", HoldFor, time.Hour, "compliance@contoso.example"},
		{"of a group the manager decides", "contoso", in, "own", HoldFor, time.Hour, "manager"},
	} {
		f := facts()
		f.Tenant, f.Sender.Groups, f.User = tt.tenant, tt.groups, Party{Groups: tt.groups}
		r := Decide(s, f, nil).Recipients[0]
		if r.Action != tt.action || r.Rules[0] != tt.rule || r.Hold.For != tt.spans || r.Hold.Approvers[0] != tt.approver || len(r.Unknown) > 0 {
			t.Errorf("%s: %s %v %+v %v", tt.name, r.Action, r.Rules, r.Hold, r.Unknown)
		}
		wantMode := map[string]Mode{"other": ModeLog, "contoso": ModeEnforce}[tt.tenant]
		if len(tt.groups) > 0 {
			wantMode = ModeOverride
		}
		if l := r.Lost[0]; l.Rule != "cards" || l.Mode != wantMode {
			t.Errorf("%s: the other one is %+v", tt.name, l)
		}
	}
	f := facts()
	f.Findings, f.Sender.Groups, f.User.Groups = nil, out, out
	r := Decide(s, f, nil).Recipients[0]
	if r.Rules[0] != "cards" || r.Hold.For != 8*time.Hour || r.Text != "Ask compliance." {
		t.Errorf("%v %+v", r.Rules, r.Hold)
	}
	f.Size = 5
	if r := Decide(s, f, nil).Recipients[0]; r.Rules[0] != "cards/small" || r.Hold.For != 8*time.Hour {
		t.Errorf("an exception inherits too: %+v", r)
	}
}

func TestTheStricterDefaultsCountWhereNobodyKnowsTheGroup(t *testing.T) {
	t.Parallel()
	s := load(t, defaultsText)
	f := facts()
	f.Findings = nil
	r := Decide(s, f, nil).Recipients[0]
	if r.Action != HoldFor || r.Won[0].Mode != ModeEnforce || len(r.Unknown) != 1 || r.Unknown[0].Rule != "sales" {
		t.Errorf("%+v", r)
	}
	f.Tenant = "other"
	if r := Decide(s, f, nil).Recipients[0]; len(r.Unknown) != 0 || r.Action != LogOnly {
		t.Errorf("another tenant has no such group: %+v", r)
	}
}

func TestDefaultsShowWhereEachValueComesFrom(t *testing.T) {
	t.Parallel()
	s := load(t, defaultsText)
	var got []string
	for _, v := range s.Show("contoso", "sales@contoso.example") {
		got = append(got, fmt.Sprintf("%s %s = %s (%s)", v.Policy, v.Key, v.Value, v.Origin))
	}
	for _, want := range []string{
		"cards mode = override (policy.yaml:16)", "cards priority = 5 (policy.yaml:17)", "cards sender = envelope (built in)",
		"cards hold.approver = manager (policy.yaml:18)", "cards hold.for = 8h (policy.yaml:10)",
		"cards hold.text = Ask compliance. (policy.yaml:4)", "cards hold.then = refuse (built in)",
		"own mode = enforce (policy.yaml:29)", "own hold.for = 1h (policy.yaml:32)", "own priority = 10 (policy.yaml:30)",
		"cards/small hold.for = 8h (policy.yaml:10)",
	} {
		if !strings.Contains(strings.Join(got, "\n")+"\n", want+"\n") {
			t.Errorf("%s is not in\n%s", want, strings.Join(got, "\n"))
		}
	}
}

func TestMistakesOfDefaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ old, new, want string }{
		{"mode: log", "mode: logg", `did you mean "log"`},
		{"mode: log\n", "", `a policy needs "mode", where no defaults`},
		{"id: contoso\ntenants: [contoso]", "id: contoso", `the defaults "installation" are for the same`},
		{"hold: { for: 8h }", "hold: { delay: 8h }", "a delay is no default"},
		{"hold: { for: 8h }", "hold: { fro: 8h }", `did you mean "for"`},
		{"hold: { for: 8h }", "hold: { for: 30m, remind: 20m }", ""},
		{"mode: log\n", "mode: log\noverride: { remind: 2h }\n", ""},
		{"then: { hold: { for: 1h } }", "then: { hold: { for: 1h, remind: 30m } }", ""},
		{"hold: { for: 8h }", "hold: { remind: 2h }", "with its defaults it reminds after the time (1h0m0s) is over"},
		{"approver: compliance@contoso.example", "approver: [a@x.example, b@x.example], of: 2", "with its defaults 2 of 1 approvers must agree"},
	} {
		_, err := Load([]File{{"policy.yaml", []byte(strings.Replace(defaultsText, tt.old, tt.new, 1))}}, Options{})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v", tt.new, err)
		}
	}
	if _, err := Load([]File{{"p", []byte("kind: defaults\nid: a\n")}}, Options{}); err == nil {
		t.Error("defaults that say nothing")
	}
	o := Options{Actions: []Action{Deliver, LogOnly, Override}}
	if _, err := Load([]File{{"p", []byte(defaultsText)}}, o); err == nil || !strings.Contains(err.Error(), `cannot carry out the action "hold"`) {
		t.Error("what a tenant's mode makes of a policy was not checked:", err)
	}
}

func TestEditionsDecideAsWithoutTheIndex(t *testing.T) {
	t.Parallel()
	s := load(t, defaultsText)
	for _, groups := range [][]string{nil, {}, {"sales@contoso.example"}} {
		for _, size := range []int64{5, 500} {
			f := facts()
			f.Sender.Groups, f.User, f.Size = groups, Party{Address: mail.Address("x@y.example"), Groups: groups}, size
			fast, slow := &decision{set: s, facts: &f, moment: s.moment(&f)}, &decision{set: s, facts: &f, moment: s.moment(&f), naive: true}
			if d := cmp.Diff(slow.decide(nil), fast.decide(nil)); d != "" {
				t.Errorf("%v: %s", groups, d)
			}
		}
	}
}

func TestAReplayKnowsWhereItDoesNotKnowTheGroup(t *testing.T) {
	t.Parallel()
	s := load(t, strings.Replace(defaultsText, "mode: override", "mode: \"off\"", 1))
	f := facts()
	f.Findings = nil
	p := Replay(s, f, nil)
	if p.Known(0) || p.Least.Recipients[0].Action != Deliver || p.Most.Recipients[0].Action != HoldFor ||
		len(p.Missing) == 0 || p.Missing[0] != "whether the sender belongs to sales@contoso.example" {
		t.Errorf("%v: %s to %s", p.Missing, p.Least.Recipients[0].Action, p.Most.Recipients[0].Action)
	}
	f.Sender.Groups, f.User.Groups = []string{}, []string{}
	if p := Replay(s, f, nil); !p.Known(0) || len(p.Missing) > 0 {
		t.Errorf("it is known: %v", p.Missing)
	}
}
