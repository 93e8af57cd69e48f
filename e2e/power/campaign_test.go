//go:build e2e

package power

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func binaryUnderTest(t *testing.T) string {
	t.Helper()
	path := os.Getenv("POSTERN_BINARY")
	if path == "" {
		t.Fatal("POSTERN_BINARY is not set; run make e2e")
	}
	return path
}

// long says whether every prefix is cut; make crash sets it.
func long() bool { return os.Getenv("POSTERN_POWER") == "long" }

// scratch is a folder in memory when there is one: thousands of disks are laid
// out there, and what opens them syncs a lot.
func scratch(t *testing.T) string {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "postern-power-"); err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}

func (r *recording) campaign(t *testing.T) *Campaign {
	return &Campaign{Home: r.home, Config: r.config, Scratch: scratch(t), Calls: r.calls, Facts: r.facts, Sums: r.sums}
}

// TestPowerCuts records one gateway, twice started, and cuts its power.
func TestPowerCuts(t *testing.T) {
	r := record(t, binaryUnderTest(t))
	r.run(t, 45)
	r.run(t, 15)
	t.Run("the model is the disk", r.theModelIsTheDisk)
	t.Run("the recording has every kind of promise", r.everyKind)
	t.Run("what is promised is synced before", r.syncedBefore)
	t.Run("a body goes after its row", r.rowBeforeUnlink)
	t.Run("no cut loses a promise", r.noCutLosesAPromise)
	t.Run("a sync that is missing is found", r.missingSyncs)
	t.Run("mail goes on after a cut", r.mailGoesOn)
}

// theModelIsTheDisk compares what the model says that processes see with what
// really lies in the folder after both runs.
func (r *recording) theModelIsTheDisk(t *testing.T) {
	c := r.campaign(t)
	s, err := c.Before(r.next, Cuts(0, 0)[1])
	must(t, err)
	must(t, s.Write(c.Scratch))
	list := func(root string) map[string][]byte {
		all := map[string][]byte{}
		must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() && !d.IsDir() || strings.HasSuffix(path, "-shm") {
				return err
			}
			rel, _ := filepath.Rel(root, path)
			all[rel] = nil
			if !d.IsDir() {
				all[rel], err = os.ReadFile(path)
			}
			return err
		}))
		return all
	}
	got, want := list(c.Scratch), list(r.home)
	if len(want) < 20 {
		t.Fatalf("only %d files and folders are there", len(want))
	}
	for name := range want {
		if data, there := got[name]; !there || !bytes.Equal(data, want[name]) {
			t.Errorf("%s: in the model %v with %d octets, in truth %d octets", name, there, len(data), len(want[name]))
		}
	}
	for name := range got {
		if _, there := want[name]; !there {
			t.Errorf("%s is only in the model", name)
		}
	}
}

func (r *recording) everyKind(t *testing.T) {
	counts := map[string]int{}
	for _, f := range r.facts {
		counts[f.Kind]++
	}
	t.Logf("%d messages, %d calls, of the outside: %v", len(r.sums), len(r.calls), counts)
	for _, kind := range []string{"promised", "relayed", "refused", "onward", "taken", "decided"} {
		if counts[kind] < 4 {
			t.Errorf("only %d times %s", counts[kind], kind)
		}
	}
	checkpoints := 0
	for _, c := range r.calls {
		if c.Name == "fsync" && strings.HasSuffix(c.On, "/postern.db") {
			checkpoints++
		}
	}
	if checkpoints < 2 {
		t.Errorf("%d checkpoints: the load is too small", checkpoints)
	}
}

// noCutLosesAPromise is the campaign.
func (r *recording) noCutLosesAPromise(t *testing.T) {
	c := r.campaign(t)
	random, places, seed := 2, 85, uint64(1)
	if long() {
		random, places, seed = 4, 0, rand.Uint64()
		if n, err := strconv.Atoi(os.Getenv("POSTERN_POWER_STRIDE")); err == nil && n > 1 {
			c.At = func(p int) bool { return p%n == 0 }
		}
	}
	c.Cuts, c.Again = Cuts(random, seed), 20
	if n, err := strconv.Atoi(os.Getenv("POSTERN_POWER_AGAIN")); err == nil {
		c.Again = n
	}
	if n, err := strconv.Atoi(os.Getenv("POSTERN_POWER_MINUTES")); err == nil {
		c.Until = time.Now().Add(time.Duration(n) * time.Minute)
	}
	if places > 0 {
		c.At = r.sample(c, places, seed)
	}
	result, err := c.Run(context.Background())
	must(t, err)
	t.Logf("seed %d: %s", seed, result)
	for _, w := range result.Wrong {
		t.Error(w)
	}
	if result.Schedules < 1000 {
		t.Errorf("only %d schedules", result.Schedules)
	}
	if result.Again == 0 {
		t.Error("no disk was opened that SQLite must read like another one")
	}
}

// sample chooses places: half of them where somebody was told something, the
// others anywhere.
func (r *recording) sample(c *Campaign, n int, seed uint64) func(int) bool {
	chance := rand.New(rand.NewPCG(seed, seed))
	var told []int
	for _, kind := range []string{"promised", "onward", "decided", "taken"} {
		told = append(told, c.Told(kind)...)
	}
	last := slices.Max(told)
	chosen := map[int]bool{last: true}
	for len(chosen) < n/2 {
		chosen[told[chance.IntN(len(told))]] = true
	}
	for len(chosen) < n {
		chosen[1+chance.IntN(last)] = true
	}
	return func(p int) bool { return chosen[p] }
}

// missingSyncs is the test of the test: with one class of syncs that never
// happened, the campaign must find a loss.
func (r *recording) missingSyncs(t *testing.T) {
	made, checkpoint := new(counter), new(counter)
	mutants := []struct {
		name string
		is   func(path string) bool
	}{
		{"of body files", func(p string) bool { return strings.Contains(p, "data/bodies/") && strings.Contains(p, ".tmp-") }},
		{"of the folders of body files", func(p string) bool { return strings.HasPrefix(p, "data/bodies/") && len(p) == len("data/bodies/0") }},
		{"of the folder of those folders", func(p string) bool { return p == "data/bodies" }},
		{"of the write-ahead log", func(p string) bool { return strings.HasSuffix(p, "-wal") }},
		{"of the database when it is made", func(p string) bool { return p == "data/postern.db" && !made.next() }},
		{"of the database at a checkpoint", func(p string) bool { return p == "data/postern.db" && checkpoint.next() }},
		{"of the data folder", func(p string) bool { return p == "data" }},
		{"of the key file", func(p string) bool { return strings.HasPrefix(p, ".tmp-") }},
		{"of the folder of the key file", func(p string) bool { return p == r.home }},
	}
	c := r.campaign(t)
	told := c.Told("promised")
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			c := r.campaign(t)
			c.First = true
			c.Cuts = Cuts(0, 0)[:3]
			c.At = func(p int) bool {
				i, found := slices.BinarySearch(told, p)
				return found && (i%8 == 0 || i == len(told)-1)
			}
			dropped := 0
			c.Without = func(call Call) bool {
				drop := m.is(strings.TrimPrefix(call.On, r.home+"/"))
				if drop {
					dropped++
				}
				return drop
			}
			result, err := c.Run(context.Background())
			must(t, err)
			if dropped == 0 {
				t.Fatal("the recording has no such sync")
			}
			if result.Lost == 0 {
				t.Fatalf("%d syncs never happened, and nothing was lost: %s", dropped, result)
			}
			t.Logf("%d syncs never happened: %.300s", dropped, result.Wrong[0])
		})
	}
}

// counter tells the first call from the later ones.
type counter int

func (c *counter) next() bool {
	*c++
	return *c > 1
}

// at opens what a cut leaves before a place of the log.
func (r *recording) at(t *testing.T, c *Campaign, place int, cut Cut) *Inventory {
	t.Helper()
	s, err := c.Before(place, cut)
	must(t, err)
	dir := filepath.Join(c.Scratch, fmt.Sprint("at", place))
	must(t, s.Write(dir))
	defer os.RemoveAll(dir)
	return TakeInventory(context.Background(), dir, r.config)
}
