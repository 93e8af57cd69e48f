package task

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

// house is a runner over a real database in a bubble with a fake clock.
type house struct {
	t  *testing.T
	db *store.DB
	*Runner
	cancel context.CancelFunc
	ended  chan struct{}
}

func bubble(t *testing.T, c Config, test func(t *testing.T, h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := open(t, storetest.SQLite(t), c)
		defer h.stop() // also when the test fails
		test(t, h)
	})
}

func open(t *testing.T, db *store.DB, c Config) *house {
	t.Helper()
	if err := Migrate(context.Background(), db); err != nil {
		t.Fatal(err)
	}
	if c.Poll == 0 {
		c.Poll = 10 * time.Minute // a day of polling costs real time
	}
	c.DB, c.Rand = db, rand.New(rand.NewPCG(1, 2))
	ctx, cancel := context.WithCancel(context.Background())
	h := &house{t: t, db: db, Runner: NewRunner(c), cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(h.ended)
		if err := h.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	return h
}

func (h *house) stop() {
	h.cancel()
	<-h.ended
}

func (h *house) update(fn func(tx *store.Tx) error) {
	h.t.Helper()
	if err := h.db.Update(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) add(tasks ...Task) {
	h.t.Helper()
	h.update(func(tx *store.Tx) error {
		for _, task := range tasks {
			if task.Tenant == "" {
				task.Tenant = "contoso"
			}
			if task.Kind == "" {
				task.Kind = Return
			}
			if err := Add(tx, task); err != nil {
				return err
			}
		}
		return nil
	})
	h.Wake()
}

func (h *house) tasks(f Filter) (list []Task) {
	h.t.Helper()
	h.update(func(tx *store.Tx) (err error) {
		list, err = List(tx, f)
		return err
	})
	return list
}

// fates is "recipient fate why" of a message.
func (h *house) fates(message string) string {
	h.t.Helper()
	var lines []string
	h.update(func(tx *store.Tx) error {
		list, err := Outcomes(tx, message)
		for _, r := range list {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Recipient, r.Fate, r.Why)))
		}
		return err
	})
	return strings.Join(lines, ", ")
}

// settleDown waits until the runner has nothing to do now.
func settleDown() {
	time.Sleep(forCompany + time.Millisecond) // a result may wait for others
	synctest.Wait()
}

func TestADueTaskIsDoneAtOnceAndSettledInItsTransaction(t *testing.T) {
	var settled []string
	c := Config{
		Door: func(ctx context.Context, task Task) []Result {
			return everyone(task, Done{Reply: mail.NewReply(250, "2.6.0", "queued"), Host: "mx"})
		},
		Settle: func(tx *store.Tx, task Task, results []Result, now time.Time) error {
			n, err := Open(tx, task.Message)
			settled = append(settled, fmt.Sprintf("%s %d results %d open", task.Message, len(results), n))
			return err
		},
	}
	bubble(t, c, func(t *testing.T, h *house) {
		h.add(Task{Message: "m", Recipients: to("a", "b")})
		settleDown()
		if got := h.fates("m"); got != "a delivered, b delivered" {
			t.Error(got)
		}
		if got := strings.Join(settled, ";"); got != "m 2 results 0 open" {
			t.Error(got)
		}
	})
}

func TestAReportPlannedBySettleIsSentWithoutWaiting(t *testing.T) {
	began := time.Time{}
	c := Config{
		Door: func(ctx context.Context, task Task) []Result {
			if task.Kind == Report {
				return everyone(task, Done{})
			}
			return everyone(task, Failed{Reply: mail.NewReply(550, "5.1.1", "no")})
		},
		Settle: func(tx *store.Tx, task Task, results []Result, now time.Time) error {
			if task.Kind == Report {
				return nil
			}
			report := Task{ID: "r", Message: task.Message, Tenant: task.Tenant, Kind: Report, Recipients: to("sender")}
			if err := Add(tx, report); err != nil {
				return err
			}
			return Tell(tx, task.Message, []mail.Address{"a"}, "r")
		},
	}
	bubble(t, c, func(t *testing.T, h *house) {
		began = time.Now()
		h.add(Task{Message: "m", Recipients: to("a")})
		settleDown()
		if took := time.Since(began); took > time.Second {
			t.Errorf("the report waited %v", took)
		}
		if got := h.fates("m"); !strings.Contains(got, "a failed") || !strings.Contains(got, "sender delivered") {
			t.Error(got)
		}
		h.update(func(tx *store.Tx) error {
			sum, lines, err := Balance(tx, ledger("m", false, "a"))
			if err != nil || len(lines) > 0 || sum.Failed != 1 || sum.Reported != 1 || sum.In != 1 {
				t.Errorf("%v %v %+v", err, lines, sum)
			}
			return err
		})
	})
}

// Exchange is away for six hours of a schedule of 48: everything arrives
// soon after it is back, once.
func TestAnOutageOfSixHoursInAScheduleOfFortyEight(t *testing.T) {
	var mu sync.Mutex
	tries, delivered := map[string]int{}, map[string]time.Time{}
	var up atomic.Bool
	c := Config{
		Schedule: Schedule{GiveUp: 48 * time.Hour},
		Door: func(ctx context.Context, task Task) []Result {
			mu.Lock()
			defer mu.Unlock()
			tries[task.Message]++
			if !up.Load() {
				return everyone(task, Later{Why: "connection refused"})
			}
			delivered[task.Message] = time.Now()
			return everyone(task, Done{})
		},
	}
	bubble(t, c, func(t *testing.T, h *house) {
		began := time.Now()
		for i := range 50 {
			h.add(Task{Message: fmt.Sprintf("m%d", i), Recipients: to("a"), Hop: "exchange"})
		}
		time.Sleep(6 * time.Hour)
		up.Store(true)
		time.Sleep(42 * time.Hour)
		synctest.Wait()
		if n := len(h.tasks(Filter{})); n > 0 {
			t.Fatalf("%d tasks are open after 48 hours", n)
		}
		moments := map[time.Time]bool{}
		for m, at := range delivered {
			if wait := at.Sub(began); wait > 6*time.Hour+72*time.Minute {
				t.Errorf("%s arrived after %v", m, wait)
			}
			if got := h.fates(m); got != "a delivered" {
				t.Errorf("%s: %s", m, got)
			}
			if tries[m] < 7 || tries[m] > 12 {
				t.Errorf("%s was tried %d times in six hours", m, tries[m])
			}
			moments[at.Truncate(time.Second)] = true
		}
		if len(delivered) != 50 || len(moments) < 25 {
			t.Errorf("%d delivered, at %d different times", len(delivered), len(moments))
		}
	})
}

func TestATaskIsGivenUpWhenItsTimeIsUp(t *testing.T) {
	var last time.Time
	c := Config{
		Schedule: Schedule{GiveUp: 48 * time.Hour},
		Door: func(ctx context.Context, task Task) []Result {
			last = time.Now()
			return everyone(task, Later{Reply: mail.NewReply(451, "4.3.2", "later")})
		},
	}
	bubble(t, c, func(t *testing.T, h *house) {
		began := time.Now()
		h.add(Task{Message: "m", Recipients: to("a")})
		time.Sleep(48*time.Hour - time.Minute)
		if got := h.fates("m"); got != "" {
			t.Errorf("given up too soon: %s", got)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := h.fates("m"); got != "a failed expired" {
			t.Error(got)
		}
		if d := last.Sub(began) - 48*time.Hour; d < 0 || d > time.Second {
			t.Errorf("the last try was %v off the end", d)
		}
	})
}

func TestAStuckTaskIsKeptForWeeksAndGoesOnWithQueueRetry(t *testing.T) {
	var mended atomic.Bool
	var tries atomic.Int64
	c := Config{Door: func(ctx context.Context, task Task) []Result {
		tries.Add(1)
		if mended.Load() {
			return everyone(task, Done{})
		}
		return everyone(task, Stuck{Problem: "P301", Reply: mail.NewReply(550, "5.7.64", "TenantAttribution")})
	}}
	bubble(t, c, func(t *testing.T, h *house) {
		h.add(Task{Message: "m", Recipients: to("a")})
		time.Sleep(7 * 24 * time.Hour)
		synctest.Wait()
		list := h.tasks(Filter{Stuck: true})
		if len(list) != 1 || list[0].Stuck != "P301" || !strings.Contains(list[0].Last, "TenantAttribution") {
			t.Fatalf("%+v", list)
		}
		if n := tries.Load(); n < 140 || n > 210 {
			t.Errorf("%d tries in 7 days, want about one an hour", n)
		}
		mended.Store(true)
		h.update(func(tx *store.Tx) error {
			n, err := Retry(tx, Choice{IDs: []string{"m"}}, time.Now())
			if n != 1 {
				t.Errorf("%d tasks retried", n)
			}
			tx.OnCommit(h.Wake)
			return err
		})
		settleDown()
		if got := h.fates("m"); got != "a delivered" {
			t.Error(got)
		}
	})
}

func TestADoorThatPanicsOrHangsOrSaysNothing(t *testing.T) {
	var poison atomic.Int64
	var never chan struct{} // made inside the bubble
	c := Config{Workers: 4, Limit: time.Minute, Door: func(ctx context.Context, task Task) []Result {
		switch task.Message {
		case "panic":
			panic("secret words of the message")
		case "hang":
			poison.Add(1)
			<-never
		case "silent":
			return nil
		}
		return everyone(task, Done{})
	}}
	bubble(t, c, func(t *testing.T, h *house) {
		never = make(chan struct{})
		for _, m := range []string{"panic", "hang", "silent"} {
			h.add(Task{Message: m, Recipients: to("a"), Hop: m})
		}
		for i := range 20 {
			h.add(Task{Message: fmt.Sprintf("good%d", i), Recipients: to("a"), Hop: "good"})
		}
		settleDown()
		for i := range 20 {
			if got := h.fates(fmt.Sprintf("good%d", i)); got != "a delivered" {
				t.Errorf("good%d: %q", i, got)
			}
		}
		time.Sleep(24 * time.Hour) // the hanging one may take no more than its places
		if n := poison.Load(); n > 2 {
			t.Errorf("%d goroutines hang", n)
		}
		for _, task := range h.tasks(Filter{}) {
			if task.Last == "" || task.Attempts == 0 {
				t.Errorf("%+v", task)
			}
		}
		close(never)
		settleDown()
	})
}

// A throttled next hop with a thousand messages, and one with one message.
func TestAThrottledNextHopDoesNotStarveAnother(t *testing.T) {
	var done atomic.Int64
	c := Config{Workers: 8, Door: func(ctx context.Context, task Task) []Result {
		if task.Hop == "slow" {
			select {
			case <-time.After(5 * time.Minute):
			case <-ctx.Done():
			}
		}
		done.Add(1)
		return everyone(task, Done{})
	}}
	bubble(t, c, func(t *testing.T, h *house) {
		var slow []Task
		for i := range 1000 {
			slow = append(slow, Task{Message: fmt.Sprintf("s%d", i), Recipients: to("a"), Hop: "slow"})
		}
		h.add(slow...)
		time.Sleep(time.Minute)
		for i := range 20 {
			began := time.Now()
			h.add(Task{Message: fmt.Sprintf("q%d", i), Recipients: to("a"), Hop: "quick", Tenant: "fabrikam"})
			settleDown()
			if got := h.fates(fmt.Sprintf("q%d", i)); got != "a delivered" || time.Since(began) > time.Second {
				t.Fatalf("the quick one waits: %q after %v", got, time.Since(began))
			}
			time.Sleep(time.Minute)
		}
	})
}

// slowTasks is n tasks of one tenant, each to a next hop of its own.
func slowTasks(tenant string, n int) (list []Task) {
	for i := range n {
		list = append(list, Task{
			Tenant: tenant, Message: fmt.Sprintf("%s%d", tenant, i), Recipients: to("a"),
			Hop: fmt.Sprintf("%s%d.example", tenant, i),
		})
	}
	return list
}

// busy counts the attempts under way by tenant.
type busy struct {
	mu  sync.Mutex
	now map[string]int
}

func (b *busy) add(tenant string, n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now[tenant] += n
	return b.now[tenant]
}

func (b *busy) of(tenant string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now[tenant]
}

// slowDoor takes five minutes and more, except for tenants called quick.
func (b *busy) slowDoor(ctx context.Context, task Task) []Result {
	n := b.add(task.Tenant, 1)
	defer b.add(task.Tenant, -1)
	if !strings.HasPrefix(task.Tenant, "quick") {
		select { // no two end at once
		case <-time.After(5*time.Minute + time.Duration(n)*7*time.Second):
		case <-ctx.Done():
		}
	}
	return everyone(task, Done{})
}

func TestATenantWithManyNextHopsDoesNotStarveAnother(t *testing.T) {
	for _, hops := range []int{200, 4200} { // more than are read at once
		t.Run(fmt.Sprint(hops, " next hops"), func(t *testing.T) {
			b := &busy{now: map[string]int{}}
			bubble(t, Config{Workers: 8, Door: b.slowDoor}, func(t *testing.T, h *house) {
				h.add(slowTasks("large", hops)...)
				time.Sleep(time.Minute)
				if n := b.of("large"); n != 7 {
					t.Errorf("a tenant that is alone has %d places, want all but one", n)
				}
				for i := range min(20, 12_600/hops) {
					began, tenant := time.Now(), fmt.Sprintf("quick%d", i%3)
					m := fmt.Sprintf("q%d", i)
					h.add(Task{Tenant: tenant, Message: m, Recipients: to("a"), Hop: "quick.example"})
					settleDown()
					if got := h.fates(m); got != "a delivered" || time.Since(began) > time.Second {
						t.Fatalf("%s waits: %q after %v", tenant, got, time.Since(began))
					}
					time.Sleep(time.Minute)
				}
			})
		})
	}
}

func TestTwoTenantsThatBothHaveMuchToDoShareThePlaces(t *testing.T) {
	b := &busy{now: map[string]int{}}
	bubble(t, Config{Workers: 8, Door: b.slowDoor}, func(t *testing.T, h *house) {
		h.add(slowTasks("first", 200)...)
		time.Sleep(time.Minute)
		h.add(slowTasks("second", 200)...)
		for range 12 { // attempts under way are not taken away from the first
			time.Sleep(time.Minute)
			settleDown()
			if n := b.of("first") + b.of("second"); n < 7 {
				t.Fatalf("only %d of 8 places are used", n)
			}
		}
		for range 20 {
			time.Sleep(time.Minute)
			settleDown()
			if first, second := b.of("first"), b.of("second"); min(first, second) < 3 || max(first, second) > 4 {
				t.Fatalf("the tenants have %d and %d places", first, second)
			}
		}
		h.add(Task{Tenant: "quick", Message: "third", Recipients: to("a"), Hop: "third.example"})
		settleDown()
		if got := h.fates("third"); got != "a delivered" {
			t.Errorf("the third tenant waits: %q", got)
		}
	})
}

func TestAListThatIsCostlyToReadIsNotReadForEveryAttemptThatEnds(t *testing.T) {
	bubble(t, Config{Door: func(context.Context, Task) []Result { return nil }}, func(t *testing.T, h *house) {
		r := NewRunner(Config{DB: h.db, Workers: 2})
		now := time.Now()
		r.queue, r.fetched, r.cost = []candidate{{id: "t1", hop: hop{"large", "a"}}}, now, 2*time.Second
		r.busy, r.perTenant["large"] = 1, 1
		for _, step := range []struct {
			after time.Duration
			left  int
		}{{0, 1}, {9 * time.Second, 1}, {10 * time.Second, 0}} {
			if chosen, err := r.next(context.Background(), now.Add(step.after)); len(chosen) > 0 || err != nil {
				t.Errorf("%v: %v %v", step.after, chosen, err)
			}
			if len(r.queue) != step.left { // the database has none
				t.Errorf("after %v the list holds %d tasks", step.after, len(r.queue))
			}
			if wait := r.untilDue(); step.left == 1 && wait > 10*time.Second {
				t.Errorf("after %v nothing is done for %v", step.after, wait)
			}
		}
	})
}

func TestALateResultOfALostLeaseIsRejected(t *testing.T) {
	var calls atomic.Int64
	var gate chan struct{} // made inside the bubble
	door := func(ctx context.Context, task Task) []Result {
		if calls.Add(1) == 1 {
			<-gate
			return everyone(task, Failed{Why: "late"})
		}
		return everyone(task, Done{})
	}
	bubble(t, Config{Door: door, Limit: time.Hour}, func(t *testing.T, h *house) {
		gate = make(chan struct{})
		h.add(Task{Message: "m", Recipients: to("a")})
		settleDown()
		// Another node, to which the lease looks expired.
		h.update(func(tx *store.Tx) error {
			_, err := tx.Exec("UPDATE task SET leased = 0, due = 0")
			return err
		})
		other := open(t, h.db, Config{Door: door})
		settleDown()
		other.stop()
		close(gate)
		settleDown()
		if got := h.fates("m"); got != "a delivered" {
			t.Errorf("%q: the late result counted", got)
		}
	})
}

func TestAResultThatCannotBeWrittenIsKeptAndNotTriedAgain(t *testing.T) {
	var calls, fails atomic.Int64
	c := Config{
		Door: func(ctx context.Context, task Task) []Result { calls.Add(1); return everyone(task, Done{}) },
		Settle: func(*store.Tx, Task, []Result, time.Time) error {
			if fails.Add(1) < 10 {
				return errors.New("database is full")
			}
			return nil
		},
	}
	bubble(t, c, func(t *testing.T, h *house) {
		h.add(Task{Message: "m", Recipients: to("a")})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got := h.fates("m"); got != "a delivered" || calls.Load() != 1 {
			t.Errorf("%q after %d attempts", got, calls.Load())
		}
	})
}

func TestAnAttemptUnderWayEndsBeforeRunReturns(t *testing.T) {
	c := Config{Grace: time.Minute, Door: func(ctx context.Context, task Task) []Result {
		select {
		case <-time.After(30 * time.Second):
			return everyone(task, Done{})
		case <-ctx.Done():
			return everyone(task, Later{Why: "stopped"})
		}
	}}
	bubble(t, c, func(t *testing.T, h *house) {
		h.add(Task{Message: "m", Recipients: to("a")})
		settleDown()
		h.stop()
		if got := h.fates("m"); got != "a delivered" {
			t.Error(got)
		}
	})
}

func TestAnAttemptThatOutlastsTheGraceIsToldToEnd(t *testing.T) {
	c := Config{Grace: time.Minute, Door: func(ctx context.Context, task Task) []Result {
		<-ctx.Done()
		return everyone(task, Later{Why: "stopped"})
	}}
	bubble(t, c, func(t *testing.T, h *house) {
		h.add(Task{Message: "m", Recipients: to("a")})
		settleDown()
		began := time.Now()
		h.stop()
		list := h.tasks(Filter{})
		if took := time.Since(began); took != time.Minute || len(list) != 1 || list[0].Last != "stopped" {
			t.Errorf("after %v: %+v", took, list)
		}
	})
}

// A message that kills the process must not kill it again at once after each
// restart.
func TestATaskWhoseAttemptKilledTheProcessComesBackByTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.SQLite(t)
		killed := make(chan struct{})
		var calls atomic.Int64
		dying := open(t, db, Config{Alone: true, Door: func(ctx context.Context, task Task) []Result {
			calls.Add(1)
			<-killed
			return nil
		}})
		dying.add(Task{Message: "m", Recipients: to("a")})
		settleDown()
		// The process is gone: its lease and its attempt stay in the table.
		next := open(t, db, Config{Alone: true, Door: func(ctx context.Context, task Task) []Result {
			calls.Add(1)
			return everyone(task, Done{})
		}})
		settleDown()
		if calls.Load() != 1 {
			t.Error("it was tried again at once")
		}
		time.Sleep(2 * time.Minute)
		if got := next.fates("m"); got != "a delivered" || calls.Load() != 2 {
			t.Errorf("%q after %d attempts", got, calls.Load())
		}
		close(killed)
		settleDown()
		dying.stop()
		next.stop()
	})
}

func TestHoldAndRetry(t *testing.T) {
	c := Config{Door: func(ctx context.Context, task Task) []Result { return everyone(task, Done{}) }}
	bubble(t, c, func(t *testing.T, h *house) {
		later := time.Now().Add(time.Hour)
		h.add(Task{ID: "1", Message: "m1", Recipients: to("a"), Due: later},
			Task{ID: "2", Message: "m2", Recipients: to("a"), Due: later, Tenant: "fabrikam"},
			Task{ID: "3", Message: "m3", Recipients: to("a"), Due: later})
		h.update(func(tx *store.Tx) error {
			n, err := Hold(tx, Choice{IDs: []string{"1", "m3", "nobody"}})
			if n != 2 {
				t.Errorf("%d held", n)
			}
			return err
		})
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if list := h.tasks(Filter{}); len(list) != 2 || !list[0].Held {
			t.Fatalf("%+v", list)
		}
		h.update(func(tx *store.Tx) error {
			n, err := Retry(tx, Choice{All: true, Tenant: "contoso"}, time.Now())
			if n != 2 {
				t.Errorf("%d retried", n)
			}
			return err
		})
		h.Wake()
		settleDown()
		if list := h.tasks(Filter{}); len(list) != 0 {
			t.Errorf("%+v", list)
		}
	})
}

// Such a task once waited for the end of Poll: it was not due when the list
// was read, and no longer to become due when the runner asked the table how
// long to sleep. The campaign of kills found it.
func TestATaskThatFallsDueWhileTheRunnerLooksIsNotOverslept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.SQLite(t)
		ctx := context.Background()
		if err := Migrate(ctx, db); err != nil {
			t.Fatal(err)
		}
		h := &house{t: t, db: db, Runner: NewRunner(Config{DB: db, Poll: time.Hour})}
		h.add(Task{Message: "m", Recipients: []mail.Recipient{{Address: "bob@fabrikam.example"}}, Due: time.Now().Add(time.Millisecond)})
		if n, err := h.start(ctx, ctx); n != 0 || err != nil {
			t.Fatalf("%d tasks began: %v", n, err)
		}
		time.Sleep(2 * time.Millisecond) // the look took longer than it was from being due
		if wait := h.untilDue(); wait > time.Millisecond {
			t.Errorf("the runner sleeps for %s with a due task and a free place", wait)
		}
	})
}
