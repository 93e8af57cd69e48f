package policy

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const archive = `Two messages about cards.
-- three.eml --
CARD CARD CARD
-- one.eml --
CARD
-- expect.yaml --
- { mail: three.eml, policy: cards, expect: hold, rules: [cards], approvers: [manager], for: 24h, then: release }
- { mail: three.eml, expect: hold, rules: [other] }
- { mail: three.eml, expect: hold, then: refuse }
- { mail: one.eml, expect: notify, notify: true, headers: { X-Class: card, X-None: "" } }
- { mail: one.eml, expect: notify, headers: { X-Class: blue } }
- { mail: one.eml, expect: notify, notify: false }
- { mail: one.eml, policy: nobody, expect: notify }
- { mail: three.eml, expect: block, now: "2026-11-23T22:00:00Z", to: [bob@fabrikam.example] }
`

const archived = `kind: policy
id: cards
mode: enforce
when: findings.credit_card.high >= 3
then: { hold: { approver: manager, for: 24h, then: release } }
---
kind: policy
id: few
mode: enforce
when: findings.credit_card.high == 1
then: { notify: { text: x }, header: { set: { X-Class: card } } }
---
kind: policy
id: late
mode: enforce
when: now.getHours() >= 20
then: block
`

func TestAnArchiveHoldsMessagesAndWhatIsExpected(t *testing.T) {
	t.Parallel()
	s := load(t, archived)
	cases, err := ReadArchive("rules/cases/cards.txtar", []byte(archive))
	if err != nil {
		t.Fatal(err)
	}
	noon := func(message []byte, c Case) (Facts, error) {
		f, err := looker(message, c)
		f.Now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		return f, err
	}
	var got []string
	for _, c := range Test(s, fstest.MapFS{}, noon, nil, cases...).Cases {
		line := "ok   "
		if !c.Pass {
			line = "FAIL "
		}
		got = append(got, line+c.Place+" "+c.Got+": "+c.Because)
	}
	want := []string{
		"ok   rules/cases/cards.txtar:7 hold: 3 card numbers (high) go outside",
		"FAIL rules/cases/cards.txtar:8 hold: expected rules other, got cards",
		`FAIL rules/cases/cards.txtar:9 hold: expected then refuse, got "release"`,
		"ok   rules/cases/cards.txtar:10 notify: a card number (high) goes outside",
		`FAIL rules/cases/cards.txtar:11 notify: expected header X-Class: "blue", got "card"`,
		"FAIL rules/cases/cards.txtar:12 notify: expected notify false, got true",
		`FAIL rules/cases/cards.txtar:13 error: there is no policy "nobody"`,
		`ok   rules/cases/cards.txtar:14 block: the rule "late" applies`,
	}
	for i := range got {
		got[i] = strings.ReplaceAll(got[i], " in plan.docx", "")
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestMistakesOfAnArchiveHaveTheirLine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"nothing expected": {"-- a.eml --\nx\n", `there is no file "expect.yaml"`},
		"twice":            {"-- a.eml --\nx\n-- a.eml --\ny\n-- expect.yaml --\n[]\n", "is there twice"},
		"no such message":  {"-- a.eml --\nx\n-- expect.yaml --\n- { mail: b.eml, expect: hold }\n", `a.txtar:4:1: there is no message "b.eml"`},
		"no such action":   {"-- a.eml --\nx\n-- expect.yaml --\n- { mail: a.eml, expect: held }\n", `a.txtar:4:26: "held" is not an action`},
		"no list":          {"-- a.eml --\nx\n-- expect.yaml --\nmail: a.eml\n", "is a list of tests"},
		"no time":          {"-- a.eml --\nx\n-- expect.yaml --\n- { mail: a.eml, expect: hold, now: soon }\n", "now is a time such as"},
		"no end":           {"-- a.eml --\nx\n-- expect.yaml --\n- { mail: a.eml, expect: hold, then: realease }\n", `did you mean "release"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadArchive("a.txtar", []byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}

func FuzzReadArchive(f *testing.F) {
	f.Add([]byte(archive))
	f.Add([]byte("-- expect.yaml --\n- {mail: [a], recipients: {a: b}, for: 1x}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		cases, err := ReadArchive("a.txtar", data)
		if err == nil {
			for _, c := range cases {
				if c.message == nil && c.Mail != "" {
					t.Error("a case without its message")
				}
			}
		}
	})
}
