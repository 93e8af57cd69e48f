package quarantine

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"postern.dev/postern/internal/mail"
)

func TestOnlyTheFirstWordOfAReplyDecides(t *testing.T) {
	tests := []struct {
		text, word, comment string
	}{
		{"APPROVE", "approve", ""},
		{"approve\r\n", "approve", ""},
		{"\ufeff\r\n \u200b\r\n  Approve.\r\n", "approve", ""},
		{"Reject: not to them\nand not today\n\n> APPROVE", "reject", "not to them\nand not today"},
		{"reject\n\nOn Mon, Postern wrote:\n> reply APPROVE or REJECT", "reject", ""},
		{"Approve\n-- \nDana, with a signature", "approve", ""},
		{"APPROVE\nVon: Postern\nAn: Dana", "approve", ""},
		{"Approved", "", ""},
		{"I approve", "", ""},
		{"ok", "", ""},
		{"", "", ""},
		{"> APPROVE", "", ""},
		{"APPROVE or REJECT", "", ""},
		{"APPROVE / REJECT", "", ""},
		{"Reject or approve it, as you like", "", ""},
		{"Approve? I would rather not", "", ""},
		{"Thank you.\nAPPROVE", "", ""},
		{"Automatic reply: approve", "", ""},
		{"approve\u202eevil\x00", "approve", "evil"},
	}
	for _, tt := range tests {
		a, ok := ParseReply(tt.text)
		word := ""
		if ok {
			word = map[bool]string{true: "approve", false: "reject"}[a.Approve]
		}
		if word != tt.word || a.Comment != tt.comment {
			t.Errorf("%q: %q %q", tt.text, word, a.Comment)
		}
	}
	a, ok := ParseReply("approve " + strings.Repeat("é", mostComment+5))
	if !ok || utf8.RuneCountInString(a.Comment) != mostComment {
		t.Errorf("a comment of %d characters", utf8.RuneCountInString(a.Comment))
	}
	if _, ok := ParseReply(strings.Repeat("\n", mostReply) + "approve"); ok {
		t.Error("a word behind the end of what is read decides")
	}
}

// FuzzParseReply: whatever comes, only a text whose first word is one of the
// two decides, and a comment is text that a page can show.
func FuzzParseReply(f *testing.F) {
	for _, s := range []string{
		"APPROVE", "reject no", "\ufeffApprove\r\n> x", "approve or reject", "a\xffpprove", "-----\n-----", "APPROVE\u202e\x00",
		"On x wrote:", "REJECT?", "\r\rApprove\r-", strings.Repeat("x ", 3000),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := ParseReply(s)
		if !ok {
			if a.Comment != "" {
				t.Errorf("no decision, but a comment: %q", a.Comment)
			}
			return
		}
		lower := strings.ToLower(strings.ToValidUTF8(s, ""))
		word := map[bool]string{true: "approve", false: "reject"}[a.Approve]
		at := strings.Index(lower, word)
		if at < 0 || strings.TrimFunc(lower[:at], invisible) != "" {
			t.Errorf("%q is %s", s, word)
		}
		if n := utf8.RuneCountInString(a.Comment); n > mostComment || !utf8.ValidString(a.Comment) {
			t.Errorf("a comment of %d characters: %q", n, a.Comment)
		}
		if a.Comment != plain(a.Comment) {
			t.Errorf("%q disturbs who reads it", a.Comment)
		}
	})
}

func TestWhoseReplyCounts(t *testing.T) {
	good := Arrived{
		Tenant: "c", Internal: true, MailFrom: "dana@c.example", From: []mail.Address{"Dana@c.example"}, FromFields: 1,
	}
	token := Token{Purpose: ToDecide, Tenant: "c", Message: "m", Address: "dana@c.example", Until: noon().Add(time.Hour)}
	tests := []struct {
		name   string
		change func(*Arrived, *Token)
		why    Why
	}{
		{"as it should be", func(*Arrived, *Token) {}, ""},
		{"from another address of hers", func(a *Arrived, _ *Token) {
			a.MailFrom, a.From = "boss@c.example", []mail.Address{"boss@c.example"}
		}, ""},
		{"from outside, signed by her domain", func(a *Arrived, _ *Token) {
			a.Tenant, a.Internal, a.Signers = "", false, []string{"x.example", "C.example."}
		}, ""},
		{"from outside, signed by another domain", func(a *Arrived, _ *Token) {
			a.Internal, a.Signers = false, []string{"evil.example", "mail.c.example", ""}
		}, NotIdentified},
		{"another tenant's Exchange vouches", func(a *Arrived, _ *Token) { a.Tenant = "d" }, NotIdentified},
		{"nobody vouches", func(a *Arrived, _ *Token) { a.Internal = false }, NotIdentified},
		{"internal, but of no tenant", func(a *Arrived, _ *Token) { a.Tenant = "" }, NotIdentified},
		{"the token of a link", func(_ *Arrived, k *Token) { k.Purpose = ToSee }, NotIdentified},
		{"a token of no tenant", func(a *Arrived, k *Token) { a.Tenant, k.Tenant = "", "" }, NotIdentified},
		{"somebody else's token", func(_ *Arrived, k *Token) { k.Address = "lex@c.example" }, NotYours},
		{"too late", func(_ *Arrived, k *Token) { k.Until = noon() }, OverAlready},
		{"automatic", func(a *Arrived, _ *Token) { a.Automatic = true }, NotIdentified},
		{"a bounce", func(a *Arrived, _ *Token) { a.MailFrom = "" }, NotIdentified},
		{"two authors", func(a *Arrived, _ *Token) { a.From = append(a.From, "lex@c.example") }, NotIdentified},
		{"two From fields", func(a *Arrived, _ *Token) { a.FromFields = 2 }, NotIdentified},
		{"an envelope of another", func(a *Arrived, _ *Token) { a.MailFrom = "lex@c.example" }, NotIdentified},
	}
	for _, tt := range tests {
		a, k := good, token
		tt.change(&a, &k)
		p, err := AcceptReply(a, k, office(), noon())
		if WhyOf(err) != tt.why || (err == nil) != (tt.why == "") {
			t.Errorf("%s: %v", tt.name, err)
		}
		if want := (Person{Tenant: "c", Address: "dana@c.example", By: ByReply}); err == nil && !reflect.DeepEqual(p, want) {
			t.Errorf("%s: %+v", tt.name, p)
		}
	}
}
