package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Between two collections a heap doubles, which costs least while it is small.
// A hundred messages of 1 MiB in memory would double it too, but there is
// little to look at in them: from some size on it grows by steps.
const (
	heapStep = 48 << 20
	leastGC  = 25 // percent; a step of a very large heap is larger
)

// collection is garbage that comes back: the collector calls thin each time.
type collection struct {
	live    []metrics.Sample
	percent int
}

// thinGarbage lets the heap grow by no more than a step at a time, unless the
// environment says how it shall grow.
func thinGarbage() {
	if os.Getenv("GOGC") != "" {
		return
	}
	c := &collection{[]metrics.Sample{{Name: "/gc/heap/live:bytes"}}, 100}
	runtime.SetFinalizer(c, (*collection).thin)
}

func (c *collection) thin() {
	metrics.Read(c.live)
	if p := growth(c.live[0].Value.Uint64()); p != c.percent {
		c.percent = p
		debug.SetGCPercent(p)
	}
	runtime.SetFinalizer(c, (*collection).thin)
}

// growth is by how many percent a heap of so many live octets may grow. It
// changes in steps of 5, as setting it stops the program for a moment.
func growth(live uint64) int {
	return max(leastGC, min(100, int(heapStep*100/max(live, 1))/5*5))
}
