package notice

import (
	"strings"
	"testing"
	"time"
)

func TestALineOfAListCarriesItsLinkHomeOnly(t *testing.T) {
	a := about()
	a.List = nil
	a.Items = []Item{
		{"Please decide: mail from ann", "https://mail.contoso.example/d/1"}, {"Still open", "https://evil.example/d/2"},
		{"<b>x", "javascript:alert(1)"}, {"two\nlines", "https://mail.contoso.example/d/3\r\nhttps://evil.example"},
	}
	x := Default().Write(HeldDigest, a)
	if !strings.Contains(x.Body, "  Please decide: mail from ann\n    https://mail.contoso.example/d/1\n  Still open\n  <b>x\n  two lines\n") {
		t.Error(x.Body)
	}
	if strings.Count(x.HTML, "<a href=") != 2 || strings.Contains(x.Body+x.HTML, "evil") || strings.Contains(x.HTML, "<b>") {
		t.Error(x.HTML)
	}
}

func TestADraftsLinesSayWhatWouldHappen(t *testing.T) {
	a := about()
	a.List = nil
	a.Checked = []Checked{
		{To: "bob@fabrikam.example", Would: "hold", Why: "3 card numbers in plan.docx", Rule: "Cards"},
		{To: "carl@contoso.example", Would: "deliver"}, {Would: "block", Rule: "Passwords"},
	}
	delete(a.More, "change")
	a.Change, a.Then = "leave out the attachment plan.docx", "deliver"
	x := Default().Write(Draft, a)
	for _, want := range []string{
		"  bob@fabrikam.example: it would wait for a decision: 3 card numbers in plan.docx (rule \"Cards\")\n",
		"  carl@contoso.example: it would be sent\n", "  somebody outside: it would not be sent: ",
		"With the smallest change: leave out the attachment plan.docx: it would be\nsent",
	} {
		if !strings.Contains(x.Body, want) {
			t.Errorf("%q is not in\n%s", want, x.Body)
		}
	}
}

// What a program calls a reason, a role or an end has its words everywhere.
func TestEveryReasonAndRoleHasItsWords(t *testing.T) {
	for _, lang := range Default().Languages() {
		words := Default().languages[lang].words
		for _, w := range []string{
			"would_deliver", "would_secure", "would_override", "would_hold", "would_redirect", "would_block", "would_defer",
			"history_first", "history_known", "role_manager", "role_named", "role_group", "role_deputy", "role_handed",
			"why_unread", "why_not_identified", "why_not_yours", "why_own_mail", "why_over", "why_said_already", "why_pinned",
			"why_needs_right", "why_gone", "why_other",
			"ended_released", "ended_sent", "ended_rejected", "ended_expired", "ended_timed_out", "ended_cancelled", "ended_removed",
		} {
			if words[w] == "" {
				t.Errorf("%s lacks %s", lang, w)
			}
		}
	}
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	a := About{Refused: "over", Ended: "timed-out", Who: "deadline", Times: map[string]time.Time{"at": at}, Ref: "X"}
	if x := Default().Write(Ignored, a); !strings.Contains(x.Body, "it was sent (deadline, Tue 24 Nov 2026 10:00 UTC)") {
		t.Error(x.Body)
	}
	a = About{Refused: "something new", Ref: "X"}
	if x := Default().Write(Ignored, a); !strings.Contains(x.Body, "it is not possible now") {
		t.Error(x.Body)
	}
}

func TestWhatWasKeptBackIsALineEachAndNothingInItIsALink(t *testing.T) {
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	for _, lang := range Default().Languages() {
		a := About{Languages: []string{lang}, Ref: "K7TQ-M2XD", Console: "mail.contoso.example", More: map[string]string{"n": "2"}, Kept: []Kept{
			{At: at, From: "eve@evil.example", Subject: "Pay at https://evil.example/x or www.evil.example, v1.2.", Why: "2 card numbers",
				May: []string{"preview", "request", "release"}, Link: "https://mail.contoso.example/approve/1"},
			{At: at, From: "eve@evil.example", Ended: "expired", Link: "https://evil.example/2"},
		}}
		x := Default().Write(Digest, a)
		if strings.Contains(x.Body, "https://evil") || strings.Contains(x.Body, "www.evil.") || !strings.Contains(x.Body, "v1.2.") {
			t.Errorf("%s: a program makes a link of it: %s", lang, x.Body)
		}
		if strings.Count(x.Body, "https://mail.contoso.example/approve/1") != 1 || strings.Contains(x.HTML, `href="https://evil`) {
			t.Errorf("%s: %s", lang, x.HTML)
		}
		if got, want := reading(x.HTML), strings.Join(strings.Fields(x.Body), " "); got != want {
			t.Errorf("HTML says\n%s\nthe text says\n%s", got, want)
		}
		a.Kept, a.More["n"] = a.Kept[:1], "1"
		if one := Default().Write(Digest, a); strings.Contains(one.Subject, "1") || strings.Contains(one.Body, "{") {
			t.Errorf("%s: %s", lang, one.Subject)
		}
	}
}
