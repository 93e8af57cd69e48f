package mail_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"postern.dev/postern/internal/mail"
)

// outline is a message's index as text: two equal indexes have equal ones.
func outline(m *mail.Message) string {
	var b strings.Builder
	for _, p := range m.Parts() {
		fmt.Fprintf(&b, "%s %s %v %v %q %q %s %s %v\n",
			p.Path, p.Type, p.Range, p.Content, p.Name, p.Disposition, p.Charset, p.Encoding, p.Hidden)
	}
	for _, u := range m.Unseen {
		fmt.Fprintf(&b, "%v\n", u)
	}
	return b.String()
}

func FuzzParse(f *testing.F) {
	for _, c := range cases(f) {
		f.Add(c.message)
	}
	for _, c := range hostile() {
		if len(c.message) < 4096 {
			f.Add(c.message)
		}
	}
	f.Add([]byte(""))
	f.Add([]byte("\r\n"))
	f.Add([]byte("From a\n>From b\n\nc"))
	f.Add([]byte("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" +
		"Q29udGVudC1UeXBlOiBtZXNzYWdlL3JmYzgyMgo="))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := mail.Parse(mail.Bytes(data), mail.Limits{Depth: 10, Parts: 100})
		checkTree(t, "fuzz", m)
		checkLeaves(t, m)
		if again := mail.Parse(mail.Bytes(data), mail.Limits{Depth: 10, Parts: 100}); outline(again) != outline(m) {
			t.Fatalf("not the same twice:\n%s\n%s", outline(m), outline(again))
		}
		under := mail.ParseUnder(mail.ParseHeader(mail.Bytes(data)), mail.Limits{Depth: 10, Parts: 100})
		if outline(under) != outline(m) || under.Bare != m.Bare || under.NUL != m.NUL || under.EightBit != m.EightBit {
			t.Fatalf("not the same under its header:\n%s\n%s", outline(m), outline(under))
		}
		for _, p := range m.Leaves() {
			r, _ := p.Text()
			if _, err := io.Copy(io.Discard, r); err != nil {
				t.Fatalf("part %s: %v", p.Path, err)
			}
		}
		for _, field := range m.Header.Fields() {
			m.Header.Value(field)
		}
		if h := mail.ParseHeader(mail.Bytes(data)); h.End() < m.Header.End() {
			t.Fatalf("ParseHeader ends at %d, Parse at %d", h.End(), m.Header.End())
		}
	})
}

// checkLeaves checks that no octet belongs to two leaves of one body, except
// to a text and a file that is uuencoded in it.
func checkLeaves(t *testing.T, m *mail.Message) {
	t.Helper()
	last := map[mail.Body]int64{}
	end := int64(0)
	for _, p := range m.Leaves() {
		if strings.Contains(p.Path, ".uu") {
			continue
		}
		if _, ok := p.Body.(mail.Bytes); ok {
			if p.Content.Start < end {
				t.Fatalf("part %s begins at %d, before %d", p.Path, p.Content.Start, end)
			}
			end = p.Content.End
			continue
		}
		if p.Content.Start < last[p.Body] {
			t.Fatalf("part %s begins at %d, before %d", p.Path, p.Content.Start, last[p.Body])
		}
		last[p.Body] = p.Content.End
	}
}

func FuzzParams(f *testing.F) {
	for _, s := range []string{
		`text/plain; charset=utf-8`, `multipart/mixed; boundary="a;b"; x=(c)`, `a/b; n*0*=utf-8''%41; n*1=b; n*2*=%43`,
		`a/b; name*=iso-8859-1'en'%E4.txt; name="=?utf-8?q?=41?="`, `; ; =; a`,
		`x/y; a="\`, `(((`, `a/b; n*1=x; n*0=y; n*0=z`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m := mail.Parse(mail.Bytes("Content-Type: "+s+"\r\nContent-Disposition: "+s+"\r\n\r\nx"), mail.Limits{})
		for _, p := range m.Parts() {
			if strings.ContainsAny(p.Name, "/\\\x00\r\n") {
				t.Fatalf("name %q", p.Name)
			}
		}
	})
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{
		"=?utf-8?q?a=20b?=", "=?utf-8?b?4oI=?= =?utf-8?b?rA==?=", "=?x?=?=?=?q??=",
		"a =?utf-7?q?+AGE-?= b", "=?utf-16?b?AGE=?=",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := mail.DecodeWords(s)
		if !strings.Contains(s, "=?") && got != s {
			t.Fatalf("changed %q to %q", s, got)
		}
		if utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Fatalf("%q gives %q", s, got)
		}
	})
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{
		"a@b.example", `"a b"@c.example`, "a@[192.0.2.1]", "a@b@c", "a.@b", "\u00e4@\u00f6.example", "a@-b", "@",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := mail.ParseAddress(s)
		if err == nil {
			if string(a) != s || a.Local()+"@"+s[len(a.Local())+1:] != s || a.Null() {
				t.Fatalf("%q became %q", s, a)
			}
			if strings.ContainsAny(s, "\r\n\x00<>") && s[0] != '"' {
				t.Fatalf("took %q", s)
			}
		}
		h := mail.ParseHeader(mail.Bytes("To: " + s + "\r\n\r\n"))
		for _, a := range h.Addresses("to") {
			if !strings.Contains(string(a), "@") || strings.ContainsAny(string(a), "\r\n\x00") {
				t.Fatalf("address %q from %q", a, s)
			}
		}
	})
}

func FuzzReply(f *testing.F) {
	f.Add("250 2.1.0 ok")
	f.Add("250-a\n250 b")
	f.Add("550-5.7.1 a\n550 5.7.1 b")
	f.Add("421")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := mail.ParseReply(strings.Split(s, "\n"))
		if err != nil {
			return
		}
		wire := r.Wire()
		for i, line := range strings.SplitAfter(strings.TrimSuffix(wire, "\r\n"), "\r\n") {
			if line = strings.TrimSuffix(line, "\r\n"); len(line) > 512 || strings.ContainsAny(line, "\r\n\x00") {
				t.Fatalf("line %d of %q is %q", i, s, line)
			}
		}
		again, err := mail.ParseReply(strings.Split(strings.TrimSuffix(wire, "\r\n"), "\r\n"))
		if err != nil || again.Code != r.Code || again.Enhanced != r.Enhanced {
			t.Fatalf("%q was sent as %q and read as %+v, %v", s, wire, again, err)
		}
	})
}

func FuzzTransfer(f *testing.F) {
	f.Add("base64", []byte("QUJD\r\nREU=\r\nRg=="))
	f.Add("quoted-printable", []byte("a=3Db=\r\nc= \t\r\n=4 =="))
	f.Add("x-uuencode", []byte("begin 644 a\r\n#86)C\r\n`\r\nend\r\n"))
	f.Add("7bit", []byte("abc"))
	f.Fuzz(func(t *testing.T, encoding string, data []byte) {
		if strings.ContainsAny(encoding, "\r\n") {
			return
		}
		head := "Content-Type: application/x\r\nContent-Transfer-Encoding: " + encoding + "\r\n\r\n"
		m := mail.Parse(mail.Bytes(append([]byte(head), data...)), mail.Limits{})
		want, err := io.ReadAll(m.Root.Open())
		if err != nil || len(want) > len(data)+len(head) {
			t.Fatalf("%d octets of %d, %v", len(want), len(data), err)
		}
		got, err := io.ReadAll(iotest.OneByteReader(m.Root.Open()))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("octet by octet: %q, want %q, %v", got, want, err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, label := range []string{
		"", "utf-8", "utf-7", "utf-16", "utf-16le", "utf-32", "iso-2022-jp", "iso-2022-kr", "gb18030", "hz-gb-2312",
		"x-unknown",
	} {
		f.Add(label, []byte("abc +AGE- \x1b$B\x0e!!\x0f\xe4\xf6 \x00a\x00b"))
	}
	f.Fuzz(func(t *testing.T, label string, data []byte) {
		r, _ := mail.Decode(bytes.NewReader(data), label)
		got, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("%q: %v", label, err)
		}
		if !utf8.Valid(got) {
			t.Fatalf("%q: %q is not UTF-8", label, got)
		}
		r, _ = mail.Decode(iotest.OneByteReader(bytes.NewReader(data)), label)
		again, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%q: octet by octet %q, want %q, %v", label, again, got, err)
		}
	})
}
