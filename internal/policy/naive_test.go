package policy

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/mail"
)

// dice draws policies and messages.
type dice struct{ *rand.Rand }

func (d dice) pick(list ...string) string { return list[d.IntN(len(list))] }

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

// cheap draws a part that the index may know.
func (d dice) cheap() string {
	n := strconv.Itoa(d.IntN(4))
	who := d.pick("recipient", "sender", "mailbox", "user")
	party := d.pick("recipient", "sender")
	return d.pick(
		`direction == "`+d.pick("outbound", "inbound", "internal")+`"`, `direction in ["outbound", "internal"]`,
		`kind != "copy"`, "automatic", "calendar == "+d.pick("true", "false"), "forwarded", "on_behalf",
		"findings.credit_card."+d.pick("high", "medium", "low", "total")+d.pick(" >= ", " > ", " == ", " < ", " != ", " <= ")+n,
		"findings.iban.total"+d.pick(" >= ", " == ")+n, "body.findings.credit_card.high > "+n, "findings.gdpr.high >= "+n,
		who+".inside", who+".outside", who+`.domain == "`+d.pick("fabrikam.example", "contoso.example", "adatum.example")+`"`,
		party+`.in("`+d.pick("partners", "team", "public-providers")+`")`, party+`.member("`+d.pick("sales@contoso.example", "all@contoso.example")+`")`,
		who+`.local in ["ann", "bob"]`, "recipient.guest", `recipient.role == "`+d.pick("to", "bcc")+`"`, "recipient.first_contact",
		"recipient.contact.count > "+n, `header("X-Class") == "`+d.pick("red", "green", "")+`"`, "size > "+d.pick("1000", "2500"),
		"size(attachments) > "+n, "size(recipients) == "+n, "size(labels) == 0", `subject.contains("`+d.pick("you", "offer")+`")`,
		`subject.lower().startsWith("for")`, `inspected == "`+d.pick("full", "partial")+`"`, "visible.total > "+n, "outside_domains >= "+n,
		`auth.spf == "pass"`, "true", "false", `"a" == "b"`, "1 < "+n, `tenant == "contoso"`,
	)
}

// dear draws a part about which the index knows little or nothing.
func (d dice) dear() string {
	n := strconv.Itoa(d.IntN(4))
	list := d.pick("any", "all", "none")
	return d.pick(
		list+"(attachments, a, a.size > 500 || a.findings.credit_card.high >= "+n+")",
		list+`(attachments, a, a.extension == "exe" && a.encrypted)`, list+"(recipients, r, r.outside && "+d.pick("r.inside", "true", "r.guest")+")",
		list+`(recipients, r, r.in("partners") || r.address == recipient.address)`, list+`(labels, l, l.name == "Secret")`,
		list+`(findings, f, f.confidence == "high" && f.count > `+n+")", list+"(unseen, u, u.part == \"\")",
		`subject.matches("(?i)offer|you")`, "size / "+n+" > 3", `headers("X-Class")[`+n+`] == "red"`, "now.getHours() >= "+n,
		"directory.age > duration(\"1h\")", "recipient.address == sender.address", "size("+d.pick("subject", "recipient.groups")+") > "+n,
		"recipients["+n+"].outside", `attachments.exists_one(a, a.size > 100)`, `string(size).contains("`+n+`")`,
	)
}

func (d dice) condition(depth int) string {
	switch {
	case depth == 0 || d.chance(25):
		if d.chance(35) {
			return d.dear()
		}
		return d.cheap()
	case d.chance(15):
		return "!(" + d.condition(depth-1) + ")"
	case d.chance(5):
		return "((" + d.condition(depth-1) + ") ? (" + d.condition(depth-1) + ") : (" + d.condition(depth-1) + "))"
	}
	return "(" + d.condition(depth-1) + ")" + d.pick(" && ", " && ", " || ") + "(" + d.condition(depth-1) + ")"
}

func (d dice) policy(id int) string {
	var b strings.Builder
	actions, modes := Actions(), Modes()
	fmt.Fprintf(&b, "kind: policy\nid: r%d\nmode: \"%s\"\n", id, modes[d.IntN(len(modes))])
	if d.chance(70) {
		fmt.Fprintf(&b, "priority: %d\n", d.IntN(3))
	}
	fmt.Fprintf(&b, "when: >-\n  %s\n", d.condition(3))
	if d.chance(30) {
		fmt.Fprintf(&b, "unless: >-\n  %s\n", d.condition(2))
	}
	if d.chance(30) {
		fmt.Fprintf(&b, "sender: %s\n", d.pick(subjectWords()...))
	}
	if d.chance(20) {
		fmt.Fprintf(&b, "tenants: [%s]\n", d.pick("contoso", "other"))
	}
	then := thenOf(actions[d.IntN(len(actions))])
	if d.chance(30) {
		b.WriteString("exceptions:\n")
		for i := range 1 + d.IntN(2) {
			fmt.Fprintf(&b, "  - id: x%d\n    when: >-\n      %s\n", i, d.condition(1))
			if d.chance(40) {
				b.WriteString("    then: " + d.pick("deliver", then) + "\n")
			}
		}
	}
	b.WriteString("then: " + then + "\n---\n")
	return b.String()
}

// defaults draws those of a tenant and of a group.
func (d dice) defaults() string {
	modes := Modes()
	text := fmt.Sprintf("kind: defaults\nid: d1\ntenants: [contoso]\npriority: %d\nsender: %s\nhold: { for: 3h }\n---\n", d.IntN(3),
		d.pick(subjectWords()...))
	return text + fmt.Sprintf("kind: defaults\nid: d2\ngroup: %s\nmode: \"%s\"\npriority: %d\n---\n",
		d.pick("sales@contoso.example", "all@contoso.example"), modes[d.IntN(len(modes))], d.IntN(3))
}

func (d dice) party() Party {
	p := Party{Address: mail.Address(d.pick("ann", "bob", "eve") + "@" + d.pick("contoso.example", "fabrikam.example", "adatum.example", "gmail.com"))}
	p.Inside = p.Address.Domain() == "contoso.example"
	if d.chance(70) {
		p.Role = []Role{To, Cc, Bcc}[d.IntN(3)]
	}
	if d.chance(60) {
		p.Groups = [][]string{{}, {"sales@contoso.example"}, {"all@contoso.example", "sales@contoso.example"}}[d.IntN(3)]
	}
	if d.chance(50) {
		guest := d.chance(50)
		p.Guest, p.Contact = &guest, &Contact{Count: d.IntN(3)}
	}
	return p
}

func (d dice) facts() Facts {
	f := facts()
	f.Direction = []Direction{Outbound, Inbound, Internal}[d.IntN(3)]
	f.Sender, f.Mailbox, f.User = d.party(), d.party(), d.party()
	f.Recipients = nil
	for range 1 + d.IntN(3) {
		f.Recipients = append(f.Recipients, d.party())
	}
	f.Subject, f.Size = d.pick("for you", "An offer", ""), int64(d.IntN(3000))
	f.Automatic, f.Forwarded, f.PerPart = d.chance(15), d.chance(20), d.chance(80)
	f.Findings = nil
	for range d.IntN(4) {
		f.Findings = append(f.Findings, Finding{Type: d.pick("CREDIT_CARD", "IBAN"), Part: d.pick("1", "2", "2.1"),
			Count: d.IntN(4), Here: d.IntN(4), Confidence: d.pick("high", "medium", "low")})
	}
	for i := range d.IntN(3) {
		f.Attachments = append(f.Attachments, Attachment{Name: d.pick("a.exe", "b.docx"), Size: int64(d.IntN(1000)),
			Part: d.pick("2", "2.1", ""), Encrypted: i == 1})
	}
	if d.chance(30) {
		f.Labels = []Label{{Name: d.pick("Secret", "Public")}}
	}
	if d.chance(30) {
		f.Unseen = []mail.Unseen{{Part: d.pick("", "2"), Reason: mail.Causes()[d.IntN(len(mail.Causes()))]}}
	}
	if d.chance(70) {
		f.Headers["x-class"] = [][]string{nil, {"red"}, {"green", "red"}}[d.IntN(3)]
	}
	if d.chance(15) {
		f.Detectors = []string{"credit-card"}
	}
	if d.chance(50) {
		f.Auth, f.Directory = &Auth{SPF: d.pick("pass", "fail", "")}, &Directory{AsOf: noon.Add(-time.Duration(d.IntN(3)) * time.Hour)}
	}
	for range d.IntN(3) * d.IntN(2) {
		f.Unknown = append(f.Unknown, d.pick("direction", "findings", "attachments", "recipients", "sender", "subject", "size",
			"labels", "mailbox", "user", "automatic", "visible", "per_part", "forwarded"))
	}
	if d.chance(20) && len(f.Findings) > 0 {
		x := f.Findings[0]
		f.Excepted = []Excepted{{Type: x.Type, Detector: x.Detector, Part: x.Part, Confidence: x.Confidence, Count: x.Count, Here: x.Here,
			By: []Exception{{ID: "e", Rule: d.pick("", "r0", "r1"), Domain: d.pick("", "fabrikam.example")}}}}
	}
	return f
}

// draws is how many policies are drawn: a share in every run, all of them
// with POSTERN_PROPERTY=10000.
func draws(t *testing.T, share int) int {
	t.Helper()
	if text := os.Getenv("POSTERN_PROPERTY"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return share
}

// TestTheIndexDecidesAsWithoutIt draws sets and messages, and compares the
// verdicts in every detail with those of an evaluator that asks every rule by
// CEL for every recipient: no index, nothing kept, and the cost counted.
func TestTheIndexDecidesAsWithoutIt(t *testing.T) {
	t.Parallel()
	n, asked, naively, matched, unknown, messages := draws(t, 150), 0, 0, 0, 0, 0
	lists := "kind: list\nid: partners\nmembers: [fabrikam.example]\n---\nkind: list\nid: team\nmembers: [\"group:sales@contoso.example\"]\n---\n"
	o := Options{Profiles: []Profile{{ID: "gdpr", Needs: [][]string{{"CREDIT_CARD", "IBAN"}}}}}
	for seed := range n {
		d := dice{rand.New(rand.NewPCG(uint64(seed), 5))}
		var text strings.Builder
		text.WriteString(lists)
		for i := range 1 + d.IntN(4) {
			text.WriteString(d.policy(i))
		}
		if d.chance(30) {
			text.WriteString(d.defaults())
		}
		s, err := Load([]File{{"p.yaml", []byte(text.String())}}, o)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text.String())
		}
		for range 4 {
			f := d.facts()
			fast := &decision{set: s, facts: &f, moment: s.moment(&f)}
			got := fast.decide(nil)
			slow := &decision{set: s, facts: &f, moment: s.moment(&f), naive: true}
			slow.moment.size = 2 // the cost is counted
			want := slow.decide(nil)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d: %s\n%s\n%+v", seed, diff, text.String(), f)
			}
			asked, naively, messages = asked+fast.moment.evaluated, naively+slow.moment.evaluated, messages+1
			for _, r := range got.Recipients {
				matched, unknown = matched+len(r.Won)+len(r.Lost), unknown+len(r.Unknown)
			}
		}
	}
	t.Logf("%d sets, %d messages: %d matches, %d unknown; %d evaluations by CEL instead of %d", n, messages, matched, unknown, asked, naively)
	if matched == 0 || unknown == 0 || asked >= naively {
		t.Error("nothing was compared")
	}
}
