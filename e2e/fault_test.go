//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// both is found by two detectors: one fails on purpose, the other must not.
const both = cardText + "IBAN DE89 3704 0044 0532 0130 00\nssn 536-90-4399\n"

// onlyCards leaves account numbers alone, so that the gates decide.
const onlyCards = `kind: policy
id: cards-leave
name: Card numbers leave the organization
mode: enforce
when: findings.credit_card.high >= 1
then: { block: {} }
`

// TestDetectorsThatFailCostOnlyTheirOwnFindings makes one detector of the
// running binary fail in each way.
func TestDetectorsThatFailCostOnlyTheirOwnFindings(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"panic", "hang", "alloc", "garbage"} {
		t.Run("a detector that does "+how+" with an open gate", func(t *testing.T) {
			t.Parallel()
			g := faulty(t, how, "open")
			sent, back := routed(message("faulty", both))
			if r := g.send(t, sent); r.Code != 250 {
				t.Fatal(r)
			}
			// On a machine so busy that the client's patience ends first, it is
			// judged in custody, and comes later.
			eventually(t, time.Minute, "one message is at the next hop", func() bool { return len(g.sink.got()) == 1 })
			all := g.sink.got()
			below(t, all[0], back)
			if len(g.sink.find("X-Postern-Inspected: partial; reason=")) != 1 {
				t.Errorf("not marked as partial: %q", all[0].Raw[:500])
			}
			othersStay(t, g, "partial")
		})
		t.Run("a detector that does "+how+" with a closed gate", func(t *testing.T) {
			t.Parallel()
			g := faulty(t, how, "closed")
			sent, _ := routed(message("faulty", both))
			for range 3 {
				r := g.send(t, sent)
				if r.Code == 250 && g.outlasted(t) {
					return
				}
				if r.Code != 451 {
					t.Fatalf("want a deferral: %v", r)
				}
			}
			othersStay(t, g, "partial")
			if r := g.send(t, sent); r.Code != 250 {
				t.Fatalf("after three deferrals the message is held: %v", r)
			}
			if list := g.held(t); len(list) != 1 || list[0].Recipient != bob {
				t.Errorf("held: %+v", list)
			}
			if n := len(g.sink.to(bob, "faulty")); n != 0 {
				t.Errorf("%d messages passed a closed gate", n)
			}
			if b := g.balance(t); !b.OK {
				t.Errorf("balance: %+v", b)
			}
		})
	}
}

// outlasted reports whether the machine was so busy that the client's
// patience ended before the judgment: then the message waits in custody to be
// judged, and must not have passed.
func (g *gateway) outlasted(t *testing.T) bool {
	t.Helper()
	if !strings.Contains(g.ok(t, "audit", "search", "--json", "faulty"), "patience is over") {
		return false
	}
	t.Log("the machine is too busy for this test: the judgment outlasted the client's patience")
	if n := len(g.sink.to(bob, "faulty")); n != 0 {
		t.Errorf("%d messages passed a closed gate", n)
	}
	return true
}

func faulty(t *testing.T, how, gate string) *gateway {
	t.Helper()
	return start(t, setup{
		env: []string{"POSTERN_FAULT=credit-card:" + how}, policies: onlyCards, config: "patience: 12s\n",
		tenant: "on: { engine-failed: " + gate + ", out-of-time: " + gate + " }\n",
	})
}

// othersStay checks the record, and that the gateway itself is well.
func othersStay(t *testing.T, g *gateway, inspected string) {
	t.Helper()
	var list []record
	eventually(t, 10*time.Second, "there is a record", func() bool {
		list = g.records(t, "faulty")
		return len(list) > 0
	})
	var found []string
	for _, f := range list[0].Findings {
		found = append(found, f.Type)
	}
	for _, want := range []string{"IBAN", "US_SSN"} {
		if !slices.Contains(found, want) {
			t.Errorf("%s is not among the findings %v", want, found)
		}
	}
	if slices.Contains(found, "CREDIT_CARD") || slices.Contains(found, "NONSENSE") {
		t.Errorf("the failing detector found something: %v", found)
	}
	if len(list[0].Unseen) == 0 || !strings.HasPrefix(list[0].Inspected, inspected) {
		t.Errorf("inspected %q, unseen %v", list[0].Inspected, list[0].Unseen)
	}
	if code, _ := g.get(g.console, "/healthz"); code != 200 {
		t.Errorf("/healthz answers %d", code)
	}
	peak := megabytes(t, g.pid, "VmHWM")
	t.Logf("the gateway itself took %.1f MiB at most", peak)
	if peak > 128 {
		t.Error("the fault was not confined to the child")
	}
}
