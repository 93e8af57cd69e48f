package mail_test

import (
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
)

func TestParseReply(t *testing.T) {
	tests := []struct {
		name string
		in   []string
		want mail.Reply
		ok   bool
	}{
		{"a line with an enhanced code", []string{"250 2.1.5 fine"}, mail.NewReply(250, "2.1.5", "fine"), true},
		{"a line without one", []string{"354 go on"}, mail.NewReply(354, "", "go on"), true},
		{"a bare code", []string{"221"}, mail.NewReply(221, "", ""), true},
		{"several lines", []string{"550-5.7.1 no", "550 5.7.1 really"}, mail.NewReply(550, "5.7.1", "no\nreally"), true},
		{"an enhanced code of another class is text", []string{"250 5.1.1 odd"}, mail.NewReply(250, "", "5.1.1 odd"), true},
		{"a number is no enhanced code", []string{"250 2.1 x"}, mail.NewReply(250, "", "2.1 x"), true},
		{"two codes in one reply are an error", []string{"250-a", "550 b"}, mail.Reply{}, false},
		{"letters are an error", []string{"abc"}, mail.Reply{}, false},
		{"a short line is an error", []string{"25"}, mail.Reply{}, false},
		{"no line is an error", nil, mail.Reply{}, false},
		{"a code below 200 is an error", []string{"100 x"}, mail.Reply{}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := mail.ParseReply(test.in)
			if (err == nil) != test.ok || got != test.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestReplyOnTheWire(t *testing.T) {
	tests := []struct {
		name string
		in   mail.Reply
		want string
	}{
		{"one line", mail.NewReply(250, "2.0.0", "ok"), "250 2.0.0 ok\r\n"},
		{"two lines repeat the codes", mail.NewReply(550, "5.7.1", "a\nb"), "550-5.7.1 a\r\n550 5.7.1 b\r\n"},
		{"no enhanced code", mail.NewReply(220, "", "hello"), "220 hello\r\n"},
		{"control characters are replaced", mail.NewReply(550, "", "a\rb\x00c"), "550 a?b?c\r\n"},
		{"a long line is cut",
			mail.NewReply(250, "", strings.Repeat("x", 600)), "250 " + strings.Repeat("x", 480) + "\r\n"},
		{"nothing in it commands a terminal or turns the writing", mail.NewReply(550, "5.7.1", "a\x1b[2J\u009b2J\u202efdp.exe\x7f\xffé 👍"),
			"550 5.7.1 a?[2J?2J?fdp.exe??é 👍\r\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.in.Wire(); got != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestReplyClasses(t *testing.T) {
	if !(mail.Reply{}).Temporary() || !(mail.Reply{}).None() || (mail.Reply{}).String() != "no answer" {
		t.Error("no answer is temporary")
	}
	r := mail.NewReply(451, "4.3.0", "a\nb")
	if !r.Temporary() || r.Ok() || r.Permanent() || r.String() != "451 4.3.0 a b" {
		t.Errorf("%+v %s", r, r)
	}
	if r := mail.NewReply(250, "", ""); !r.Ok() || r.String() != "250" {
		t.Errorf("%+v", r)
	}
}
