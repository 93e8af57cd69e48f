package task

import (
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// Account is all that this room has of one message.
type Account struct {
	Tasks    []Task
	Outcomes []Record
}

// Accounts reads the accounts of the messages behind after, up to last; ""
// is the end.
func Accounts(tx *store.Tx, after, last string) (map[string]*Account, error) {
	where, args := "WHERE message > ?", []any{after}
	if last != "" {
		where, args = "WHERE message > ? AND message <= ?", []any{after, last}
	}
	page := map[string]*Account{}
	of := func(id string) *Account {
		if page[id] == nil {
			page[id] = &Account{}
		}
		return page[id]
	}
	tasks, err := selectTasks(tx, where, args...)
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		a := of(t.Message)
		a.Tasks = append(a.Tasks, t)
	}
	records, err := selectRecords(tx, where, args...)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		a := of(r.Message)
		a.Outcomes = append(a.Outcomes, r)
	}
	return page, nil
}

// Check is the law of conservation for one message in custody: it adds up
// its recipients, and says what does not add up. A nil account is empty.
func (a *Account) Check(message string, to, waiting []mail.Address, done bool) (Sum, []string) {
	b := newBooks()
	if a != nil {
		b.enter(a.Tasks, a.Outcomes)
	}
	b.message(message, to, waiting, done)
	return b.sum, b.lines
}

// Empty reports whether there is neither a task nor an outcome.
func (a *Account) Empty() bool { return a == nil || len(a.Tasks)+len(a.Outcomes) == 0 }
