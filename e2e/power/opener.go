package power

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// marks tells disks apart, and knows which of them SQLite reads alike: those
// that differ only in what its recovery does not take from the write-ahead
// log. Thousands of places in the middle of a transaction leave such disks.
type marks struct {
	mu    sync.Mutex
	seed  maphash.Seed
	reads map[string]string  // what is read of an image, by its id
	logs  map[string]walScan // of durable octets, by base
}

func newMarks() *marks {
	return &marks{seed: maphash.MakeSeed(), reads: map[string]string{}, logs: map[string]walScan{}}
}

// of is a mark of the whole disk, and one of what is read of it.
func (m *marks) of(s *State) (all, read uint64) {
	var h [2]maphash.Hash
	for i := range h {
		h[i].SetSeed(m.seed)
		for _, f := range s.folders {
			maphash.WriteComparable(&h[i], f)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		image := s.files[name]
		for i, mark := range []string{image.id, m.read(name, image)} {
			maphash.WriteComparable(&h[i], name)
			maphash.WriteComparable(&h[i], mark)
		}
	}
	return h[0].Sum64(), h[1].Sum64()
}

func (m *marks) read(name string, i image) (mark string) {
	m.mu.Lock()
	mark, known := m.reads[i.id]
	scan, scanned := m.logs[i.base]
	m.mu.Unlock()
	if known {
		return mark
	}
	if strings.HasSuffix(name, "-wal") {
		if !scanned {
			scan = walScan{}.on(image{durable: i.durable}.window)
		}
		from := scan
		if i.changedBefore(scan.at) {
			from = walScan{}
		}
		mark = from.on(i.window).read()
	} else {
		mark = fmt.Sprint(maphash.Bytes(m.seed, i.octets()))
	}
	m.mu.Lock()
	m.reads[i.id], m.logs[i.base] = mark, scan
	m.mu.Unlock()
	return mark
}

// opener opens every disk once, however many schedules lead to it, and of
// those that SQLite must read alike one and then some.
type opener struct {
	campaign *Campaign
	marks    *marks
	stop     func()

	mu     sync.Mutex
	known  map[uint64]*opened // by what is read
	seen   map[uint64]bool    // by all octets
	made   int
	result Result
	err    error
}

type opened struct {
	once      sync.Once
	inventory *Inventory
}

func (o *opener) check(ctx context.Context, s schedule) {
	all, read := o.marks.of(s.state)
	o.mu.Lock()
	if o.err != nil || ctx.Err() != nil {
		o.mu.Unlock()
		return
	}
	e, known := o.known[read]
	if !known {
		e = &opened{}
		o.known[read] = e
		o.result.Opened++
	}
	again := false
	if !o.seen[all] {
		o.seen[all] = true
		o.result.Disks++
		if n := o.campaign.Again; known && n > 0 && o.result.Disks%n == 0 {
			again = true
			o.result.Again++
		}
	}
	o.mu.Unlock()
	e.once.Do(func() { e.inventory = o.open(ctx, s.state) })
	if e.inventory == nil {
		return
	}
	wrong := e.inventory.Check(s.told, o.campaign.Sums)
	if again {
		if other := o.open(ctx, s.state); other != nil {
			wrong = append(other.Check(s.told, o.campaign.Sums), e.inventory.differs(other)...)
		}
	}
	o.count(s, wrong)
}

func (o *opener) count(s schedule, wrong []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.result.Schedules++
	if len(wrong) == 0 {
		return
	}
	o.result.Lost++
	if len(o.result.Wrong) < 10 {
		o.result.Wrong = append(o.result.Wrong, fmt.Sprintf("prefix %06d, after %s, %s: %s",
			s.place, s.after, s.cut, strings.Join(wrong[:min(3, len(wrong))], "; ")))
	}
	if o.campaign.First {
		o.stop()
	}
}

// open lays a disk out and says what is found on it; nil after an error, which
// ends the campaign.
func (o *opener) open(ctx context.Context, s *State) *Inventory {
	o.mu.Lock()
	o.made++
	dir := filepath.Join(o.campaign.Scratch, fmt.Sprint(o.made))
	o.mu.Unlock()
	if err := s.Write(dir); err != nil {
		o.fail(err)
		return nil
	}
	inventory := TakeInventory(context.WithoutCancel(ctx), dir, o.campaign.Config)
	if err := os.RemoveAll(dir); err != nil {
		o.fail(err)
		return nil
	}
	return inventory
}

func (o *opener) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = fmt.Errorf("power: lay a state out: %w", err)
	o.stop()
}

// differs says that two disks which must be read alike were not.
func (i *Inventory) differs(o *Inventory) (wrong []string) {
	a, b := i.found(), o.found()
	for what := range a {
		if b[what] != a[what] {
			wrong = append(wrong, fmt.Sprintf("unlike: SQLite must read %s: %s, and reads %s", what, a[what], b[what]))
		}
	}
	if len(a) != len(b) || len(i.Wrong) != len(o.Wrong) {
		wrong = append(wrong, fmt.Sprintf("unlike: SQLite must read %d and %q, and reads %d and %q", len(a), i.Wrong, len(b), o.Wrong))
	}
	return wrong
}

// found is all that is checked, without the times: opening a disk records some.
func (i *Inventory) found() map[string]string {
	all := map[string]string{}
	for id, r := range i.Rows {
		text := fmt.Sprintln(r.Token, r.File, r.State, r.Gone, r.Sum, r.Waiting)
		for _, out := range r.Outcomes {
			text += fmt.Sprintln(out.Kind, out.Recipient, out.Fate)
		}
		all["message "+id] = text
	}
	for token, m := range i.Records {
		text := m.ID
		for _, r := range m.Recipients {
			text += fmt.Sprintln("", r.Address, r.Delivery)
		}
		all["record of "+token] = text
	}
	return all
}
