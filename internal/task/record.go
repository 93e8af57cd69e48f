package task

import (
	"encoding/json"
	"fmt"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// Fate is how a recipient's way ended.
type Fate string

// The fates.
const (
	Delivered  Fate = "delivered"  // the next hop answered 2xx
	Bounced    Fate = "failed"     // given up, or refused by the next hop
	Refused    Fate = "refused"    // policy or a person said no
	Redirected Fate = "redirected" // the policy sent it to somebody else
)

// Silent stands in Record.Told when nobody is told, and may not be: the
// sender is null, automatic, or asked for no report.
const Silent = "silent"

// Record is the outcome of one recipient, written exactly once.
type Record struct {
	Message   string       `json:"message"`
	Tenant    string       `json:"tenant"`
	Recipient mail.Address `json:"recipient"`
	Kind      Kind         `json:"kind"`
	// Task is the task that had the outcome; "" when none was needed.
	Task  string     `json:"task,omitempty"`
	Fate  Fate       `json:"fate"`
	Reply mail.Reply `json:"reply"`
	Host  string     `json:"host,omitempty"`
	Why   string     `json:"why,omitempty"`
	// Told is the task of the report about it, or Silent.
	Told string    `json:"told,omitempty"`
	At   time.Time `json:"at"`
}

// Put writes an outcome that needs no attempt: a refusal, a redirection.
// first is false when the recipient has one already; that one stays.
func Put(tx *store.Tx, r Record) (first bool, err error) {
	reply, err := json.Marshal(r.Reply)
	if err != nil {
		return false, fmt.Errorf("task: put outcome: %w", err)
	}
	n, err := tx.Exec(`INSERT INTO outcome
		(message, recipient, kind, task, fence_task, tenant, state, reply, host, why, told, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message, recipient, kind, fence_task) DO NOTHING`,
		r.Message, string(r.Recipient), string(r.Kind), r.Task, r.fenceTask(), r.Tenant, string(r.Fate),
		store.Clean(string(reply)), store.Clean(r.Host), store.Clean(r.Why), r.Told, store.Nanos(r.At))
	if err != nil {
		return false, fmt.Errorf("task: put outcome: %w", err)
	}
	return n == 1, nil
}

// fenceTask is the last part of the key. An accepted recipient has one fate
// whatever task brings it; a message may have several reports to the same
// sender, each with an outcome of its own.
func (r Record) fenceTask() string {
	if r.Kind.Accounts() {
		return ""
	}
	return r.Task
}

// Tell notes by which report task the sender learns of these recipients, or
// that it does not (Silent).
func Tell(tx *store.Tx, message string, to []mail.Address, by string) error {
	for _, a := range to {
		_, err := tx.Exec("UPDATE outcome SET told = ? WHERE message = ? AND recipient = ? AND told = ''",
			by, message, string(a))
		if err != nil {
			return fmt.Errorf("task: tell: %w", err)
		}
	}
	return nil
}

// FailRedirect turns the outcome of a recipient whose message went to others
// into a failure: none of them took it.
func FailRedirect(tx *store.Tx, message string, to mail.Address, why string) error {
	_, err := tx.Exec("UPDATE outcome SET state = ?, why = ? WHERE message = ? AND recipient = ? AND state = ?",
		string(Bounced), store.Clean(why), message, string(to), string(Redirected))
	if err != nil {
		return fmt.Errorf("task: fail redirect: %w", err)
	}
	return nil
}

// Outcomes lists the outcomes of a message.
func Outcomes(tx *store.Tx, message string) ([]Record, error) {
	return selectRecords(tx, "WHERE message = ? ORDER BY at, recipient", message)
}

// Forget removes the outcomes of a message whose row is removed in the same
// transaction. A message with an open task is not forgotten.
func Forget(tx *store.Tx, message string) error {
	n, err := Open(tx, message)
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("task: forget %s: %d tasks are open", message, n)
	}
	if _, err := tx.Exec("DELETE FROM outcome WHERE message = ?", message); err != nil {
		return fmt.Errorf("task: forget: %w", err)
	}
	return nil
}
