// Package replay runs the past through a draft of the policies, without kept
// mail: over the facts that were kept of each message.
//
// It upholds two laws:
//
//	what it calls known is what the draft would have said then: where the
//	draft asks for something that was not kept, the answer is "cannot know",
//	with what is missing;
//	the policies that decided give the recorded verdicts again, all of them;
//	one that differs is reported with its cause, never passed over.
//
// It reads no store and knows no files: it is given facts and two sets.
//
// Standards: none.
package replay

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"postern.dev/postern/internal/policy"
)

// Record is a message of the past.
type Record struct {
	ID, Tenant string
	// At is when it was received.
	At time.Time
	// Facts are the facts as they were kept.
	Facts []byte
	// Policy is the version that decided, Verdicts what it said by address;
	// only Recorded needs them.
	Policy   string
	Verdicts map[string]string
}

// Options say what is compared.
type Options struct {
	Old, New *policy.Set
	// Gates are a tenant's gates then and now; nil is the default.
	OldGates, NewGates func(tenant string) policy.Gates
	// Looked are the types that a version of the built-in detectors looked
	// for; an unknown version looked for nothing more than it found.
	Looked func(version string) (types []string, known bool)
	// List is how many changed messages are listed. Default: 100.
	List int
	// Workers is how many messages are decided about at a time.
	// Default: one for each processor.
	Workers int
}

// Defer is the word for a message that is put off, beside the actions.
const Defer = "defer"

// Result is what a draft would have made of the past.
type Result struct {
	Messages   int `json:"messages"`
	Recipients int `json:"recipients"`
	// Old and New are the versions that are compared.
	Old string `json:"old"`
	New string `json:"new"`
	// Same counts recipients for whom nothing changes, Changed those for whom
	// something does, Unknown those of whom nobody can know.
	Same    int `json:"same"`
	Changed int `json:"changed"`
	Unknown int `json:"unknown"`
	// Share is Unknown of Recipients, in percent.
	Share float64 `json:"unknown_percent"`
	// Matrix counts recipients by what they got and what they would get.
	Matrix []Cell `json:"matrix"`
	// Missing says what was not kept, and for how many recipients that
	// decides.
	Missing []Missing `json:"missing"`
	// List holds the first messages with a change, oldest first.
	List []Change `json:"list"`
	// Approvals are the holds for approval, by day and by approver.
	Approvals Approvals `json:"approvals"`
	// Unread are messages whose facts cannot be read.
	Unread []string `json:"unread,omitempty"`
}

// Cell is how many recipients get one action instead of another.
//
// The words are those of actions, with ", kept 48h" where a copy is kept as
// evidence.
type Cell struct {
	Old string `json:"old"`
	New string `json:"new"`
	// AtMost is the strictest answer that is possible; it differs from New
	// when nobody can know.
	AtMost     string `json:"at_most"`
	Recipients int    `json:"recipients"`
	// Examples are the ids of some messages.
	Examples []string `json:"examples"`
}

// Missing is a fact that was not kept.
type Missing struct {
	What       string `json:"what"`
	Recipients int    `json:"recipients"`
}

// Change is what would be different for one recipient.
type Change struct {
	Message string    `json:"message"`
	At      time.Time `json:"at"`
	To      string    `json:"to"`
	Old     string    `json:"old"`
	New     string    `json:"new"`
	AtMost  string    `json:"at_most,omitempty"`
	// Why is the reason of the new verdict, or what is missing.
	Why string `json:"why"`
	// Rule is the policy that would decide.
	Rule string `json:"rule,omitempty"`
}

// Approvals forecast how much there would be to decide.
type Approvals struct {
	// Days and Approvers count messages that wait for somebody.
	Days      []Load `json:"days"`
	Approvers []Load `json:"approvers"`
}

// Load is how many messages wait for approval, before and with the draft.
// AtMost is New with everything that cannot be known.
type Load struct {
	Who    string `json:"who"`
	Old    int    `json:"old"`
	New    int    `json:"new"`
	AtMost int    `json:"at_most"`
}

const (
	listed   = 100
	examples = 3
	batch    = 64
)

// Run compares two sets over records. The error is that of the records, or
// of the context.
func Run(ctx context.Context, o Options, records func(yield func(Record) error) error) (Result, error) {
	if o.List == 0 {
		o.List = listed
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	tallies := make([]*tally, o.Workers)
	err := spread(ctx, o.Workers, records, func(worker int) func([]Record) {
		t := newTally(o)
		tallies[worker] = t
		return func(list []Record) {
			for _, r := range list {
				t.add(r)
			}
		}
	})
	all := newTally(o)
	for _, t := range tallies {
		all.merge(t)
	}
	return all.result(), err
}

// spread gives the records to workers, in batches.
func spread(
	ctx context.Context, workers int, records func(func(Record) error) error, start func(int) func([]Record),
) error {
	queue := make(chan []Record, workers)
	var group sync.WaitGroup
	for n := range workers {
		do := start(n)
		group.Go(func() {
			for list := range queue {
				do(list)
			}
		})
	}
	var list []Record
	send := func() error {
		select {
		case queue <- list:
			list = make([]Record, 0, batch)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := records(func(r Record) error {
		if list = append(list, r); len(list) < batch {
			return nil
		}
		return send()
	})
	if err == nil && len(list) > 0 {
		err = send()
	}
	close(queue)
	group.Wait()
	return err
}

// facts reads what was kept, and takes what an older program did not look for
// for unknown.
func (o Options) facts(data []byte) (policy.Facts, error) {
	f, err := policy.ReadFacts(data)
	if err != nil || o.Looked == nil || f.Looked == "" || f.Detectors != nil {
		return f, err
	}
	if types, known := o.Looked(f.Looked); !known {
		f.Unknown = append(f.Unknown, "detectors")
	} else if types != nil {
		f.Detectors = slices.Clone(types)
		for name := range f.Own {
			f.Detectors = append(f.Detectors, name)
		}
	}
	return f, err
}

func gatesOf(of func(string) policy.Gates, tenant string) policy.Gates {
	if of == nil {
		return policy.DefaultGates()
	}
	return of(tenant)
}

// word is what a recipient gets, and for how long a copy is kept as evidence:
// "hold", or "hold, kept 48h".
func word(v policy.Verdict, i int) string {
	if v.Defer {
		return Defer
	}
	w := string(v.Recipients[i].Action)
	if keep := v.Recipients[i].Keep; keep > 0 {
		w += keptFor + strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(keep.String())
	}
	return w
}

const keptFor = ", kept "

// ActionOf is the action in the word for what a recipient gets.
func ActionOf(word string) policy.Action {
	action, _, _ := strings.Cut(word, keptFor)
	return policy.Action(action)
}

// tally is what one worker counts.
type tally struct {
	o       Options
	r       Result
	cells   map[[3]string]*Cell
	missing map[string]int
	days    map[string]*Load
	people  map[string]*Load
}

func newTally(o Options) *tally {
	return &tally{
		o: o, cells: map[[3]string]*Cell{}, missing: map[string]int{}, days: map[string]*Load{}, people: map[string]*Load{},
	}
}

func (t *tally) add(r Record) {
	f, err := t.o.facts(r.Facts)
	if err != nil {
		t.r.Unread = append(t.r.Unread, r.ID)
		return
	}
	old := policy.Replay(t.o.Old, f, gatesOf(t.o.OldGates, r.Tenant))
	fresh := policy.Replay(t.o.New, f, gatesOf(t.o.NewGates, r.Tenant))
	t.r.Messages++
	for i := range f.Recipients {
		t.recipient(r, f, old, fresh, i)
	}
	t.approvals(r, &f, old.Least, func(l *Load) { l.Old++ })
	t.approvals(r, &f, fresh.Least, func(l *Load) { l.New++ })
	t.approvals(r, &f, fresh.Most, func(l *Load) { l.AtMost++ })
}

func (t *tally) recipient(r Record, f policy.Facts, old, fresh policy.Past, i int) {
	t.r.Recipients++
	was, is, most := word(old.Least, i), word(fresh.Least, i), word(fresh.Most, i)
	known := old.Known(i) && fresh.Known(i) && is == most && was == word(old.Most, i)
	switch {
	case !known:
		t.r.Unknown++
		for _, what := range unique(old, fresh, i) {
			t.missing[what]++
		}
	case was == is:
		t.r.Same++
	default:
		t.r.Changed++
	}
	key := [3]string{was, is, most}
	c := t.cells[key]
	if c == nil {
		c = &Cell{Old: was, New: is, AtMost: most, Examples: []string{}}
		t.cells[key] = c
	}
	c.Recipients++
	if known && was == is {
		return
	}
	if len(c.Examples) < examples && !slices.Contains(c.Examples, r.ID) {
		c.Examples = append(c.Examples, r.ID)
	}
	if len(t.r.List) >= 2*t.o.List {
		t.shorten()
	}
	v := fresh.Most.Recipients[i]
	change := Change{
		Message: r.ID, At: r.At, To: string(f.Recipients[i].Address), Old: was, New: is, AtMost: most, Why: v.Because,
	}
	if len(v.Rules) > 0 {
		change.Rule = v.Rules[0]
	}
	if !known {
		change.Why = fmt.Sprint("nobody can know: not kept were ", unique(old, fresh, i))
	}
	t.r.List = append(t.r.List, change)
}

// unique lists what is missing for a recipient on either side.
func unique(old, fresh policy.Past, i int) (list []string) {
	for _, p := range []policy.Past{old, fresh} {
		if p.Known(i) && word(p.Least, i) == word(p.Most, i) {
			continue
		}
		for _, what := range p.Missing {
			if !slices.Contains(list, what) {
				list = append(list, what)
			}
		}
	}
	return list
}

// shorten keeps the oldest changes.
func (t *tally) shorten() {
	slices.SortStableFunc(t.r.List, func(a, b Change) int { return cmp.Compare(a.Message, b.Message) })
	if len(t.r.List) > t.o.List {
		t.r.List = slices.Clone(t.r.List[:t.o.List])
	}
}

// approvals counts who is asked about a message, once each.
func (t *tally) approvals(r Record, f *policy.Facts, v policy.Verdict, count func(*Load)) {
	if v.Defer {
		return
	}
	asked := map[string]bool{}
	for _, x := range v.Recipients {
		if x.Action != policy.HoldFor || x.Hold == nil || x.Hold.Quiet {
			continue
		}
		for _, who := range x.Hold.Approvers {
			if who == "manager" {
				who = managerOf(f)
			}
			asked[who] = true
		}
		if len(x.Hold.Approvers) == 0 {
			asked["administrators"] = true
		}
	}
	for who := range asked {
		count(loadOf(t.people, who))
	}
	if len(asked) > 0 {
		count(loadOf(t.days, r.At.UTC().Format(time.DateOnly)))
	}
}

// managerOf is the manager of whose mail it is, as the directory said then.
func managerOf(f *policy.Facts) string {
	for _, p := range []policy.Party{f.Mailbox, f.Sender} {
		if p.Manager != nil && *p.Manager != "" {
			return string(*p.Manager)
		}
	}
	return "manager of " + string(f.Sender.Address)
}

func loadOf(m map[string]*Load, who string) *Load {
	l := m[who]
	if l == nil {
		l = &Load{Who: who}
		m[who] = l
	}
	return l
}

// merge adds what another worker has counted.
func (t *tally) merge(o *tally) {
	t.r.Messages += o.r.Messages
	t.r.Recipients += o.r.Recipients
	t.r.Same += o.r.Same
	t.r.Changed += o.r.Changed
	t.r.Unknown += o.r.Unknown
	t.r.List = append(t.r.List, o.r.List...)
	t.r.Unread = append(t.r.Unread, o.r.Unread...)
	for key, c := range o.cells {
		mine := t.cells[key]
		if mine == nil {
			t.cells[key] = c
			continue
		}
		mine.Recipients += c.Recipients
		mine.Examples = append(mine.Examples, c.Examples...)
	}
	for what, n := range o.missing {
		t.missing[what] += n
	}
	for _, pair := range [][2]map[string]*Load{{t.days, o.days}, {t.people, o.people}} {
		for who, l := range pair[1] {
			mine := loadOf(pair[0], who)
			mine.Old, mine.New, mine.AtMost = mine.Old+l.Old, mine.New+l.New, mine.AtMost+l.AtMost
		}
	}
}

// result puts everything in order: the same records give the same result,
// however many workers there were.
func (t *tally) result() Result {
	t.shorten()
	r := t.r
	r.Old, r.New = t.o.Old.Version(), t.o.New.Version()
	if r.List == nil {
		r.List = []Change{}
	}
	if r.Recipients > 0 {
		r.Share = 100 * float64(r.Unknown) / float64(r.Recipients)
	}
	slices.Sort(r.Unread)
	r.Matrix, r.Missing = []Cell{}, []Missing{}
	for _, c := range t.cells {
		slices.Sort(c.Examples)
		c.Examples = c.Examples[:min(len(c.Examples), examples)]
		r.Matrix = append(r.Matrix, *c)
	}
	slices.SortFunc(r.Matrix, func(a, b Cell) int {
		return cmp.Or(cmp.Compare(rank(b.New), rank(a.New)), cmp.Compare(rank(a.Old), rank(b.Old)),
			cmp.Compare(rank(b.AtMost), rank(a.AtMost)), cmp.Compare(a.Old+a.New+a.AtMost, b.Old+b.New+b.AtMost))
	})
	for _, what := range slices.Sorted(maps.Keys(t.missing)) {
		r.Missing = append(r.Missing, Missing{what, t.missing[what]})
	}
	slices.SortStableFunc(r.Missing, func(a, b Missing) int { return cmp.Compare(b.Recipients, a.Recipients) })
	r.Approvals = Approvals{Days: loads(t.days), Approvers: loads(t.people)}
	slices.SortStableFunc(r.Approvals.Approvers, func(a, b Load) int {
		return cmp.Or(cmp.Compare(b.New, a.New), cmp.Compare(b.AtMost, a.AtMost))
	})
	return r
}

func loads(m map[string]*Load) []Load {
	list := []Load{}
	for _, who := range slices.Sorted(maps.Keys(m)) {
		list = append(list, *m[who])
	}
	return list
}

// rank orders words: to defer is less than to hold.
func rank(w string) int {
	if w == Defer {
		return policy.HoldFor.Strength()*2 - 1
	}
	return ActionOf(w).Strength() * 2
}
