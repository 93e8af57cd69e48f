package gateway

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/senderauth"
	"postern.dev/postern/internal/tenant"
)

func rsaSigner(t *testing.T) *senderauth.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := senderauth.NewSigner("gw.contoso.example", "s", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatWasChangedIsSealedOrTheRecordSaysWhyNot(t *testing.T) {
	signer := rsaSigner(t)
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	first, err := signer.Seal(strings.NewReader(hello), senderauth.Chain{Result: senderauth.None}, "a.example; none", at)
	if err != nil {
		t.Fatal(err)
	}
	failed, err := signer.Seal(strings.NewReader(hello), senderauth.Chain{Result: senderauth.Fail}, "a.example; none", at)
	if err != nil {
		t.Fatal(err)
	}
	hostile := "Authentication-Results: dkim=pass header.d=\"a.example; dmarc=pass\"; spf=pass\r\n smtp.mailfrom=\"x\\\r\n y\"; dmarc=\"pa ss\"\r\n"
	tests := []struct {
		name     string
		signer   *senderauth.Signer
		message  string
		record   string
		changed  []string
		set      string // what stands in front
		unsealed string
	}{
		{"a message that was changed", signer, hello, "", []string{"banner"}, "ARC-Seal: i=1; a=rsa-sha256; t=1795435200; cv=none;", ""},
		{"one that was not", signer, hello, "", nil, "", ""},
		{"a tenant without a key", nil, hello, "", []string{"banner"}, "", ""},
		{"a chain that passes goes on", signer, string(first) + hello, signer.Record(), []string{"banner"}, "ARC-Seal: i=2; a=rsa-sha256; t=1795435200; cv=pass;", ""},
		{"a broken one is sealed as broken", signer, string(first) + strings.Replace(hello, "hello", "hullo", 1), signer.Record(),
			[]string{"banner"}, "ARC-Seal: i=2; a=rsa-sha256; t=1795435200; cv=fail;", ""},
		{"one that says that it is broken is left alone", signer, string(failed) + hello, signer.Record(), []string{"banner"}, "",
			"a sealer before us found the chain broken"},
		{"one of which nobody knows, too", signer, string(first) + hello, "", []string{"banner"}, "", "the chain that came is temperror"},
		{"a message without an author", signer, "Subject: x\r\n\r\nhello\r\n", "", []string{"banner"}, "", "no From"},
		{"results that want to be more", signer, anonymous + hostile + atBorder + hello, "", []string{"banner"},
			"ARC-Authentication-Results: i=1; gw.postern.example;\r\n\tarc=none;\r\n\tdkim=pass;\r\n\tspf=pass\r\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := New(Config{Hostname: "gw.postern.example", Auth: &senderauth.Verifier{Resolver: &keys{record: tt.record}}})
			body := mail.Bytes(tt.message)
			changed := strings.Replace(tt.message, "\r\n\r\n", "\r\n\r\na banner\r\n", 1)
			out := &mail.Outgoing{Front: []byte("Received: by us\r\n"), Body: mail.Bytes(changed)}
			c := changes{changed: tt.changed}
			s := sealing(&tenant.Tenant{ID: "contoso", Sealer: tt.signer}, string(tenant.InlineIn), body)
			g.seal(t.Context(), s, out, &c, at)
			front := string(out.Front)
			if !strings.HasSuffix(front, "Received: by us\r\n") || !strings.Contains(front, tt.set) || (tt.set == "") != (len(front) == 17) {
				t.Errorf("in front stands\n%s", front)
			}
			if tt.unsealed == "" && c.unsealed != "" || !strings.Contains(c.unsealed, tt.unsealed) || (c.sealed == "") != (tt.set == "") {
				t.Errorf("%+v", c)
			}
			again := &mail.Outgoing{Front: []byte("Received: by us\r\n"), Body: mail.Bytes(changed)}
			if g.seal(t.Context(), s, again, &c, at); string(again.Front) != front {
				t.Error("another attempt sends other octets")
			}
		})
	}
}
