package main

import "testing"

func TestALargeHeapGrowsByStepsAndASmallOneDoubles(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 20 << 20: 100, 48 << 20: 100, 96 << 20: 50, 110 << 20: 40, 1 << 30: 25} {
		if got := growth(live); got != want {
			t.Errorf("%d MiB live: %d percent, not %d", live>>20, got, want)
		}
	}
}
