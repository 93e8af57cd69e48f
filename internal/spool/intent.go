package spool

import (
	"fmt"
	"math"
	"time"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
)

// Intent is a message that is about to be handed back without custody. It is
// committed before the onward final dot and goes when the outcome is in the
// books. One that a crash has left was delivered, or Exchange tries again:
// we do not know, and say so.
type Intent struct {
	ID     string // of the message
	Tenant string
	// Record is what the gateway needs to put the message into the books: JSON.
	Record string
	At     time.Time
}

// PutIntent writes an intent.
func PutIntent(tx *store.Tx, i Intent) error {
	_, err := tx.Exec("INSERT INTO intent (id, tenant, record, at) VALUES (?, ?, ?, ?)",
		i.ID, i.Tenant, i.Record, store.Nanos(i.At))
	if err != nil {
		return fmt.Errorf("spool: put intent: %w", err)
	}
	return nil
}

// EndIntent removes an intent, in the transaction that writes its outcome. It
// is not found when it was never written, or when another node has taken this
// one for dead.
func EndIntent(tx *store.Tx, id string) (found bool, err error) {
	n, err := tx.Exec("DELETE FROM intent WHERE id = ?", id)
	if err != nil {
		return false, fmt.Errorf("spool: end intent: %w", err)
	}
	return n > 0, nil
}

// OpenIntents lists the intents that were written before the given time,
// oldest first; the zero time means all of them. At the start of the only
// process of a database these are the messages that were "delivered, or
// retried by Exchange", whatever its clock says now.
func OpenIntents(tx *store.Tx, before time.Time) ([]Intent, error) {
	at := int64(math.MaxInt64)
	if !before.IsZero() {
		at = store.Nanos(before)
	}
	rows, err := tx.Query("SELECT id, tenant, record, at FROM intent WHERE at < ? ORDER BY id", at)
	if err != nil {
		return nil, fmt.Errorf("spool: open intents: %w", err)
	}
	defer rows.Close()
	var list []Intent
	for rows.Next() {
		var i Intent
		var at int64
		if err := rows.Scan(&i.ID, &i.Tenant, &i.Record, &at); err != nil {
			return nil, fmt.Errorf("spool: open intents: %w", err)
		}
		i.At = store.Moment(at)
		list = append(list, i)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("spool: open intents: %w", err)
	}
	return list, nil
}

// ReportIntents logs the intents that a crash left open and returns them.
func (s *Spool) ReportIntents(tx *store.Tx, before time.Time) ([]Intent, error) {
	list, err := OpenIntents(tx, before)
	for _, i := range list {
		s.log.Warn("delivered, or retried by Exchange", telemetry.KeyCode, problem.IntentOpen,
			telemetry.KeyMessage, i.ID, telemetry.KeyTenant, i.Tenant)
	}
	return list, err
}
