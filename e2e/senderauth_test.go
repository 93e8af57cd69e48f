//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/senderauth"
)

// otherVerifier is a program of other people that verifies signatures.
type otherVerifier struct {
	name string
	in   io.WriteCloser
	out  *bufio.Reader
}

// question is what it is asked.
type question struct {
	Op        string            `json:"op"`
	Message   []byte            `json:"message"`
	Keys      map[string]string `json:"keys,omitempty"`
	Key       string            `json:"key,omitempty"`
	Domain    string            `json:"domain,omitempty"`
	Selector  string            `json:"selector,omitempty"`
	Service   string            `json:"service,omitempty"`
	Fields    []string          `json:"fields,omitempty"`
	Header    string            `json:"header,omitempty"`
	Body      string            `json:"body,omitempty"`
	Algorithm string            `json:"algorithm,omitempty"`
}

// opinion is what it says.
type opinion struct {
	Result, Why string
	Made        []byte
}

func (v *otherVerifier) ask(t *testing.T, q question) (r opinion) {
	t.Helper()
	line, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.in.Write(append(line, '\n')); err != nil {
		t.Fatal(v.name, err)
	}
	answer, err := v.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(answer, &r)
	}
	if err != nil {
		t.Fatal(v.name, err)
	}
	return r
}

// startOther starts a verifier, or skips.
func startOther(t *testing.T, name string, probe, command []string) *otherVerifier {
	t.Helper()
	if err := exec.Command(probe[0], probe[1:]...).Run(); err != nil {
		fmt.Printf("SKIPPED %s: it is not installed, so %s was not run\n", name, t.Name())
		t.Skip("SKIPPED " + name)
	}
	cmd := exec.Command(command[0], command[1:]...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	return &otherVerifier{name, in, bufio.NewReaderSize(out, 1<<20)}
}

func startDkimpy(t *testing.T) *otherVerifier {
	return startOther(t, "python3-dkim", []string{"/usr/bin/python3", "-c", "import dkim, authres, nacl"},
		[]string{"/usr/bin/python3", "testdata/senderauth/dkimpy.py"})
}

func startMailDKIM(t *testing.T) *otherVerifier {
	return startOther(t, "libmail-dkim-perl", []string{"perl", "-MMail::DKIM::ARC::Verifier", "-e", "1"},
		[]string{"perl", "testdata/senderauth/maildkim.pl"})
}

// keyring are the keys that are published.
type keyring map[string]string

func (k keyring) TXT(_ context.Context, name string) ([]string, bool, error) {
	if s, ok := k[name]; ok {
		return []string{s}, false, nil
	}
	return nil, false, noKey{}
}

type noKey struct{}

func (noKey) Error() string  { return "no such name" }
func (noKey) NotFound() bool { return true }

// signWithKey is a signer with its key, for both sides.
type signWithKey struct {
	*senderauth.Signer
	pem string
}

func (k keyring) signer(t *testing.T, domain string, key any) signWithKey {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	s, err := senderauth.NewSigner(domain, "sel", text)
	if err != nil {
		t.Fatal(err)
	}
	k[s.Name()] = s.Record()
	return signWithKey{s, string(text)}
}

func (k keyring) verify(message string) senderauth.Verdict {
	v := senderauth.Verifier{Resolver: k, Budget: time.Minute}
	return v.Verify(context.Background(), mail.Bytes(message), senderauth.Wanted{DKIM: true, ARC: true}, time.Now())
}

const signedLetter = "From: Ann <ann@contoso.example>\r\nTo: bob@fabrikam.example,\r\n\tcarl@fabrikam.example\r\n" +
	"Subject: one\r\n  two \r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@contoso.example>\r\n" +
	"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nhello  \t world \r\n\r\n bye\r\n\r\n\r\n"

// mutation is a change after which nothing may verify any more.
type mutation struct {
	name   string
	change func(string) string
}

func once(name, old, with string) mutation {
	return mutation{name, func(m string) string { return strings.Replace(m, old, with, 1) }}
}

func arcMutations() []mutation {
	drop := func(begin string) func(string) string {
		return func(m string) string {
			at := strings.Index(m, begin)
			if at < 0 {
				return m
			}
			end := at
			for {
				end += strings.Index(m[end:], "\r\n") + 2
				if m[end] != ' ' && m[end] != '\t' {
					return m[:at] + m[end:]
				}
			}
		}
	}
	return []mutation{
		once("the body", "bye", "buy"), once("the subject", "one", "won"), once("the author", "Ann", "Eve"),
		once("results", "s1.example", "s7.example"), once("the last results", "arc=pass", "arc=fail"),
		once("an instance", "i=2", "i=4"), once("the chain's state", "cv=pass", "cv=fail"),
		once("the first chain's state", "cv=none", "cv=pass"), once("the algorithm", "rsa-sha256", "rsa-sha1"),
		{"a line more", func(m string) string { return m + "more\r\n" }},
		{"no seal of the first", drop("ARC-Seal: i=1")}, {"no message signature of the second", drop("ARC-Message-Signature: i=2")},
		{"no results of the last", drop("ARC-Authentication-Results: i=3")},
	}
}

// sealWith adds a set as dkimpy makes it.
func (k keyring) sealWith(t *testing.T, py *otherVerifier, s signWithKey, message string) string {
	t.Helper()
	arc := "none"
	if strings.Contains(message, "ARC-Seal:") {
		arc = string(k.verify(message).Chain.Result)
	}
	message = "Authentication-Results: " + s.Domain + "; arc=" + arc + "\r\n" + message
	r := py.ask(t, question{
		Op: "seal", Message: []byte(message), Key: s.pem, Domain: s.Domain, Selector: s.Selector, Service: s.Domain,
		Fields: []string{"from", "to", "subject", "date"},
	})
	if len(r.Made) == 0 {
		t.Fatalf("dkimpy does not seal: %+v", r)
	}
	return string(r.Made) + message
}

func (k keyring) sealHere(t *testing.T, s signWithKey, message string) string {
	t.Helper()
	c := k.verify(message).Chain
	set, err := s.Seal(strings.NewReader(message), c, s.Domain+"; arc="+string(c.Result), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return string(set) + message
}

// TestChainsOfOursAndOthersVerifyOnBothSides: chains that we seal, that dkimpy
// seals, and that both do by turns are whole here, for dkimpy and for
// Mail::DKIM; each change breaks them for all.
func TestChainsOfOursAndOthersVerifyOnBothSides(t *testing.T) {
	t.Parallel()
	py := startDkimpy(t)
	others := []*otherVerifier{py}
	if exec.Command("perl", "-MMail::DKIM::ARC::Verifier", "-e", "1").Run() == nil {
		others = append(others, startMailDKIM(t))
	} else {
		fmt.Printf("SKIPPED libmail-dkim-perl: it is not installed, so %s asks dkimpy alone\n", t.Name())
	}
	keys := keyring{}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var signers []signWithKey
	for i := range 3 {
		signers = append(signers, keys.signer(t, fmt.Sprintf("s%d.example", i+1), key))
	}
	whole, broken := 0, 0
	for turn := range 8 { // bit i: dkimpy makes set i+1
		message := signedLetter
		for i, s := range signers {
			if turn>>i&1 == 1 {
				message = keys.sealWith(t, py, s, message)
			} else {
				message = keys.sealHere(t, s, message)
			}
			if c := keys.verify(message).Chain; c.Result != senderauth.Pass || c.Instance != i+1 {
				t.Fatalf("by turns %03b, after %d: %+v\n%s", turn, i+1, c, message)
			}
			for _, v := range others {
				if r := v.ask(t, question{Op: "arc", Message: []byte(message), Keys: keys}); r.Result != "pass" {
					t.Errorf("by turns %03b, after %d: %s says %+v\n%s", turn, i+1, v.name, r, message)
				}
			}
			whole++
		}
		if turn%5 != 0 { // ours alone, and by turns
			continue
		}
		for _, m := range arcMutations() {
			changed := m.change(message)
			if changed == message {
				t.Fatalf("%s changes nothing", m.name)
			}
			if c := keys.verify(changed).Chain; c.Result != senderauth.Fail {
				t.Errorf("by turns %03b, %s: %+v", turn, m.name, c)
			}
			for _, v := range others {
				if r := v.ask(t, question{Op: "arc", Message: []byte(changed), Keys: keys}); r.Result == "pass" {
					t.Errorf("by turns %03b, %s: %s says %+v", turn, m.name, v.name, r)
				}
			}
			broken++
		}
	}
	t.Logf("%d whole chains and %d broken ones: %d verifiers and ours agree", whole, broken, len(others))
}

// TestABrokenChainThatWeSealIsBrokenForOthers: cv=fail is nobody's pass.
func TestABrokenChainThatWeSealIsBrokenForOthers(t *testing.T) {
	t.Parallel()
	py := startDkimpy(t)
	keys := keyring{}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	message := keys.sealHere(t, keys.signer(t, "s1.example", key), signedLetter)
	message = keys.sealHere(t, keys.signer(t, "s2.example", key), strings.Replace(message, "bye", "buy", 1))
	if c := keys.verify(message).Chain; c.Result != senderauth.Fail || !strings.Contains(message, "cv=fail") {
		t.Errorf("%+v", c)
	}
	if r := py.ask(t, question{Op: "arc", Message: []byte(message), Keys: keys}); r.Result == "pass" {
		t.Errorf("%+v", r)
	}
}

// TestSignaturesOfOursAndOthersVerifyOnBothSides does the same for DKIM, in
// all canonical forms, with bodies of odd white space and line ends.
func TestSignaturesOfOursAndOthersVerifyOnBothSides(t *testing.T) {
	t.Parallel()
	py := startDkimpy(t)
	keys := keyring{}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ours, edOurs := keys.signer(t, "contoso.example", key), keys.signer(t, "ed.contoso.example", ed)
	random := mathrand.New(mathrand.NewPCG(7, 7))
	body := func() string {
		var b strings.Builder
		for range random.IntN(40) {
			b.WriteString([]string{"a", "bc", " ", "  ", "\t", "\r\n", "\r\n\r\n", " \r\n", "é", "=", ".", "\x00"}[random.IntN(12)])
		}
		if s := b.String(); strings.HasSuffix(s, " ") || strings.HasSuffix(s, "\t") {
			// dkimpy 1.1.4 takes white space before the end of the message for
			// no end of a line; a message that came by DATA has a line end there.
			return s + "\r\n"
		}
		return b.String()
	}
	header := "From:  Ann <ann@contoso.example>\r\nSubject: a\r\n  b \r\nX-Two: 1\r\nX-Two:2 \r\n\r\n"
	agreed := 0
	both := func(message string, want bool) {
		t.Helper()
		list := keys.verify(message).Signatures
		if len(list) != 1 || (list[0].Result == senderauth.Pass) != want {
			t.Errorf("here: %+v, want %v\n%.2000q", list, want, message)
		}
		if r := py.ask(t, question{Op: "dkim", Message: []byte(message), Keys: keys}); (r.Result == "pass") != want {
			t.Errorf("dkimpy: %+v, want %v\n%q", r, want, message)
		}
		agreed++
	}
	for i := range 120 {
		message := header + body()
		s, algorithm, secret := ours, "rsa-sha256", ours.pem
		if i%4 == 3 {
			s, algorithm, secret = edOurs, "ed25519-sha256", base64.StdEncoding.EncodeToString(ed.Seed())
		}
		f, err := s.Sign(strings.NewReader(message), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		both(string(f)+message, true)
		both(string(f)+strings.Replace(message, "Subject: a", "Subject: b", 1), false)
		both(string(f)+message+"x", false)
		forms := []string{"simple", "relaxed"}
		r := py.ask(t, question{
			Op: "sign", Message: []byte(message), Key: secret, Domain: s.Domain, Selector: s.Selector,
			Fields: []string{"from", "subject", "x-two", "x-two"}, Header: forms[i%2], Body: forms[i/2%2], Algorithm: algorithm,
		})
		if len(r.Made) == 0 {
			t.Fatalf("%+v", r)
		}
		both(string(r.Made)+message, true)
		both(string(r.Made)+strings.Replace(message, "X-Two: 1", "X-Two: 3", 1), false)
	}
	t.Logf("%d messages: dkimpy and we agree", agreed)
}
