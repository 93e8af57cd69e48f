package mutation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

const policies = `kind: policy
id: cards-leave
mode: enforce
when: direction == "outbound" && findings.credit_card.high >= 3 && !recipient.in("partners")
unless: sender.in("card-team")
then: { hold: { approver: manager, for: 48h, then: refuse } }
---
kind: policy
id: ibans
mode: enforce
when: findings.iban.medium >= 2 || subject.contains("IBAN")
then: { notify: { text: x }, header: { set: { X-Class: finance } } }
---
kind: policy
id: files
mode: enforce
priority: 50
when: any(attachments, a, a.extension in ["exe", "js"]) && direction == "inbound"
then: block
---
kind: policy
id: elsewhere
mode: enforce
when: direction == "inbound" && size > 5000
then: { hold: { approver: boss@contoso.example, for: 1h, then: release } }
---
kind: policy
id: trial
mode: log
when: findings.nl_bsn.total > 0
then: block
---
kind: list
id: partners
members: [partner.example, ann@partner.example, "*.friends.example"]
---
kind: list
id: card-team
members: [carla@contoso.example]
---
kind: list
id: unused
members: [x.example]
`

// message is what a message of these tests says about itself.
type message struct {
	Dir, From, To, Subject      string
	Card, CardMedium, Iban, Bsn int
	IbanLevel                   string
	Files                       []string
	Size                        int64
}

func factsOf(data []byte, _ policy.Case) (policy.Facts, error) {
	var m message
	if err := json.Unmarshal(data, &m); err != nil {
		return policy.Facts{}, err
	}
	party := func(a, otherwise string) policy.Party {
		if a == "" {
			a = otherwise
		}
		return policy.Party{Address: mail.Address(a), Inside: strings.HasSuffix(a, "contoso.example")}
	}
	f := policy.Facts{
		Schema: policy.Schema, Tenant: "contoso", Direction: policy.Direction(m.Dir), Kind: "inline-out",
		Sender: party(m.From, "ann@contoso.example"), Recipients: []policy.Party{party(m.To, "bob@fabrikam.example")},
		Subject: m.Subject, Size: m.Size, Headers: map[string][]string{"x-class": {}},
	}
	if m.Dir == "" {
		f.Direction = policy.Outbound
	}
	add := func(typ, level string, n int) {
		if n > 0 {
			f.Findings = append(f.Findings, policy.Finding{Type: typ, Detector: strings.ToLower(typ), Part: "1", Count: n, Confidence: level})
		}
	}
	add("CREDIT_CARD", "high", m.Card)
	add("CREDIT_CARD", "medium", m.CardMedium)
	if m.IbanLevel == "" {
		m.IbanLevel = "medium"
	}
	add("IBAN", m.IbanLevel, m.Iban)
	add("NL_BSN", "low", m.Bsn)
	for _, name := range m.Files {
		f.Attachments = append(f.Attachments, policy.Attachment{Name: name})
	}
	return f, nil
}

// reference notices every change of the policies; weak only the coarsest.
const reference = `
{"Card":3} | expect: hold, rules: [cards-leave], approvers: [manager], then: refuse
{"Card":2} | expect: deliver
{"Card":2,"CardMedium":1} | expect: deliver
{"Card":3,"Dir":"internal"} | expect: deliver
{"Card":3,"Dir":"inbound"} | expect: deliver
{"Card":3,"To":"x@partner.example"} | expect: deliver
{"Card":3,"To":"x@a.friends.example"} | expect: deliver
{"Card":3,"From":"carla@contoso.example"} | expect: deliver
{"Iban":2} | expect: notify, rules: [ibans], headers: { X-Class: finance }, notify: true
{"Iban":1} | expect: deliver, headers: { X-Class: "" }
{"Iban":2,"IbanLevel":"low"} | expect: deliver
{"Iban":2,"IbanLevel":"high"} | expect: notify
{"Subject":"IBAN"} | expect: notify
{"Files":["a.exe","b.txt"],"Dir":"inbound"} | expect: block
{"Files":["a.js"],"Dir":"inbound"} | expect: block
{"Files":["a.exe"]} | expect: deliver
{"Files":["a.txt"],"Dir":"inbound"} | expect: deliver
{"Dir":"inbound","Size":5001} | expect: hold, rules: [elsewhere], approvers: [boss@contoso.example], then: release
{"Dir":"inbound","Size":5000} | expect: deliver
{"Dir":"inbound","Size":2501} | expect: deliver
{"Dir":"inbound","Size":7500} | expect: hold
{"Dir":"outbound","Size":9000} | expect: deliver
{"Bsn":1} | policy: trial, expect: block
`

const weak = `
{"Card":9} | expect: hold
{"Files":["a.exe"],"Dir":"inbound"} | expect: block
`

func suite(t testing.TB, s *policy.Set, text string) []policy.Examined {
	t.Helper()
	var files, expect strings.Builder
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		mail, want, ok := strings.Cut(line, " | ")
		if !ok {
			t.Fatal(line)
		}
		fmt.Fprintf(&files, "-- %d.eml --\n%s\n", i, mail)
		fmt.Fprintf(&expect, "- { mail: %d.eml, %s }\n", i, want)
	}
	cases, err := policy.ReadArchive("suite.txtar", []byte(files.String()+"-- expect.yaml --\n"+expect.String()))
	if err != nil {
		t.Fatal(err)
	}
	return policy.Examine(s, fstest.MapFS{}, factsOf, cases...)
}

func load(t testing.TB, text string) *policy.Set {
	t.Helper()
	s, err := policy.Load([]policy.File{{Name: "rules.yaml", Data: []byte(text)}}, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func gates(string) policy.Gates { return nil }

func TestAWeakSuiteGetsALowScore(t *testing.T) {
	t.Parallel()
	s := load(t, policies)
	good, err := Run(t.Context(), s, suite(t, s, reference), gates)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range good.Missed {
		t.Errorf("%s: %s (%s, %s) is missed by the reference", m.Place, m.Change, m.Kind, m.Policy)
	}
	poor, err := Run(t.Context(), s, suite(t, s, weak), gates)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("reference: %d of %d mutants noticed, %d equal, score %d; weak: %d noticed, score %d", good.Noticed, good.Mutants,
		good.Equal, good.Score, poor.Noticed, poor.Score)
	if good.Score != 100 || poor.Score > 40 || good.Broken > 0 || good.Equal == 0 {
		t.Errorf("%+v", good)
	}
	if good.Mutants != good.Tried || good.Tried != good.Noticed+good.Equal {
		t.Errorf("%d mutants, %d tried, %d noticed, %d equal", good.Mutants, good.Tried, good.Noticed, good.Equal)
	}
}

// TestFiftySeededMutantsAreFound draws 50 mutants by a seed: the reference
// suite turns red for each that can make another verdict.
func TestFiftySeededMutantsAreFound(t *testing.T) {
	t.Parallel()
	s := load(t, policies)
	all := Mutants(s)
	cases := suite(t, s, reference)
	r := rand.New(rand.NewPCG(50, 50))
	found, equal := 0, 0
	for _, i := range r.Perm(len(all))[:50] {
		var one Result
		one.try(all[i], s, cases, gates)
		found, equal = found+one.Noticed, equal+one.Equal
		for _, m := range one.Missed {
			t.Errorf("%s is missed", m.Change)
		}
	}
	t.Logf("50 seeded mutants: %d found, %d cannot make another verdict", found, equal)
	if found+equal != 50 || found < 40 {
		t.Errorf("%d found, %d equal", found, equal)
	}
}

// TestWhatIsCalledEqualMakesNoOtherVerdict tries mutants that are left out on
// random messages.
func TestWhatIsCalledEqualMakesNoOtherVerdict(t *testing.T) {
	t.Parallel()
	s := load(t, policies+`---
kind: policy
id: more
mode: enforce
when: findings.credit_card.high >= 3 && findings.credit_card.total >= 1 && direction == "outbound" && true
then: { redirect: { to: [x@contoso.example] } }
---
kind: policy
id: less
mode: enforce
when: direction == "inbound" && findings.iban.total > 1 && (size > 10 || size > 10)
then: { redirect: { to: [y@contoso.example] } }
`)
	n := 0
	for _, m := range Mutants(s) {
		if !m.same {
			continue
		}
		set, err := s.Edited(m.rules, m.lists...)
		if err != nil {
			t.Fatal(err)
		}
		n++
		for i := range uint64(300) {
			r := rand.New(rand.NewPCG(i, 1))
			one := func(list ...string) string { return list[r.IntN(len(list))] }
			f, _ := factsOf([]byte(fmt.Sprintf(`{"Dir":%q,"From":%q,"To":%q,"Card":%d,"CardMedium":%d,"Iban":%d,"IbanLevel":%q,"Size":%d}`,
				one("outbound", "inbound", "internal"), one("ann@contoso.example", "carla@contoso.example"),
				one("x@partner.example", "ann@partner.example", "bob@fabrikam.example", "y@z.friends.example"),
				r.IntN(5), r.IntN(3), r.IntN(4), one("low", "medium", "high"), r.IntN(20))), policy.Case{})
			a, b := policy.Decide(s, f, nil).Recipients[0], policy.Decide(set, f, nil).Recipients[0]
			if a.Action != b.Action || fmt.Sprint(a.Rules, a.Hold, a.Redirect, a.Headers) != fmt.Sprint(b.Rules, b.Hold, b.Redirect, b.Headers) {
				t.Fatalf("%s: %s is called equal: %v and %v", m.Policy, m.Change, a, b)
			}
		}
	}
	if n < 6 {
		t.Errorf("only %d mutants are equal", n)
	}
}

func TestRedTestsHaveNoScore(t *testing.T) {
	t.Parallel()
	s := load(t, policies)
	if _, err := Run(t.Context(), s, suite(t, s, `{"Card":1} | expect: hold`), gates); !errors.Is(err, ErrRed) {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := Run(ended, s, suite(t, s, weak), gates); err != nil || r.Tried != 0 || r.Mutants == 0 {
		t.Errorf("%+v %v", r, err)
	}
}
