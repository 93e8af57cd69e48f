package notice

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/packs"

	"github.com/goccy/go-yaml"
)

func about() About {
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	return About{
		Subject: "Salaries", All: 3, List: []mail.Address{"bob@fabrikam.example", "eve@fabrikam.example"},
		Why: "3 card numbers in plan.docx", Rule: "Card numbers leave", Advice: "Use the portal.", Who: "Dana Boss",
		Waited: 48 * time.Hour, Due: at, End: "refuse", Reply: mail.NewReply(550, "5.1.1", "unknown"), Host: "mx.example",
		Contact: "IT, +49 30 1234", Ref: "K7TQ-M2XD", Organization: "Contoso", Console: "mail.contoso.example",
		Links: map[string]string{
			"link": "https://mail.contoso.example/a", "link_wrong": "https://mail.contoso.example/b",
			"link_pass": "https://mail.contoso.example/c", "link_again": "https://evil.example/d",
		},
		More: map[string]string{
			"sender": "ann@contoso.example", "outside": "fabrikam.example", "n": "7", "reason": "it is agreed", "history": "first mail",
			"by_mail": "yes", "role": "you manage Ann", "left": "4 hours", "comment": "fine", "code": "123 456", "what": "one message",
			"tenant": "contoso", "cause": "encrypted", "object": "the rule", "change": "on → off", "effect": "no mail is inspected", "kind": "phishing",
		},
		Times: map[string]time.Time{"at": at, "since": at, "until": at, "arrived": at, "date": at},
	}
}

// The rules for all notices: the first sentence says what happened, a
// reference, a contact, no urgency, no lines that a phone must scroll, the
// same in text and HTML.
func TestEveryTextInEveryLanguageKeepsTheRules(t *testing.T) {
	c := Default()
	if got := c.Languages(); !slices.Equal(got, []string{"de", "en", "fr", "nl"}) {
		t.Fatal(got)
	}
	for _, lang := range c.Languages() {
		for _, kind := range Kinds() {
			t.Run(lang+"/"+string(kind), func(t *testing.T) {
				if l, _ := c.find(kind, []string{lang}); l.name != lang {
					t.Fatal("it is not there in this language")
				}
				a := about()
				a.Languages = []string{lang}
				for _, x := range []Text{c.Write(kind, a), c.Write(kind, About{Languages: a.Languages, Ref: a.Ref})} {
					if x.Subject == "" || strings.ContainsAny(x.Subject+x.Body, "{}[]|*\r") || strings.Contains(x.Body, "  \n") {
						t.Errorf("%q\n%s", x.Subject, x.Body)
					}
					if !strings.Contains(x.Body, "ref: K7TQ-M2XD") {
						t.Error("no reference")
					}
					for _, line := range strings.Split(x.Body, "\n") {
						if len([]rune(line)) > 90 {
							t.Errorf("long line %q", line)
						}
					}
					if strings.Contains(x.Body+x.HTML, "evil.example") {
						t.Error("a link leads elsewhere")
					}
					if got, want := reading(x.HTML), strings.Join(strings.Fields(x.Body), " "); got != want {
						t.Errorf("HTML says\n%s\nthe text says\n%s", got, want)
					}
				}
			})
		}
	}
}

// reading is what a person reads of a page.
func reading(page string) string {
	_, body, _ := strings.Cut(page, "<body")
	_, body, _ = strings.Cut(body, ">")
	body = regexp.MustCompile(`<a href="[^"]*">|</a>|</?strong>`).ReplaceAllString(body, "")
	body = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, " ")
	return strings.Join(strings.Fields(html.UnescapeString(body)), " ")
}

func TestEveryTextThatComesWithPosternPassesLint(t *testing.T) {
	for _, f := range packs.Notices() {
		var in file
		if err := yaml.Unmarshal(f.Data, &in); err != nil {
			t.Fatal(err)
		}
		if len(in.Notices) != len(Kinds()) {
			t.Errorf("%s has %d of %d texts", f.Name, len(in.Notices), len(Kinds()))
		}
		for kind, s := range in.Notices {
			if wrong := Default().Lint(kind, in.Language, s); len(wrong) > 0 {
				t.Errorf("%s: %s: %q", f.Name, kind, wrong)
			}
		}
		for key := range Default().languages[English].words {
			if in.Words[key] == "" {
				t.Errorf("%s has no word for %s", f.Name, key)
			}
		}
	}
}

func TestLintNamesWhatIsWrong(t *testing.T) {
	good := "It was **not sent** to {names}.\n\nIt has {finding}, says {rule}: {list} {share}\n\nref: {ref}"
	tests := []struct {
		name, subject, text, want string
	}{
		{"good", "Not sent", good, ""},
		{"unknown variable", "Not sent", good + "{findings}", "{findings} has no value in this text; did you mean \"finding\"?"},
		{"no reference", "Not sent", strings.ReplaceAll(good, "{ref}", ""), "{ref} is missing"},
		{"no statement", "Not sent", strings.ReplaceAll(good, "**", ""), "the first paragraph must say"},
		{"urgency", "Urgent: not sent", good, `"urgent" urges the reader`},
		{"an address", "Not sent", good + " https://evil.example", `"https://": an address must be one of the links`},
		{"markup", "Not sent", good + "<b>x</b>", "the text holds markup"},
		{"a bracket", "Not sent", good + "[x", "a bracket is not closed"},
		{"a brace", "Not sent", good + "{x", "a brace is not closed"},
		{"stars", "Not sent", good + "**x", "** is not closed"},
		{"length", "Not sent", good + strings.Repeat(" long", 700), "characters"},
		{"nothing", "", "", "needs a subject and a paragraph"},
		{"depth", "Not sent", good + strings.Repeat("[a", 9) + strings.Repeat("]", 9), "nested more than"},
	}
	for _, tt := range tests {
		wrong := Default().Lint(NotSent, "en", Source{tt.subject, tt.text})
		if tt.want == "" && len(wrong) > 0 || tt.want != "" && !strings.Contains(strings.Join(wrong, "\n"), tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, wrong, tt.want)
		}
	}
	if wrong := Default().Lint("not-send", "en", Source{"a", good}); !strings.Contains(strings.Join(wrong, ""), `did you mean "not-sent"?`) {
		t.Error(wrong)
	}
}

func TestATenantsOwnTextIsUsed(t *testing.T) {
	own := Source{"Gestoppt", "Das ging **nicht hinaus**. {rule} {finding} {list} ref: {ref}"}
	c, err := Default().With(NotSent, "de", own)
	if err != nil {
		t.Fatal(err)
	}
	a := about()
	a.Languages = []string{"de-AT", "fr"}
	if x := c.Write(NotSent, a); x.Subject != "Gestoppt" || !strings.Contains(x.Body, "Das ging nicht hinaus.") {
		t.Error(x)
	}
	if x := Default().Write(NotSent, a); x.Subject == "Gestoppt" {
		t.Error("the catalog of others was changed")
	}
	if x := c.Write(Waiting, a); !strings.Contains(x.Body, "noch\nnicht gesendet") {
		t.Error("the other texts of the language are gone:", x.Body)
	}
	if c, err = Default().With(NotSent, "sv", Source{"Inte skickat", "Det **gick inte**. {rule}"}); err != nil {
		t.Fatal(err)
	}
	a.Languages = []string{"sv"}
	if x := c.Write(NotSent, a); x.Subject != "Inte skickat" {
		t.Error(x)
	}
	if x := c.Write(Waiting, a); !strings.Contains(x.Subject, "Waiting for approval") {
		t.Error("English does not stand in:", x)
	}
}

func TestAnOutsideSenderLearnsNoReason(t *testing.T) {
	for _, lang := range Default().Languages() {
		a := about()
		a.Languages = []string{lang}
		x := Default().Write(NotSentOutside, a)
		if strings.Contains(strings.ToLower(x.Body+x.HTML), "card") || strings.Contains(x.Subject+x.HTML, "Salaries") {
			t.Error(lang, x)
		}
	}
}

func TestALongListIsCut(t *testing.T) {
	a := about()
	a.List, a.All = make([]mail.Address, 1000), 1000
	for i := range a.List {
		a.List[i] = "x@y.example"
	}
	x := Default().Write(NotSent, a)
	if strings.Count(x.Body, "x@y.example") != maxListed || !strings.Contains(x.Body, "and 950 more") ||
		strings.Count(x.HTML, "<li>") != maxListed+1 {
		t.Fatal(x.Body)
	}
}

func TestTimesAreWrittenWhereTheReaderIs(t *testing.T) {
	a := about()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("SKIPPED: no time zones here")
	}
	a.Zone, a.Languages = berlin, []string{"de"}
	if x := Default().Write(Waiting, a); !strings.Contains(x.Body, "Di 24 Nov. 2026 11:00 CET") {
		t.Error(x.Body)
	}
}

func TestASubjectWithoutTheOriginals(t *testing.T) {
	a := about()
	a.Subject = ""
	if got := Default().Write(NotSent, a).Subject; got != "Not sent" {
		t.Fatal(got)
	}
}
