// Package heap says how much garbage may lie about. Between two collections a
// heap grows by a share of what lives in it, which costs least while that is
// little; from some size on a share is more than it is worth.
//
// Standards: none.
package heap

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Growth is how far a heap grows before garbage is collected.
type Growth struct {
	// Most and Least bound it in percent of what lives.
	Most, Least int
	// Step bounds it in octets, where Least is not more.
	Step uint64
}

// collection is garbage that comes back: the collector calls fit each time.
type collection struct {
	live    []metrics.Sample
	growth  Growth
	percent int
}

// Set has the heap grow as g says from now on, unless the environment says how
// it shall.
func Set(g Growth) {
	if os.Getenv("GOGC") != "" {
		return
	}
	c := &collection{live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}, growth: g}
	c.fit()
}

func (c *collection) fit() {
	metrics.Read(c.live)
	if p := c.growth.percent(c.live[0].Value.Uint64()); p != c.percent {
		c.percent = p
		debug.SetGCPercent(p)
	}
	runtime.SetFinalizer(c, (*collection).fit)
}

// percent is by how many percent a heap of so many live octets may grow. It
// changes in steps of 5, as setting it stops the program for a moment.
func (g Growth) percent(live uint64) int {
	return max(g.Least, min(g.Most, int(g.Step*100/max(live, 1))/5*5))
}
