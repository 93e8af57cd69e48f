package heap

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestALargeHeapGrowsByStepsAndASmallOneByItsShare(t *testing.T) {
	g := Growth{Most: 200, Least: 25, Step: 48 << 20}
	for live, want := range map[uint64]int{0: 200, 20 << 20: 200, 32 << 20: 150, 48 << 20: 100, 96 << 20: 50, 110 << 20: 40, 1 << 30: 25} {
		if got := g.percent(live); got != want {
			t.Errorf("%d MiB live: %d percent, not %d", live>>20, got, want)
		}
	}
}

func TestTheShareFollowsWhatLives(t *testing.T) {
	was := debug.SetGCPercent(100)
	defer debug.SetGCPercent(was)
	t.Setenv("GOGC", "70")
	Set(Growth{Most: 300, Least: 30, Step: 64 << 20})
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("%d percent, although the environment says how many", got)
	}
	t.Setenv("GOGC", "")
	Set(Growth{Most: 300, Least: 30, Step: 64 << 20})
	lives := make([]byte, 100<<20)
	for got, until := 0, time.Now().Add(20*time.Second); got != 60; time.Sleep(time.Millisecond) {
		runtime.GC() // calls fit, in a while
		got = debug.SetGCPercent(60)
		debug.SetGCPercent(got)
		if time.Now().After(until) {
			t.Fatalf("%d percent with %d MiB", got, len(lives)>>20)
		}
	}
	runtime.KeepAlive(lives)
}
