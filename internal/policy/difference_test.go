package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestADifferenceNamesOldAndNewValues(t *testing.T) {
	t.Parallel()
	old := load(t, policyText("cards", ModeLog, "findings.credit_card.high >= 3", "block")+"---\n"+
		policyText("gone", ModeEnforce, "true", "log")+
		"---\nkind: list\nid: partners\nmembers: [a.example, b.example]\n---\nkind: dictionary\nid: names\nterms: [Bluebird]\n")
	fresh := load(t, policyText("cards", ModeEnforce, "findings.credit_card.high >= 5", "block")+"---\n"+
		policyText("fresh", ModeEnforce, "size > 1", "hold")+
		"---\nkind: list\nid: partners\nmembers: [a.example, c.example]\n---\nkind: dictionary\nid: names\nterms: [Bluebird, Robin]\n")
	want := []string{
		`~ policy cards: mode: log -> enforce`,
		`~ policy cards: when: findings.credit_card.high >= 3 -> findings.credit_card.high >= 5`,
	}
	got := Difference(old, fresh)
	if d := cmp.Diff(want, got[:2]); d != "" {
		t.Error(d)
	}
	rest := map[string]bool{}
	for _, line := range got[2:] {
		rest[line] = true
	}
	for _, line := range []string{"~ list partners: members: +c.example, -b.example", "~ dictionary names: terms: +Robin"} {
		if !rest[line] {
			t.Errorf("%q is missing in %q", line, got)
		}
	}
	if len(got) != 6 || got[2][:14] != "+ policy fresh" || got[3][:13] != "- policy gone" {
		t.Errorf("%q", got)
	}
	if d := Difference(old, old); len(d) != 0 {
		t.Errorf("nothing differs: %q", d)
	}
	if d := Difference(nil, old); len(d) != 4 {
		t.Errorf("%q", d)
	}
}
