package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
)

// Kind is what a task does.
type Kind string

// The kinds.
const (
	Return Kind = "return" // hand the message back to its tenant's Exchange
	Secure Kind = "secure" // deliver it in another, protected way
	Report Kind = "report" // tell the sender what became of it
	Notice Kind = "notice" // tell somebody else
	Copy   Kind = "copy"   // send a copy to a further mailbox
)

// Accounts reports whether the outcome of a task of this kind is the fate of
// an accepted recipient. The other kinds are work of our own.
func (k Kind) Accounts() bool { return k == Return || k == Secure }

// Task is work to be done for some recipients of a message.
type Task struct {
	// ID is made by Add when it is empty.
	ID      string
	Message string
	Tenant  string
	Kind    Kind
	// Hop names the next hop for fairness, e.g. its domain. Tasks with the
	// same tenant and hop share their places.
	Hop string
	// Recipients are those without an outcome so far.
	Recipients []mail.Recipient
	From       mail.Address
	// Payload is what the door needs; this package does not read it.
	Payload json.RawMessage
	// Due is when the next attempt may begin.
	Due time.Time
	// Attempts counts those that began.
	Attempts   int
	FirstTried time.Time
	// GiveUpAt is when a Later becomes Failed; set at the first attempt
	// when it is zero.
	GiveUpAt time.Time
	// Stuck is the problem that a person must solve; "" for none.
	Stuck problem.Code
	// Held keeps the task from being tried until `queue retry`.
	Held bool
	// Last is the last temporary answer, for `queue list`.
	Last string
	// Leased is until when a worker has the task.
	Leased time.Time

	fence int64
	class class
	// altered says that the row is not what was written: a bit has turned.
	// It is listed, and not attempted.
	altered bool
}

// class is what an open task waits for.
type class int64

// The classes: what it waited for when it was planned or tried last. Numbers
// are in the table.
const (
	forTurn class = 0 // its first attempt, or one that a person asked for
	forHop  class = 1 // its next hop: not before that works again, and at once then
	forTime class = 2 // its own time by the schedule
)

// Door makes one attempt and says what it came to for every recipient; one
// that it leaves out is Later. It must end when ctx does.
type Door func(ctx context.Context, t Task) []Result

// Settle is called in the transaction that writes the outcomes of an
// attempt, after they and the rest of the task were written. t is the task
// as it was attempted. An error undoes the whole transaction, which is then
// tried again; the attempt is not.
type Settle func(tx *store.Tx, t Task, results []Result, now time.Time) error

// ErrTask says that a task cannot be added as it is.
var ErrTask = errors.New("task: incomplete")

// Add plans a task. It is due at once when Due is zero. Wake the runner
// after the commit.
func Add(tx *store.Tx, t Task) error {
	t.Leased, t.fence = time.Time{}, 0
	return add(tx, &t)
}

func add(tx *store.Tx, t *Task) error {
	if t.Message == "" || t.Tenant == "" || t.Kind == "" || len(t.Recipients) == 0 {
		return fmt.Errorf("%w: message, tenant, kind and a recipient are required", ErrTask)
	}
	if t.ID == "" {
		t.ID = store.NewID(time.Now())
	}
	return insertTask(tx, *t)
}

// Of lists the open tasks of a message.
func Of(tx *store.Tx, message string) ([]Task, error) {
	return selectTasks(tx, "WHERE message = ? ORDER BY id", message)
}

// Open counts the open tasks of a message. Inside Settle, 0 means that the
// attempt was the last thing to do.
func Open(tx *store.Tx, message string) (int, error) {
	var n int
	if err := tx.QueryRow("SELECT COUNT(*) FROM task WHERE message = ?", message).Scan(&n); err != nil {
		return 0, fmt.Errorf("task: open: %w", err)
	}
	return n, nil
}

// Filter chooses tasks for List; zero fields do not restrict.
type Filter struct {
	Tenant  string
	Message string
	Kind    Kind
	// Stuck chooses those that wait for a person.
	Stuck bool
	// After continues a list behind this id.
	After string
	// Limit is 100 when it is 0.
	Limit int
}

// List lists open tasks, oldest first.
func List(tx *store.Tx, f Filter) ([]Task, error) {
	where := "WHERE id > ?"
	args := []any{f.After}
	add := func(condition, arg string) {
		if arg != "" {
			where += " AND " + condition
			args = append(args, arg)
		}
	}
	add("tenant = ?", f.Tenant)
	add("message = ?", f.Message)
	add("kind = ?", string(f.Kind))
	if f.Stuck {
		where += " AND stuck <> ''"
	}
	if f.Limit == 0 {
		f.Limit = 100
	}
	return selectTasks(tx, where+" ORDER BY id LIMIT ?", append(args, f.Limit)...)
}

// Choice names tasks for the verbs of the command line.
type Choice struct {
	// All chooses every task, or every one of Tenant.
	All    bool
	Tenant string
	// IDs are ids of tasks or of messages.
	IDs []string
}

// Retry makes the chosen tasks due now, also those that are stuck or held.
// It returns how many there were. Call Runner.Reopen after the commit.
func Retry(tx *store.Tx, c Choice, now time.Time) (int64, error) {
	return c.update(tx, "held = 0, class = 0, due = ?", store.Nanos(now))
}

// Hold keeps the chosen tasks from being tried until Retry. An attempt that
// is under way is not stopped.
func Hold(tx *store.Tx, c Choice) (int64, error) {
	return c.update(tx, "held = ?", 1)
}

func (c Choice) update(tx *store.Tx, set string, arg any) (total int64, err error) {
	exec := func(where string, args ...any) {
		if err != nil {
			return
		}
		var n int64
		n, err = tx.Exec("UPDATE task SET "+set+where, append([]any{arg}, args...)...)
		total += n
	}
	switch {
	case c.All && c.Tenant != "":
		exec(" WHERE tenant = ?", c.Tenant)
	case c.All:
		exec("")
	}
	for _, id := range c.IDs {
		exec(" WHERE id = ? OR message = ?", id, id)
	}
	if err != nil {
		return 0, fmt.Errorf("task: %w", err)
	}
	return total, nil
}

// Count is how many tasks are open, of any kind.
func Count(tx *store.Tx) (n int, err error) {
	if err = tx.QueryRow("SELECT COUNT(*) FROM task").Scan(&n); err != nil {
		return 0, fmt.Errorf("task: count: %w", err)
	}
	return n, nil
}
