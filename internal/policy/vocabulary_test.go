package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
)

// answers evaluates a condition for the first recipient.
func answers(t *testing.T, when string, f Facts) string {
	t.Helper()
	l, err := newLanguage(map[string]*List{"partners": {ID: "partners"}}, []string{"credit_card", "iban"})
	if err != nil {
		t.Fatal(err)
	}
	c, flaws := l.compile(when)
	if len(flaws) > 0 {
		t.Fatal(when, flaws)
	}
	m := newMoment(&f)
	m.recipient = m.person(typeRecipient, f.Recipients[0])
	a, err := c.eval(m)
	if a == cannotKnow {
		return whyUnknown(err)
	}
	return fmt.Sprint(a == yes)
}

// rich are facts with everything filled.
func rich() Facts {
	f := facts()
	boss, macro, guest := mail.Address("Boss@contoso.example"), true, false
	f.Recipients[0] = Party{Address: "bob@fabrikam.example", Role: Bcc, Expanded: "All@contoso.example",
		Groups: []string{"all@contoso.example", "everybody@contoso.example"}, Manager: &boss, Guest: &guest,
		Contact: &Contact{Count: 2, First: noon.AddDate(0, -1, 0), Last: noon.AddDate(0, 0, -1)}}
	near := "fabrikam.example"
	f.Recipients[0].LooksLike, f.Recipients[0].Who = &near, &Who{Department: "Sales", Leaks: true}
	f.Recipients[0].Members = &Members{Total: 5, Outside: 2, Domains: []string{"rival.example"}, Partial: true}
	f.Recipients[1].Contact = &Contact{}
	f.Mailbox, f.User = Party{Address: "shop@contoso.example"}, Party{Address: "ann@contoso.example"}
	f.PerPart, f.Auth, f.Directory = true, &Auth{SPF: "Pass", DMARC: "fail", SPFDomain: "a.example",
		Aligned: true, Source: "exchange"}, &Directory{AsOf: noon.Add(-time.Hour), Stale: true,
		Incomplete: []string{"dynamic@contoso.example"}}
	f.Findings = []Finding{
		{Type: "CREDIT_CARD", Part: "1", Count: 1, Here: 1, Confidence: "high"},
		{Type: "CREDIT_CARD", Part: "2.1", Count: 1, Here: 2, Confidence: "high"},
		{Type: "IBAN", Part: "", Count: 1, Here: 1, Confidence: "low"},
	}
	f.Attachments = []Attachment{{Name: "all.zip", Part: "2", Macro: new(bool)}, {Name: "a.DOCM", Part: "2.1", Parent: "2", Macro: &macro}}
	f.Labels = []Label{{Name: "Secret", Part: "2.1"}}
	f.Unseen = []mail.Unseen{{Part: "2.2", Reason: mail.Encrypted}}
	f.Visible = Visible{To: 3, Cc: 1, Outside: 2, Domains: 2}
	return f
}

func TestEveryFactCanBeAskedFor(t *testing.T) {
	t.Parallel()
	for _, when := range []string{
		`recipient.role == "bcc" && recipient.expanded == "all@contoso.example"`,
		`recipient.member("ALL@contoso.example") && recipient.member("everybody@contoso.example")`,
		`!recipient.member("sales@contoso.example") && "all@contoso.example" in recipient.groups`,
		`recipient.manager == "boss@contoso.example" && !recipient.guest`,
		`recipient.looks_like == "fabrikam.example" && recipient.department == "Sales" && recipient.leaks && !recipient.shared && !recipient.disabled`,
		`recipient.members.total == 5 && recipient.members.inside == 3 && recipient.members.outside == 2 && !recipient.members.whole`,
		`"rival.example" in recipient.members.domains && directory.stale`,
		`recipient.contact.count == 2 && !recipient.first_contact && recipient.contact.last < now`,
		`now - recipient.contact.first > duration("600h")`,
		`recipients[1].first_contact && recipients[1].contact.first == now && recipients[1].contact.last < now`,
		`mailbox.local == "shop" && user.local == "ann" && on_behalf`,
		`visible.total == 4 && visible.outside == 2 && visible.domains == 2 && outside_domains == 2`,
		`auth.spf == "pass" && auth.dmarc == "fail"`,
		`auth.spf_domain == "a.example" && auth.aligned && auth.source == "exchange"`,
		`directory.age == duration("1h")`,
		`findings.credit_card.high == 2 && body.findings.credit_card.high == 1 && body.findings.iban.total == 0`,
		`attachments.exists(a, a.name == "all.zip" && a.findings.credit_card.high == 2 && !a.embedded && !a.macro)`,
		`attachments.exists(a, a.extension == "docm" && a.embedded && a.parent == "2" && a.macro && a.part == "2.1")`,
		`attachments.exists(a, a.labels.exists(l, l.name == "Secret") && a.unseen.exists(u, u.reason == "encrypted"))`,
		`!report && !recall && !bulk && !forwarded && !redirected`,
	} {
		if got := answers(t, when, rich()); got != "true" {
			t.Errorf("%s: %s", when, got)
		}
	}
}

func TestWhatNobodyFilledCannotBeKnown(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Attachments = []Attachment{{Name: "a.docx"}}
	for _, when := range []string{
		`recipient.role == "to"`, `recipient.expanded == ""`, `recipient.member("all@contoso.example")`, `recipient.guest`,
		`!recipient.member("all@contoso.example")`, `recipient.manager == ""`, `recipient.first_contact`, `recipient.contact.count == 0`,
		`size(recipient.groups) == 0`, `auth.spf == "none"`, `directory.age > duration("1h")`, `body.findings.iban.total == 0`,
		`attachments.exists(a, a.findings.iban.total > 0)`, `attachments.exists(a, a.macro)`, `attachments.exists(a, a.embedded)`,
		`attachments.exists(a, size(a.labels) == 0)`, `sender.guest`, `recipient.members.total == 1`, `sender.looks_like == ""`,
		`recipient.department == ""`, `recipient.leaks`, `directory.stale`,
	} {
		if got := answers(t, when, f); got == "true" || got == "false" {
			t.Errorf("%s: %s", when, got)
		}
	}
	f = rich()
	f.Auth = &Auth{SPF: "pass"}
	f.Directory = &Directory{}
	for _, when := range []string{`auth.dkim == "none"`, `auth.dkim_domain == ""`, `auth.arc_sealer == ""`, `!auth.aligned`, `auth.source == "none"`, `directory.age > duration("1h")`} {
		if got := answers(t, when, f); got == "true" || got == "false" {
			t.Errorf("%s: %s", when, got)
		}
	}
	f = rich()
	if got := answers(t, `recipient.member("Dynamic@contoso.example")`, f); got == "true" || got == "false" {
		t.Error("a group whose members nobody knows is no empty group:", got)
	}
	f.Recipients[0].Cut, f.Directory.Asked = true, []string{"asked@contoso.example"}
	if got := answers(t, `recipient.member("asked@contoso.example")`, f); got != "false" {
		t.Error("a group that was asked for is known:", got)
	}
	for _, when := range []string{`recipient.member("another@contoso.example")`, `size(recipient.groups) == 2`} {
		if got := answers(t, when, f); got == "true" || got == "false" {
			t.Errorf("a list that was cut does not say no: %s: %s", when, got)
		}
	}
	if got := answers(t, `recipient.member("bob@fabrikam.example")`, facts()); got != "true" {
		t.Error("a group is not the group itself:", got)
	}
}

func TestAnyAllAndNoneOfSomethingAndOfNothing(t *testing.T) {
	t.Parallel()
	some, nothing := rich(), facts()
	nothing.Attachments, nothing.Findings, nothing.Labels = nil, nil, nil
	tests := []struct{ when, some, nothing string }{
		{`any(attachments, a, a.macro)`, "true", "false"},
		{`any(attachments, a, a.size > 9)`, "false", "false"},
		{`none(attachments, a, a.macro)`, "false", "true"},
		{`none(attachments, a, a.size > 9)`, "true", "true"},
		{`all(attachments, a, a.part.startsWith("2"))`, "true", "false"},
		{`all(attachments, a, a.embedded)`, "false", "false"},
		{`!all(attachments, a, a.embedded)`, "true", "true"},
		{`none(attachments, a, !a.embedded)`, "false", "true"},
		{`any(findings, f, f.type == "credit_card" && f.count >= 2 && f.part == "2.1")`, "true", "false"},
		{`all(findings, f, f.confidence == "high")`, "false", "false"},
		{`none(body.findings, f, f.type == "iban")`, "true", "true"},
		{`any(attachments, a, all(a.findings, f, f.type == "credit_card"))`, "true", "false"},
		{`none(labels, l, l.name == "Secret")`, "false", "true"},
		{`all(recipients, r, r.address.contains("@"))`, "true", "true"},
	}
	for _, tt := range tests {
		if got := answers(t, tt.when, some); got != tt.some {
			t.Errorf("%s of something: %s", tt.when, got)
		}
		if got := answers(t, tt.when, nothing); got != tt.nothing && tt.when != `none(body.findings, f, f.type == "iban")` {
			t.Errorf("%s of nothing: %s", tt.when, got)
		}
	}
	none := facts()
	none.Recipients = none.Recipients[:1]
	none.Unknown = []string{"attachments"}
	for _, when := range []string{`any(attachments, a, a.macro)`, `all(attachments, a, a.macro)`, `none(attachments, a, a.macro)`} {
		if got := answers(t, when, none); got != "attachments cannot be known" {
			t.Errorf("%s of what nobody knows: %s", when, got)
		}
	}
}

func TestASetSaysWhatItAsksOfAuthentication(t *testing.T) {
	t.Parallel()
	for when, want := range map[string]string{
		`auth.spf == "pass" && (auth.dkim == "pass" || auth.spf == "fail")`: "[dkim spf]",
		`[auth].exists(a, a.arc == "pass") || auth.dmarc == "pass"`:         "[* dmarc]",
		`size > 5`: "[]",
	} {
		set, err := Load([]File{{Name: "p.yaml", Data: []byte("kind: policy\nid: p\nname: P\nmode: enforce\nwhen: '" + when + "'\nthen: log\n")}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(set.Auth()); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	if list := (*Set)(nil).Auth(); len(list) > 0 {
		t.Error(list)
	}
}

func TestTheExamplesOfFunctionsAreTrue(t *testing.T) {
	t.Parallel()
	f := rich()
	f.Headers["x-class"] = []string{"red", "green"}
	f.Recipients[0].Groups = append(f.Recipients[0].Groups, "sales@contoso.example")
	f.Now = noon // a Sunday
	var text strings.Builder
	for i, fn := range Functions() {
		text.WriteString(policyText(fmt.Sprintf("f-%d", i), ModeEnforce, strings.ReplaceAll(fn.Example, "'", "''"), "log") + "---\n")
	}
	s := load(t, text.String()+"kind: list\nid: partners\nmembers: [fabrikam.example]\n---\n"+
		"kind: calendar\nid: office\nzone: Europe/Amsterdam\nhours: { sun: \"10:00-14:00\" }\n")
	won := map[string]bool{}
	for _, m := range Decide(s, f, nil).Recipients[0].Won {
		won[m.Rule] = true
	}
	for i, fn := range Functions() {
		if !won[fmt.Sprintf("f-%d", i)] {
			t.Errorf("%s is not true", fn.Example)
		}
	}
	for _, n := range Names() {
		if n.Means == "" || n.Type == "" {
			t.Errorf("%s says nothing of itself", n.Name)
		}
	}
	for _, typ := range ObjectTypes() {
		for _, n := range typ.Fields {
			if n.Means == "" || n.Type == "" {
				t.Errorf("%s.%s says nothing of itself", typ.Name, n.Name)
			}
		}
	}
}
