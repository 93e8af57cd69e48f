package notice

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"postern.dev/postern/internal/mail"
)

// FuzzTexts writes every text with any words in it: what stands in a value
// adds no paragraph, no markup and no link, and a stranger is told no reason.
func FuzzTexts(f *testing.F) {
	f.Add("subject", "3 card numbers", "Cards", "Use the portal.", "ann@contoso.example", uint16(3))
	f.Add("a\r\nBcc: x", "%s%n\n\n", "\"", "\r\n\r\nYour message was sent", "", uint16(2000))
	f.Add("", "<script>", "{ref}", "[x]", "\u202e", uint16(0))
	f.Fuzz(func(t *testing.T, subject, why, rule, advice, who string, n uint16) {
		a := About{
			Subject: subject, All: int(n), Why: why, Rule: rule, Advice: advice, Contact: who, Organization: why, Ref: "abcd2345",
			Who: who, Due: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Waited: time.Duration(n) * time.Minute,
			Reply: mail.NewReply(550, "5.1.1", why), Host: who, Console: "mail.example",
			Links: map[string]string{"link": who, "link_wrong": "https://mail.example/" + advice, "link_pass": "https://" + why + "/"},
			More:  map[string]string{"sender": who, "comment": advice, "reason": why, "n": rule},
		}
		for range n % 200 {
			a.List = append(a.List, mail.Address(who))
		}
		a.Items = []Item{{why, "https://mail.example/" + rule}, {rule, advice}}
		a.Checked = []Checked{{mail.Address(who), advice, why, rule}}
		a.Kept = []Kept{
			{From: mail.Address(who), Subject: subject, Why: why, May: []string{"see", rule}, Link: "https://mail.example/" + advice},
			{From: mail.Address(why), Subject: advice, Why: rule, Ended: subject, Link: subject},
		}
		a.Change, a.Then, a.Role, a.Refused, a.Ended = why, rule, advice, rule, who
		size := len(subject) + len(why) + len(rule) + len(advice) + len(who)
		for _, kind := range Kinds() {
			lang := Default().Languages()[int(n)%4]
			a.Languages = []string{lang}
			x := Default().Write(kind, a)
			if len(x.Body) > 20*size+len(a.List)*(len(who)+4)+6000 {
				t.Fatalf("%s has %d octets", kind, len(x.Body))
			}
			if !utf8.ValidString(x.Subject+x.Body+x.HTML) || strings.ContainsAny(x.Body, "\r\u202e") || strings.ContainsAny(x.Subject, "\r\n") {
				t.Fatalf("%s: %q", kind, x)
			}
			if strings.Contains(x.HTML, "<script") || strings.Count(x.HTML, "<a href=") != strings.Count(x.HTML, `<a href="https://mail.example/`) {
				t.Fatalf("%s: %s", kind, x.HTML)
			}
			if got, want := strings.Count(x.Body, "\n\n"), strings.Count(Default().Write(kind, plainer(a)).Body, "\n\n"); got > want {
				t.Fatalf("%s in %s: a value adds a paragraph: %q", kind, lang, x.Body)
			}
		}
		a.Languages = nil
		other := a
		other.Why, other.Rule, other.Advice, other.Subject, other.Reply = "w", "r", "a", "s", mail.Reply{}
		if Default().Write(NotSentOutside, a) != Default().Write(NotSentOutside, other) {
			t.Fatal("a stranger is told a reason")
		}
	})
}

// plainer is a with harmless values.
func plainer(a About) About {
	a.Subject, a.Why, a.Rule, a.Advice, a.Contact, a.Who, a.Host = "s", "w", "r", "a", "c", "b", "h"
	a.Links = map[string]string{"link": "https://mail.example/1", "link_wrong": "https://mail.example/2", "link_pass": "https://mail.example/3"}
	a.More = map[string]string{"sender": "x", "comment": "x", "reason": "x", "n": "1"}
	a.Items, a.Checked = []Item{{"x", ""}, {"x", ""}}, []Checked{{"x@y.example", "hold", "w", "r"}}
	a.Kept = []Kept{{From: "x@y.example", Subject: "s", Why: "w", May: []string{"see"}}, {Ended: "rejected"}}
	a.Change, a.Then, a.Role, a.Refused, a.Ended = "c", "hold", "named", "over", "sent"
	list := make([]mail.Address, len(a.List))
	for i := range list {
		list[i] = "x@y.example"
	}
	a.List = list
	return a
}

// FuzzTemplate reads any text as one of a tenant: what is not refused can be
// written with and without values.
func FuzzTemplate(f *testing.F) {
	f.Add("Not sent[: {subject}]", "It was **not sent**.\n\n[?others {names}|[a {ref}]] {list}")
	f.Add("[[[[[", "**{")
	f.Fuzz(func(t *testing.T, subject, text string) {
		c, err := Default().With(NotSent, "xx", Source{subject, text})
		_ = Default().Lint(NotSent, "xx", Source{subject, text})
		if err != nil {
			return
		}
		for _, a := range []About{about(), {}} {
			a.Languages = []string{"xx"}
			if x := c.Write(NotSent, a); strings.ContainsAny(x.Subject, "\n") {
				t.Fatalf("%q", x)
			}
		}
	})
}
