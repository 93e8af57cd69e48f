package main

import (
	"strings"
	"testing"
)

func rounds() []round {
	return []round{
		{
			{"msgs_per_s": 500, "rss_mb": 50, "p50_ms": 3, "p99_ms": 9},
			{"msgs_per_s": 1000, "rss_mb": 100, "p50_ms": 5, "p99_ms": 5},
			{"msgs_per_s": 1200, "p50_ms": 1},
		},
	}
}

func TestATargetSaysWhatWasMeasuredAndWanted(t *testing.T) {
	for want, line := range map[string]string{
		"memory<=0.5": "target x.memory measured 0.50 wanted <=0.5 reached",
		"memory<=0.4": "target x.memory measured 0.50 wanted <=0.4 MISSED",
		"p50<=0.6":    "target x.p50 measured 0.50 wanted <=0.6 reached",
		"late<=2":     "target x.late measured 2.00 wanted <=2 reached (p99 9.00 ms, the other's 5.00 ms, an fsync's 2.00 ms)",
		"raw>=0.3":    "target x.raw measured 0.42 wanted >=0.3 reached",
		"rate>=0.7":   "target x.rate measured 0.50 wanted >=0.7 MISSED",
		"rate>=0.9":   "target x.rate measured 0.50 wanted >=0.9 reached (the wanted 900/s is 0.75 of the raw rate 1200/s)",
	} {
		list, err := readTargets(want, true)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		if got := list[0].line("x", rounds(), 2); got != line {
			t.Errorf("%s:\n got %s\nwant %s", want, got, line)
		}
	}
}

func TestWhatIsNoTargetIsAMistake(t *testing.T) {
	for _, text := range []string{"rate", "rate>1", "speed>=1", "rate>=x", "p50<=1", "raw>=1"} {
		if _, err := readTargets(text, false); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestCommandsAreCutAtTheDashes(t *testing.T) {
	for text, want := range map[string]int{"a b -- c": 2, "a -- b -- c d": 3, "a": 1, "-- b": 0, "a --": 0} {
		if got := split(strings.Fields(text)); len(got) != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
