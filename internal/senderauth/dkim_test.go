package senderauth

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"postern.dev/postern/internal/mail"
)

func mailBytes(s string) mail.Body { return mail.Bytes(s) }

func fieldsOf(t testing.TB, message string) []field {
	t.Helper()
	fields, err := readHead(bufio.NewReader(strings.NewReader(message)))
	if err != nil {
		t.Fatal(err)
	}
	return fields
}

func signatures(z zone, message string) []Signature {
	return verify(z, message, Wanted{DKIM: true}).Signatures
}

// other is what go-msgauth says.
func other(t testing.TB, z zone, message string) []*dkim.Verification {
	t.Helper()
	list, err := dkim.VerifyWithOptions(strings.NewReader(message), &dkim.VerifyOptions{
		LookupTXT: func(name string) ([]string, error) {
			list, _, err := z.TXT(t.Context(), name)
			return list, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestWhatWeSignVerifiesHereAndElsewhere(t *testing.T) {
	for name, key := range map[string][]byte{"RSA": rsaPEM(2048), "Ed25519": edPEM()} {
		t.Run(name, func(t *testing.T) {
			s := signer(t, "Contoso.example", key)
			z := zone{}.publish(s)
			f, err := s.Sign(strings.NewReader(letter), noon())
			if err != nil {
				t.Fatal(err)
			}
			message := string(f) + letter
			got := signatures(z, message)
			if len(got) != 1 || got[0].Result != Pass || got[0].Domain != "contoso.example" || !got[0].Time.Equal(noon()) {
				t.Fatalf("%+v\n%s", got, message)
			}
			if v := other(t, z, message); len(v) != 1 || v[0].Err != nil {
				t.Errorf("elsewhere: %+v", v[0].Err)
			}
			for _, line := range strings.Split(string(f), "\r\n") {
				if len(line) > 78 {
					t.Errorf("a line of %d octets: %s", len(line), line)
				}
			}
			second := "From: eve@evil.example\r\n" + message
			if got := signatures(z, second); got[0].Result != Fail {
				t.Errorf("with a second From: %+v", got)
			}
		})
	}
	s := signer(t, "contoso.example", rsaPEM(2048))
	if _, err := s.Sign(strings.NewReader("Subject: x\r\n\r\n"), noon()); err == nil {
		t.Error("a message without From was signed")
	}
}

// signWith has go-msgauth sign.
func signWith(t testing.TB, key []byte, message string, o dkim.SignOptions) string {
	t.Helper()
	block, _ := pem.Decode(key)
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	o.Signer = any.(crypto.Signer)
	o.Selector = "sel"
	if o.Domain == "" {
		o.Domain = "contoso.example"
	}
	var b bytes.Buffer
	if err := dkim.Sign(&b, strings.NewReader(message), &o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWhatOthersSignVerifies(t *testing.T) {
	bodies := []string{"", "\r\n\r\n", "one\r\n", " two  lines \r\n\tb\r\n\r\n", "no end", strings.Repeat("long ", 20000)}
	for name, key := range map[string][]byte{"rsa": rsaPEM(2048), "ed": edPEM()} {
		s := signer(t, "contoso.example", key)
		z := zone{}.publish(s)
		for _, h := range []dkim.Canonicalization{dkim.CanonicalizationSimple, dkim.CanonicalizationRelaxed} {
			for _, c := range []dkim.Canonicalization{dkim.CanonicalizationSimple, dkim.CanonicalizationRelaxed} {
				for i, body := range bodies {
					t.Run(fmt.Sprint(name, h, c, i), func(t *testing.T) {
						message := "From:  Ann <ann@contoso.example>\r\nX: 1\r\nSubject: a\r\n  b \r\nX: 2\r\n\r\n" + body
						signed := signWith(t, key, message, dkim.SignOptions{HeaderCanonicalization: h, BodyCanonicalization: c})
						if got := signatures(z, signed); len(got) != 1 || got[0].Result != Pass {
							t.Fatalf("%+v\n%s", got, signed[:min(len(signed), 1000)])
						}
						for _, change := range []string{
							strings.Replace(signed, "X: 2", "X: 3", 1), strings.Replace(signed, "Ann", "Eve", 1), signed + "x",
						} {
							if got := signatures(z, change); got[0].Result != Fail {
								t.Errorf("%+v", got)
							}
						}
					})
				}
			}
		}
	}
}

// go-msgauth signs with the time of the machine, whatever a test calls noon.
func TestASignatureThatExpiredCannotBeBelieved(t *testing.T) {
	s := signer(t, "contoso.example", rsaPEM(2048))
	signed := signWith(t, rsaPEM(2048), letter, dkim.SignOptions{Expiration: time.Now().Add(time.Hour)})
	for after, want := range map[time.Duration]Result{0: Pass, 2 * time.Hour: Fail} {
		v := Verifier{Resolver: zone{s.Name(): {s.Record()}}}
		got := v.Verify(t.Context(), mailBytes(signed), Wanted{DKIM: true}, time.Now().Add(after)).Signatures
		if len(got) != 1 || got[0].Result != want || want == Fail && !strings.Contains(got[0].Reason, "expired") {
			t.Errorf("after %s: %+v", after, got)
		}
	}
}

func TestASignatureThatCannotBeBelieved(t *testing.T) {
	s := signer(t, "contoso.example", rsaPEM(2048))
	f, err := s.Sign(strings.NewReader(letter), noon())
	if err != nil {
		t.Fatal(err)
	}
	signed := string(f) + letter
	name := s.Name()
	small := signWith(t, rsaPEM(1024), letter, dkim.SignOptions{})
	record := func(key []byte) string {
		return zone{}.publish(must(NewSigner("contoso.example", "sel", key)))[name][0]
	}
	tests := []struct {
		name   string
		zone   zone
		signed string
		want   Result
		why    string
	}{
		{"the key is there", zone{name: {s.Record()}}, signed, Pass, ""},
		{"a text of another kind stands beside it", zone{name: {"v=spf1 -all", s.Record()}}, signed, Pass, ""},
		{"the name server fails", zone{name: nil}, signed, TempError, "could not be had"},
		{"there is no key", zone{}, signed, PermError, "does not exist"},
		{"there are other texts only", zone{name: {"v=spf1 -all"}}, signed, PermError, "does not exist"},
		{"there are two keys", zone{name: {s.Record(), record(rsaPEM(3072))}}, signed, PermError, "several"},
		{"it is another key", zone{name: {record(rsaPEM(3072))}}, signed, Fail, "the header was changed"},
		{"the key was revoked", zone{name: {"v=DKIM1; p="}}, signed, PermError, "revoked"},
		{"the key is of another kind", zone{name: {record(edPEM())}}, signed, PermError, "another kind"},
		{"the key is not for mail", zone{name: {s.Record() + "; s=tlsrpt"}}, signed, PermError, "not for this use"},
		{"the key is not for SHA-256", zone{name: {s.Record() + "; h=sha1"}}, signed, PermError, "other hashes"},
		{"the record is of another version", zone{name: {strings.Replace(s.Record(), "DKIM1", "DKIM2", 1)}}, signed, PermError, "malformed"},
		{"the record is garbage", zone{name: {"v=DKIM1; p=???"}}, signed, PermError, "malformed"},
		{"1024 bits are just enough", zone{name: {recordOf(rsaPEM(1024))}}, small, Pass, ""},
		{"the key is tried out", zone{name: {s.Record() + "; t=y"}}, signed, Pass, ""},
		{"SHA-1", zone{name: {s.Record()}}, strings.Replace(signed, "rsa-sha256", "rsa-sha1", 1), PermError, "SHA-1"},
		{"another version", zone{name: {s.Record()}}, strings.Replace(signed, "v=1;", "v=2;", 1), PermError, "version"},
		{"an identity of another domain", zone{name: {s.Record()}},
			strings.Replace(signed, "v=1;", "v=1; i=@evil.example;", 1), PermError, "identity"},
		{"an identity that only ends alike", zone{name: {s.Record()}},
			strings.Replace(signed, "v=1;", "v=1; i=@xcontoso.example;", 1), PermError, "identity"},
		{"it expired before it was made", zone{name: {s.Record()}}, strings.Replace(signed, "v=1;", "v=1; x=1;", 1), PermError, "before"},
		{"no tag for the body", zone{name: {s.Record()}}, strings.Replace(signed, "bh=", "xh=", 1), PermError, "bh is missing"},
		{"another way to find the key", zone{name: {s.Record()}}, strings.Replace(signed, "v=1;", "v=1; q=http;", 1), PermError, "not in the DNS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := signatures(tt.zone, tt.signed)
			if len(got) != 1 || got[0].Result != tt.want || !strings.Contains(got[0].Reason, tt.why) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func must(s *Signer, err error) *Signer {
	if err != nil {
		panic(err)
	}
	return s
}

// recordOf writes the record of a key with which we would not sign.
func recordOf(key []byte) string {
	block, _ := pem.Decode(key)
	any, _ := x509.ParsePKCS8PrivateKey(block.Bytes)
	der, _ := x509.MarshalPKIXPublicKey(any.(crypto.Signer).Public())
	return "v=DKIM1; p=" + base64.StdEncoding.EncodeToString(der)
}

func TestAPartOfTheBodyIsNotTheMessage(t *testing.T) {
	for l, want := range map[int]Result{0: Policy, 3: Policy, 5: Pass, 500: Pass} {
		body := "abc\r\n"
		message := "From: a@contoso.example\r\n\r\n" + body
		s := signer(t, "contoso.example", rsaPEM(2048))
		f := handMade(t, s, message, l)
		if got := signatures(zone{}.publish(s), f+message); got[0].Result != want {
			t.Errorf("l=%d: %+v", l, got)
		}
		if got := signatures(zone{}.publish(s), f+message+"evil\r\n"); l <= 5 && got[0].Result != Policy || l > 5 && got[0].Result != Fail {
			t.Errorf("l=%d with more behind it: %+v", l, got)
		}
	}
}

// handMade is a signature with l=.
func handMade(t testing.TB, s *Signer, text string, l int) string {
	t.Helper()
	r := bufio.NewReader(strings.NewReader(text))
	fields, err := readHead(r)
	if err != nil {
		t.Fatal(err)
	}
	b := newBodyHash(bodyForm{true, int64(l)}, crypto.SHA256.New())
	if _, err := r.WriteTo(b); err != nil {
		t.Fatal(err)
	}
	f, err := s.cover(message{fields, b.Sum()}, "DKIM-Signature", fmt.Sprintf("v=1; l=%d;", l), noon())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestOnlyTheFirstSignaturesAreVerified(t *testing.T) {
	s := signer(t, "contoso.example", rsaPEM(2048))
	message := letter
	for range maxSignatures + 5 {
		f, err := s.Sign(strings.NewReader(letter), noon())
		if err != nil {
			t.Fatal(err)
		}
		message = string(f) + message
	}
	if got := signatures(zone{}.publish(s), message); len(got) != maxSignatures {
		t.Error(len(got))
	}
	lengths := letter
	for l := range maxForms + 2 {
		lengths = handMade(t, s, letter, l) + lengths
	}
	got := signatures(zone{}.publish(s), lengths)
	if last := got[len(got)-1]; last.Result != PermError || !strings.Contains(last.Reason, "forms") {
		t.Errorf("%+v", last)
	}
}

func TestTheAgeOfASignatureIsNoAttack(t *testing.T) {
	tags, err := parseTags("t=99999999999999999999")
	if err != nil {
		t.Fatal(err)
	}
	if at, err := seconds(tags, "t"); err != nil || at.Year() != 9999 {
		t.Error(at, err)
	}
	tags, _ = parseTags("t=-1")
	if _, err := seconds(tags, "t"); err == nil {
		t.Error("a time before the beginning")
	}
}

func TestASignerKnowsItsRecord(t *testing.T) {
	for _, key := range [][]byte{rsaPEM(2048), edPEM()} {
		s, another := signer(t, "a.example", key), signer(t, "a.example", edPEM())
		if !s.Published(s.Record()) || !s.Published("t=y; "+strings.TrimPrefix(s.Record(), "v=DKIM1; ")) {
			t.Error("its own record is not its own")
		}
		if s.Published(another.Record()) || s.Published("v=DKIM1; p=") || s.Published("") {
			t.Error("another record is its own")
		}
	}
}
