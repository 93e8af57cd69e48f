package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// facts are those of an outgoing message with three card numbers to one
// recipient inside and two outside.
func facts() Facts {
	return Facts{
		Schema: Schema, Tenant: "contoso", Direction: Outbound, Kind: "inline-out",
		Sender: Party{Address: "ann@contoso.example", Inside: true},
		From:   []Party{{Address: "ann@contoso.example", Inside: true}},
		Recipients: []Party{{Address: "bob@fabrikam.example", Inside: false}, {Address: "eve@adatum.example", Inside: false},
			{Address: "boss@contoso.example", Inside: true}},
		Subject: "for you", Size: 2000, Headers: map[string][]string{},
		Findings: []Finding{{Type: "CREDIT_CARD", Detector: "credit-card", Part: "1.2", Name: "plan.docx", Count: 3,
			Confidence: "high"}},
		Now: noon,
	}
}

func policyText(id string, mode Mode, when, then string) string {
	return fmt.Sprintf("kind: policy\nid: %s\nmode: \"%s\"\nwhen: '%s'\nthen: %s\n", id, mode, when, then)
}

func thenOf(a Action) string {
	switch a {
	case SetHeader:
		return "{ header: { set: { X-Postern-Action: Quarantine } } }"
	case Copy, Redirect:
		return fmt.Sprintf("{ %s: { to: [archive@contoso.example] } }", a)
	}
	return string(a)
}

func TestTheContractsPolicyDecides(t *testing.T) {
	t.Parallel()
	v := Decide(load(t, contractPolicy), facts(), nil)
	var got []string
	for _, r := range v.Recipients {
		got = append(got, fmt.Sprintf("%s %s %s", r.Address, r.Action, r.Because))
	}
	want := []string{
		"bob@fabrikam.example deliver ",
		"eve@adatum.example hold 3 card numbers (high) in plan.docx go outside",
		"boss@contoso.example hold 3 card numbers (high) in plan.docx stay inside",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	h := v.Recipients[1].Hold
	if h == nil || h.Rule != "cards-leave" || h.For != 48*time.Hour || h.Then != EndRefuse || h.Approvers[0] != "manager" {
		t.Errorf("hold %+v", h)
	}
	if v.Recipients[1].Won[0].Place != "policy.yaml:2" || v.Inspected != "full" || v.Defer {
		t.Errorf("%+v", v)
	}
}

// TestEveryPairOfActionsAndModes checks all pairs of actions in all pairs of
// modes: one rule for everybody, one for the first recipient only.
func TestEveryPairOfActionsAndModes(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	id := func(a Action, m Mode, n int) string { return fmt.Sprintf("r%d-%s-%s", n, a, m) }
	single := map[string]*Rule{}
	for n, when := range []string{"true", `recipient.domain == "fabrikam.example"`} {
		for _, a := range Actions() {
			for _, m := range Modes() {
				b.WriteString(policyText(id(a, m, n), m, when, thenOf(a)) + "---\n")
			}
		}
	}
	for _, r := range load(t, b.String()).rules {
		single[r.ID] = r
	}
	for _, a1 := range Actions() {
		for _, m1 := range Modes() {
			for _, a2 := range Actions() {
				for _, m2 := range Modes() {
					s := &Set{rules: []*Rule{single[id(a1, m1, 0)], single[id(a2, m2, 1)]}}
					v := Decide(s, facts(), nil)
					both := strongest([]Action{m1.Effective(a1), m2.Effective(a2)})
					want := []Action{both, m1.Effective(a1), m1.Effective(a1)}
					for i, r := range v.Recipients {
						checkPair(t, fmt.Sprintf("%s/%s and %s/%s, recipient %d", a1, m1, a2, m2, i), r, want[i])
						matched := 0
						for n, m := range []Mode{m1, m2} {
							if m != ModeOff && (n == 0 || i == 0) {
								matched++
							}
						}
						if len(r.Won)+len(r.Lost) != matched {
							t.Errorf("%s/%s and %s/%s: %d won, %d lost", a1, m1, a2, m2, len(r.Won), len(r.Lost))
						}
					}
				}
			}
		}
	}
}

func checkPair(t *testing.T, name string, r RecipientVerdict, want Action) {
	t.Helper()
	if r.Action != want || r.AtMost != want {
		t.Errorf("%s: %s (at most %s), want %s", name, r.Action, r.AtMost, want)
	}
	if (r.Hold != nil) != (want == HoldFor || want == Override) {
		t.Errorf("%s: %s has hold %+v", name, want, r.Hold)
	}
	if (len(r.Redirect) > 0) != (want == Redirect) {
		t.Errorf("%s: %s is redirected to %v", name, want, r.Redirect)
	}
	if want == SetHeader && len(r.Headers) != 1 || want == Copy && len(r.Copy) != 1 || want == Notify && !r.Notify {
		t.Errorf("%s: %+v", name, r)
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		mode   Mode
		action Action
		want   Action
		would  Action
	}{
		{"off does nothing", ModeOff, Block, Deliver, ""},
		{"log records what would have been done", ModeLog, Block, LogOnly, Block},
		{"log sets no header", ModeLog, SetHeader, LogOnly, SetHeader},
		{"notify delivers and tells the sender", ModeNotify, HoldFor, Notify, HoldFor},
		{"notify does not copy", ModeNotify, Copy, Notify, Copy},
		{"override lets the sender choose", ModeOverride, Block, Override, Block},
		{"override leaves what is weaker", ModeOverride, Redirect, Redirect, ""},
		{"enforce does what is written", ModeEnforce, Block, Block, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := Decide(load(t, policyText("a", tt.mode, "true", thenOf(tt.action))), facts(), nil).Recipients[0]
			if r.Action != tt.want || r.Would != tt.would {
				t.Errorf("%s, would %q", r.Action, r.Would)
			}
		})
	}
}

func TestOrderAmongEqualActions(t *testing.T) {
	t.Parallel()
	hold := func(id, approver string, priority int) string {
		return policyText(id, ModeEnforce, "true", "{ hold: { approver: "+approver+" } }") +
			fmt.Sprintf("priority: %d\n---\n", priority)
	}
	v := Decide(load(t, hold("b", "b@x.example", 5)+hold("a", "a@x.example", 7)+hold("c", "c@x.example", 5)), facts(), nil)
	r := v.Recipients[0]
	if d := cmp.Diff([]string{"b"}, r.Rules); d != "" || r.Hold.Approvers[0] != "b@x.example" {
		t.Errorf("%s %+v", d, r.Hold)
	}
	if len(r.Lost) != 2 || r.Lost[0].Rule != "c" || r.Lost[1].Rule != "a" ||
		r.Lost[0].Why != `"b" decides the hold: it comes first` {
		t.Errorf("%+v", r.Lost)
	}
}

func TestHeadersAndCopiesAddUp(t *testing.T) {
	t.Parallel()
	text := policyText("a", ModeEnforce, "true", "{ header: { set: { X-One: a }, append: { X-Two: a } } }") + "---\n" +
		policyText("b", ModeEnforce, "true",
			"{ header: { set: { x-one: b }, append: { X-Two: b } }, copy: { to: [c@x.example] } }") +
		"---\n" + policyText("c", ModeEnforce, "true", "{ block: { text: No. }, copy: { to: [C@x.example, d@x.example] } }")
	r := Decide(load(t, text), facts(), nil).Recipients[0]
	want := []Header{{"X-One", "a", Replace}, {"X-Two", "a", Append}, {"X-Two", "b", Append}}
	if d := cmp.Diff(want, r.Headers); d != "" {
		t.Error(d)
	}
	if r.Action != Block || len(r.Copy) != 2 || r.Text != "No." {
		t.Errorf("%+v", r)
	}
}

func TestAHeaderThatMustNotBeThere(t *testing.T) {
	t.Parallel()
	s := load(t, policyText("a", ModeEnforce, "true", "{ header: { fail: { X-Class: red } } }"))
	if d := cmp.Diff([]string{"x-class"}, s.Headers()); d != "" {
		t.Fatal(d)
	}
	for _, tt := range []struct {
		name    string
		headers map[string][]string
		want    Action
	}{
		{"it is not there", map[string][]string{"x-class": {}}, SetHeader},
		{"it is there", map[string][]string{"x-class": {"green"}}, HoldFor},
		{"nobody looked", nil, HoldFor},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts()
			f.Headers = tt.headers
			v := Decide(s, f, nil)
			if v.Recipients[0].Action != tt.want || (v.Code == problem.HeaderExists) != (tt.want == HoldFor) {
				t.Errorf("%+v", v)
			}
		})
	}
}

func TestGatesOfEveryCause(t *testing.T) {
	t.Parallel()
	defaults := map[mail.Cause]Gate{"engine-down": Closed, "engine-failed": Closed, "out-of-time": Open, "encrypted": Open,
		"too-large": Open, "malformed": Open, "ambiguous": Closed, "too-deep": Closed, "too-many-parts": Closed,
		"unsupported": Open, "a-cause-of-the-future": Closed}
	for cause, byDefault := range defaults {
		for _, g := range []Gates{nil, {cause: Open}, {cause: Closed}} {
			for _, history := range []struct {
				deferrals int
				deferring time.Duration
			}{{0, 0}, {2, 29 * time.Minute}, {3, 5 * time.Minute}, {1, 30 * time.Minute}} {
				f := facts()
				f.Findings = nil
				f.Unseen = []mail.Unseen{{Part: "1.2", Reason: cause}}
				f.Deferrals, f.Deferring = history.deferrals, history.deferring
				gate := byDefault
				if g != nil {
					gate = g[cause]
				}
				name := fmt.Sprintf("%s, gate %s, %v", cause, gate, history)
				over := history.deferrals >= 3 || history.deferring >= 30*time.Minute
				v := Decide(nil, f, g)
				wantDefer := gate == Closed && cause.Passing() && !over
				wantHold := gate == Closed && !wantDefer
				if v.Defer != wantDefer {
					t.Errorf("%s: defer %v", name, v.Defer)
				}
				for _, r := range v.Recipients {
					if (r.Action == HoldFor) != wantHold || (r.Action == Deliver) == wantHold {
						t.Errorf("%s: %s", name, r.Action)
					}
				}
				if !strings.HasPrefix(v.Inspected, "partial") {
					t.Errorf("%s: inspected %q", name, v.Inspected)
				}
				f.Monitor = true
				if w := Decide(nil, f, g); w.Defer || w.Recipients[0].Action != Deliver {
					t.Errorf("%s: a copy is refused: %+v", name, w)
				}
			}
		}
	}
}

func TestGatesAndRules(t *testing.T) {
	t.Parallel()
	set := func(a Action) *Set { return load(t, policyText("a", ModeEnforce, "true", thenOf(a))) }
	unseen := func(causes ...mail.Cause) Facts {
		f := facts()
		for _, c := range causes {
			f.Unseen = append(f.Unseen, mail.Unseen{Part: "1", Reason: c})
		}
		return f
	}
	if v := Decide(set(Block), unseen(mail.EngineDown, mail.Ambiguous), nil); v.Defer || v.Recipients[0].Action != Block {
		t.Errorf("what is blocked for everybody is not deferred: %+v", v)
	}
	v := Decide(set(HoldFor), unseen(mail.Ambiguous), nil)
	if r := v.Recipients[0]; r.Hold.Rule != "a" || !slices.Equal(r.Hold.Causes, []mail.Cause{mail.Ambiguous}) {
		t.Errorf("a hold by a rule keeps its rule: %+v", r.Hold)
	}
	v = Decide(set(Redirect), unseen(mail.Ambiguous), nil)
	if r := v.Recipients[0]; r.Action != HoldFor || len(r.Rules) != 0 || len(r.Lost) != 1 || r.Redirect != nil {
		t.Errorf("a gate overrules what is weaker: %+v", r)
	}
	if v.Recipients[0].Because != "the message can be read in two ways" {
		t.Error(v.Recipients[0].Because)
	}
	v = Decide(nil, unseen(mail.Encrypted, mail.TooLarge), nil)
	if v.Inspected != "partial; reason=encrypted,too-large" || v.Recipients[0].Action != Deliver {
		t.Errorf("open gates deliver and mark: %+v", v)
	}
}

func TestARuleThatCannotBeEvaluatedIsNeverSilent(t *testing.T) {
	t.Parallel()
	for _, a := range Actions() {
		for _, m := range Modes() {
			s := load(t, policyText("a", m, `header("X-Class") == "red"`, thenOf(a)))
			f := facts()
			f.Headers = nil
			v := Decide(s, f, nil)
			r := v.Recipients[0]
			protects := m.Effective(a).Protects()
			if v.Defer != protects {
				t.Errorf("%s/%s: defer %v", a, m, v.Defer)
			}
			if m != ModeOff && (len(r.Unknown) != 1 || r.Unknown[0].Code != problem.RuleUnknown ||
				r.Unknown[0].Why != "header X-Class cannot be known") {
				t.Errorf("%s/%s is not recorded: %+v", a, m, r)
			}
			if r.AtMost != m.Effective(a) {
				t.Errorf("%s/%s: at most %s", a, m, r.AtMost)
			}
			f.Deferrals = 3
			if r := Decide(s, f, nil).Recipients[0]; (r.Action == HoldFor) != protects {
				t.Errorf("%s/%s after three deferrals: %s", a, m, r.Action)
			}
			if v := Decide(s, f, Gates{mail.EngineFailed: Open}); v.Recipients[0].Action != Deliver {
				t.Errorf("%s/%s with an open gate: %+v", a, m, v)
			}
		}
	}
}

func TestThreeValues(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, when, unless string
		want               answer
	}{
		{"an unknown value makes the answer unknown", "findings.nl_bsn.total > 0", "", cannotKnow},
		{"false and unknown is false", `findings.nl_bsn.total > 0 && direction == "inbound"`, "", no},
		{"true or unknown is true", `findings.nl_bsn.total > 0 || direction == "outbound"`, "", yes},
		{"not unknown is unknown", "!(findings.nl_bsn.total > 0)", "", cannotKnow},
		{"a known count of a type that was not listed is known", "findings.credit_card.high == 3", "", yes},
		{"an unknown exception makes a match unknown", "true", "findings.nl_bsn.total > 0", cannotKnow},
		{"a true exception decides over an unknown condition", "findings.nl_bsn.total > 0", "size > 0", no},
		{"an exception of what does not match is nothing", "false", "findings.nl_bsn.total > 0", no},
		{"a header that was not looked for is unknown", `headers("X-Other").size() == 0`, "", cannotKnow},
		{"an index that is not there is an error, not a no", `headers("X-Class")[3] == "a"`, "", cannotKnow},
		{"a division by zero is an error, not a no", "size / deferrals > 3", "", cannotKnow},
		{"an erased subject is unknown", `subject == "x"`, "", cannotKnow},
		{"a list of what is unknown is unknown", `labels.exists(l, l.name == "x")`, "", cannotKnow},
		{"what reaches its cost limit is unknown",
			`recipients.exists(a, recipients.exists(b, a.address + b.address == "x"))`, "",
			cannotKnow},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := policyText("a", ModeEnforce, tt.when, "block")
			if tt.unless != "" {
				text += "unless: '" + tt.unless + "'\n"
			}
			f := facts()
			f.Detectors = []string{"iban"}
			f.Headers["x-class"] = []string{"a"}
			f.Unknown = []string{"subject", "labels"}
			if strings.HasPrefix(tt.name, "what reaches") {
				for i := range 1000 {
					f.Recipients = append(f.Recipients, Party{Address: mail.Address(fmt.Sprintf("u%d@x.example", i))})
				}
				f.Recipients = f.Recipients[len(f.Recipients)-1000:]
			}
			r := Decide(load(t, text), f, Gates{mail.EngineFailed: Open}).Recipients[0]
			got := no
			switch {
			case len(r.Unknown) > 0:
				got = cannotKnow
			case r.Action == Block:
				got = yes
			}
			if got != tt.want {
				t.Errorf("%d, want %d; %+v", got, tt.want, r)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Findings = append(f.Findings, Finding{Type: "IBAN", Count: 2, Confidence: "medium"},
		Finding{Type: "IBAN", Count: 1, Confidence: "low"})
	f.Labels = []Label{{Scheme: "msip", ID: "42", Name: "Confidential", Part: "1.2"}}
	f.Attachments = []Attachment{{Name: "Plan.DOCX", Type: "application/zip", Size: 5 << 20, Encrypted: true}}
	f.Unseen = []mail.Unseen{{Part: "1.2", Reason: mail.Encrypted}}
	f.Headers["x-class"] = []string{"a", "b"}
	for _, when := range []string{
		`findings.credit_card.total == 3 && findings.credit_card.low == 3 && findings.credit_card.medium == 3`,
		`findings.iban.high == 0 && findings.iban.medium == 2 && findings.iban.low == 3`,
		`sender.domain == "contoso.example" && sender.inside && sender.local == "ann"`,
		`all(from, a, a.address == sender.address)`,
		`recipients.exists(r, r.outside) && size(recipients) == 3`,
		`labels.exists(l, l.name == "Confidential" && l.scheme == "msip")`,
		`attachments.exists(a, a.extension == "docx" && a.encrypted && a.size > 1000)`,
		`unseen.exists(u, u.reason == "encrypted") && inspected == "partial"`,
		`header("X-Class") == "a" && headers("x-class").size() == 2 && header("X-Class").lower() == "a"`,
		`now.getHours("Europe/Amsterdam") == 13 && now.getDayOfWeek() == 0`,
		`!automatic && !null_sender && !calendar && !ooo && !monitor && !tls.used && passes == 0`,
		`subject.matches("(?i)FOR") && kind == "inline-out" && tenant == "contoso" && size > 1000`,
		`sender . in ("us") && !recipient.in("them") // .in("nobody")`,
		`direction in ["outbound", "internal"] && ".in(" != ''''`,
	} {
		text := policyText("a", ModeEnforce, strings.ReplaceAll(when, "''''", `""`), "block") +
			"---\nkind: list\nid: us\nmembers: contoso.example\n---\nkind: list\nid: them\nmembers: [x.example]\n"
		s := load(t, text)
		for _, h := range s.Headers() {
			if f.Headers[h] == nil {
				f.Headers[h] = []string{}
			}
		}
		if r := Decide(s, f, nil).Recipients[0]; r.Action != Block {
			t.Errorf("%s: %+v", when, r)
		}
	}
}

func TestAutomaticMailStartsNoConversation(t *testing.T) {
	t.Parallel()
	for _, set := range []func(*Facts){
		func(f *Facts) { f.Automatic = true }, func(f *Facts) { f.NullSender = true }, func(f *Facts) { f.OOO = true },
	} {
		f := facts()
		set(&f)
		if r := Decide(load(t, policyText("a", ModeNotify, "true", "block")), f, nil).Recipients[0]; r.Notify {
			t.Error("the sender of automatic mail is told")
		}
		r := Decide(load(t, policyText("a", ModeOverride, "true", "block")), f, nil).Recipients[0]
		if r.Action != HoldFor || !r.Hold.Quiet || r.Hold.Override {
			t.Errorf("an override of automatic mail: %s %+v", r.Action, r.Hold)
		}
	}
}

func TestCopiesAreNeverRefused(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"copy", "journal"} {
		for _, a := range Actions() {
			f := facts()
			f.Kind = kind
			r := Decide(load(t, policyText("a", ModeEnforce, "true", thenOf(a))), f, nil).Recipients[0]
			want := weaker(a, LogOnly)
			if a == Notify || a == Copy {
				want = a
			}
			if r.Action != want || (a.Strength() > LogOnly.Strength() && want == LogOnly && r.Would != a) {
				t.Errorf("%s %s: %s, would %s", kind, a, r.Action, r.Would)
			}
		}
	}
}

func TestRulesOfOtherTenantsDoNotCount(t *testing.T) {
	t.Parallel()
	s := load(t, policyText("a", ModeEnforce, "true", "block")+"tenants: [northwind]\n")
	if r := Decide(s, facts(), nil).Recipients[0]; r.Action != Deliver {
		t.Error(r.Action)
	}
}

func TestBecause(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, when, want string }{
		{"several things", "findings.credit_card.high > 0 && findings.iban.total > 0",
			"3 card numbers (high) in plan.docx and a bank account number (IBAN) go outside"},
		{"one thing", "findings.iban.total > 0", "a bank account number (IBAN) goes outside"},
		{"a type without words", "findings.project_names.medium > 0",
			`2 findings of "project names" (medium) in a.txt and 2 other files go outside`},
		{"a label", `labels.size() > 0`, `the label "Confidential" goes outside`},
		{"nothing that has words", `size > 10`, `the rule "a" applies`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts()
			f.Labels = []Label{{Name: "Confidential"}, {Name: "Confidential", Part: "1.2"}}
			f.Findings = append(f.Findings, Finding{Type: "IBAN", Count: 1, Confidence: "low"},
				Finding{Type: "PROJECT_NAMES", Name: "a.txt", Count: 1, Confidence: "high"},
				Finding{Type: "PROJECT_NAMES", Name: "b.txt", Count: 0, Confidence: "high"},
				Finding{Type: "PROJECT_NAMES", Name: "c.txt", Count: 1, Confidence: "medium"})
			f.Findings = append(f.Findings, Finding{Type: "PROJECT_NAMES", Name: "d.txt", Count: 0, Confidence: "high"})
			want := strings.Replace(tt.want, "a.txt and 2 other files", "a.txt and c.txt", 1)
			s := load(t, policyText("a", ModeEnforce, tt.when, "block")+
				"---\nkind: dictionary\nid: project-names\nterms: [x]\n")
			if got := Decide(s, f, nil).Recipients[0].Because; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestFactsAcrossSchemas(t *testing.T) {
	t.Parallel()
	f := facts()
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ReadFacts(data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(f, back); d != "" {
		t.Error(d)
	}
	old := `{"schema":0,"tenant":"contoso","direction":"outbound","recipients":[{"address":"a@b.example","inside":false}],
		"size":{"octets":12},"findings":[],"detectors":null,"headers":{},"deferrals":0,"deferring":0,"kind":"",
		"monitor":false,
		"automatic":false,"null_sender":false,"ooo":false,"future":[1,2]}`
	got, err := ReadFacts([]byte(old))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"attachments", "auth", "bulk", "calendar", "directory", "excepted", "forwarded", "from", "inspected",
		"labels", "looked", "mailbox", "now", "other_headers", "own", "passes", "per_part", "recall", "redirected", "report",
		"sender", "size", "subject", "tls", "unseen", "user", "visible"}
	if d := cmp.Diff(want, got.Unknown); d != "" {
		t.Error(d)
	}
	s := load(t, policyText("a", ModeEnforce, "size > 10", "block")+"---\n"+
		policyText("b", ModeEnforce, `direction == "inbound"`, "block"))
	r := Decide(s, got, nil).Recipients[0]
	if len(r.Unknown) != 1 || r.Unknown[0].Rule != "a" || r.AtMost != Block {
		t.Errorf("%+v", r)
	}
	if _, err := ReadFacts([]byte("[")); err == nil {
		t.Error("half a document was read")
	}
}
