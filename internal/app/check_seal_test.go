package app

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"postern.dev/postern/internal/dns"
	"postern.dev/postern/internal/senderauth"
)

func TestCheckSaysWhetherTheKeyOfTheSealsIsPublished(t *testing.T) {
	made := func() *senderauth.Signer {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		der, _ := x509.MarshalPKCS8PrivateKey(key)
		s, err := senderauth.NewSigner("gw.contoso.example", "s1", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	own, other := made(), made()
	name := own.Name()
	for _, tt := range []struct {
		name string
		zone dns.Static
		want string
	}{
		{"it is", dns.Static{name: {TXT: []string{own.Record()}}}, ""},
		{"it is not", dns.Static{}, "the key is not in the DNS"},
		{"another one is", dns.Static{name: {TXT: []string{other.Record()}}}, "another key"},
		{"nobody knows", dns.Static{name: {Fail: dns.ServerFailure}}, "nobody knows"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := &checking{}
			k.signer(t.Context(), "t.yaml", own, tt.zone)
			if tt.want == "" && len(k.list) == 0 {
				return
			}
			if len(k.list) != 1 || k.list[0].Level != LevelWarning || !strings.Contains(k.list[0].Text, tt.want) ||
				!strings.Contains(k.list[0].Suggestion, name+" TXT \"v=DKIM1; k=rsa; p=") {
				t.Errorf("%+v", k.list)
			}
		})
	}
	k := &checking{}
	if k.signer(t.Context(), "t.yaml", nil, dns.Static{}); len(k.list) != 0 {
		t.Errorf("%+v", k.list)
	}
}
