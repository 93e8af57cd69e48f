package policy

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

// looker stands in for the room that looks: it counts the word CARD.
func looker(message []byte, c Case) (Facts, error) {
	if bytes.Contains(message, []byte("BROKEN")) {
		return Facts{}, errors.New("looking failed")
	}
	f := facts()
	f.Findings[0].Count = bytes.Count(message, []byte("CARD"))
	if to := c.Addresses(); len(to) > 0 {
		f.Recipients = nil
		for _, a := range to {
			f.Recipients = append(f.Recipients, Party{Address: a, Inside: a.Domain() == "contoso.example"})
		}
	}
	if bytes.Contains(message, []byte("DOWN")) {
		f.Unseen = []mail.Unseen{{Reason: mail.EngineDown}}
	}
	return f, nil
}

func TestPolicyTests(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{
		"rules/cards.yaml": {Data: []byte(`kind: policy
id: cards-leave
mode: enforce
when: findings.credit_card.high >= 3 && recipient.outside
then: hold
tests:
  - { mail: cases/three.eml, expect: hold }
  - { mail: cases/one.eml, expect: hold }
  - { mail: cases/three.eml, to: [a@contoso.example], expect: deliver }
  - { mail: cases/three.eml, recipients: { Bob@fabrikam.example: hold, boss@contoso.example: deliver } }
  - { mail: cases/three.eml, recipients: { bob@fabrikam.example: block, x@y.example: hold } }
  - { mail: cases/missing.eml, expect: hold }
  - { mail: ../../outside.eml, expect: hold }
  - { mail: cases/broken.eml, expect: hold }
  - { mail: cases/down.eml, expect: defer }
---
kind: policy
id: trial
mode: log
when: findings.credit_card.high == 1
then: block
tests:
  - { mail: cases/one.eml, expect: block }
  - { mail: cases/one.eml, expect: log }
  - { mail: cases/one.eml, expect: hold }
`)},
		"rules/cases/three.eml":  {Data: []byte("CARD CARD CARD")},
		"rules/cases/one.eml":    {Data: []byte("CARD")},
		"rules/cases/broken.eml": {Data: []byte("BROKEN")},
		"rules/cases/down.eml":   {Data: []byte("DOWN")},
		".git/x.yaml":            {Data: []byte("kind: nonsense")},
	}
	s, err := ReadDir(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	r := Test(s, dir, looker, nil)
	for _, c := range r.Cases {
		line := "ok   "
		if !c.Pass {
			line = "FAIL "
			if c.Code != problem.PolicyTestRed {
				t.Error("a red test without its code")
			}
		}
		got = append(got, line+c.Place+" "+c.Want+" | "+c.Got)
	}
	want := []string{
		"ok   rules/cards.yaml:7 hold | hold",
		"FAIL rules/cards.yaml:8 hold | log",
		"ok   rules/cards.yaml:9 deliver | deliver",
		"ok   rules/cards.yaml:10 bob@fabrikam.example hold, boss@contoso.example deliver | " +
			"bob@fabrikam.example hold, boss@contoso.example deliver",
		"FAIL rules/cards.yaml:11 bob@fabrikam.example block, x@y.example hold | " +
			"bob@fabrikam.example hold, x@y.example (not a recipient)",
		"FAIL rules/cards.yaml:12 hold | error",
		"FAIL rules/cards.yaml:13 hold | error",
		"FAIL rules/cards.yaml:14 hold | error",
		"ok   rules/cards.yaml:15 defer | defer",
		"ok   rules/cards.yaml:23 block | log",
		"ok   rules/cards.yaml:24 log | log",
		"FAIL rules/cards.yaml:25 hold | log",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if r.Red() != 6 {
		t.Errorf("%d red", r.Red())
	}
}

func TestParseGate(t *testing.T) {
	t.Parallel()
	if c, g, err := ParseGate("too-large", "closed"); err != nil || c != mail.TooLarge || g != Closed {
		t.Error(c, g, err)
	}
	_, _, err := ParseGate("to-large", "closed")
	if err == nil || !strings.Contains(err.Error(), `did you mean "too-large"`) {
		t.Error(err)
	}
	if _, _, err := ParseGate("too-large", "ajar"); err == nil {
		t.Error("a gate is ajar")
	}
	for _, c := range mail.Causes() {
		if _, ok := DefaultGates()[c]; !ok {
			t.Errorf("%s has no default", c)
		}
	}
}

func TestNamesOfDetectorsBecomeWords(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string]string{
		"AT_UID":      "an Austrian VAT number; 2 Austrian VAT numbers",
		"CZ_ICO":      "a Czech or Slovak company number (IČO); 2 Czech or Slovak company numbers (IČO)",
		"DE_TAX_ID":   "a German tax number; 2 German tax numbers",
		"EU_EHIC":     "a European health insurance card number; 2 European health insurance card numbers",
		"FR_RCS":      "a French entry of the register of commerce; 2 French entries of the register of commerce",
		"IMEI":        "an identity of a mobile device (IMEI); 2 identities of mobile devices (IMEI)",
		"LU_TVA":      "a Luxembourg VAT number; 2 Luxembourg VAT numbers",
		"MAC":         "a hardware address (MAC); 2 hardware addresses (MAC)",
		"PASSPORT_US": "a US passport number; 2 US passport numbers",
		"PT_DRIVER_LICENCE": "a Portuguese driving licence number (carta de condução); " +
			"2 Portuguese driving licence numbers (carta de condução)",
		"SEDOL":        "a SEDOL number of a security; 2 SEDOL numbers of securities",
		"UK_SORT_CODE": "a UK sort code of a bank; 2 UK sort codes of banks",
		"our-own":      `a finding of "our own"; 2 findings of "our own"`,
	} {
		if got := Words(typ, 1) + "; " + Words(typ, 2); got != want {
			t.Errorf("%s: %s", typ, got)
		}
	}
}

func TestVocabularyIsSorted(t *testing.T) {
	t.Parallel()
	for _, typ := range Types() {
		if strings.Contains(Words(typ, 1), "finding of") || strings.Contains(Words(typ, 2), "findings of") {
			t.Errorf("%s is not found: the table is not in order", typ)
		}
	}
}
