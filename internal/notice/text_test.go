package notice

import (
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
)

func about() About {
	return About{
		Subject: "Salaries", All: 3, List: []mail.Address{"bob@fabrikam.example", "eve@fabrikam.example"},
		Why: "3 card numbers in plan.docx", Rule: "Card numbers leave", Contact: "IT, +49 30 1234", Ref: "K7TQ-M2XD",
		Organization: "Contoso",
	}
}

// The rules for all notices: first sentence says what happened, reference,
// a contact, no urgency, no lines that a phone must scroll.
func TestEveryTextKeepsTheRules(t *testing.T) {
	a := about()
	due := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	texts := map[string]Text{
		"not sent":    NotSent(a),
		"stopped":     Stopped(a),
		"declined":    Declined(a, "Dana Boss", "not like this"),
		"expired":     Expired(a, 48*time.Hour),
		"undelivered": Undelivered(a, mail.NewReply(550, "5.1.1", "unknown"), "mx.example"),
		"relayed":     Relayed(a, "mx.example"),
		"noted":       Noted(a),
		"waiting":     Waiting(a, "Dana Boss", due, "refuse"),
	}
	for name, x := range texts {
		t.Run(name, func(t *testing.T) {
			first, _, _ := strings.Cut(x.Body, ".")
			if !strings.Contains(first, "message") && !strings.Contains(first, "decided") {
				t.Errorf("the first sentence says nothing: %q", first)
			}
			if !strings.Contains(x.Body, "ref: K7TQ-M2XD") && !strings.Contains(x.Body, "K7TQ-M2XD") {
				t.Error("no reference")
			}
			for _, w := range []string{"urgent", "immediately", "!!", "http://", "%!"} {
				if strings.Contains(strings.ToLower(x.Subject+x.Body), w) {
					t.Errorf("says %q", w)
				}
			}
			for _, line := range strings.Split(x.Body, "\n") {
				if len([]rune(line)) > 90 {
					t.Errorf("long line %q", line)
				}
			}
			if x.Subject == "" || strings.ContainsAny(x.Subject, "\r\n") {
				t.Errorf("subject %q", x.Subject)
			}
		})
	}
}

func TestAnOutsideSenderLearnsNoReason(t *testing.T) {
	x := Stopped(about())
	if strings.Contains(x.Body, "card") || strings.Contains(x.Body, "Card") || strings.Contains(x.Subject, "Salaries") {
		t.Fatal(x)
	}
}

func TestALongListIsCut(t *testing.T) {
	a := about()
	a.List, a.All = make([]mail.Address, 1000), 1000
	for i := range a.List {
		a.List[i] = "x@y.example"
	}
	if x := NotSent(a); strings.Count(x.Body, "x@y.example") != maxListed || !strings.Contains(x.Body, "and 950 more") {
		t.Fatal(x.Body)
	}
}

func TestASubjectWithoutTheOriginals(t *testing.T) {
	a := about()
	a.Subject = ""
	if got := NotSent(a).Subject; got != "Not sent" {
		t.Fatal(got)
	}
}
