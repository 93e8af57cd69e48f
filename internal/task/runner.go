package task

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
)

// Config is what a Runner needs.
type Config struct {
	DB       *store.DB
	Schedule Schedule
	// Workers is how many attempts run at once. One tenant gets at most half
	// of them, or PerHop if that is more, while tasks of another wait; and
	// the last free one only when it has no other.
	// Default: 32.
	Workers int
	// PerHop is how many of them may be for one next hop of one tenant. It
	// never gets more places than are left free, so that the next hop that
	// comes second finds some.
	// Default: half of Workers.
	PerHop int
	// Limit is how long one attempt may take. The wait after the final dot
	// alone is 10 minutes (RFC 5321 §4.5.3.2.6).
	// Default: 30m.
	Limit time.Duration
	// Poll is how often the table is looked at when nothing wakes the
	// runner: for tasks of other nodes, and after a jump of the clock.
	// Default: 30s.
	Poll time.Duration
	// Grace is how long attempts may go on after Run's context ended.
	// Default: 30s.
	Grace time.Duration
	// Calm says that the clock cannot be trusted: nothing is given up. nil is
	// never.
	Calm func() bool
	// Alone says that no other process works on this database, so that
	// leases from before the start belong to nobody.
	Alone bool

	Door    Door
	Settle  Settle
	Log     *slog.Logger
	Metrics *telemetry.Metrics
	// Rand makes the jitter; nil is a random one.
	Rand *rand.Rand
}

func (c Config) withDefaults() Config {
	c.Schedule = c.Schedule.withDefaults()
	c.Workers = orElse(c.Workers, 32)
	c.PerHop = orElse(c.PerHop, max(c.Workers/2, 1))
	c.Limit = orElse(c.Limit, 30*time.Minute)
	c.Poll = orElse(c.Poll, 30*time.Second)
	c.Grace = orElse(c.Grace, 30*time.Second)
	if c.Settle == nil {
		c.Settle = func(*store.Tx, Task, []Result, time.Time) error { return nil }
	}
	if c.Calm == nil {
		c.Calm = func() bool { return false }
	}
	if c.Log == nil {
		c.Log = telemetry.Discard()
	}
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return c
}

func orElse[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// margin is how long after its context ended an attempt may still come to
// an end by itself.
const margin = time.Minute

// Runner takes due tasks and attempts them until they have an outcome.
type Runner struct {
	config Config
	log    *slog.Logger
	wake   chan struct{}
	freed  chan struct{}
	group  sync.WaitGroup // attempts, until their results are written

	// Only Run's goroutine touches these.
	queue   []candidate // due when it was read
	fetched time.Time
	cost    time.Duration // of reading it
	due     time.Time     // when more will be due
	cursors cursors
	gauged  time.Time

	mu    sync.Mutex
	busy  int                   // workers in an attempt
	stale bool                  // the queue is to be read again
	lanes map[hop]*lane         // next hops that are not as they should be, or at which something goes on
	codes map[problem.Code]bool // codes the stuck gauge was set for
	rand  *rand.Rand
	open  int // attempts whose result is not written
	// waiting says that tasks may wait for a place: nobody may claim one before
	// the line was read and all of them had theirs. refused counts the claims
	// that were not granted. attempts is the context of attempts while Run goes
	// on.
	waiting  bool
	refused  int
	attempts context.Context
	// perTenant is busy by tenant. A hanging attempt does not count: a tenant
	// with poisoned messages would lose all its places.
	perTenant map[string]int
}

// Migrate makes the room's tables. It runs before anything else here.
func Migrate(ctx context.Context, db *store.DB) error {
	return db.Migrate(ctx, "task", schema())
}

// NewRunner returns a Runner over a migrated database.
func NewRunner(c Config) *Runner {
	c = c.withDefaults()
	return &Runner{
		config: c,
		log:    c.Log.With(telemetry.KeyRoom, "task"),
		wake:   make(chan struct{}, 1),
		freed:  make(chan struct{}, 1),
		lanes:  map[hop]*lane{},
		codes:  map[problem.Code]bool{},
		rand:   c.Rand,

		cursors:   cursors{hop: map[string]string{}},
		waiting:   true,
		perTenant: map[string]int{},
	}
}

// Wake makes the runner look for due tasks now. Call it after the commit
// that added one.
func (r *Runner) Wake() { signal(r.wake) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run works until ctx ends. Attempts under way then get Grace to end, and
// their results are written before Run returns.
func (r *Runner) Run(ctx context.Context) error {
	if r.config.Alone {
		if err := r.config.DB.Update(ctx, freeLeases); err != nil {
			return err
		}
	}
	attempts, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	r.mu.Lock()
	r.attempts = attempts // from here on places can be claimed
	r.mu.Unlock()
	for ctx.Err() == nil {
		n, err := r.start(ctx, attempts)
		switch {
		case err != nil && ctx.Err() == nil:
			r.log.Error("due tasks cannot be read", telemetry.KeyCode, problem.TaskUnsettled, telemetry.KeyError, err)
			r.pause(ctx, r.config.Poll)
		case n == 0:
			r.gauges(ctx, time.Now())
			r.pause(ctx, r.untilDue())
		}
	}
	r.mu.Lock()
	r.attempts = nil
	r.mu.Unlock()
	grace := time.AfterFunc(r.config.Grace, cancel)
	defer grace.Stop()
	r.group.Wait()
	return nil
}

// Replan brings tasks forward that are due later than the schedule can have
// meant: the clock was ahead when they were planned.
func (r *Runner) Replan(tx *store.Tx, now time.Time) error {
	latest := stuckPause
	for _, step := range r.config.Schedule.Steps {
		latest = max(latest, step)
	}
	err := bringForward(tx, now.Add(latest), now.Add(r.config.Schedule.GiveUp))
	tx.OnCommit(r.Wake)
	return err
}

// pause waits until there may be something to do. A place that becomes free is
// nothing when nobody waits for one.
func (r *Runner) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-timer.C:
		case <-r.freed:
			if !r.wanted() {
				continue
			}
		}
		return
	}
}

// wanted reports whether a task may wait for a place.
func (r *Runner) wanted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waiting || r.stale || len(r.queue) > 0
}

// untilDue is the time until the next task is due, at most Poll. A task that
// is due already waits for a place, whose end is signalled, or for the list to
// be read again.
func (r *Runner) untilDue() time.Duration {
	wait := r.config.Poll
	if r.places() == 0 {
		return wait
	}
	now := time.Now()
	again := max(r.fetched.Add(5*r.cost).Sub(now), time.Millisecond)
	if !r.due.IsZero() {
		wait = min(wait, max(r.due.Sub(now), again))
	}
	if len(r.queue) > 0 && again > time.Millisecond {
		wait = min(wait, again)
	}
	return wait
}

// start takes as many due tasks as there are places and begins their
// attempts.
func (r *Runner) start(ctx, attempts context.Context) (int, error) {
	now := time.Now()
	chosen, err := r.next(ctx, now)
	if err != nil || len(chosen) == 0 {
		return 0, err
	}
	var taken []Task
	err = r.config.DB.Update(ctx, func(tx *store.Tx) (err error) {
		taken, err = r.lease(tx, chosen, now)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, t := range taken {
		r.begin(t)
		go r.work(attempts, t)
	}
	return len(chosen), nil
}

// freshness is how long the list of due tasks is used before it is read
// again, if it lasts.
const freshness = time.Second

// next chooses what to take now. There is nearly always a free place for a
// tenant that has none, and every attempt that ends asks who it is for:
// reading may take no more than a fifth of the time.
func (r *Runner) next(ctx context.Context, now time.Time) ([]candidate, error) {
	if r.places() == 0 {
		return nil, nil
	}
	age := now.Sub(r.fetched)
	if age >= 0 && age < max(freshness, 5*r.cost) && !r.outdated() {
		if chosen := r.choose(); len(chosen) > 0 {
			return chosen, nil
		}
		if len(r.queue) > 0 && age < 5*r.cost {
			return nil, nil
		}
	}
	r.mu.Lock()
	refused := r.refused
	r.mu.Unlock()
	full := false
	state := func(h hop) (bool, bool) {
		shut, none := r.state(h)
		full = full || none
		return shut, none
	}
	err := r.config.DB.View(ctx, func(tx *store.Tx) (err error) {
		l := line{tx: tx, now: now, perHop: r.config.PerHop, state: state, after: &r.cursors}
		r.queue, err = l.read()
		r.due = l.due
		return err
	})
	if err != nil {
		return nil, err
	}
	r.fetched, r.cost = now, time.Since(now)
	chosen := r.choose()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = full || len(r.queue) > 0 || r.refused != refused
	return chosen, nil
}

// outdated reports once that a next hop works again since the list was read.
func (r *Runner) outdated() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.stale
	r.stale = false
	return was
}

// state says of a next hop whether it is shut, and whether it has no place.
func (r *Runner) state(h hop) (shut, full bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.lanes[h]
	return l != nil && l.shut, l.attempts() >= l.places(r.config.PerHop)
}

// choose takes from the queue what has a place. The queue is ordered so that
// every tenant, and of a tenant every next hop, has its first task before any
// has its second.
func (r *Runner) choose() []candidate {
	r.mu.Lock()
	defer r.mu.Unlock()
	share := r.shares()
	free := r.config.Workers - r.busy
	more, moreOf := map[hop]int{}, map[string]int{}
	var chosen, rest []candidate
	for i, c := range r.queue {
		if len(chosen) == free {
			rest = append(rest, r.queue[i:]...)
			break
		}
		left := free - len(chosen)
		lane := r.lanes[c.hop]
		limit := max(1, min(lane.places(r.config.PerHop), left))
		has := r.perTenant[c.hop.tenant] + moreOf[c.hop.tenant]
		// The last free place is for a tenant that has none, so that the one
		// that comes next need not wait for the end of an attempt.
		if lane.attempts()+more[c.hop] >= limit || has > 0 && (left == 1 || has >= share(c.hop.tenant)) {
			rest = append(rest, c)
			continue
		}
		more[c.hop]++
		moreOf[c.hop.tenant]++
		chosen = append(chosen, c)
	}
	r.queue = rest
	return chosen
}

// shares says how many places a tenant may have: half of them while another
// tenant's tasks wait too, else all. However many next hops a tenant has, it
// counts as one here.
func (r *Runner) shares() func(tenant string) int {
	waiting := map[string]bool{}
	for _, c := range r.queue {
		waiting[c.hop.tenant] = true
	}
	return func(tenant string) int {
		if len(waiting) > 1 || !waiting[tenant] {
			return max(r.config.PerHop, r.config.Workers/2)
		}
		return r.config.Workers
	}
}

// While there are that many attempts, what they came to waits for company, so
// that the disk is asked less often than there are attempts.
const (
	companions = 4
	forCompany = 10 * time.Millisecond
)

// patience is how long what an attempt came to may wait for others.
func (r *Runner) patience() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open < companions {
		return 0
	}
	return forCompany
}

func (r *Runner) places() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.config.Workers - r.busy
}

// lease takes the chosen tasks for this runner.
func (r *Runner) lease(tx *store.Tx, chosen []candidate, now time.Time) ([]Task, error) {
	var taken []Task
	for _, c := range chosen {
		list, err := take(tx, c, lease{
			now: now, until: now.Add(r.config.Limit + 2*margin), due: now.Add(r.pauseAfter(c.attempts + 1)),
			patience: r.config.Schedule.GiveUp,
		})
		if err == nil && len(list) == 1 && list[0].altered {
			err = fmt.Errorf("task: %s of %s was changed in the database", c.id, list[0].Message)
		}
		if err != nil {
			r.log.Error("a task cannot be read", telemetry.KeyCode, problem.TaskUnreadable, telemetry.KeyError, err)
			if err := setAside(tx, c.id, problem.TaskUnreadable, now.Add(stuckPause)); err != nil {
				return nil, err
			}
			continue
		}
		taken = append(taken, list...)
	}
	return taken, nil
}

func (r *Runner) pauseAfter(attempt int) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.config.Schedule.Next(attempt, r.rand)
}

func (r *Runner) begin(t Task) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.enlist(t)
}

// enlist takes the places that an attempt needs. The runner is locked.
func (r *Runner) enlist(t Task) {
	r.group.Add(1)
	r.busy++
	r.open++
	r.perTenant[t.Tenant]++
	r.lane(hop{t.Tenant, t.Hop}).running++
}

// leave gives a worker's place back.
func (r *Runner) leave(t Task) {
	r.mu.Lock()
	r.busy--
	if r.perTenant[t.Tenant]--; r.perTenant[t.Tenant] <= 0 {
		delete(r.perTenant, t.Tenant)
	}
	r.mu.Unlock()
	signal(r.freed)
}

// depart gives a place of the next hop back.
func (r *Runner) depart(t Task) {
	r.mu.Lock()
	r.open--
	key := hop{t.Tenant, t.Hop}
	l := r.lane(key)
	if l.running--; l.plain() {
		delete(r.lanes, key)
	}
	r.mu.Unlock()
	signal(r.freed)
}

// gauges shows what waits, and for what.
func (r *Runner) gauges(ctx context.Context, now time.Time) {
	if r.config.Metrics == nil || now.Sub(r.gauged) < r.config.Poll && !now.Before(r.gauged) {
		return
	}
	r.gauged = now
	var open int
	stuck := map[problem.Code]int{}
	err := r.config.DB.View(ctx, func(tx *store.Tx) (err error) {
		open, stuck, err = countTasks(tx)
		return err
	})
	if err != nil {
		return
	}
	r.config.Metrics.Set("tasks_open", float64(open))
	r.mu.Lock()
	defer r.mu.Unlock()
	for code := range stuck {
		r.codes[code] = true
	}
	for code := range r.codes {
		r.config.Metrics.Set("tasks_stuck", float64(stuck[code]), "code", string(code))
	}
}
