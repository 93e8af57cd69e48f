package tenant_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/tenant"
)

// keyFile writes a private key and gives its place.
func keyFile(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "seal.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return "file:" + path
}

func TestASealerIsReadFromItsKey(t *testing.T) {
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := keyFile(t, big)
	tn, err := told(t, "seal: { domain: Gw.Contoso.example, selector: s1, key: \""+key+"\" }\n")
	if err != nil {
		t.Fatal(err)
	}
	if s := tn.Sealer; s == nil || s.Name() != "s1._domainkey.gw.contoso.example" || !strings.HasPrefix(s.Record(), "v=DKIM1; k=rsa; p=MII") {
		t.Errorf("%+v", tn.Sealer)
	}
	for form, want := range map[string]string{
		"seal: { domain: gw.contoso.example, selector: s1, key: \"" + keyFile(t, small) + "\" }\n": "1024 bits",
		"seal: { domain: gw.contoso.example, selector: s1, key: \"" + keyFile(t, ed) + "\" }\n":    "not RSA",
		"seal: { domain: gw.contoso.example, selector: s1, key: \"file:/nowhere/x.pem\" }\n":       "no such file",
		"seal: { domain: gw.contoso.example, selector: s1 }\n":                                     "not in PEM",
		"seal: { domain: contoso, selector: s1, key: \"" + key + "\" }\n":                          "is no domain",
		"seal: { domain: gw.contoso.example, key: \"" + key + "\" }\n":                             "is no selector",
	} {
		if _, err := told(t, form); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", form, err, want)
		}
	}
}

func TestServersWhoseResultsCount(t *testing.T) {
	other := "peers: { other: [{ networks: [203.0.113.0/29], certificate: mta.contoso.example }] }\n"
	tn, err := told(t, other+"results: [MX.Contoso.example., mx.contoso.example]\n")
	if err != nil || len(tn.Results) != 1 || tn.Results[0] != "mx.contoso.example" {
		t.Error(tn, err)
	}
	for form, want := range map[string]string{
		other + "results: [\"mx contoso\"]\n": "is no name of a server",
		"results: [mx.contoso.example]\n":     "no server of the tenant's own",
	} {
		if _, err := told(t, form); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", form, err, want)
		}
	}
}

func TestMailFromOutside(t *testing.T) {
	const as = "X-MS-Exchange-CrossTenant-AuthAs: "
	for header, want := range map[string]bool{
		as + "Anonymous\r\n":                          true,
		as + " anonymous \r\n":                        true,
		as + "Internal\r\n":                           false,
		as + "Anonymous\r\n" + as + "Internal\r\n":    false,
		"Subject: x\r\n":                              false,
		as + "Anonymous\r\n" + as + "anonymous\r\n":   true,
		as + "Anonymous, really\r\nSubject: x\r\n":    false,
		"X-" + as + "Anonymous\r\nSubject: hello\r\n": false,
	} {
		if got := tenant.FromOutside(mail.ParseHeader(mail.Bytes(header + "\r\n"))); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}
