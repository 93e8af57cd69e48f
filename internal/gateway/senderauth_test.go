package gateway

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/senderauth"
	"postern.dev/postern/internal/tenant"
)

// keys is a resolver of one text that counts the questions.
type keys struct {
	record string // "" fails
	asked  atomic.Int64
}

func (k *keys) TXT(context.Context, string) ([]string, bool, error) {
	k.asked.Add(1)
	if k.record == "" {
		return nil, false, errors.New("server failure")
	}
	return []string{k.record}, false, nil
}

func edSigner(t *testing.T, domain string) *senderauth.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := senderauth.NewSigner(domain, "s", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// askingFor is a tenant with a rule of this condition.
func askingFor(t *testing.T, when string) *tenant.Tenant {
	t.Helper()
	set, err := policy.Load([]policy.File{{Name: "p.yaml", Data: []byte(
		"kind: policy\nid: p\nname: P\nmode: enforce\nwhen: '" + when + "'\nthen: log\n")}}, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &tenant.Tenant{ID: "contoso", Policies: set, Results: []string{"mx.contoso.example"}}
}

const (
	anonymous = "X-MS-Exchange-CrossTenant-AuthAs: Anonymous\r\n"
	atBorder  = "Received: from mail.fabrikam.example (192.0.2.9) by AM0FT001.mail.protection.outlook.com; now\r\n"
	stamped   = "Authentication-Results: spf=pass smtp.mailfrom=news.fabrikam.example; dkim=pass header.d=esp.example;" +
		" dkim=pass header.d=fabrikam.example; dmarc=pass; compauth=pass reason=100; arc=pass (i=1)\r\n"
	hello = "From: Ann <ann@fabrikam.example>\r\nSubject: x\r\n\r\nhello\r\n"
)

func TestResultsBecomeFacts(t *testing.T) {
	s := edSigner(t, "mail.fabrikam.example")
	f, err := s.Sign(strings.NewReader(hello), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	signed := string(f) + hello
	none := policy.Auth{SPF: "none", DKIM: "none", DMARC: "none", ARC: "none", CompAuth: "none", Source: "none"}
	with := func(change func(*policy.Auth)) policy.Auth { a := none; change(&a); return a }
	tests := []struct {
		name    string
		when    string
		kind    tenant.Kind
		message string
		record  string
		want    policy.Auth
		asked   int64
	}{
		{"a message without anything has no results", `auth.dkim == "pass"`, tenant.InlineIn, anonymous + hello, "", none, 0},
		{"Exchange's results count, and nobody is asked", `auth.dkim == "pass"`, tenant.InlineIn,
			anonymous + stamped + atBorder + signed, s.Record(), policy.Auth{SPF: "pass", DKIM: "pass", DMARC: "pass", ARC: "pass",
				CompAuth: "pass", Source: "exchange", SPFDomain: "news.fabrikam.example", DKIMDomain: "fabrikam.example", Aligned: true}, 0},
		{"but not on mail from inside", `auth.dkim == "pass"`, tenant.InlineIn, stamped + atBorder + hello, "", none, 0},
		{"nor on the way out", `auth.dkim == "pass"`, tenant.InlineOut, anonymous + stamped + atBorder + hello, "", none, 0},
		{"a signature is not verified where no rule asks", `auth.spf == "pass"`, tenant.InlineIn, anonymous + signed, s.Record(),
			with(func(a *policy.Auth) { a.DKIM = "" }), 0},
		{"and is where one asks", `auth.dkim == "pass"`, tenant.InlineIn, anonymous + signed, s.Record(),
			with(func(a *policy.Auth) { a.DKIM, a.DKIMDomain, a.Aligned = "pass", "mail.fabrikam.example", true }), 1},
		{"or asks for all", `[auth].exists(a, a.dkim == "pass")`, tenant.InlineIn, anonymous + signed, s.Record(),
			with(func(a *policy.Auth) { a.DKIM, a.DKIMDomain, a.Aligned = "pass", "mail.fabrikam.example", true }), 1},
		{"a key that cannot be had is no pass", `auth.aligned`, tenant.InlineIn, anonymous + signed, "",
			with(func(a *policy.Auth) { a.DKIM = "temperror" }), 1},
		{"a second author is nobody's", `auth.dkim == "pass"`, tenant.InlineIn,
			anonymous + strings.Replace(stamped, "dmarc=pass", "dmarc=fail", 1) + atBorder + "From: eve@evil.example\r\n" + hello, "",
			policy.Auth{SPF: "pass", DKIM: "pass", DMARC: "fail", ARC: "pass", CompAuth: "pass", Source: "exchange",
				SPFDomain: "news.fabrikam.example", DKIMDomain: "esp.example"}, 0},
		{"the tenant's own server", `auth.dkim == "pass"`, tenant.Other,
			"Authentication-Results: mx.contoso.example; dkim=fail header.d=fabrikam.example\r\nReceived: from x by mx.contoso.example; now\r\n" + hello,
			"", with(func(a *policy.Auth) { a.DKIM, a.Source = "fail", "mx.contoso.example" }), 0},
		{"a chain that is none", `auth.arc_sealer == "x"`, tenant.InlineIn, "ARC-Seal: i=1; cv=none\r\n" + hello, "",
			with(func(a *policy.Auth) { a.ARC = "fail" }), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := &keys{record: tt.record}
			g := New(Config{Auth: &senderauth.Verifier{Resolver: k}})
			body := mail.Bytes(tt.message)
			got := g.authenticate(t.Context(), subject{
				tenant: askingFor(t, tt.when), kind: tt.kind, header: mail.ParseHeader(body), body: body,
			})
			if diff := cmp.Diff(&tt.want, got); diff != "" || k.asked.Load() != tt.asked {
				t.Errorf("%d questions\n%s", k.asked.Load(), diff)
			}
		})
	}
}

func TestAnInspectionSaysWhatIsKnownOfTheSenderThoughNoRuleAsks(t *testing.T) {
	s := edSigner(t, "mail.fabrikam.example")
	f, err := s.Sign(strings.NewReader(hello), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	signed := string(f) + hello
	for _, tt := range []struct {
		name   string
		keys   senderauth.Resolver
		result senderauth.Result
		domain string
	}{
		{"with the DNS", &keys{record: s.Record()}, senderauth.Pass, "mail.fabrikam.example"},
		{"without", nil, senderauth.TempError, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := look.New(look.Config{InProcess: true})
			defer l.Close()
			i := InspectSender(t.Context(), l, tt.keys, askingFor(t, `auth.spf == "pass"`), nil, mail.In,
				mail.Envelope{From: "bob@fabrikam.example", To: []mail.Recipient{{Address: "ann@contoso.example"}}}, mail.Bytes(signed))
			if i.Auth.DKIM != string(tt.result) || i.Auth.DKIMDomain != tt.domain || len(i.Verified.Signatures) != 1 ||
				i.Verified.Signatures[0].Result != tt.result || i.Facts.Auth.DKIM != "" {
				t.Errorf("%+v\n%+v\nthe rules see %+v", i.Auth, i.Verified, i.Facts.Auth)
			}
		})
	}
}

func TestTheBestSignatureCounts(t *testing.T) {
	var a policy.Auth
	for _, x := range []struct {
		result senderauth.Result
		domain string
		want   string
	}{
		{"neutral", "a.example", "neutral"}, {"fail", "b.example", "fail"}, {"none", "c.example", "fail"},
		{"temperror", "d.example", "temperror"}, {"pass", "list.example", "pass"}, {"fail", "e.example", "pass"},
		{"pass", "mail.contoso.example", "pass"}, {"pass", "list.example", "pass"}, {"strange", "x", "pass"},
	} {
		better(&a, x.result, x.domain, "contoso.example")
		if a.DKIM != x.want {
			t.Errorf("after %s: %s", x.result, a.DKIM)
		}
	}
	if a.DKIMDomain != "mail.contoso.example" || !a.Aligned {
		t.Errorf("%+v", a)
	}
}
