package notice

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"postern.dev/postern/internal/mail"
)

// FuzzTexts writes every text with any words in it: what stands in a value
// adds no paragraph, and a stranger is told no reason.
func FuzzTexts(f *testing.F) {
	f.Add("subject", "3 card numbers", "Cards", "Use the portal.", "ann@contoso.example", uint16(3))
	f.Add("a\r\nBcc: x", "%s%n\n\n", "\"", "\r\n\r\nYour message was sent", "", uint16(2000))
	f.Add("", "", "", "", "\u202e", uint16(0))
	f.Fuzz(func(t *testing.T, subject, why, rule, advice, who string, n uint16) {
		a := About{Subject: subject, All: int(n), Why: why, Rule: rule, Advice: advice, Contact: who, Organization: why, Ref: "abcd2345"}
		for range n % 200 {
			a.List = append(a.List, "x@y.example")
		}
		reply := mail.NewReply(550, "5.1.1", why)
		due := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
		texts := func(a About, who string) []Text {
			return []Text{
				NotSent(a), Stopped(a), Declined(a, who, why), Expired(a, 48*time.Hour), Undelivered(a, reply, "mx.example"),
				Relayed(a, "mx.example"), Noted(a), Waiting(a, who, due, "refuse"), {Body: Short(rule, why, a.Ref)},
			}
		}
		size := len(subject) + len(why) + len(rule) + len(advice) + len(who)
		valid := true
		for _, s := range []string{subject, why, rule, advice, who} {
			valid = valid && utf8.ValidString(s)
		}
		for i, x := range texts(a, who) {
			if len(x.Body) > 20*size+20*len(a.List)+3000 || len(x.Subject) > len(subject)+100 {
				t.Fatalf("text %d has %d octets", i, len(x.Body))
			}
			if valid && !utf8.ValidString(x.Subject+x.Body) {
				t.Fatalf("text %d is not UTF-8: %q", i, x)
			}
			if strings.Contains(x.Body, "\r") {
				t.Fatalf("text %d holds a CR: %q", i, x.Body)
			}
		}
		// A stranger's text does not depend on what was found.
		other := a
		other.Why, other.Rule, other.Advice, other.Subject = "w", "r", "a", "s"
		if Stopped(a) != Stopped(other) {
			t.Fatalf("a stranger is told a reason: %q", Stopped(a))
		}
	})
}
