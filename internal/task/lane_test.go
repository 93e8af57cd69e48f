package task

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

func TestALane(t *testing.T) {
	const most = 16
	ok := []Result{{"a", Done{Reply: mail.NewReply(250, "", "ok")}}}
	refused := []Result{{"a", Failed{Reply: mail.NewReply(550, "5.1.1", "nobody")}}}
	nothing := []Result{{"a", Later{Why: "our copy cannot be read"}}}
	down := []Result{{"a", Later{Why: "connection refused", Trouble: Down}}}
	slow := []Result{{"a", Later{Reply: mail.NewReply(451, "4.7.500", "busy"), Trouble: Slow}}}
	some := []Result{ok[0], slow[0]}
	type step struct {
		after   time.Duration // since the step before
		results []Result
		places  int
		shut    bool
		pause   time.Duration
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"is as wide as may be while all goes well", []step{{0, ok, 16, false, 0}, {0, refused, 16, false, 0}, {0, nothing, 16, false, 0}}},
		{"is shut by one that finds the next hop down, and opens slowly", []step{
			{0, down, 16, true, 5 * time.Second}, {5 * time.Second, down, 16, true, 10 * time.Second},
			{time.Minute, nothing, 16, true, 10 * time.Second}, {time.Minute, down, 16, true, 20 * time.Second},
			{time.Minute, down, 16, true, 30 * time.Second}, {time.Minute, down, 16, true, 30 * time.Second},
			{time.Minute, refused, 2, false, 0}, {0, ok, 3, false, 0}, {0, ok, 4, false, 0},
		}},
		{"is halved by one that was too much, and widens by one a round", []step{
			{0, some, 16, true, time.Second}, {time.Second, ok, 8, false, 0}, {0, ok, 8, false, 0},
			{0, ok, 8, false, 0}, {0, ok, 8, false, 0}, {0, ok, 8, false, 0}, {0, ok, 8, false, 0}, {0, ok, 8, false, 0},
			{0, ok, 8, false, 0}, {0, ok, 9, false, 0},
		}},
		{"narrows to one, and asks it ever more rarely", []step{
			{0, slow, 16, true, time.Second}, {time.Second, slow, 16, true, 2 * time.Second},
			{time.Minute, slow, 16, true, 4 * time.Second}, {time.Minute, slow, 16, true, 8 * time.Second},
			{time.Minute, slow, 16, true, 16 * time.Second}, {time.Minute, slow, 16, true, 30 * time.Second},
			{time.Minute, ok, 2, false, 0},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l lane
			now := start
			for i, s := range tt.steps {
				now = now.Add(s.after)
				l.learn(s.results, now, now, most)
				if l.places(most) != s.places || l.shut != s.shut || l.pause != s.pause {
					t.Fatalf("step %d: %d places, shut %v, pause %v; want %+v", i, l.places(most), l.shut, l.pause, s)
				}
			}
		})
	}
}

func TestWhatWasUnderWayWhenALaneWasShutDoesNotOpenIt(t *testing.T) {
	var l lane
	down := []Result{{"a", Later{Trouble: Down}}}
	l.learn(down, start, start.Add(time.Minute), 16)
	if news := l.learn([]Result{{"a", Done{Reply: mail.NewReply(250, "", "ok")}}}, start, start.Add(time.Minute), 16); news || !l.shut {
		t.Error("an attempt that began before opened it")
	}
	l.learn(down, start, start.Add(time.Minute), 16)
	if l.pause != downPause {
		t.Errorf("sixteen attempts that fail for one reason count as sixteen: pause %v", l.pause)
	}
	for _, at := range []time.Duration{time.Minute + downPause, time.Minute + downPause + time.Millisecond} {
		if putOff := l.enter(start.Add(at)); (putOff == nil) != (at == time.Minute+downPause) {
			t.Errorf("after %v: %v", at, putOff)
		}
	}
}

// outage is a next hop that is away, and counts who knocks.
type outage struct {
	mu        sync.Mutex
	up        bool
	knocks    int
	delivered map[string]time.Time
	most, now int
}

func (o *outage) door(_ context.Context, task Task) []Result {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.up {
		o.knocks++
		return everyone(task, Later{Why: "connection refused", Trouble: Down})
	}
	o.now++
	o.most = max(o.most, o.now)
	o.mu.Unlock()
	time.Sleep(time.Second)
	o.mu.Lock()
	o.now--
	o.delivered[task.Message] = time.Now()
	return everyone(task, Done{Reply: mail.NewReply(250, "2.6.0", "queued")})
}

// The next hop is away for six hours with much mail for it: nobody knocks for
// every message, all of it goes when it is back, and fresh mail is not kept
// waiting by the old.
func TestABacklogGoesWhenTheNextHopIsBackAndFreshMailDoesNotWaitForIt(t *testing.T) {
	const n = 100
	o := &outage{delivered: map[string]time.Time{}}
	bubble(t, Config{Workers: 8, Door: o.door}, func(t *testing.T, h *house) {
		for i := range n {
			h.add(Task{Message: fmt.Sprintf("old%d", i), Recipients: to("a"), Hop: "exchange", Due: time.Now()})
		}
		time.Sleep(6 * time.Hour)
		if o.knocks > 6*120+10 {
			t.Errorf("%d attempts were made in six hours at a host that is down", o.knocks)
		}
		o.mu.Lock()
		o.up = true
		o.mu.Unlock()
		back := time.Now()
		for i := range 60 {
			m, began := fmt.Sprintf("fresh%d", i), time.Now()
			h.add(Task{Message: m, Recipients: to("a"), Hop: "exchange", Due: began})
			time.Sleep(time.Second)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		last := time.Time{}
		for m, at := range o.delivered {
			if got := h.fates(m); got != "a delivered" {
				t.Errorf("%s: %s", m, got)
			}
			if at.After(last) {
				last = at
			}
			var i int
			if k, _ := fmt.Sscanf(m, "fresh%d", &i); k == 1 && at.Sub(back) > time.Duration(i)*time.Second+30*time.Second {
				t.Errorf("%s arrived %v after the host was back", m, at.Sub(back))
			}
		}
		if len(o.delivered) != n+60 {
			t.Errorf("%d delivered", len(o.delivered))
		}
		// Four at a time, a second each: 160 messages are 40 seconds.
		if took := last.Sub(back); took > 75*time.Second {
			t.Errorf("the backlog took %v", took)
		}
		if o.most != 4 {
			t.Errorf("%d attempts went on at a time", o.most)
		}
	})
}

func TestAMessageForANextHopThatIsDownIsGivenUpInItsTime(t *testing.T) {
	o := &outage{delivered: map[string]time.Time{}}
	bubble(t, Config{Door: o.door, Schedule: Schedule{GiveUp: 3 * time.Hour}}, func(t *testing.T, h *house) {
		for i := range 100 {
			h.add(Task{Message: fmt.Sprintf("m%d", i), Recipients: to("a"), Hop: "exchange", Due: time.Now()})
		}
		time.Sleep(3*time.Hour - time.Minute)
		if n := len(h.tasks(Filter{Limit: 1000})); n != 100 {
			t.Errorf("%d are left before the time is up", n)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		for i := range 100 {
			if got := h.fates(fmt.Sprintf("m%d", i)); got != "a failed expired" {
				t.Errorf("m%d: %q", i, got)
			}
		}
	})
}

// The only message for a next hop arrives when it is down, and it is back
// soon after.
func TestAMessageAloneGoesByItsScheduleOrWhenAPersonAsks(t *testing.T) {
	o := &outage{delivered: map[string]time.Time{}}
	bubble(t, Config{Door: o.door}, func(t *testing.T, h *house) {
		h.add(Task{ID: "1", Message: "m", Recipients: to("a"), Hop: "exchange", Due: time.Now()})
		settleDown()
		if o.knocks != 1 {
			t.Errorf("%d attempts", o.knocks)
		}
		o.mu.Lock()
		o.up = true
		o.mu.Unlock()
		h.update(func(tx *store.Tx) error {
			_, err := Retry(tx, Choice{All: true}, time.Now())
			tx.OnCommit(h.Reopen)
			return err
		})
		time.Sleep(time.Second)
		synctest.Wait()
		if got := h.fates("m"); got != "a delivered" {
			t.Error(got)
		}
	})
}

// Exchange throttles one tenant, which has much to send. What another tenant
// sends takes as long as if it were alone.
func TestAThrottledTenantCostsAnotherNoTime(t *testing.T) {
	late := map[string][]time.Duration{}
	for _, name := range []string{"alone", "beside a throttled one", "beside one whose next hop is down"} {
		var mu sync.Mutex
		knocks := 0
		began := map[string]time.Time{}
		door := func(_ context.Context, task Task) []Result {
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			if task.Tenant == "other" {
				late[name] = append(late[name], time.Since(began[task.Message]))
				return everyone(task, Done{Reply: mail.NewReply(250, "2.6.0", "queued")})
			}
			knocks++
			if name == "beside a throttled one" {
				return everyone(task, Later{Reply: mail.NewReply(451, "4.7.500", "Server busy"), Trouble: Slow})
			}
			return everyone(task, Later{Why: "connection refused", Trouble: Down})
		}
		bubble(t, Config{Workers: 4, Door: door}, func(t *testing.T, h *house) {
			if name != "alone" {
				for i := range 50 {
					h.add(Task{Tenant: "busy", Message: fmt.Sprintf("b%d", i), Recipients: to("a"), Hop: "exchange", Due: time.Now()})
				}
			}
			for i := range 30 {
				m := fmt.Sprintf("o%d", i)
				mu.Lock()
				began[m] = time.Now()
				mu.Unlock()
				h.add(Task{Tenant: "other", Message: m, Recipients: to("a"), Hop: "exchange", Due: time.Now()})
				time.Sleep(time.Second)
			}
			if knocks > 20 {
				t.Errorf("%s: %d attempts in a minute", name, knocks)
			}
		})
	}
	for name, list := range late {
		slices.Sort(list)
		t.Logf("%-34s %d messages, median %v, longest %v", name, len(list), list[len(list)/2], list[len(list)-1])
		if len(list) != 30 || list[29] > list[0]+100*time.Millisecond || list[15] != late["alone"][15] {
			t.Errorf("%s: %v", name, list)
		}
	}
}

// Two nodes work on one tenant's tasks: each is attempted by one of them.
func TestTwoNodesOnOneTenantDoEachTaskOnce(t *testing.T) {
	const n = 40
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(context.Background())
		var mu sync.Mutex
		tries, nodes := map[string]int{}, map[string]int{}
		backlog(t, db, n, hop{"contoso", "exchange"})
		var all sync.WaitGroup
		for _, node := range []string{"one", "two"} {
			r := NewRunner(Config{DB: db, Workers: 8, Poll: 50 * time.Millisecond, Door: func(_ context.Context, task Task) []Result {
				mu.Lock()
				defer mu.Unlock()
				tries[task.Message]++
				nodes[node]++
				return everyone(task, Done{Reply: mail.NewReply(250, "", "ok")})
			}})
			all.Go(func() {
				if err := r.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		left := n
		for range 600 {
			time.Sleep(50 * time.Millisecond)
			err := db.View(ctx, func(tx *store.Tx) (err error) {
				left, err = Count(tx)
				return err
			})
			if err != nil || left == 0 {
				break
			}
		}
		cancel()
		all.Wait()
		for m, k := range tries {
			if k != 1 {
				t.Errorf("%s was tried %d times", m, k)
			}
		}
		if left != 0 || len(tries) != n {
			t.Errorf("%d tasks are left, %d were done (%v)", left, len(tries), nodes)
		}
		t.Log(nodes)
	})
}
