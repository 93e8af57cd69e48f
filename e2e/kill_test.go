//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// perFolder is how many kills strike one data folder before its account is
// closed.
const perFolder = 28

// TestWhatWasAnsweredSurvivesEveryKill kills the gateway at named steps and
// at system calls while mail is brought, starts it again on the same data,
// and holds everything that was answered against what is there in the end.
// "make crash" runs the long form; scripts/crash.sh names the settings.
func TestWhatWasAnsweredSurvivesEveryKill(t *testing.T) {
	killMany(t, number("POSTERN_KILLS", 2*perFolder), func(*testing.T) string { return "" })
}

// The same with the rows in PostgreSQL: what the gateway had begun there is
// undone by the server, and the bodies lie in a folder that knows nothing of
// it.
func TestWhatWasAnsweredSurvivesEveryKillOnPostgreSQL(t *testing.T) {
	t.Parallel()
	total := number("POSTERN_POSTGRES_KILLS", 8)
	if total == 0 {
		t.Skip("SKIPPED: POSTERN_POSTGRES_KILLS is 0")
	}
	killMany(t, total, func(t *testing.T) string { return "store: \"" + startPostgres(t) + "\"\n" })
}

// killMany spreads the kills over data folders; config is what is special
// about each gateway.
func killMany(t *testing.T, total int, config func(*testing.T) string) {
	need(t, "strace")
	until := time.Now().Add(time.Duration(number("POSTERN_KILL_MINUTES", 60)) * time.Minute)
	seed := number("POSTERN_KILL_SEED", int(time.Now().Unix()%1_000_000))
	t.Logf("the seed is %d: POSTERN_KILL_SEED=%d does the same again", seed, seed)
	all := steps()
	if only := os.Getenv("POSTERN_KILL_STEP"); only != "" {
		all = slices.DeleteFunc(all, func(s step) bool { return !strings.Contains(s.name, only) })
	}
	r := rand.New(rand.NewPCG(uint64(seed), 0))
	var order []step
	for len(order) < total { // every step as often as every other
		for _, i := range r.Perm(len(all)) {
			order = append(order, all[i])
		}
	}
	b := &tally{rows: map[string]map[fault]int{}, calls: map[string]int{}}
	began := time.Now()
	t.Run("folder", func(t *testing.T) {
		for part := range slices.Chunk(order[:total], perFolder) {
			own := r.Uint64()
			t.Run(strconv.FormatUint(own, 10), func(t *testing.T) {
				t.Parallel()
				if time.Now().After(until) {
					t.Skip("SKIPPED: the time is over")
				}
				b.add(t, wage(t, own, part, config(t)))
			})
		}
	})
	t.Logf("%s\nin %s", b, time.Since(began).Round(time.Second))
}

func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// tally sums the ledgers up, step by step.
type tally struct {
	mu                                sync.Mutex
	rows                              map[string]map[fault]int
	calls                             map[string]int
	brought, taken, tries, deliveries int
	kills, folders, outcomes          int
	books                             held
	latest                            time.Duration
}

const isKill fault = "kills"

var columns = []fault{isKill, lost, damaged, half, ghost, twice, allowed, oddAnswer, unbalance}

func (b *tally) count(step string, what fault) {
	if b.rows[step] == nil {
		b.rows[step] = map[fault]int{}
	}
	b.rows[step][what]++
}

// add counts a ledger in, and reports its faults.
func (b *tally) add(t *testing.T, l *ledger) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.folders++
	b.latest = max(b.latest, l.latest)
	b.outcomes += l.recordings
	b.books.messages += l.books.messages
	b.books.recipients += l.books.recipients
	for _, k := range l.kills {
		b.count(k.step, isKill)
		b.kills++
		if !strings.HasPrefix(k.call, "number") && k.call != "" {
			b.calls[k.call]++
		}
	}
	for _, p := range l.pieces {
		b.brought++
		b.tries += len(p.tries)
		if p.given && !p.refused() {
			b.taken++
		}
		b.deliveries += len(l.there[p.token])
	}
	for _, e := range l.lines {
		step := "none: the next hop hung up"
		if e.kill >= 0 {
			step = l.kills[e.kill].step
		}
		b.count(step, e.what)
		if e.what != allowed {
			t.Errorf("%s: %s", e.what, e.about)
		}
	}
}

func (b *tally) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%d kills over %d data folders\n%d messages brought in %d tries, %d answered 250\n",
		b.kills, b.folders, b.brought, b.tries, b.taken)
	fmt.Fprintf(&out, "%d mails and reports at the next hop, %d outcomes in the chains of events\n",
		b.deliveries, b.outcomes)
	fmt.Fprintf(&out, "%d messages with %d recipients held against the records by bench/ledger\n",
		b.books.messages, b.books.recipients)
	fmt.Fprintf(&out, "a repeat came of a kill at most %s after the next hop's answer\n\n",
		b.latest.Round(time.Millisecond))
	line := func(name string, value func(fault) any) {
		fmt.Fprintf(&out, "%-42s", name)
		for _, c := range columns {
			fmt.Fprintf(&out, " %9v", value(c))
		}
		out.WriteByte('\n')
	}
	line("step", func(c fault) any { return c })
	sum := map[fault]int{}
	for _, name := range slices.Sorted(maps.Keys(b.rows)) {
		line(name, func(c fault) any { sum[c] += b.rows[name][c]; return b.rows[name][c] })
	}
	line("together", func(c fault) any { return sum[c] })
	out.WriteString("\nwhere the kills by call struck:\n")
	for _, name := range slices.Sorted(maps.Keys(b.calls)) {
		fmt.Fprintf(&out, "%9d %s\n", b.calls[name], name)
	}
	return out.String()
}
