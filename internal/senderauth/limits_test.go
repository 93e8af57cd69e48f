package senderauth

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"crypto/x509"

	"github.com/emersion/go-msgauth/dkim"

	"postern.dev/postern/internal/mail"
)

// counting counts the questions and how many are open at a time.
type counting struct {
	asked, open, most atomic.Int64
	wait              bool
}

func (c *counting) TXT(ctx context.Context, _ string) ([]string, bool, error) {
	c.asked.Add(1)
	n := c.open.Add(1)
	defer c.open.Add(-1)
	for {
		most := c.most.Load()
		if n <= most || c.most.CompareAndSwap(most, n) {
			break
		}
	}
	if c.wait {
		<-ctx.Done()
		return nil, false, ctx.Err()
	}
	return nil, false, notFound{}
}

// manySigners is a chain in which every signature is of another domain.
func manySigners(t testing.TB, n int) string {
	t.Helper()
	z, message := zone{}, letter
	key := rsaPEM(2048)
	for i := range n {
		s := signer(t, fmt.Sprintf("s%d.example", i), key)
		message = seal(t, z.publish(s), s, message, nil)
	}
	for i := range n { // a seal by somebody else
		message = strings.Replace(message, fmt.Sprintf("ARC-Seal: i=%d;", i+1), fmt.Sprintf("ARC-Seal: i=%d; z=y;", i+1), 1)
		message = strings.Replace(message, fmt.Sprintf("\r\n\td=s%d.example; s=sel;\r\n\tb=", i), fmt.Sprintf("\r\n\td=t%d.example; s=sel;\r\n\tb=", i), 1)
	}
	return message
}

func TestAMessageAsksForFewKeys(t *testing.T) {
	message := manySigners(t, 40)
	c := &counting{}
	v := Verifier{Resolver: c}
	out := v.Verify(t.Context(), mail.Bytes(message), Wanted{ARC: true}, noon())
	if out.Chain.Result != Fail || c.asked.Load() > maxKeys {
		t.Errorf("%d questions: %+v", c.asked.Load(), out.Chain)
	}
	synctest.Test(t, func(t *testing.T) {
		c := &counting{wait: true}
		v := Verifier{Resolver: c}
		out := v.Verify(t.Context(), mail.Bytes(message), Wanted{ARC: true}, noon())
		if out.Chain.Result != TempError || c.most.Load() > keysAtOnce {
			t.Errorf("%d at once: %+v", c.most.Load(), out.Chain)
		}
	})
}

func TestAKeyRecordHasLimits(t *testing.T) {
	big1 := new(big.Int).SetBit(big.NewInt(1), maxKeyBits+8, 1)
	der, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: big1, E: 65537})
	if err != nil {
		t.Fatal(err)
	}
	small, _ := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1000, 1), E: 65537})
	for record, want := range map[string]error{
		"v=DKIM1; p=" + base64.StdEncoding.EncodeToString(der):   errKeySize,
		"v=DKIM1; p=" + base64.StdEncoding.EncodeToString(small): errKeySize,
		"v=DKIM1; n=" + strings.Repeat("x", maxKeyRecord):        errKeyRecord,
		"v=DKIM1; k=rsa":             errKeyRecord,
		"k=rsa; v=DKIM1; p=AAAA":     errKeyRecord,
		"v=DKIM1; k=ed25519; p=AAAA": errKeyRecord,
		"v=DKIM1; k=dsa; p=AAAA":     errKeyUse,
	} {
		if _, err := parseKey(record); !errors.Is(err, want) {
			t.Errorf("%.60s: %v", record, err)
		}
	}
}

func TestASignatureHasLimits(t *testing.T) {
	s := signer(t, "contoso.example", rsaPEM(2048))
	z := zone{}.publish(s)
	f, err := s.Sign(strings.NewReader(letter), noon())
	if err != nil {
		t.Fatal(err)
	}
	for name, lead := range map[string]string{
		"tags":   many("y%d=1;", maxTags),
		"octets": "z=" + strings.Repeat("y", maxTagList) + ";",
	} {
		m := strings.Replace(string(f), "v=1;", "v=1; "+lead, 1) + letter
		if got := signatures(z, m); got[0].Result != PermError {
			t.Errorf("%s: %+v", name, got)
		}
	}
	names := strings.Replace(string(f), "h=", "h="+strings.Repeat("x:", maxSigned), 1) + letter
	if got := signatures(z, names); got[0].Result != PermError || !strings.Contains(got[0].Reason, "fields are signed") {
		t.Errorf("%+v", got)
	}
	long := strings.Replace(string(f), "b=", "b="+strings.Repeat("A", 2*maxSignature), 1) + letter
	if got := signatures(z, long); got[0].Result != PermError {
		t.Errorf("%+v", got)
	}
	// What another program signs with a long list still verifies.
	keys := []string{"from"}
	for i := range 200 {
		keys = append(keys, fmt.Sprintf("x-%d", i))
	}
	if got := signatures(z, signWith(t, rsaPEM(2048), letter, dkim.SignOptions{HeaderKeys: keys})); got[0].Result != Pass {
		t.Errorf("%+v", got)
	}
}

func many(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestAResultHasLimits(t *testing.T) {
	r, err := ParseResults("a; dkim=pass " + many("header.x%d=1 ", maxProperties+5))
	if err != nil || len(r.Methods[0].Properties) != maxProperties {
		t.Error(err, len(r.Methods[0].Properties))
	}
}
