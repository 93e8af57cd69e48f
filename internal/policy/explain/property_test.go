package explain

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"math/rand/v2"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// atoms are the parts of which random conditions are made.
func atoms() []string {
	return []string{
		`direction == "outbound"`, `direction != "inbound"`, `recipient.outside`, `recipient.inside`,
		`recipient.domain == "fabrikam.example"`, `recipient.domain.endsWith(".example")`, `recipient.in("partners")`,
		`sender.in("team")`, `sender.address == "ann@contoso.example"`, `any(recipients, r, r.outside)`,
		`all(recipients, r, r.inside)`, `recipients.exists(r, r.domain == "mail.example")`, `size(recipients) > 2`,
		`findings.credit_card.high >= 3`, `findings.credit_card.total > 0`, `findings.nl_bsn.medium >= 2`,
		`findings.iban.total + findings.credit_card.total >= 5`, `findings.iban.total == 0`, `findings.nl_bsn.total < 4`,
		`header("X-Class") == "red"`, `header("X-Class").contains("green")`, `size(headers("X-Gone")) > 0`,
		`subject.lower().contains("secret")`, `subject.matches("(?i)offer [0-9]{2}")`, `size > 1000`, `size < 100`,
		`attachments.exists(a, a.extension == "docx")`, `attachments.exists(a, a.size > 5000 && !a.encrypted)`,
		`all(attachments, a, a.type.startsWith("application/"))`, `size(attachments) == 0`,
		`attachments.exists(a, a.extension in ["xls", "exe"])`, `labels.exists(l, l.name == "Confidential")`,
		`!any(labels, l, l.name.startsWith("Public"))`, `automatic`, `calendar`, `ooo`, `null_sender`,
		`none(unseen, u, u.reason == "encrypted")`, `inspected == "full"`, `tls.used`, `tls.version == "TLS 1.3"`,
		`passes > 1`, `deferrals == 0`, `now.getHours() >= 18`, `size / deferrals > 5`, `true`, `false`,
		`size > 500 ? recipient.outside : findings.iban.total > 0`, `(direction == "internal") == automatic`,
		`sender.domain == recipient.domain`, `kind == "inline-out"`, `tenant == "contoso"`,
		`attachments.exists_one(a, a.encrypted)`, `any(attachments, a, a.findings.credit_card.high >= 2)`,
		`none(attachments, a, a.findings.iban.total > 0)`, `recipient.first_contact`, `recipient.member("sales@contoso.example")`,
		`any(recipients, r, r.outside && r.first_contact)`, `auth.spf == "pass"`, `mailbox.inside`, `visible.to > 3`, `bulk || recall`,
	}
}

func condition(r *rand.Rand, depth int) string {
	list := atoms()
	if depth == 0 || r.IntN(3) == 0 {
		return list[r.IntN(len(list))]
	}
	switch r.IntN(5) {
	case 0, 1:
		return "(" + condition(r, depth-1) + " && " + condition(r, depth-1) + ")"
	case 2:
		return "(" + condition(r, depth-1) + " || " + condition(r, depth-1) + ")"
	case 3:
		return "!(" + condition(r, depth-1) + ")"
	}
	return "(" + condition(r, depth-1) + " && " + condition(r, depth-1) + " && " + condition(r, 0) + ")"
}

// base is a set of one rule for each action and mode, with lists.
func base(t testing.TB) *policy.Set {
	t.Helper()
	then := map[policy.Action]string{
		policy.SetHeader: "{ header: { fail: { X-Class: blue } } }", policy.Copy: "{ copy: { to: [c@contoso.example] } }",
		policy.Redirect: "{ redirect: { to: [d@contoso.example] } }",
	}
	var b strings.Builder
	for _, a := range policy.Actions() {
		for _, m := range policy.Modes() {
			text := then[a]
			if text == "" {
				text = string(a)
			}
			fmt.Fprintf(&b, "kind: policy\nid: %s-%s\nmode: %s\nwhen: header(\"X-Class\") == size(headers(\"X-Gone\")).string()\nthen: %s\n---\n", a, m, m, text)
		}
	}
	text := strings.ReplaceAll(b.String(), `header("X-Class") == size(headers("X-Gone")).string()`, `header("X-Class") == "x" && size(headers("X-Gone")) == 0`)
	text += `kind: list
id: partners
members: [fabrikam.example, "*.partner.example", bob@mail.example]
---
kind: list
id: team
members: [ann@contoso.example]
include: [partners]
`
	s, err := policy.Load([]policy.File{{Name: "base.yaml", Data: []byte(text)}}, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func randomFacts(r *rand.Rand) policy.Facts {
	party := func() policy.Party {
		a := pick(r, "ann@contoso.example", "boss@contoso.example", "bob@fabrikam.example", "bob@mail.example", "x@y.partner.example")
		p := policy.Party{Address: mail.Address(a), Inside: strings.HasSuffix(a, "contoso.example")}
		if r.IntN(2) == 0 {
			p.Groups = pick(r, []string{}, []string{"sales@contoso.example"})
			p.Contact = &policy.Contact{Count: r.IntN(2)}
		}
		return p
	}
	f := policy.Facts{
		Schema: policy.Schema, Tenant: "contoso", Kind: pick(r, "inline-out", "inline-in", "copy"),
		Sender: party(), Size: int64(r.IntN(3000)), Subject: pick(r, "", "Secret offer 12", "hello"),
		Headers: map[string][]string{}, Automatic: r.IntN(6) == 0, NullSender: r.IntN(9) == 0, Calendar: r.IntN(6) == 0,
		OOO: r.IntN(9) == 0, Passes: r.IntN(4), Deferrals: r.IntN(5), TLS: policy.TLS{Used: r.IntN(2) == 0, Version: "TLS 1.3"},
		Now:  time.Date(2026, 11, 23, r.IntN(24), 0, 0, 0, time.UTC),
		From: []policy.Party{}, Findings: []policy.Finding{}, Labels: []policy.Label{}, Attachments: []policy.Attachment{},
		Unseen: []mail.Unseen{},
	}
	for i := range 1 + r.IntN(3) {
		p := party()
		p.Address = mail.Address(strings.Replace(string(p.Address), "@", strconv.Itoa(i)+"@", 1))
		if i == 0 {
			p = party()
		}
		f.Recipients = append(f.Recipients, p)
	}
	direct(&f)
	for _, typ := range []string{"CREDIT_CARD", "IBAN", "NL_BSN"} {
		for range r.IntN(3) {
			f.Findings = append(f.Findings, policy.Finding{Type: typ, Detector: strings.ReplaceAll(strings.ToLower(typ), "_", "-"),
				Part: pick(r, "1", "2", "3.1"), Name: pick(r, "", "plan.docx", "list.xls"), Count: 1 + r.IntN(4), Here: 4,
				Confidence: pick(r, "low", "medium", "high")})
		}
	}
	for range r.IntN(3) {
		f.Attachments = append(f.Attachments, policy.Attachment{Name: pick(r, "plan.docx", "list.xls", "a.png"),
			Type: pick(r, "application/pdf", "image/png"), Size: int64(r.IntN(9000)), Encrypted: r.IntN(4) == 0,
			Part: pick(r, "2", "3", "")})
	}
	f.PerPart, f.Mailbox, f.User = r.IntN(2) == 0, f.Sender, f.Sender
	if r.IntN(2) == 0 {
		f.Auth = &policy.Auth{SPF: pick(r, "pass", "fail", "")}
	}
	if r.IntN(2) == 0 {
		f.Labels = append(f.Labels, policy.Label{Scheme: "msip", ID: "1", Name: pick(r, "Public", "Confidential")})
	}
	if r.IntN(4) == 0 {
		f.Unseen = append(f.Unseen, mail.Unseen{Part: "2", Name: "x.zip", Reason: pick(r, mail.Causes()...)})
	}
	if r.IntN(3) == 0 {
		f.Detectors = []string{"CREDIT_CARD"}
	}
	if r.IntN(4) > 0 {
		f.Headers["x-class"] = pick(r, []string{}, []string{"red"}, []string{"dark green"})
		f.Headers["x-gone"] = []string{}
	}
	if r.IntN(6) == 0 {
		f.Unknown = []string{pick(r, "subject", "size", "recipients", "labels", "attachments", "direction")}
	}
	return f
}

// figures count what was checked.
type figures struct {
	pairs, trees, whyNot, found, none, exhausted, policies int
	changes                                                [maxChanges + 1]int
}

// TestExplanationsHold checks every explanation of random policies and facts
// against Decide. POSTERN_EXPLAIN_PAIRS=10000 is the full run.
func TestExplanationsHold(t *testing.T) {
	t.Parallel()
	pairs := 150
	if n, err := strconv.Atoi(os.Getenv("POSTERN_EXPLAIN_PAIRS")); err == nil {
		pairs = n
	}
	seed := uint64(1)
	if n, err := strconv.Atoi(os.Getenv("POSTERN_EXPLAIN_SEED")); err == nil {
		seed = uint64(n)
	}
	b := base(t)
	all := b.Rules()
	var n figures
	var set *policy.Set
	var tracer *Explainer
	for i := range pairs {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		if i%3 == 0 { // three messages for each policy
			rules := make([]policy.Rule, 0, 4)
			for _, k := range r.Perm(len(all))[:1+r.IntN(4)] {
				rule := all[k]
				rule.When = condition(r, 2)
				if r.IntN(3) == 0 {
					rule.Unless = condition(r, 1)
				}
				if r.IntN(8) == 0 {
					rule.Tenants = []string{"other"}
				}
				rules = append(rules, rule)
			}
			var err error
			if set, err = b.Edited(rules); err != nil {
				t.Fatal(err)
			}
			tracer = nil
		}
		f := randomFacts(r)
		gates := policy.Gates{mail.EngineFailed: pick(r, policy.Open, policy.Closed)}
		x := New(Case{Set: set, Facts: f, Gates: gates})
		if tracer != nil {
			x = tracer.Again(f, gates)
		}
		tracer = x
		n.pairs++
		for who := range f.Recipients {
			holds(t, x, who, &n)
		}
		if t.Failed() {
			t.Fatalf("seed %d, pair %d", seed, i)
		}
	}
	t.Logf("%d pairs: %d trees agree with Decide, %d why-nots name a part that fails; %d counterfactuals flip "+
		"(%d with 1 change, %d with 2, %d with 3, %d with 4), %d searches found none, %d of them at the limit; %d changes of the policy flip",
		n.pairs, n.trees, n.whyNot, n.found, n.changes[1], n.changes[2], n.changes[3], n.changes[4], n.none, n.exhausted, n.policies)
}

func holds(t *testing.T, x *Explainer, who int, n *figures) {
	v := x.Verdict.Recipients[who]
	for _, r := range x.rules {
		if !x.inForce(r) {
			continue
		}
		tr, err := x.tracer.Rule(r, &x.Facts, who)
		if err != nil {
			t.Fatal(err)
		}
		n.trees++
		in := func(list []policy.Match) bool {
			return slices.ContainsFunc(list, func(m policy.Match) bool { return m.Rule == r.ID })
		}
		want := policy.False
		switch {
		case in(v.Unknown):
			want = policy.Unknown
		case in(v.Won) || in(v.Lost):
			want = policy.True
		}
		if tr.Truth != want {
			t.Errorf("%s unless %s: the tree says %s, Decide %s", r.When, r.Unless, tr.Truth, want)
		}
		agrees(t, tr.When)
		whyNotHolds(t, x, who, r, tr, n)
	}
	w, err := x.Why(who)
	if err != nil || len(w.Rules)+w.Others != len(x.rules) {
		t.Errorf("%d rules and %d others of %d: %v", len(w.Rules), w.Others, len(x.rules), err)
	}
	at := v.Action.Strength()
	flips(t, x, who, x.Weaker(who), n, func(v policy.Verdict, i int) bool {
		if x.Verdict.Defer {
			return !v.Defer
		}
		return !v.Defer && v.Recipients[i].Action.Strength() < at
	})
	flips(t, x, who, x.Stronger(who), n, func(v policy.Verdict, i int) bool {
		return !v.Defer && v.Recipients[i].Action.Strength() > at
	})
}

// agrees checks that the parts of a tree make the answer of the whole.
func agrees(t *testing.T, n *policy.Node) {
	count := map[policy.Truth]int{}
	for _, p := range n.Parts {
		count[p.Truth]++
		agrees(t, p)
	}
	ok := true
	switch n.Op {
	case "and", "all":
		ok = n.Truth == policy.False && (count[policy.False] > 0 || len(n.Parts) == 0) ||
			count[policy.False] == 0 && (n.Truth == policy.Unknown) == (count[policy.Unknown] > 0)
	case "or", "any":
		ok = n.Truth == policy.True && count[policy.True] > 0 || count[policy.True] == 0 &&
			(n.Truth == policy.Unknown) == (count[policy.Unknown] > 0)
	case "not":
		ok = n.Truth == n.Parts[0].Truth.Not()
	}
	if !ok {
		t.Errorf("%s is %s, its parts are %v", n.Text, n.Truth, count)
	}
}

// whyNotHolds checks that the named part fails, and that the rule is further
// when it does not.
func whyNotHolds(t *testing.T, x *Explainer, who int, r policy.Rule, tr policy.Trace, n *figures) {
	if tr.Truth == policy.True {
		return
	}
	var w WhyNot
	root, wants := tr.When, policy.True
	if tr.When.Truth == policy.True {
		root, wants = tr.Unless, policy.False
		w.Exception = true
	}
	x.failed(&w, tr)
	n.whyNot++
	if w.Failing == nil || w.Failing.Truth == w.Wants || w.Text == "" {
		t.Errorf("%s: %+v", r.When, w)
		return
	}
	fixed := replaced(root.Expr, w.Failing.Expr, &policy.Expr{Kind: policy.ExprLiteral, Value: w.Wants == policy.True})
	rules := slices.Clone(x.rules)
	for i := range rules {
		if rules[i].ID == r.ID && w.Exception {
			rules[i].Unless = fixed.String()
		} else if rules[i].ID == r.ID {
			rules[i].When = fixed.String()
		}
	}
	set, err := x.Set.Edited(rules)
	if err != nil {
		t.Errorf("%s: %v", fixed, err)
		return
	}
	rules = set.Rules()
	again, err := set.Tracer().Rule(rules[slices.IndexFunc(rules, func(o policy.Rule) bool { return o.ID == r.ID })], &x.Facts, who)
	if err != nil {
		t.Error(err)
		return
	}
	after := again.When
	if w.Exception {
		after = again.Unless
	}
	if after.Truth == wants {
		return
	}
	next, _ := failing(after, wants)
	if next.Text == w.Failing.Text && position(after, next) <= position(root, w.Failing) {
		t.Errorf("%s: with %s turned round, it fails at the same place", root.Text, w.Failing.Text)
	}
}

// position is the number of a part in the order of reading.
func position(root, part *policy.Node) int {
	at, found := 0, -1
	var walk func(n *policy.Node)
	walk = func(n *policy.Node) {
		if n == part && found < 0 {
			found = at
		}
		at++
		for _, p := range n.Parts {
			walk(p)
		}
	}
	walk(root)
	return found
}

// flips checks a counterfactual by applying it.
func flips(t *testing.T, x *Explainer, who int, s Search, n *figures, goal func(policy.Verdict, int) bool) {
	switch {
	case s.Found != nil:
		n.found++
		n.changes[len(s.Found.Changes)]++
		st := state{facts: x.Facts, who: who}
		for _, c := range s.Found.Changes {
			var ok bool
			if st, ok = st.with(c); !ok {
				t.Errorf("%s cannot be applied", c.Text)
				return
			}
		}
		v := policy.Decide(x.Set, st.facts, x.Gates)
		if !goal(v, st.who) || v.Recipients[st.who].Action != s.Found.Action {
			t.Errorf("%s: %s becomes %s", s.Found.Text(), x.Verdict.Recipients[who].Action, v.Recipients[st.who].Action)
		}
		for i := range s.Found.Changes { // none of them is for nothing
			if less, ok := x.replay(s.Found.Changes, i); ok && len(s.Found.Changes) > 1 &&
				goal(policy.Decide(x.Set, less.facts, x.Gates), less.who) {
				t.Errorf("%s: one change too many", s.Found.Text())
			}
		}
	case s.Tried > 0:
		n.none++
		if s.Exhausted {
			n.exhausted++
		}
	}
	if s.Policy != nil {
		n.policies++
		if v := policy.Decide(s.Policy.set, x.Facts, x.Gates); !goal(v, who) || v.Recipients[who].Action != s.Policy.Action {
			t.Errorf("%s does not flip", s.Policy.Text)
		}
	}
}
