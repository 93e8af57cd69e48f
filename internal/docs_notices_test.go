package house_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/notice"
)

// noticesPage lists the texts of our mails with their variables.
func noticesPage(*testing.T) string {
	var b strings.Builder
	b.WriteString("# Notices\n\nThe mails that Postern writes to people, and how a tenant writes its own.\n\n" +
		"```yaml\nkind: tenant\nid: contoso\n# …\nnotices:\n  languages: [de, en]          # of the mails, the best first; what is missing is English\n" +
		"  time_zone: Europe/Berlin\n  texts:\n    - kind: note\n      language: de\n      subject: 'Bitte beachten[: „{subject}“]'\n      text: |\n" +
		"        Ihre Nachricht **wurde gesendet**. Sie enthält {finding} (Regel „{rule}“).\n\n        {advice}\n\n        Fragen: {contact}. ref: {ref}\n```\n\n" +
		"`postern check` and `postern apply` refuse a text that breaks the rules, `postern notices lint` says them all at once,\n" +
		"and `postern notices show KIND --language de` prints the one that comes with Postern.\n\n" +
		"## How a text is written\n\n" +
		"| In the text | Meaning |\n|---|---|\n" +
		"| `{name}` | a variable; nothing when it has no value |\n" +
		"| `**…**` | stands out |\n" +
		"| `[… {name} …\\|else]` | left out, or replaced by what stands behind the bar, when a variable in it has no value |\n" +
		"| `[?name …\\|else]` | the same for a variable that is only set or not |\n" +
		"| an empty line | a new paragraph; one in which nothing is left is left out |\n\n" +
		"Text and HTML are made of the same words. Values add no line, no markup and no link. A link leads to the console\n" +
		"name of the installation or is left out.\n\n" +
		"## What a text must keep\n\n" +
		"The first paragraph says what happened between `**` and `**`, `{ref}` stands in it, and what the table below calls\n" +
		"needed. No word that urges, no address that is written out, no markup, no variable that does not exist; at most 100\n" +
		"characters of subject, 600 of a paragraph and 2,500 in all.\n\n" +
		"## The texts\n\n")
	langs := strings.Join(notice.Default().Languages(), ", ")
	fmt.Fprintf(&b, "Each comes in these languages: %s. Every text may also hold `{subject}`, `{organization}`, `{contact}` and `{ref}`.\n\n"+
		"| Kind | Subject | Needed | May hold |\n|---|---|---|---|\n", langs)
	for _, k := range notice.Kinds() {
		needs, others := notice.Variables(k)
		s, _, _ := notice.Default().Source(k)
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k, plain(s.Subject), braces(needs), braces(others[:len(others)-4]))
	}
	b.WriteString("\n## Who gets which, and when\n\n" +
		"Each person gets at most one mail about a message for one occasion, and five notices within an hour: what comes then is\n" +
		"put together in one mail (`held-digest`) when the hour is over. Reports of delivery are not counted. Automatic mail is never\n" +
		"answered. All about one held message is one thread; the mails are signed when `notices.sign` is set, and every link leads\n" +
		"to the tenant's `console` name. The last column is the place in `internal/gateway`.\n\n" +
		"| Text | No. | To | When | Sent by |\n|---|---|---|---|---|\n")
	for _, s := range gateway.Sendings() {
		when, by := s.When, "`"+s.By+"`"
		if s.Later != "" {
			when, by = "never: "+s.Later, ""
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", s.Kind, s.Number, s.To, when, by)
	}
	b.WriteString("\n## Answers by mail\n\n" +
		"A request can be answered by mail: the first word is `APPROVE` or `REJECT`, in any case, and what follows up to the quoted\n" +
		"request is the comment. It counts when Exchange hands it on as a mail of this tenant with AuthAs Internal, or when a valid\n" +
		"DKIM signature of the author's own domain covers From, To, Subject and the whole body; when the envelope's sender and the\n" +
		"only From are the person who was asked; and when it is not automatic. The address holds a token for this person and this\n" +
		"message. Who is proven to have written it gets an answer; everybody else is refused with 550, P717. Mail to the console\n" +
		"name must reach Postern: by Exchange's connector, and by an MX record where answers from outside are wanted.\n\n" +
		"## Drafts\n\n" +
		"Who sends a draft to `check@` and the console name gets an answer within seconds: what would happen to it for whom, why, and\n" +
		"with which smallest change less would. Only people whom Exchange has authenticated are answered. Nothing of the draft is\n" +
		"kept; the audit chain says that one was checked, and what for how many recipients.\n")
	b.WriteString("\n## The variables\n\n| Variable | Stands for |\n|---|---|\n")
	seen := map[string]bool{}
	var all []string
	for _, k := range notice.Kinds() {
		needs, others := notice.Variables(k)
		for _, n := range append(needs[:len(needs):len(needs)], others...) {
			if !seen[n] {
				seen[n] = true
				all = append(all, n)
			}
		}
	}
	for _, n := range slices.Sorted(slices.Values(all)) {
		fmt.Fprintf(&b, "| `{%s}` | %s |\n", n, notice.Meaning(n))
	}
	return b.String()
}

func braces(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = "`{" + n + "}`"
	}
	return strings.Join(list, " ")
}

func TestEveryVariableOfANoticeHasAMeaning(t *testing.T) {
	for _, k := range notice.Kinds() {
		needs, others := notice.Variables(k)
		for _, n := range append(needs[:len(needs):len(needs)], others...) {
			if notice.Meaning(n) == "" {
				t.Errorf("{%s} of %s has no meaning", n, k)
			}
		}
	}
}
