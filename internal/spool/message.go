package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// Message is a message in custody: all that a worker needs to send it
// without looking into it again.
type Message struct {
	ID     string
	Tenant string
	// Kind is what arrived: the tenant room's kind.
	Kind      string
	Direction mail.Direction
	// MessageID is the Message-ID field, for searching and for reports.
	MessageID string
	Envelope  mail.Envelope
	Received  time.Time
	// Stored is the body: its file, size and hash.
	Stored
	State State
	// Changed is when State changed last.
	Changed time.Time
	// Cut are the ranges of the body that never leave.
	Cut []mail.Range
	// Front is what was decided to stand before the original.
	Front []byte
	// Bare and EightBit say what the octets need to leave (mail.Outgoing).
	Bare, EightBit bool
	// BytesGone says that the body was erased.
	BytesGone bool
	// Extra is what the gateway wants back; the spool does not read it.
	Extra json.RawMessage

	envelope string // as the row has it
	changed  bool   // the row is not what was written
}

// Outgoing is m with its body, as it leaves.
func (m Message) Outgoing(b mail.Body) *mail.Outgoing {
	return &mail.Outgoing{Front: m.Front, Body: b, Cut: m.Cut, Bare: m.Bare, EightBit: m.EightBit}
}

// ErrNotFound says that there is no such message in custody.
var ErrNotFound = errors.New("spool: no such message")

// Add writes the row of m, whose body Store has made durable. It begins as
// Accepted; after the commit a 250 may be said.
func Add(tx *store.Tx, m Message) error {
	if m.ID == "" || m.Tenant == "" || m.File == "" {
		return errIncomplete(m)
	}
	m.State, m.Changed = Accepted, m.Received
	return insertMessage(tx, m)
}

// AddDecided is Add and Move in one, for a message of which everything is
// decided when it is taken.
func AddDecided(tx *store.Tx, m Message, e Event, now time.Time) (State, error) {
	if m.ID == "" || m.Tenant == "" || m.File == "" {
		return "", errIncomplete(m)
	}
	state, err := Next(Accepted, e)
	if err != nil {
		return "", fmt.Errorf("%w (%s)", err, m.ID)
	}
	m.State, m.Changed = state, now
	return state, insertMessage(tx, m)
}

func errIncomplete(m Message) error {
	return fmt.Errorf("spool: add %q: id, tenant and stored body are required", m.ID)
}

// Get reads the row of a message. The error is ErrNotFound when there is
// none.
func Get(tx *store.Tx, id string) (Message, error) {
	list, err := selectMessages(tx, " WHERE id = ?", id)
	if err != nil {
		return Message{}, err
	}
	if len(list) == 0 {
		return Message{}, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	return list[0], nil
}

// StateOf reads no more of a message than its state.
func StateOf(tx *store.Tx, id string) (State, error) {
	var state string
	err := tx.QueryRow("SELECT state FROM message WHERE id = ?", id).Scan(&state)
	if errors.Is(err, store.ErrNoRows) {
		return "", fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	if err != nil {
		return "", fmt.Errorf("spool: state of %s: %w", id, err)
	}
	return State(state), nil
}

// SetExtra replaces what the gateway keeps in the row.
func SetExtra(tx *store.Tx, id string, extra json.RawMessage) error {
	m, err := Get(tx, id)
	if err != nil {
		return err
	}
	if m.changed {
		return fmt.Errorf("spool: set extra of %s: %w: its row was changed", id, ErrDamaged)
	}
	m.Extra = extra
	more, err := m.rest().seal(m, m.envelope)
	if err == nil {
		_, err = tx.Exec("UPDATE message SET rest = ? WHERE id = ?", more, id)
	}
	if err != nil {
		return fmt.Errorf("spool: set extra of %s: %w", id, err)
	}
	return nil
}

// Move lets e happen to a message and returns its new state. A pair that the
// table does not permit changes nothing.
func Move(tx *store.Tx, id string, e Event, now time.Time) (State, error) {
	old, err := StateOf(tx, id)
	if err != nil {
		return "", err
	}
	next, err := Next(old, e)
	if err != nil {
		return old, fmt.Errorf("%w (%s)", err, id)
	}
	// The old state is asked for again: on PostgreSQL another node may have
	// moved the message since.
	n, err := tx.Exec("UPDATE message SET state = ?, changed = ? WHERE id = ? AND state = ?",
		string(next), store.Nanos(now), id, string(old))
	if err == nil && n != 1 {
		err = errors.New("moved by somebody else")
	}
	if err != nil {
		return old, fmt.Errorf("spool: move %s: %w", id, err)
	}
	return next, nil
}

// Filter chooses messages; zero fields do not restrict.
type Filter struct {
	Tenant string
	State  State
	// Before leaves out messages whose state changed at or after it.
	Before time.Time
	// Gone chooses the messages whose octets are erased; else they are left
	// out.
	Gone bool
	// After continues a list behind this id.
	After string
	// Limit is 100 when it is 0.
	Limit int
}

// List lists messages, oldest first.
func List(tx *store.Tx, f Filter) ([]Message, error) {
	where := " WHERE bytes_gone = ?"
	args := []any{store.Bit(f.Gone)}
	add := func(condition string, arg any) {
		where += " AND " + condition
		args = append(args, arg)
	}
	if f.Tenant != "" {
		add("tenant = ?", f.Tenant)
	}
	if f.State != "" {
		add("state = ?", string(f.State))
	}
	if !f.Before.IsZero() {
		add("changed < ?", store.Nanos(f.Before))
	}
	if f.After != "" {
		add("id > ?", f.After)
	}
	if f.Limit == 0 {
		f.Limit = 100
	}
	return selectMessages(tx, where+" ORDER BY id LIMIT ?", append(args, f.Limit)...)
}

// Forget removes the rows of up to limit messages whose octets are gone and
// whose state did not change since before. It returns their ids, so that the
// other rooms can forget them in the same transaction.
func Forget(tx *store.Tx, before time.Time, limit int) ([]string, error) {
	list, err := List(tx, Filter{Gone: true, State: Done, Before: before, Limit: limit})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, m := range list {
		if _, err := tx.Exec("DELETE FROM message WHERE id = ?", m.ID); err != nil {
			return nil, fmt.Errorf("spool: forget: %w", err)
		}
		ids = append(ids, m.ID)
	}
	return ids, nil
}

// Ledger tells row, message by message, who was accepted and who of them
// waits for a person: one side of the conservation check, whose other side
// is task.Balance.
func Ledger(tx *store.Tx, row func(message string, to, waiting []mail.Address, done bool) error) error {
	waiting, err := waitingRecipients(tx)
	if err != nil {
		return err
	}
	for after, more := "", true; more; {
		more = false
		list, err := selectMessages(tx, " WHERE id > ? ORDER BY id LIMIT 1000", after)
		if err != nil {
			return err
		}
		for _, m := range list {
			after, more = m.ID, true
			if err := row(m.ID, m.Envelope.Addresses(), waiting[m.ID], m.State == Done); err != nil {
				return err
			}
			delete(waiting, m.ID)
		}
	}
	for id, list := range waiting {
		if err := row(id, nil, list, true); err != nil {
			return err
		}
	}
	return nil
}
