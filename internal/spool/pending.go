package spool

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// Pending is a recipient of a held message who waits for a person or for the
// deadline. The message is Held as long as it has one.
type Pending struct {
	Message   string
	Tenant    string
	Recipient mail.Recipient
	// Rules are the policies that hold it.
	Rules []string
	// Because is the verdict's sentence.
	Because string
	// Approver is who may decide, in the policy's words.
	Approver string
	Since    time.Time
	// Until is the deadline; zero for none.
	Until time.Time
	// AtEnd is what happens then: refuse, release or release-encrypted.
	AtEnd string
	// Of is how many people must agree; 0 means one. Agreed are those who did.
	Of     int      `json:",omitempty"`
	Agreed []string `json:",omitempty"`
	// Terms are the policy's terms of the hold; the spool does not read them.
	Terms json.RawMessage `json:",omitempty"`

	// Altered says that the row is not what was written: a bit has turned.
	// Only message and recipient are then what the row is found by.
	Altered bool `json:",omitempty"`
}

// AddPending writes that a recipient waits. A recipient waits once.
func AddPending(tx *store.Tx, p Pending) error {
	if p.Altered {
		return fmt.Errorf("spool: hold %s: %w: its row was changed", p.Message, ErrDamaged)
	}
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("spool: hold %s: %w", p.Message, err)
	}
	w := waiting{
		message: p.Message, recipient: string(p.Recipient.Address), tenant: p.Tenant, since: store.Nanos(p.Since),
		until: store.Nanos(p.Until), data: string(data),
	}
	_, err = tx.Exec("INSERT INTO pending ("+pendingColumns+") VALUES (?, ?, ?, ?, ?, ?, ?)",
		w.message, w.recipient, w.tenant, w.since, w.until, w.data, w.sum())
	if err != nil {
		return fmt.Errorf("spool: hold %s: %w", p.Message, err)
	}
	return nil
}

// EndPending removes a waiting recipient, whose fate the same transaction
// writes, and returns how many of the message's recipients still wait. ended
// is false when somebody else was faster: then nothing may be done for it.
func EndPending(tx *store.Tx, message string, to mail.Address) (left int, ended bool, err error) {
	n, err := tx.Exec("DELETE FROM pending WHERE message = ? AND recipient = ?", message, string(to))
	if err == nil {
		err = tx.QueryRow("SELECT COUNT(*) FROM pending WHERE message = ?", message).Scan(&left)
	}
	if err != nil {
		return 0, false, fmt.Errorf("spool: end hold of %s: %w", message, err)
	}
	return left, n == 1, nil
}

// PendingOf lists who waits of a message.
func PendingOf(tx *store.Tx, message string) ([]Pending, error) {
	return selectPending(tx, "WHERE message = ? ORDER BY recipient", message)
}

// ListPending lists who waits, oldest first, of one tenant or ("") of all.
func ListPending(tx *store.Tx, tenant string, limit int) ([]Pending, error) {
	if tenant == "" {
		return selectPending(tx, pendingOldest, limit)
	}
	return selectPending(tx, pendingOfTenant, tenant, limit)
}

// Overdue lists who has waited until the deadline.
func Overdue(tx *store.Tx, now time.Time, limit int) ([]Pending, error) {
	return selectPending(tx, overdue, store.Nanos(now), limit)
}

const (
	pendingOldest   = "ORDER BY since, message, recipient LIMIT CAST(? AS BIGINT)"
	pendingOfTenant = "WHERE tenant = ? ORDER BY since, message, recipient LIMIT CAST(? AS BIGINT)"
	// with a bare parameter as its limit SQLite would plan it anew each time
	overdue      = "WHERE until > 0 AND until <= ? ORDER BY until, message, recipient LIMIT CAST(? AS BIGINT)"
	nextDeadline = "SELECT COALESCE(MIN(until), 0) FROM pending WHERE until > ?"
)

// NextDeadline is the earliest deadline after a moment; zero when there is
// none.
func NextDeadline(tx *store.Tx, after time.Time) (time.Time, error) {
	var at int64
	err := tx.QueryRow(nextDeadline, store.Nanos(after)).Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("spool: next deadline: %w", err)
	}
	return store.Moment(at), nil
}

// Rebase counts the time of holds anew that began in the future: the clock
// was ahead when they did, and they would last as much longer.
func Rebase(tx *store.Tx, now time.Time) error {
	list, err := selectPending(tx, "WHERE since > ?", store.Nanos(now))
	for _, p := range list {
		if p.Altered {
			continue // no deadline ends it
		}
		if err == nil {
			_, _, err = EndPending(tx, p.Message, p.Recipient.Address)
		}
		if !p.Until.IsZero() {
			p.Until = now.Add(p.Until.Sub(p.Since))
		}
		p.Since = now
		if err == nil {
			err = AddPending(tx, p)
		}
	}
	return err
}

// waiting is a row of the table.
type waiting struct {
	message, recipient, tenant string
	since, until               int64
	data, seal                 string
}

const pendingColumns = "message, recipient, tenant, since, until, data, seal"

func (w waiting) sum() string {
	return store.Seal(w.message, w.recipient, w.tenant, strconv.FormatInt(w.since, 10), strconv.FormatInt(w.until, 10), w.data)
}

// pending reads the row. One that was changed stands in the list all the
// same: it must hide no other, and a person must see it.
func (w waiting) pending() (p Pending) {
	err := json.Unmarshal([]byte(w.data), &p)
	p.Altered = err != nil || w.seal != "" && w.seal != w.sum() // rows of before have no seal
	if p.Altered {
		p.Message, p.Tenant, p.Recipient.Address = w.message, w.tenant, mail.Address(w.recipient)
		p.Since = store.Moment(w.since) // its place in lists
	}
	return p
}

func selectPending(tx *store.Tx, where string, args ...any) ([]Pending, error) {
	rows, err := tx.Query("SELECT "+pendingColumns+" FROM pending "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("spool: read holds: %w", err)
	}
	defer rows.Close()
	var list []Pending
	for rows.Next() {
		var w waiting
		if err := rows.Scan(&w.message, &w.recipient, &w.tenant, &w.since, &w.until, &w.data, &w.seal); err != nil {
			return nil, fmt.Errorf("spool: read holds: %w", err)
		}
		list = append(list, w.pending())
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("spool: read holds: %w", err)
	}
	return list, nil
}

func waitingRecipients(tx *store.Tx) (map[string][]mail.Address, error) {
	list, err := selectPending(tx, "")
	if err != nil {
		return nil, err
	}
	by := map[string][]mail.Address{}
	for _, p := range list {
		by[p.Message] = append(by[p.Message], p.Recipient.Address)
	}
	return by, nil
}

// CountPending is how many recipients wait for a person or a deadline.
func CountPending(tx *store.Tx) (n int, err error) {
	if err = tx.QueryRow("SELECT COUNT(*) FROM pending").Scan(&n); err != nil {
		return 0, fmt.Errorf("spool: count holds: %w", err)
	}
	return n, nil
}

// PendingSince lists who of a tenant has waited since before a moment, the
// oldest first, behind one of them; the zero Pending is the beginning.
func PendingSince(tx *store.Tx, tenant string, before time.Time, behind Pending, limit int) ([]Pending, error) {
	return selectPending(tx, pendingSince, tenant, store.Nanos(before), store.Nanos(behind.Since), behind.Message,
		string(behind.Recipient.Address), limit)
}

const pendingSince = `WHERE tenant = ? AND since < ? AND (since, message, recipient) > (?, ?, ?)
	ORDER BY since, message, recipient LIMIT CAST(? AS BIGINT)`
