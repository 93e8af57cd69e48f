package mail_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
)

func TestEveryLimitOfTheIndexIsSaid(t *testing.T) {
	nested := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
		}
		return b.String() + "\r\ntext\r\n"
	}
	encoded := func(n int) string {
		s := "Subject: x\r\n\r\ntext\r\n"
		for range n {
			s = "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(s)) + "\r\n"
		}
		return s
	}
	params := func(n int) string {
		return "Content-Type: multipart/mixed" + strings.Repeat("; a=b", n) + "; boundary=z\r\n\r\n--z\r\n\r\nx\r\n--z--\r\n"
	}
	tests := []struct {
		name, message string
		limits        mail.Limits
		want          mail.Cause // "" when it must be none of these
	}{
		{"49 levels", nested(49), mail.Limits{}, ""},
		{"51 levels", nested(51), mail.Limits{}, mail.TooDeep},
		{"a limit of 3 levels", nested(4), mail.Limits{Depth: 3}, mail.TooDeep},
		{"more than 10,000 parts", "Content-Type: multipart/mixed; boundary=z\r\n\r\n" + strings.Repeat("--z\r\n\r\nx\r\n", 10_001), mail.Limits{}, mail.TooManyParts},
		{"a limit of 2 parts", "Content-Type: multipart/mixed; boundary=z\r\n\r\n" + strings.Repeat("--z\r\n\r\nx\r\n", 3), mail.Limits{Parts: 2}, mail.TooManyParts},
		{"a header over its limit", "Subject: x\r\n" + strings.Repeat("X: y\r\n", 100) + "\r\ntext\r\n", mail.Limits{Header: 100}, mail.TooLarge},
		{"more than 250,000 fields", strings.Repeat("X: y\r\n", 250_001) + "\r\ntext\r\n", mail.Limits{}, mail.TooLarge},
		{"a field of 1 MiB", "X: " + strings.Repeat("y", 1<<20-10) + "\r\n\r\ntext\r\n", mail.Limits{}, ""},
		{"a field of more than 1 MiB", "X: " + strings.Repeat("y", 1<<20+10) + "\r\n\r\ntext\r\n", mail.Limits{}, mail.TooLarge},
		{"a MIME field of more than 64 KiB", "Content-Type: text/plain; x=" + strings.Repeat("y", 65<<10) + "\r\n\r\ntext\r\n", mail.Limits{}, mail.Malformed},
		{"900 parameters", params(900), mail.Limits{}, ""},
		{"1,001 parameters", params(1000), mail.Limits{}, mail.Ambiguous},
		{"8 encoded messages in each other", encoded(8), mail.Limits{}, ""},
		{"9 encoded messages in each other", encoded(9), mail.Limits{}, mail.TooDeep},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := mail.Parse(mail.Bytes(tt.message), tt.limits)
			var causes []mail.Cause
			for _, u := range m.Unseen {
				causes = append(causes, u.Reason)
			}
			if tt.want != "" && !slices.Contains(causes, tt.want) {
				t.Errorf("%v is not among %v", tt.want, m.Unseen)
			}
			for _, c := range []mail.Cause{mail.TooDeep, mail.TooManyParts, mail.TooLarge} {
				if tt.want == "" && slices.Contains(causes, c) {
					t.Errorf("%v, although nothing is too much", m.Unseen)
				}
			}
		})
	}
}

// A list full of one cause must not hide another: its gate may be closed.
func TestAThousandOdditiesHideNoOtherCause(t *testing.T) {
	var b strings.Builder
	b.WriteString("Content-Type: multipart/mixed; boundary=z\r\n\r\n")
	for range 1100 {
		b.WriteString("--z\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\r\nx\r\n")
	}
	b.WriteString("--z\r\nContent-Type: message/external-body; access-type=URL\r\n\r\nx\r\n--z--\r\n")
	m := mail.Parse(mail.Bytes(b.String()), mail.Limits{})
	if len(m.Unseen) > 1010 {
		t.Errorf("%d oddities are kept", len(m.Unseen))
	}
	if !slices.ContainsFunc(m.Unseen, func(u mail.Unseen) bool { return u.Reason == mail.Unsupported }) {
		t.Errorf("the part that is elsewhere is not said: %v", m.Unseen[len(m.Unseen)-1])
	}
}

func TestEncodedWordsOfAnyLengthAreDecoded(t *testing.T) {
	text := strings.Repeat("secret ", 10_000)
	word := "=?utf-8?b?" + base64.StdEncoding.EncodeToString([]byte(text)) + "?="
	if got := mail.DecodeWords("a " + word + " b"); got != "a "+text+" b" {
		t.Errorf("%d octets, want %d", len(got), len(text)+4)
	}
	// Words that never end are not searched for their ends again and again.
	for _, s := range []string{"=?a?q?x", "=?a?q??=4", "=?a?x?y?=", "=?a"} {
		endless := strings.Repeat(s, 300_000)
		if got := mail.DecodeWords(endless); len(got) > len(endless) {
			t.Errorf("%s: %d octets", s, len(got))
		}
	}
}
