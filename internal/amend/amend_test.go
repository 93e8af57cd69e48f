package amend_test

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/amend"
	"postern.dev/postern/internal/mail"
)

// carry carries an order out on a message.
func carry(text string, o amend.Order) (string, amend.Result) {
	body := mail.Bytes(text)
	r := amend.Amend(mail.Parse(body, mail.Limits{}), o)
	out := &mail.Outgoing{Front: r.Front, Body: body, Put: r.Put}
	got, _ := io.ReadAll(out.Reader())
	return string(got), r
}

// crlf writes a message of lines.
func crlf(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }

func outside(a mail.Address) bool { return a.Domain() != "contoso.example" }

func everybody(mail.Address) bool { return true }

func TestASubjectGetsItsTagOnce(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, tag, subject, want string }{
		{"a plain subject", "[EXTERNAL]", "Subject: hello", "Subject: [EXTERNAL] hello"},
		{"an encoded word stays as it is", "[EXTERNAL]", "Subject: =?utf-8?q?J=C3=BCrgen?=", "Subject: [EXTERNAL] =?utf-8?q?J=C3=BCrgen?="},
		{"no space behind the colon", "[EXTERNAL]", "Subject:hello", "Subject: [EXTERNAL] hello"},
		{"a tab behind the colon", "[EXTERNAL]", "Subject:\thello", "Subject: [EXTERNAL]\thello"},
		{"an empty subject", "[EXTERNAL]", "Subject: ", "Subject: [EXTERNAL] "},
		{"a subject of nothing", "[EXTERNAL]", "Subject:", "Subject: [EXTERNAL]"},
		{"a value that begins on the second line", "[EXTERNAL]", "Subject:\r\n hello", "Subject: [EXTERNAL]\r\n hello"},
		{"in another case of the name", "[EXTERNAL]", "SUBJECT: hello", "SUBJECT: [EXTERNAL] hello"},
		{"a long line is folded behind the tag", "[EXTERNAL]", "Subject: " + strings.Repeat("a", 70), "Subject: [EXTERNAL]\r\n " + strings.Repeat("a", 70)},
		{"octets over 127 stay", "[EXTERNAL]", "Subject: J\xfcrgen", "Subject: [EXTERNAL] J\xfcrgen"},
		{"a tag that is not ASCII is encoded", "[AUSSEN·MAIL]", "Subject: hello", "Subject: =?utf-8?b?W0FVU1NFTsK3TUFJTF0=?= hello"},
		{"and holds the space before an encoded word", "[ÄUSSERE]", "Subject: =?utf-8?q?J=C3=BCrgen?=", "Subject: =?utf-8?b?W8OEVVNTRVJFXSA=?= =?utf-8?q?J=C3=BCrgen?="},
		{"a tag that is there", "[EXTERNAL]", "Subject: [EXTERNAL] hello", ""},
		{"in another case of letters", "[EXTERNAL]", "Subject: [External] hello", ""},
		{"behind the mark of a reply", "[EXTERNAL]", "Subject: Re: [EXTERNAL] hello", ""},
		{"behind marks of all kinds", "[EXTERNAL]", "Subject: AW: Fwd: RE[2]: 回复： [list] [EXTERNAL] hello", ""},
		{"inside of an encoded word", "[EXTERNAL]", "Subject: =?utf-8?q?Re=3A_=5BEXTERNAL=5D_J=C3=BCrgen?=", ""},
		{"at the end of a subject it does not count", "[EXTERNAL]", "Subject: hello [EXTERNAL]", "Subject: [EXTERNAL] hello [EXTERNAL]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := crlf("From: a@b.example", tt.subject, "To: c@d.example", "", "body")
			got, r := carry(text, amend.Order{Tags: []string{tt.tag}})
			want := crlf("From: a@b.example", tt.want, "To: c@d.example", "", "body")
			if tt.want == "" {
				want = text
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			if (len(r.Changed) > 0) != (tt.want != "") {
				t.Errorf("the record would say %q", r.Changed)
			}
			if again, _ := carry(got, amend.Order{Tags: []string{tt.tag}}); again != got {
				t.Errorf("twice: %q", again)
			}
		})
	}
	got, _ := carry(crlf("From: a@b.example", "", "body"), amend.Order{Tags: []string{"[A]", "[B]"}})
	if got != crlf("Subject: [A] [B]", "From: a@b.example", "", "body") {
		t.Errorf("a message without a subject: %q", got)
	}
	got, _ = carry(crlf("Subject: [B] x", "Subject: y", "", "body"), amend.Order{Tags: []string{"[A]", "[B]"}})
	if got != crlf("Subject: [A] [B] x", "Subject: [A] [B] y", "", "body") {
		t.Errorf("two subjects: %q", got)
	}
}

func TestAFieldThatIsTooLongToBeReadNamesNobody(t *testing.T) {
	t.Parallel()
	long := "To: " + strings.Repeat("ann@contoso.example,\r\n ", 60_000) + "bob@x.example"
	got, _ := carry(crlf(long, "Subject: s", "", "body"), amend.Order{Hidden: outside})
	if got != crlf("To: undisclosed-recipients:;", "Subject: s", "", "body") {
		t.Errorf("%d octets: %.200q", len(got), got)
	}
}

func TestToAndCcNameOnlyWhoMayBeNamed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		hidden func(mail.Address) bool
		cc     []mail.Address
		in     []string
		want   []string
	}{
		{"those outside are hidden", outside, nil,
			[]string{"To: Ann <ann@contoso.example>, bob@x.example,", " \"Eve, E.\" <eve@y.example>", "Cc: boss@contoso.example"},
			[]string{"To: Ann <ann@contoso.example>", "Cc: boss@contoso.example"}},
		{"a Cc field of people outside only is left out", outside, nil,
			[]string{"To: ann@contoso.example", "Cc: bob@x.example, eve@y.example"}, []string{"To: ann@contoso.example"}},
		{"everybody is hidden", everybody, nil,
			[]string{"To: ann@contoso.example", "Cc: bob@x.example"}, []string{"To: undisclosed-recipients:;"}},
		{"everybody in a Cc field", everybody, nil, []string{"Cc: bob@x.example"}, []string{"To: undisclosed-recipients:;"}},
		{"nobody is there to hide", everybody, nil, []string{"X: y"}, []string{"X: y"}},
		{"what names nobody stays", everybody, nil, []string{"To: undisclosed-recipients:;"}, []string{"To: undisclosed-recipients:;"}},
		{"a group is opened", outside, nil, []string{"To: friends: ann@contoso.example, bob@x.example;, Mia <mia@contoso.example>"},
			[]string{"To: ann@contoso.example,", " Mia <mia@contoso.example>"}},
		{"a name that names somebody else is dropped", outside, nil,
			[]string{`To: "bob@x.example" <ann@contoso.example>, eve@y.example`}, []string{"To: <ann@contoso.example>"}},
		{"also in a comment and in an encoded word", outside, nil,
			[]string{`To: ann@contoso.example (bob@x.example), =?utf-8?q?bob=40x.example?= <mia@contoso.example>, eve@y.example`},
			[]string{"To: <ann@contoso.example>,", " <mia@contoso.example>"}},
		{"two fields of a name", outside, nil, []string{"To: bob@x.example", "To: ann@contoso.example"}, []string{"To: ann@contoso.example"}},
		{"somebody is added", nil, []mail.Address{"legal@contoso.example"}, []string{"To: a@b.example", "Cc: Boss <boss@contoso.example>"},
			[]string{"To: a@b.example", "Cc: Boss <boss@contoso.example>,", " legal@contoso.example"}},
		{"who is named already is not added", nil, []mail.Address{"LEGAL@contoso.example"}, []string{"To: legal@contoso.example"},
			[]string{"To: legal@contoso.example"}},
		{"somebody is added to an empty Cc", nil, []mail.Address{"legal@contoso.example"}, []string{"To: a@b.example", "Cc: "},
			[]string{"To: a@b.example", "Cc: legal@contoso.example"}},
		{"somebody is added behind a quote that never ends", nil, []mail.Address{"legal@contoso.example"}, []string{`Cc: a@b.example, "open`},
			[]string{"Cc: a@b.example,", " legal@contoso.example"}},
		{"hidden and added", outside, []mail.Address{"legal@contoso.example"}, []string{"To: a@b.example", "Cc: c@d.example"},
			[]string{"Cc: legal@contoso.example"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lines := func(mid []string) string {
				return crlf(append(append([]string{"From: x@contoso.example"}, mid...), "Subject: s", "", "body")...)
			}
			got, _ := carry(lines(tt.in), amend.Order{Hidden: tt.hidden, Cc: tt.cc})
			if d := cmp.Diff(lines(tt.want), got); d != "" {
				t.Error(d)
			}
		})
	}
	got, r := carry(crlf("From: x@contoso.example", "To: bob@x.example", "", "body"), amend.Order{Cc: []mail.Address{"a@contoso.example", "b@contoso.example"}})
	if got != crlf("Cc: a@contoso.example,", " b@contoso.example", "From: x@contoso.example", "To: bob@x.example", "", "body") {
		t.Errorf("a new Cc field: %q", got)
	}
	_, r = carry(crlf("To: Bob <bob@x.example>, ann@contoso.example", "", "body"), amend.Order{Hidden: outside})
	if d := cmp.Diff([]string{"To: Bob <bob@x.example>, ann@contoso.example"}, r.Original); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"To and Cc: 1 hidden"}, r.Changed); d != "" {
		t.Error(d)
	}
}
