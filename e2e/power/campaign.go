package power

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// Campaign replays a recording and cuts the power.
type Campaign struct {
	// Home is the folder that was recorded, Config the file that it was
	// recorded with, Scratch where states are laid out.
	Home, Config, Scratch string
	Calls                 []Call
	Facts                 []Fact
	// Sums are the hashes of the messages as they were sent, by token.
	Sums map[string]string
	Cuts []Cut
	// At chooses the prefixes of the log at which the power is cut; nil is
	// all of them.
	At func(place int) bool
	// Without says which syncs never happened, for mutants; nil is none.
	Without func(Call) bool
	// First ends the campaign with the first state that is wrong.
	First bool
	// Again is how many disks there are to one that is opened although one was
	// that SQLite must read alike; 0 opens none of them, 1 all.
	Again int
	// Until is when no further place is begun; zero is never.
	Until time.Time
}

// Result is what a campaign came to.
type Result struct {
	Prefixes  int  // places at which the power was cut
	Schedules int  // places times ways of losing
	Disks     int  // different disks that they leave
	Opened    int  // those of them that SQLite must read differently
	Again     int  // others, opened to see that they are read as said
	Lost      int  // schedules in which something promised was not there
	Stopped   bool // by the clock, before the last place
	// Wrong tells of the first of them.
	Wrong []string
}

// String is the line that is printed.
func (r Result) String() string {
	text := fmt.Sprintf("%d prefixes, %d schedules, %d different disks, %d of them opened and balanced "+
		"and %d that SQLite must read like one of those, %d wrong", r.Prefixes, r.Schedules, r.Disks, r.Opened, r.Again, r.Lost)
	if r.Stopped {
		text += "; the time was over before the last prefix"
	}
	return text
}

// schedule is one cut at one place.
type schedule struct {
	place int
	cut   Cut
	told  *Outside
	state *State
	after string // the call before the cut
}

// Run does it. Workers open states while the replay goes on.
func (c *Campaign) Run(ctx context.Context) (Result, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	todo := make(chan schedule, 2*runtime.GOMAXPROCS(0))
	o := opener{campaign: c, marks: newMarks(), known: map[uint64]*opened{}, seen: map[uint64]bool{}, stop: stop}
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for s := range todo {
				o.check(ctx, s)
			}
		})
	}
	stopped := false
	places, err := c.replay(func(s schedule) bool {
		if stopped = !c.Until.IsZero() && time.Now().After(c.Until); stopped {
			return false
		}
		select {
		case todo <- s:
			return true
		case <-ctx.Done():
			return false
		}
	})
	close(todo)
	wait.Wait()
	o.result.Prefixes, o.result.Stopped = places, stopped
	slices.Sort(o.result.Wrong)
	if err == nil {
		err = o.err
	}
	return o.result, err
}

// replay goes through the recording; each hands a schedule on and says
// whether to go on.
func (c *Campaign) replay(each func(schedule) bool) (places int, err error) {
	d, told := NewDisk(c.Home), newOutside()
	facts := c.Facts
	for _, step := range steps(c.Calls) {
		changed := false
		for ; len(facts) > 0 && facts[0].At <= step.at; facts = facts[1:] {
			told.add(facts[0])
			changed = true
		}
		switch {
		case step.begins:
			if c.Without == nil || !c.Without(step.call) {
				d.BeginSync(step.call)
			}
		default:
			did, err := d.Do(step.call)
			if err != nil {
				return places, err
			}
			changed = changed || did
		}
		if !changed {
			continue
		}
		if places++; c.At != nil && !c.At(places) {
			continue
		}
		now := told.clone()
		for _, cut := range c.Cuts {
			s := schedule{place: places, cut: cut, told: now, state: d.Cut(cut), after: c.describe(step.call)}
			if !each(s) {
				return places, nil
			}
		}
	}
	return places, nil
}

// Told lists the places at which somebody was told something of this kind.
func (c *Campaign) Told(kind string) (list []int) {
	scan := *c
	scan.At, scan.Cuts, scan.Without = nil, []Cut{{}}, nil
	facts := map[int]bool{}
	place, told := 0, 0
	_, _ = scan.replay(func(s schedule) bool {
		if n := s.told.count(kind); n != told {
			facts[s.place], told = true, n
		}
		place = s.place
		return true
	})
	for p := range place + 1 {
		if facts[p] {
			list = append(list, p)
		}
	}
	return list
}

// Before is what a power cut leaves just before a place of the log.
func (c *Campaign) Before(at int, cut Cut) (*State, error) {
	d := NewDisk(c.Home)
	for _, step := range steps(c.Calls) {
		if step.at >= at {
			break
		}
		if step.begins {
			d.BeginSync(step.call)
		} else if _, err := d.Do(step.call); err != nil {
			return nil, err
		}
	}
	return d.Cut(cut), nil
}

// step is the begin of an fsync, or the end of any call.
type step struct {
	at     int
	begins bool
	call   Call
}

// steps puts begins and ends into one order.
func steps(calls []Call) []step {
	var list []step
	for _, c := range calls {
		if c.Name == "fsync" || c.Name == "fdatasync" {
			list = append(list, step{c.Begin, true, c})
		}
		list = append(list, step{c.End, false, c})
	}
	slices.SortStableFunc(list, func(a, b step) int { return a.at - b.at })
	return list
}

func (c *Campaign) describe(call Call) string {
	on := call.On
	if len(call.Paths) > 0 {
		on = call.Paths[len(call.Paths)-1]
	}
	on = strings.TrimPrefix(on, c.Home+"/")
	if len(call.Data) > 0 {
		return fmt.Sprintf("%s of %d octets at %d of %s", call.Name, len(call.Data), call.Offset, on)
	}
	return call.Name + " of " + on
}
