package policy

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
)

// cpu is the time that this process has computed: other work on the machine
// does not count.
func cpu(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perMessage measures Decide and reports it in computing time.
func perMessage(b *testing.B, s *Set, f Facts) {
	b.Helper()
	b.ReportAllocs()
	begun := cpu(b)
	for b.Loop() {
		Decide(s, f, nil)
	}
	each := (cpu(b) - begun) / time.Duration(b.N)
	b.ReportMetric(float64(each.Microseconds()), "cpu-µs/message")
	b.ReportMetric(100*float64(each)/float64(1500*time.Microsecond), "%of-a-look")
}

// thousand is a set of which no rule matches the message of facts(), by cheap
// conditions of every kind.
func thousand(t testing.TB) *Set {
	t.Helper()
	conditions := []string{
		`direction == "inbound" && findings.credit_card.high >= 1`,
		`findings.credit_card.high >= %d + 4`,
		`findings.iban.total > 0 && recipient.outside`,
		`findings.credit_card.high >= 3 && sender.domain == "other%d.example"`,
		`recipient.domain == "domain%d.example" && subject.matches("(?i)offer")`,
		`automatic && any(recipients, r, r.outside)`,
		`any(attachments, a, a.name.matches("x%d"))`,
		`recipient.in("partners") && findings.credit_card.high > 0`,
		`(findings.iban.high > %d || findings.us_ssn.high > 0) && header("X-Class") == "red"`,
		`size > 100000000 || direction == "internal"`,
		`!(direction == "outbound") && header("X-Class").matches("^r%d")`,
		`recipient.address in ["a%d@x.example", "b%d@x.example"] && subject.size() > 3`,
		`subject.lower().contains("secret %d") && recipient.outside`,
		`sender.outside`, `forwarded && recipient.outside`, `visible.outside > %d + 10`,
		`size(labels) > 0 && any(labels, l, l.name == "Secret %d")`,
	}
	var text strings.Builder
	for i := range 1000 {
		when := strings.ReplaceAll(conditions[i%len(conditions)], "%d + 4", fmt.Sprint(i+4))
		when = strings.ReplaceAll(strings.ReplaceAll(when, "%d + 10", fmt.Sprint(i+10)), "%d", fmt.Sprint(i))
		fmt.Fprintf(&text, "kind: policy\nid: r-%d\nmode: enforce\nwhen: >\n  %s\nthen: block\n---\n", i, when)
	}
	text.WriteString("kind: list\nid: partners\nmembers: [nobody.example]\n")
	return load(t, text.String())
}

func TestAThousandRulesThatDoNotMatchCostFewEvaluations(t *testing.T) {
	t.Parallel()
	s, f := thousand(t), facts()
	f.Headers["x-class"] = nil
	d := &decision{set: s, facts: &f, moment: s.moment(&f)}
	v := d.decide(nil)
	for _, r := range v.Recipients {
		if r.Action != Deliver || len(r.Unknown) > 0 {
			t.Fatalf("%+v", r)
		}
	}
	t.Logf("%d rules, %d recipients: %d evaluations, %d cheap parts, %d rules left for the recipients",
		len(s.rules), len(f.Recipients), d.moment.evaluated, len(s.plan.atoms), len(d.sieves[d.editions[0]].live))
	if d.moment.evaluated >= 10 {
		t.Errorf("%d evaluations by CEL", d.moment.evaluated)
	}
	naive := &decision{set: s, facts: &f, moment: s.moment(&f), naive: true}
	naive.decide(nil)
	if naive.moment.evaluated < 1000 {
		t.Errorf("the counter counts %d", naive.moment.evaluated)
	}
}

func TestWhatIsUnknownKeepsARuleInTheIndex(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ when, unknown string }{
		{`direction == "inbound"`, "direction"}, {`!(direction == "outbound")`, "direction"}, {`findings.iban.high > 0`, "findings"},
		{`recipient.outside`, "recipients"}, {`any(attachments, a, a.size > 9)`, "attachments"}, {`automatic`, "automatic"},
		{`sender.domain in ["a.example"]`, "sender"}, {`subject.contains("x")`, "subject"}, {`size(labels) > 0`, "labels"},
		{`all(recipients, r, r.outside)`, "recipients"}, {`visible.to > 0`, "visible"}, {`forwarded == true`, "forwarded"},
	} {
		f := facts()
		f.Unknown = []string{tt.unknown}
		if r := Decide(load(t, policyText("a", ModeEnforce, tt.when, "block")), f, nil).Recipients[0]; len(r.Unknown) != 1 {
			t.Errorf("%s: %+v", tt.when, r)
		}
	}
	f := facts()
	s := load(t, policyText("a", ModeEnforce, `recipient.member("g@x.example") && direction == "inbound"`, "block"))
	if r := Decide(s, f, nil).Recipients[0]; len(r.Unknown) != 0 {
		t.Error("unknown and false is not false")
	}
}

func BenchmarkAThousandRulesThatDoNotMatch(b *testing.B) {
	f := facts()
	f.Headers["x-class"] = nil
	perMessage(b, thousand(b), f)
}

// BenchmarkAHundredMatchingRules has conditions that the index knows, and
// conditions with a part that CEL must work out.
func BenchmarkAHundredMatchingRules(b *testing.B) {
	for name, more := range map[string]string{"known": "", "by-CEL": " && size < 100000 + "} {
		var text strings.Builder
		for i := range 100 {
			more := more
			if more != "" { // another one in each rule
				more += fmt.Sprint(i)
			}
			text.WriteString(policyText(fmt.Sprintf("r-%d", i), ModeEnforce, fmt.Sprintf(
				`direction == "outbound" && findings.credit_card.high >= %d && !recipient.in("partners")`, i%3)+more,
				"{ hold: { approver: manager } }") + "---\n")
		}
		text.WriteString("kind: list\nid: partners\nmembers: [nobody.example]\n")
		s := load(b, text.String())
		for _, n := range []int{1, 3} {
			b.Run(fmt.Sprintf("%s-%d-recipients", name, n), func(b *testing.B) {
				f := facts()
				f.Recipients = f.Recipients[:n]
				perMessage(b, s, f)
			})
		}
	}
}

func TestNoRuleRunsLongerThanItsCostLimitHoweverLongTheFactsAre(t *testing.T) {
	t.Parallel()
	when := `any(recipients, r, r.address.contains("nobody") && r.outside)`
	s := load(t, policyText("a", ModeEnforce, when, "block"))
	if s.rules[0].when.free == nil {
		t.Fatal("with usual facts it cannot reach its limit, and is not counted")
	}
	f := facts()
	if r := Decide(s, f, nil).Recipients[0]; r.Action != Deliver || len(r.Unknown) > 0 {
		t.Errorf("%+v", r)
	}
	for i := range 60_000 {
		f.From = append(f.From, Party{Address: "ann@contoso.example"})
		f.Recipients = append(f.Recipients, Party{Address: mail.Address(fmt.Sprintf("u%d@fabrikam.example", i))})
	}
	d := &decision{set: s, facts: &f, moment: s.moment(&f), once: map[evaluated]result{}}
	v, unseen := d.recipient(f.Recipients[0])
	if len(v.Unknown) != 1 || v.Unknown[0].Why != "it reached its cost limit" || v.AtMost != Block {
		t.Errorf("%+v", v.Unknown)
	}
	if len(unseen) != 1 || unseen[0].Reason != mail.EngineFailed {
		t.Errorf("a rule that protects and hits its limit closes the gate: %+v", unseen)
	}
}

func TestWhatCELWorksOutIsWorkedOutOnceAMessage(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i, part := range []string{"size / 2 > 3", "size / 2 > 3", "size / 3 > 3", `none(recipients, r, r.local.matches("^zz"))`,
		`all(recipients, r, r.local.matches("."))`, `subject.matches("you")`} {
		text.WriteString(policyText(fmt.Sprintf("r-%d", i), ModeEnforce, `recipient.address.matches("@") && `+part, "block") + "---\n")
	}
	f := facts()
	s := load(t, strings.TrimSuffix(text.String(), "---\n"))
	d := &decision{set: s, facts: &f, moment: s.moment(&f)}
	for _, r := range d.decide(nil).Recipients {
		if r.Action != Block || len(r.Won)+len(r.Lost) != 6 {
			t.Errorf("%+v", r)
		}
	}
	once, each := 5, 1*len(f.Recipients) // the first part of all rules is one
	if len(f.Recipients) < 3 || d.moment.evaluated != once+each {
		t.Errorf("%d recipients, %d evaluations, not %d", len(f.Recipients), d.moment.evaluated, once+each)
	}
}
