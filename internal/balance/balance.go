package balance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/evidence"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/tenant"
)

// pageSize is how many records are held in memory at a time.
const pageSize = 1000

// Check reads all books in the snapshot of tx. since is the time from which
// on no finished message has been forgotten yet.
func Check(tx *store.Tx, since time.Time) (Sheet, error) {
	c := check{since: since, sums: map[string]*Sum{}, sheet: Sheet{Tenants: []Sum{}, Differences: []Difference{}}}
	for after, more := "", true; more; {
		last, err := c.page(tx, after)
		if err != nil {
			return Sheet{}, err
		}
		after, more = last, last != ""
	}
	if err := c.chains(tx); err != nil {
		return Sheet{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(c.sums)) {
		s := c.sums[name]
		s.Difference = s.difference()
		c.sheet.Total.add(*s)
		c.sheet.Tenants = append(c.sheet.Tenants, *s)
	}
	return c.sheet, nil
}

type check struct {
	since time.Time
	sums  map[string]*Sum
	sheet Sheet
}

// entry is what the books have of one message; each may be nil.
type entry struct {
	id      string
	record  *audit.Standing
	custody *spool.Standing
	account *task.Account
	copy    *evidence.Standing
	listed  []mail.Address // who waits by the lists of held mail
}

func (c *check) page(tx *store.Tx, after string) (last string, err error) {
	records, last, err := audit.Standings(tx, after, pageSize)
	if err != nil {
		return "", err
	}
	custody, err := spool.Standings(tx, after, last)
	if err != nil {
		return "", err
	}
	accounts, err := task.Accounts(tx, after, last)
	if err != nil {
		return "", err
	}
	ids := map[string]bool{}
	for id := range records {
		ids[id] = true
	}
	for id := range custody {
		ids[id] = true
	}
	for id := range accounts {
		ids[id] = true
	}
	copies, err := evidence.Standings(tx, after, last)
	if err != nil {
		return "", err
	}
	for id := range copies {
		ids[id] = true
	}
	listed, err := quarantine.Standings(tx, after, last)
	if err != nil {
		return "", err
	}
	for id := range listed {
		ids[id] = true
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		e := entry{id: id, record: records[id], custody: custody[id], account: accounts[id], listed: listed[id]}
		if s, found := copies[id]; found {
			e.copy = &s
		}
		c.message(e)
	}
	return last, nil
}

// tenant is whose message it is, as far as a book says.
func (e entry) tenant() string {
	switch {
	case e.record != nil && e.record.Found:
		return e.record.Tenant
	case e.custody != nil:
		return e.custody.Tenant
	case e.account != nil && len(e.account.Tasks) > 0:
		return e.account.Tasks[0].Tenant
	case e.account != nil && len(e.account.Outcomes) > 0:
		return e.account.Outcomes[0].Tenant
	case e.copy != nil:
		return e.copy.Tenant
	}
	return "-"
}

func (c *check) sum(e entry) *Sum {
	name := e.tenant()
	if c.sums[name] == nil {
		c.sums[name] = &Sum{Tenant: name}
	}
	return c.sums[name]
}

func (c *check) complain(e entry, format string, args ...any) {
	c.sheet.complain(e.tenant(), e.id, fmt.Sprintf(format, args...))
}

// message holds the books against each other for one message.
func (c *check) message(e entry) {
	sum := c.sum(e)
	recorded := e.record != nil && e.record.Found
	kept := e.custody != nil && e.custody.Found
	c.remains(e, recorded, kept)
	c.evidence(e, sum, recorded)
	c.lists(e)
	switch {
	case kept:
		c.inCustody(e, sum, recorded)
	case !recorded:
		if e.custody != nil && e.custody.Intent {
			sum.Leaving++ // its record is written with its outcome
		}
	case e.record.Way == audit.Custody && watchedOnly(e.record.Kind):
		sum.Watched++
		c.only(e, audit.Delivered)
	case e.record.Way == audit.Custody:
		c.forgotten(e, sum)
	default:
		c.passed(e, sum)
	}
}

// watchedOnly are the kinds that are answered 250 and not kept.
func watchedOnly(kind string) bool {
	switch tenant.Kind(kind) {
	case tenant.Copy, tenant.Journal, tenant.Validation:
		return true
	}
	return false
}

// remains finds what stands in one book only.
func (c *check) remains(e entry, recorded, kept bool) {
	intent := e.custody != nil && e.custody.Intent
	switch {
	case recorded:
		if e.record.Events == 0 {
			c.complain(e, "has a record, but no event in the chain")
		}
		if n := e.record.Listed(); n != e.record.Named {
			c.complain(e, "has %d recipients in its record, and %d in the list of recipients", e.record.Named, n)
		}
		if intent {
			c.complain(e, "has a record, and is still about to be handed back")
		}
	case e.record != nil:
		c.complain(e, "has no record, but %d events and %d recipients", e.record.Events, e.record.Listed())
	case kept:
		c.complain(e, "is in custody, but has no record")
	}
	if !kept {
		if !e.account.Empty() {
			c.complain(e, "has %d tasks and %d outcomes, but is not in custody", len(e.account.Tasks), len(e.account.Outcomes))
		}
		if e.custody != nil && len(e.custody.Waiting) > 0 {
			c.complain(e, "has %d recipients on hold, but is not in custody", len(e.custody.Waiting))
		}
	}
}

// lists holds the lists of held mail against those who wait.
func (c *check) lists(e entry) {
	for _, a := range e.listed {
		if e.custody == nil || !slices.Contains(e.custody.Waiting, a) {
			c.complain(e, "is held for %s in the lists, and nobody waits there", a)
		}
	}
}

// evidence holds the copies that are kept against the record.
func (c *check) evidence(e entry, sum *Sum, recorded bool) {
	switch wanted := recorded && e.record.Evidence; {
	case wanted && e.copy == nil:
		c.complain(e, "should be kept as evidence, and is not")
	case !wanted && e.copy != nil:
		c.complain(e, "is kept as evidence, and nothing says that it should be")
	case e.copy != nil && e.copy.Gone:
		sum.EvidenceOver++
	case e.copy != nil:
		sum.Evidence++
	}
}

// inCustody adds up a message that has a row.
func (c *check) inCustody(e entry, sum *Sum, recorded bool) {
	accepted := len(unique(e.custody.To))
	add, lines := e.account.Check(e.id, e.custody.To, e.custody.Waiting, e.custody.State == spool.Done)
	sum.Add(add)
	for _, line := range lines {
		c.sheet.complain(e.tenant(), e.id, strings.TrimPrefix(line, fmt.Sprintf("%s: message %s: ", problem.Unbalanced, e.id)))
	}
	tasks := 0
	if e.account != nil {
		tasks = len(e.account.Tasks)
	}
	switch {
	case e.custody.State == spool.Sending && tasks == 0:
		c.complain(e, "is being sent, but there is no task")
	case (e.custody.State == spool.Held || e.custody.State == spool.Accepted) && len(e.custody.Waiting) == 0:
		c.complain(e, "is %s, but nobody waits", e.custody.State)
	}
	if recorded && len(lines) == 0 {
		c.compare(e, add, accepted)
	}
}

// compare holds the record of a message in custody against its outcomes.
func (c *check) compare(e entry, add task.Sum, accepted int) {
	if e.record.Way != audit.Custody {
		c.complain(e, "is in custody, and its record says %s", e.record.Way)
		return
	}
	if n := e.record.Listed(); n != accepted {
		if n == e.record.Named { // else it was said already
			c.complain(e, "was accepted for %d recipients, and its record has %d", accepted, n)
		}
		return
	}
	d := e.record.Deliveries
	for _, x := range []struct {
		word          string
		record, books int
	}{
		{"delivered", d[audit.Delivered], add.Delivered},
		{"refused", d[audit.Refused], add.Refused},
		{"failed", d[audit.Failed], add.Failed},
		{"redirected", d[audit.Redirected], add.Redirected},
		{"held or under way", d[audit.Held] + d[audit.Waiting], add.Held + add.Open},
	} {
		if x.record != x.books {
			c.complain(e, "has %d recipients %s in its record, and %d in custody", x.record, x.word, x.books)
		}
	}
}

// forgotten adds up a message that was in custody and is over: its row goes
// some days after the end.
func (c *check) forgotten(e entry, sum *Sum) {
	sum.Messages++
	d := e.record.Deliveries
	sum.In += e.record.Named
	sum.Delivered += d[audit.Delivered]
	sum.Refused += d[audit.Refused]
	sum.Failed += d[audit.Failed]
	sum.Redirected += d[audit.Redirected]
	sum.Reported += d[audit.Refused] + d[audit.Failed] // or silent: that went with the row
	if !e.record.Received.Before(c.since) {
		c.complain(e, "was taken into custody at %s, and is not there", e.record.Received.UTC().Format(time.RFC3339))
		return
	}
	c.only(e, audit.Delivered, audit.Refused, audit.Failed, audit.Redirected)
}

// passed adds up a message that was never in custody.
func (c *check) passed(e entry, sum *Sum) {
	d := e.record.Deliveries
	switch {
	case e.record.Way == audit.CutThrough && d[audit.Delivered] > 0:
		sum.Messages++
		sum.In += e.record.Named
		sum.Delivered += d[audit.Delivered]
		sum.CutThrough += d[audit.Delivered]
		c.only(e, audit.Delivered)
	case e.record.Way == audit.CutThrough && d[audit.Unknown] > 0:
		sum.Unknown += d[audit.Unknown]
		c.only(e, audit.Unknown)
	case d[audit.Deferred] > 0:
		sum.Deferred++
		c.only(e, audit.Deferred)
	default:
		sum.Turned++
		if e.record.Way == audit.CutThrough {
			c.only(e, audit.Failed)
		} else {
			c.only(e, audit.Refused)
		}
	}
}

// only complains when a recipient stands elsewhere than one of words.
func (c *check) only(e entry, words ...audit.Delivery) {
	for _, d := range slices.Sorted(maps.Keys(e.record.Deliveries)) {
		if n := e.record.Deliveries[d]; n > 0 && !slices.Contains(words, d) {
			c.complain(e, "%d recipients are %q in its record, and it is not in custody", n, d)
		}
	}
}

// chains finds events that are missing.
func (c *check) chains(tx *store.Tx) error {
	gaps, err := audit.Gaps(tx)
	if err != nil {
		return err
	}
	for _, g := range gaps {
		why := fmt.Sprintf("event %d of the chain is missing", g.First)
		if g.Last > g.First {
			why = fmt.Sprintf("events %d to %d of the chain are missing", g.First, g.Last)
		}
		c.sheet.complain(g.Tenant, "", why)
	}
	return nil
}

func unique(list []mail.Address) map[mail.Address]bool {
	seen := map[mail.Address]bool{}
	for _, a := range list {
		seen[a] = true
	}
	return seen
}
