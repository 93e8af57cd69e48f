package mail_test

import (
	"io"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
)

func TestHeaderFieldsAreRangesOverTheOriginal(t *testing.T) {
	message := "From x\r\nA: one\r\n\ttwo\r\nb : x\r\na: three\r\n\r\nbody"
	h := mail.ParseHeader(mail.Bytes(message))
	if got := strings.Join(h.Values("A"), "|"); got != "one\ttwo|three" {
		t.Errorf("values %q", got)
	}
	if h.Get("B") != "x" || !h.Has("b") || h.Has("c") || h.Get("c") != "" || message[h.End():] != "body" {
		t.Errorf("get, has, end %d", h.End())
	}
	var whole []string
	for _, f := range h.Fields() {
		whole = append(whole, message[f.Range.Start:f.Range.End])
	}
	if got := strings.Join(whole, "|"); got != "A: one\r\n\ttwo\r\n|b : x\r\n|a: three\r\n" {
		t.Errorf("ranges %q", got)
	}
	if f := h.All("a")[1]; message[f.Value.Start:f.Value.End] != " three" {
		t.Errorf("value %v", f.Value)
	}
}

func TestWhereAHeaderEnds(t *testing.T) {
	tests := []struct {
		name, message, body string
		notes               int
	}{
		{"at the empty line", "a: b\r\n\r\nx", "x", 0},
		{"at an empty line of LF", "a: b\n\nx", "x", 0},
		{"at the end of the message", "a: b", "", 0},
		{"at once, when the first line is empty", "\r\nx: y", "x: y", 0},
		{"nowhere, in an empty message", "", "", 0},
		{"a line that is no field is skipped", "a: b\r\njunk\r\nc: d\r\n\r\nx", "x", 1},
		{"two lines that are no fields are the body",
			"a: b\r\nHello Bob\r\nhow are you\r\n", "Hello Bob\r\nhow are you\r\n", 1},
		{"a folded line of white space goes on", "a: b\r\n \r\nc: d\r\n\r\nx", "x", 0},
		{"MIME behind white space is ambiguous", "a: b\r\n \r\nContent-Type: text/html\r\n\r\nx", "x", 1},
		{"a field with an empty value", "a:\r\n\r\nx", "x", 0},
		{"a NUL is noted", "a: b\x00\r\n\r\nx", "x", 1},
		{"a bare CR is noted", "a: b\rc: d\r\n\r\nx", "x", 1},
		{"white space before the first field is noted", " a: b\r\n\r\nx", "x", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := mail.ParseHeader(mail.Bytes(test.message))
			if got := test.message[h.End():]; got != test.body || len(h.Notes()) != test.notes {
				t.Errorf("body %q, notes %v", got, h.Notes())
			}
		})
	}
}

func TestDecodeWords(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain text stays", "hello", "hello"},
		{"quoted-printable", "=?utf-8?Q?a=20b_c?=", "a b c"},
		{"base64", "=?UTF-8?B?w6Q=?= x", "\u00e4 x"},
		{"space between words is dropped", "=?utf-8?q?a?= \t=?utf-8?q?b?=", "ab"},
		{"space before text stays", "=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"},
		{"a character cut in two is joined", "=?utf-8?b?4oI=?= =?utf-8?b?rA==?=", "\u20ac"},
		{"words of two charsets are decoded apart", "=?iso-8859-1?q?=E4?= =?utf-8?q?=C3=A4?=", "\u00e4\u00e4"},
		{"words inside quotes are decoded", `"=?utf-8?q?a?="x`, `"a"x`},
		{"a language is dropped", "=?utf-8*de?q?a?=", "a"},
		{"no padding is needed", "=?utf-8?b?YQ?=", "a"},
		{"an unknown charset is guessed", "=?x-none?q?abc?=", "abc"},
		{"an unknown encoding stays", "=?utf-8?x?abc?=", "=?utf-8?x?abc?="},
		{"an open word stays", "=?utf-8?q?abc", "=?utf-8?q?abc"},
		{"an escaped character may stand first", "=?utf-8?q?=3D?=", "="},
		{"an empty word is empty", "a=?utf-8?q??=b", "ab"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := mail.DecodeWords(test.in); got != test.want {
				t.Errorf("%q gives %q, want %q", test.in, got, test.want)
			}
		})
	}
}

func TestBestFileName(t *testing.T) {
	tests := []struct {
		name, disposition, ctype, want string
		doubt                          bool
	}{
		{"the disposition's name wins", `attachment; filename="a.txt"`, `text/plain; name="b.txt"`, "a.txt", false},
		{"the type's name is the second choice", "attachment", `text/plain; name=b.txt`, "b.txt", false},
		{"the extended form wins",
			`attachment; filename=a.txt; filename*=utf-8''%E2%82%AC.txt`, "text/plain", "\u20ac.txt", false},
		{"continuations come in any order",
			`attachment; filename*1="b.txt"; filename*0="a"`, "text/plain", "ab.txt", false},
		{"encoded words are decoded",
			`attachment; filename="=?utf-8?q?=E2=82=AC.txt?="`, "text/plain", "\u20ac.txt", false},
		{"spaces need no quotes in practice",
			`attachment; filename=my report (1).txt`, "text/plain", "my report (1).txt", false},
		{"a path is cut", `attachment; filename="../../etc/passwd"`, "text/plain", "passwd", false},
		{"a path of Windows is cut", `attachment; filename="C:\\dir\\a.exe"`, "text/plain", "a.exe", false},
		{"a drive letter is cut", `attachment; filename="c:a.exe"`, "text/plain", "a.exe", false},
		{"control and direction marks are removed",
			"attachment; filename*=utf-8''a%00%E2%80%AEb%0D%0A.txt", "text/plain", "ab.txt", false},
		{"dots alone are no name", `attachment; filename=".."`, "text/plain", "", false},
		{"two extensions are in doubt", `attachment; filename=a.txt`, `text/plain; name=a.exe`, "a.txt", true},
		{"one extension is not", `attachment; filename=long.txt`, `text/plain; name=lo.TXT`, "long.txt", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			head := "Content-Type: " + test.ctype + "\r\nContent-Disposition: " + test.disposition + "\r\n\r\n"
			m := mail.Parse(mail.Bytes(head), mail.Limits{})
			if m.Root.Name != test.want || (len(m.Unseen) > 0) != test.doubt {
				t.Errorf("%q, %v; want %q", m.Root.Name, m.Unseen, test.want)
			}
		})
	}
}

func TestDecodeReadsCharsets(t *testing.T) {
	tests := []struct{ name, label, in, want string }{
		{"ASCII", "us-ascii", "abc", "abc"},
		{"Latin 1 under the name of ASCII", "us-ascii", "\xe4", "\u00e4"},
		{"UTF-8 under the name of ASCII", "us-ascii", "\u00e4", "\u00e4"},
		{"a byte order mark is dropped", "utf-8", "\ufeffabc", "abc"},
		{"a label in quotes", `"UTF-8"`, "\u00e4", "\u00e4"},
		{"windows-1252 by its number", "cp1252", "\x80", "\u20ac"},
		{"UTF-16 without a mark", "utf-16", "\x00a\x00b\x00c\x00d", "abcd"},
		{"UTF-16 with the other order than its label", "utf-16le", "\x00a\x00b\x00c\x00d", "abcd"},
		{"UTF-16 with a mark under a wrong label", "utf-8", "\xff\xfea\x00b\x00", "ab"},
		{"UTF-16 without a mark under a wrong label", "utf-8", "a\x00b\x00c\x00d\x00", "abcd"},
		{"UTF-32", "utf-32be", "\x00\x00\x00a\x00\x00\x00b", "ab"},
		{"UTF-7", "utf-7", "a+AOQ-b+-", "a\u00e4b+"},
		{"Japanese with escapes", "iso-2022-jp", "\x1b$B$\"\x1b(Ba", "\u3042a"},
		{"Korean with shifts", "iso-2022-kr", "\x1b$)C\x0e0!\x0fa", "\uac00a"},
		{"Chinese with shifts", "iso-2022-cn", "\x1b$)A\x0e;A\x0fa", "\u6da3a"},
		{"GB 18030", "gb18030", "\xa3\xb4", "\uff14"},
		{"an unknown label with ASCII", "x-klingon", "4111", "4111"},
		{"no label", "", "\u00e4", "\u00e4"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, cause := mail.Decode(strings.NewReader(test.in), test.label)
			got, err := io.ReadAll(r)
			if err != nil || string(got) != test.want {
				t.Errorf("got %q, %v, cause %q; want %q", got, err, cause, test.want)
			}
		})
	}
}

func TestNamesWithOtherLettersAreFoundInAnyCase(t *testing.T) {
	h := mail.ParseHeader(mail.Bytes("X-K\xc3\x96LN: 1\r\nSubject: a\r\nX-\xe2\x84\xaaey: 2\r\n\r\n"))
	for name, want := range map[string]int{"x-k\u00f6ln": 1, "x-key": 1, "X-KEY": 1, "subject": 1, "x-koln": 0, "": 0} {
		if got := len(h.All(name)); got != want {
			t.Errorf("%q: %d fields, want %d", name, got, want)
		}
	}
}
