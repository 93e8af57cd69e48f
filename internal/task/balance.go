package task

import (
	"fmt"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
)

// Sum is the balance over every message whose row still exists:
//
//	In = Delivered + Refused + Failed + Redirected + Open + Held
//
// counted in recipients. Told and Silent divide Refused + Failed.
type Sum struct {
	Messages   int `json:"messages"`
	In         int `json:"in"`
	Delivered  int `json:"delivered"`
	Refused    int `json:"refused"`
	Failed     int `json:"failed"`
	Redirected int `json:"redirected"`
	Open       int `json:"open"`
	Held       int `json:"held"`
	// Reported counts the recipients whose sender has a report, or for whom
	// one is on its way or could not be delivered.
	Reported int `json:"reported"`
	// Silent counts those whose sender may not be told.
	Silent int `json:"silent"`
}

// Add adds what t has added up.
func (s *Sum) Add(t Sum) {
	s.Messages += t.Messages
	s.In += t.In
	s.Delivered += t.Delivered
	s.Refused += t.Refused
	s.Failed += t.Failed
	s.Redirected += t.Redirected
	s.Open += t.Open
	s.Held += t.Held
	s.Reported += t.Reported
	s.Silent += t.Silent
}

// Ledger tells, message by message, who was accepted, who of them waits for
// a person, and whether the message is called done. spool.Ledger is one.
type Ledger func(tx *store.Tx, row func(message string, to, waiting []mail.Address, done bool) error) error

// Balance is the law of conservation: every accepted recipient has exactly
// one outcome, or is in exactly one open task, or waits for a person; and
// whoever did not get the message is reported. It returns the sum and a line
// for everything that does not add up. A line names recipients by number,
// not by address.
func Balance(tx *store.Tx, accepted Ledger) (Sum, []string, error) {
	b := newBooks()
	if err := b.load(tx); err != nil {
		return Sum{}, nil, err
	}
	if err := accepted(tx, b.message); err != nil {
		return Sum{}, nil, err
	}
	for message := range b.open {
		b.complain(message, "has open tasks for recipients, but is not in custody")
	}
	for message := range b.fates {
		b.complain(message, "has outcomes, but is not in custody")
	}
	return b.sum, b.lines, nil
}

type books struct {
	open  map[string]map[mail.Address]int // open tasks that account for a recipient
	fates map[string]map[mail.Address][]Record
	task  map[string]int // open tasks of any kind
	told  map[string]bool
	sum   Sum
	lines []string
}

func newBooks() *books {
	return &books{
		open: map[string]map[mail.Address]int{}, fates: map[string]map[mail.Address][]Record{}, task: map[string]int{},
		told: map[string]bool{Silent: true},
	}
}

func (b *books) load(tx *store.Tx) error {
	tasks, err := selectTasks(tx, "")
	if err != nil {
		return err
	}
	records, err := selectRecords(tx, "")
	if err != nil {
		return err
	}
	b.enter(tasks, records)
	return nil
}

// enter writes tasks and outcomes into the books.
func (b *books) enter(tasks []Task, records []Record) {
	for _, t := range tasks {
		b.told[t.ID] = true
		b.task[t.Message]++
		if !t.Kind.Accounts() {
			continue
		}
		if b.open[t.Message] == nil {
			b.open[t.Message] = map[mail.Address]int{}
		}
		for _, r := range t.Recipients {
			b.open[t.Message][r.Address]++
		}
	}
	for _, r := range records {
		if !r.Kind.Accounts() {
			b.told[r.Task] = true
			continue
		}
		if b.fates[r.Message] == nil {
			b.fates[r.Message] = map[mail.Address][]Record{}
		}
		b.fates[r.Message][r.Recipient] = append(b.fates[r.Message][r.Recipient], r)
	}
}

func (b *books) message(id string, to, waiting []mail.Address, done bool) error {
	b.sum.Messages++
	held := map[mail.Address]int{}
	for _, a := range waiting {
		held[a]++
	}
	seen := map[mail.Address]bool{}
	for i, a := range to {
		if seen[a] { // named twice in the envelope: one mailbox, one outcome
			continue
		}
		seen[a] = true
		b.recipient(id, i+1, b.fates[id][a], b.open[id][a], held[a])
		delete(b.fates[id], a)
		delete(b.open[id], a)
		delete(held, a)
	}
	if n := len(b.fates[id]) + len(b.open[id]) + len(held); n > 0 {
		b.complain(id, fmt.Sprintf("has outcomes, tasks or holds for %d recipients that were never accepted", n))
	}
	switch open := b.task[id]; {
	case done && open > 0:
		b.complain(id, fmt.Sprintf("is called done with %d open tasks", open))
	case done && len(waiting) > 0:
		b.complain(id, fmt.Sprintf("is called done with %d recipients on hold", len(waiting)))
	}
	delete(b.fates, id)
	delete(b.open, id)
	return nil
}

func (b *books) recipient(id string, number int, fates []Record, open, held int) {
	b.sum.In++
	switch places := len(fates) + open + held; {
	case places == 0:
		b.complain(id, fmt.Sprintf("recipient %d is lost: no outcome, no task, no hold", number))
		return
	case places > 1:
		b.complain(id, fmt.Sprintf("recipient %d is counted %d times: %d outcomes, %d tasks, %d holds",
			number, places, len(fates), open, held))
	}
	b.sum.Open += open
	b.sum.Held += held
	for _, r := range fates {
		b.fate(id, number, r)
	}
}

func (b *books) fate(id string, number int, r Record) {
	switch r.Fate {
	case Delivered:
		b.sum.Delivered++
		return
	case Redirected:
		b.sum.Redirected++
		return
	case Refused:
		b.sum.Refused++
	default:
		b.sum.Failed++
	}
	switch {
	case r.Told == Silent:
		b.sum.Silent++
	case r.Told != "" && b.told[r.Told]:
		b.sum.Reported++
	default:
		b.complain(id, fmt.Sprintf("recipient %d did not get it (%s), and its sender is not told", number, r.Fate))
	}
}

func (b *books) complain(message, what string) {
	b.lines = append(b.lines, fmt.Sprintf("%s: message %s: %s", problem.Unbalanced, message, what))
}
