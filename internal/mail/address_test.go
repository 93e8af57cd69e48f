package mail_test

import (
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
)

func TestParseAddress(t *testing.T) {
	long := strings.Repeat("a", 64)
	tests := []struct {
		name, in string
		ok       bool
	}{
		{"a usual address", "ann@contoso.example", true},
		{"dots and tags in the local part", "ann.b+tag@contoso.example", true},
		{"every character of atext", "!#$%&'*+-/=?^_`{|}~@a.example", true},
		{"a quoted local part", `"ann b"@contoso.example`, true},
		{"a quoted at sign", `"a@b"@contoso.example`, true},
		{"an escaped quote", `"a\"b"@contoso.example`, true},
		{"letters beyond ASCII", "j\u00f6rg@m\u00fcller.example", true},
		{"an address literal", "ann@[192.0.2.1]", true},
		{"an IPv6 literal", "ann@[IPv6:2001:db8::1]", true},
		{"a single label", "root@localhost", true},
		{"64 octets before the at sign", long + "@a.example", true},
		{"nothing", "", false},
		{"no at sign", "ann", false},
		{"no local part", "@contoso.example", false},
		{"no domain", "ann@", false},
		{"two at signs", "a@b@c.example", false},
		{"65 octets before the at sign", long + "a@a.example", false},
		{"255 octets in all", "a@" + strings.Repeat("a.", 125) + "exa", false},
		{"a dot first", ".ann@a.example", false},
		{"a dot last", "ann.@a.example", false},
		{"two dots", "a..b@a.example", false},
		{"a space", "a b@a.example", false},
		{"a line end", "a@a.example\r\nRCPT", false},
		{"a NUL in quotes", "\"a\x00\"@a.example", false},
		{"an open quote", `"ann@a.example`, false},
		{"angle brackets", "<ann@a.example>", false},
		{"a source route", "@a.example:ann@b.example", false},
		{"broken UTF-8", "a\xff@a.example", false},
		{"an empty label", "ann@a..example", false},
		{"a label that begins with a hyphen", "ann@-a.example", false},
		{"a label that ends with a hyphen", "ann@a-.example", false},
		{"a label of 64 octets", "ann@" + long + ".example", false},
		{"an open literal", "ann@[192.0.2.1", false},
		{"an empty literal", "ann@[]", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := mail.ParseAddress(test.in)
			if (err == nil) != test.ok || test.ok && string(got) != test.in {
				t.Errorf("%q: %q, %v", test.in, got, err)
			}
		})
	}
}

func TestAddressKnowsItsParts(t *testing.T) {
	a := mail.Address(`"x@y"@Contoso.Example`)
	if a.Local() != `"x@y"` || a.Domain() != "contoso.example" || a.Fold() != `"x@y"@contoso.example` || !a.ASCII() {
		t.Errorf("%q %q %q", a.Local(), a.Domain(), a.Fold())
	}
	if !mail.Address("").Null() || mail.Address("a").Domain() != "" || mail.Address("\u00e4@b").ASCII() {
		t.Error("null, no domain, not ASCII")
	}
}

func TestAddressesOfAField(t *testing.T) {
	tests := []struct {
		name, in string
		want     []mail.Address
	}{
		{"one address", "ann@a.example", []mail.Address{"ann@a.example"}},
		{"a display name is dropped", "Ann <ann@a.example>", []mail.Address{"ann@a.example"}},
		{"a display name may hold a comma in quotes",
			`"B, Ann" <ann@a.example>, c@d.example`, []mail.Address{"ann@a.example", "c@d.example"}},
		{"a display name may look like an address", `"boss@c.example" <ann@a.example>`, []mail.Address{"ann@a.example"}},
		{"the last angle brackets count", "<x@y.example> <ann@a.example>", []mail.Address{"ann@a.example"}},
		{"comments are dropped",
			"ann@a.example (Ann, the first), (x@y) b@c.example", []mail.Address{"ann@a.example", "b@c.example"}},
		{"a group is opened",
			"team: a@b.example, Bob <c@d.example>;, e@f.example", []mail.Address{"a@b.example", "c@d.example", "e@f.example"}},
		{"an empty group has none", "undisclosed-recipients:;", nil},
		{"a route is dropped", "<@x.example,@y.example:ann@a.example>", []mail.Address{"ann@a.example"}},
		{"a quoted local part stays", `"a b"@c.example`, []mail.Address{`"a b"@c.example`}},
		{"white space around dots is obsolete but read", "ann . b @ a . example", []mail.Address{"ann.b@a.example"}},
		{"semicolons separate as commas do", "a@b.example; c@d.example", []mail.Address{"a@b.example", "c@d.example"}},
		{"an open bracket is closed by the end", "Ann <ann@a.example", []mail.Address{"ann@a.example"}},
		{"words are no addresses", "Ann, Bob", nil},
		{"a folded list is one list", "a@b.example,\r\n c@d.example", []mail.Address{"a@b.example", "c@d.example"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := mail.ParseHeader(mail.Bytes("To: " + test.in + "\r\n\r\n"))
			if got := h.Addresses("TO"); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
