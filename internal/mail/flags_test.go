package mail_test

import (
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
)

func TestWhatCouldBeReadInTwoWaysIsSaid(t *testing.T) {
	const multi = "Content-Type: multipart/mixed; boundary=xyz\r\n\r\n--xyz\r\n\r\na\r\n"
	tests := []struct {
		name, message string
		want          mail.Cause // "" for nothing
	}{
		{"an encoding with a typing error is harmless", "Content-Transfer-Encoding: 8 bit\r\n\r\nx", ""},
		{"an encoding in quotes is harmless", "Content-Transfer-Encoding: \"base64\"\r\n\r\neA==", ""},
		{"an encoding with a comment is harmless", "Content-Transfer-Encoding: base64 (x)\r\n\r\neA==", ""},
		{"an encoding with a comment that names one is harmless",
			"Content-Transfer-Encoding: (7bit) base64\r\n\r\neA==", ""},
		{"two encodings in one field", "Content-Transfer-Encoding: 7bit base64\r\n\r\neA==", mail.Ambiguous},
		{"an encoding that nearly is base64", "Content-Transfer-Encoding: x-base-64\r\n\r\neA==", mail.Ambiguous},
		{"an encoding in an encoded word", "Content-Transfer-Encoding: =?a?q?base64?=\r\n\r\neA==", mail.Ambiguous},
		{"an unknown encoding over text is harmless", "Content-Transfer-Encoding: utf-8\r\n\r\nhello, Bob", ""},
		{"an unknown encoding over base64",
			"Content-Transfer-Encoding: rot\r\n\r\nSGVsbG8gQm9iIGFuZCBBbm4h", mail.Ambiguous},
		{"text that is called base64",
			"Content-Transfer-Encoding: base64\r\n\r\nplease charge my card: 1234", mail.Ambiguous},
		{"equal fields are harmless", "Content-Type: text/plain\r\nContent-Type: text/plain\r\n\r\nx", ""},
		{"two types", "Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nx", mail.Ambiguous},
		{"two charsets", "Content-Type: text/plain; charset=utf-8; charset=utf-7\r\n\r\nx", mail.Ambiguous},
		{"two dispositions", "Content-Disposition: inline\r\nContent-Disposition: attachment\r\n\r\nx", mail.Ambiguous},
		{"a parameter in a comment",
			"Content-Type: multipart/mixed; (boundary=abc) boundary=xyz\r\n\r\n--xyz\r\n\r\na\r\n", mail.Ambiguous},
		{"no semicolon before the boundary",
			"Content-Type: multipart/mixed; a=b boundary=xyz\r\n\r\n--xyz\r\n\r\na\r\n", mail.Ambiguous},
		{"an open quote", "Content-Type: multipart/mixed; boundary=\"xyz\r\n\r\n--xyz\r\n\r\na\r\n", mail.Ambiguous},
		{"a boundary of 71 octets", strings.ReplaceAll(multi, "xyz", strings.Repeat("x", 71)), mail.Ambiguous},
		{"a boundary of 70 octets", strings.ReplaceAll(multi, "xyz", strings.Repeat("x", 70)), ""},
		{"an empty boundary", "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\na\r\n", mail.Malformed},
		{"a multipart with a comma",
			"Content-Type: multipart/mixed, boundary=xyz\r\n\r\n--xyz\r\n\r\na\r\n", mail.Malformed},
		{"a delimiter in other letters", multi + "--XYZ\r\n\r\nb\r\n", mail.Ambiguous},
		{"a delimiter behind white space", multi + " --xyz\r\n\r\nb\r\n", mail.Ambiguous},
		{"a delimiter behind a bare CR", multi + "b\r--xyz\r\n\r\nb\r\n", mail.Ambiguous},
		{"a delimiter with text behind it", multi + "--xyz boo\r\n\r\nb\r\n", mail.Ambiguous},
		{"a delimiter with white space behind it", multi + "--xyz \t\r\n\r\nb\r\n", ""},
		{"a line that begins with dashes", multi + "-- \r\nAnn\r\n--xyzzy\r\n--xyz--\r\n", ""},
		{"a multipart called quoted-printable is read as it stands",
			"Content-Transfer-Encoding: quoted-printable\r\n" + multi, ""},
		{"a multipart called base64", "Content-Transfer-Encoding: base64\r\n" + multi, mail.Ambiguous},
		{"content elsewhere", "Content-Type: message/external-body; access-type=url\r\n\r\nx", mail.Unsupported},
		{"a BinHex file in a text", "\r\n(This file must be converted with BinHex 4.0)\r\n:x:\r\n", mail.Unsupported},
		{"a NUL in a picture is harmless", "Content-Type: image/png\r\n\r\n\x00", ""},
		{"a NUL in UTF-16 is harmless", "Content-Type: text/plain; charset=utf-16\r\n\r\na\x00", ""},
		{"bare LF is harmless", "Content-Type: text/plain\n\nx\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := mail.Parse(mail.Bytes(test.message), mail.Limits{})
			got := mail.Cause("")
			if len(m.Unseen) > 0 {
				got = m.Unseen[0].Reason
			}
			if got != test.want {
				t.Errorf("%v, want %q", m.Unseen, test.want)
			}
		})
	}
}

func TestMessageSaysWhatItsOctetsAre(t *testing.T) {
	tests := []struct {
		name, in            string
		bare, eightBit, nul bool
	}{
		{"CR LF and ASCII", "a: b\r\n\r\nc\r\n", false, false, false},
		{"a bare LF", "a: b\r\n\r\nc\n", true, false, false},
		{"a bare CR", "a: b\r\n\r\nc\rd", true, false, false},
		{"a CR at the end", "a: b\r\n\r\nc\r", true, false, false},
		{"a CR before CR LF", "a: b\r\n\r\nc\r\r\n", true, false, false},
		{"an octet over 127", "a: b\r\n\r\n\xe4", false, true, false},
		{"a NUL", "a: b\r\n\r\n\x00", false, false, true},
		{"a bare LF behind the window", "a: b\r\n\r\n" + strings.Repeat("x", 70000) + "\n", true, false, false},
		{"a long line", "a: b\r\n\r\n" + strings.Repeat("x", 70000) + "\r\n", false, false, false},
		{"a CR LF across the window", "a: b\r\n\r\n" + strings.Repeat("x", 65536-9) + "\r\nc\r\n", false, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := mail.Parse(mail.Bytes(test.in), mail.Limits{})
			if m.Bare != test.bare || m.EightBit != test.eightBit || m.NUL != test.nul {
				t.Errorf("bare %v, 8 bit %v, NUL %v", m.Bare, m.EightBit, m.NUL)
			}
		})
	}
}
