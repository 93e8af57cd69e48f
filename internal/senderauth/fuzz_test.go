package senderauth

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
)

func FuzzTags(f *testing.F) {
	for _, s := range []string{
		"v=1; a=rsa-sha256; b=\r\n ab =; d=x", "a=1;", ";", "a=1;;b=2", "=", "a", "a=1;a=2", "A=b;a_1=c", "a=\x00", " a = b ; c=d=e; ",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := parseTags(s)
		if err != nil {
			return
		}
		for _, tag := range list {
			if trim(s[tag.start:tag.end]) != tag.value {
				t.Fatalf("%q stands not where it is said: %q", tag.value, s[tag.start:tag.end])
			}
		}
	})
}

func FuzzKeyRecord(f *testing.F) {
	f.Add("v=DKIM1; k=rsa; p=MIGf")
	f.Add("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
	f.Add("p=")
	f.Add(recordOf(rsaPEM(1024)))
	f.Add("k=rsa; t=s:y; s=email; h=sha256; n=a; p=MDwwDQYJKoZIhvcNAQEBBQADKwAwKAIhAM")
	f.Fuzz(func(t *testing.T, s string) {
		looksLikeKey(s)
		k, err := parseKey(s)
		if err == nil && k.rsa == nil && len(k.ed) == 0 {
			t.Fatal("a key without a key")
		}
		if err == nil && k.verify(make([]byte, 32), []byte("x")) {
			t.Fatal("it verifies anything")
		}
	})
}

func FuzzResults(f *testing.F) {
	for _, s := range []string{
		"mx.a.example; spf=pass (x) smtp.mailfrom=a@b.example; dkim=fail reason=\"a;b\" header.d=c",
		"spf=pass (sender IP is 192.0.2.9) smtp.mailfrom=a;compauth=pass reason=100", "a 1; none", "a;b/1 = c", `a; x="`, "(", "\\",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseResults(s)
		if err != nil && len(r.Methods) > 0 {
			t.Fatal("something of a field that cannot be read counts")
		}
		for _, m := range r.Methods {
			if m.Name == "" || m.Result == "" {
				t.Fatalf("%+v", m)
			}
		}
	})
}

// FuzzTrust: whatever a sender writes below the border, nothing of it counts.
func FuzzTrust(f *testing.F) {
	f.Add(forged + border)
	f.Add(border + forged + inside)
	f.Add(inside + front + stamp)
	f.Add("\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		want, from := Trusted(mail.ParseHeader(mail.Bytes(inside+failed+border+content)), Trust{Exchange: true})
		got, source := Trusted(mail.ParseHeader(mail.Bytes(inside+failed+border+s)), Trust{Exchange: true})
		if s == "" || s[0] != ' ' && s[0] != '\t' { // else it is a part of the border's own field
			if source != from || len(got.Methods) != len(want.Methods) || got.Methods[0].Result != Fail {
				t.Fatalf("%+v from %q", got, source)
			}
		}
		if _, source := Trusted(mail.ParseHeader(mail.Bytes(s)), Trust{}); source != "" {
			t.Fatal("somebody is trusted where nobody is")
		}
	})
}

// FuzzMessage: no message makes the verifier crash, and what is not exactly
// the sealed one does not pass.
func FuzzMessage(f *testing.F) {
	z, message := sealed(f)
	want := bodyOf(message)
	f.Add([]byte(message))
	f.Add([]byte(letter))
	f.Add([]byte(strings.Replace(message, "i=2", "i=3", 1)))
	f.Add([]byte("DKIM-Signature: v=1; a=rsa-sha256; d=s1.example; s=sel; h=from; bh=AA==; b=AA==\r\n" + letter))
	f.Add([]byte("ARC-Seal: i=1; cv=none\r\nARC-Message-Signature: i=1\r\nARC-Authentication-Results: i=1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, m []byte) {
		v := verify(z, string(m), Wanted{DKIM: true, ARC: true})
		if v.Chain.Result == Pass && v.Chain.Instance == 3 && !bytes.Equal(bodyOf(string(m)), want) {
			t.Fatal("another body passes")
		}
		for _, s := range v.Signatures {
			if s.Result == Pass {
				t.Fatal("nobody signed this")
			}
		}
	})
}

// bodyOf is the hash of the body of a message.
func bodyOf(message string) []byte {
	m, err := readMessage(bufio.NewReader(strings.NewReader(message)))
	if err != nil {
		return nil
	}
	return m.sum
}

// FuzzBody: a body has one canonical form, wherever it is torn apart.
func FuzzBody(f *testing.F) {
	f.Add([]byte("a \r\n\r\n b\t\tc\r\r\n"), uint8(3), true)
	f.Add([]byte("\r\n\r\n"), uint8(1), false)
	f.Fuzz(func(t *testing.T, body []byte, cut uint8, relaxed bool) {
		whole, torn := newBodyHash(bodyForm{relaxed, -1}, &kept{}), newBodyHash(bodyForm{relaxed, -1}, &kept{})
		whole.Write(body)
		at := int(cut) % (len(body) + 1)
		torn.Write(body[:at])
		torn.Write(body[at:])
		once := whole.Sum()
		if !bytes.Equal(once, torn.Sum()) {
			t.Fatal("two forms")
		}
		again := newBodyHash(bodyForm{relaxed, -1}, &kept{})
		again.Write(once)
		if !bytes.Equal(once, again.Sum()) {
			t.Fatalf("the form of the form is another one: %q", once)
		}
	})
}
