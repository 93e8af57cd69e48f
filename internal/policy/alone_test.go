package policy

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestATestAloneIsAboutItsPolicyOnly(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{"a.yaml": {Data: []byte(`kind: policy
id: cards
mode: log
when: findings.credit_card.high >= 2
then: { hold: { for: 2h } }
tests:
  - { mail: two.eml, policy: cards, alone: true, expect: hold, for: 2h }
  - { mail: one.eml, policy: cards, alone: true, expect: deliver }
  - { mail: one.eml, policy: cards, expect: deliver }
---
kind: policy
id: all
mode: log
when: "true"
then: log
`)}, "one.eml": {Data: []byte("Subject: x\r\n\r\nCARD")}, "two.eml": {Data: []byte("Subject: x\r\n\r\nCARD CARD")}}
	set, err := ReadDir(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Test(set, dir, looker, DefaultGates()).Cases {
		if together := c.Place == "a.yaml:9"; c.Pass == together { // there the policy "all" matches, too
			t.Errorf("%+v", c)
		}
	}
}

func TestATestAloneNamesItsPolicy(t *testing.T) {
	t.Parallel()
	text := "kind: policy\nid: a\nmode: log\nwhen: \"true\"\nthen: log\ntests:\n"
	set := text + "  - { mail: m, expect: hold, alone: true }\n"
	if _, err := Load([]File{{"a.yaml", []byte(set)}}, Options{}); err != nil {
		t.Errorf("a test beside its policy is about that one: %v", err)
	}
	if _, err := ReadArchive("a.txtar", []byte("-- expect.yaml --\n- { mail: m, expect: hold, alone: true }\n-- m --\n")); err == nil ||
		!strings.Contains(err.Error(), "names its policy") {
		t.Error(err)
	}
}
