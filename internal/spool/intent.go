package spool

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
)

// Intent is a message that is about to be handed back without custody. It is
// committed before the onward final dot. One without an outcome after a
// crash was delivered, or Exchange tries again: we do not know, and say so.
type Intent struct {
	ID      string
	Tenant  string
	Message string
	Verdict json.RawMessage
	At      time.Time
	// Outcome is what the next hop answered; nil as long as it did not.
	Outcome json.RawMessage
	Ended   time.Time
}

// PutIntent writes an intent.
func PutIntent(tx *store.Tx, i Intent) error {
	_, err := tx.Exec("INSERT INTO intent (id, tenant, message, verdict, at, outcome, ended) VALUES (?, ?, ?, ?, ?, '', 0)",
		i.ID, i.Tenant, i.Message, string(i.Verdict), store.Nanos(i.At))
	if err != nil {
		return fmt.Errorf("spool: put intent: %w", err)
	}
	return nil
}

// SettleIntent adds the outcome. It may come in a later group than the 250.
// An outcome that is there already stays.
func SettleIntent(tx *store.Tx, id string, outcome json.RawMessage, now time.Time) error {
	_, err := tx.Exec("UPDATE intent SET outcome = ?, ended = ? WHERE id = ? AND ended = 0",
		string(outcome), store.Nanos(now), id)
	if err != nil {
		return fmt.Errorf("spool: settle intent: %w", err)
	}
	return nil
}

// OpenIntents lists the intents without an outcome that were written before
// the given time, oldest first; the zero time means all of them. At the start
// of the only process of a database these are the messages that were
// "delivered, or retried by Exchange", whatever its clock says now.
func OpenIntents(tx *store.Tx, before time.Time) ([]Intent, error) {
	at := int64(math.MaxInt64)
	if !before.IsZero() {
		at = store.Nanos(before)
	}
	rows, err := tx.Query("SELECT id, tenant, message, verdict, at FROM intent WHERE ended = 0 AND at < ? ORDER BY at, id", at)
	if err != nil {
		return nil, fmt.Errorf("spool: open intents: %w", err)
	}
	defer rows.Close()
	var list []Intent
	for rows.Next() {
		var i Intent
		var verdict string
		var at int64
		if err := rows.Scan(&i.ID, &i.Tenant, &i.Message, &verdict, &at); err != nil {
			return nil, fmt.Errorf("spool: open intents: %w", err)
		}
		i.Verdict, i.At = json.RawMessage(verdict), store.Moment(at)
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
			telemetry.KeyMessage, i.Message, telemetry.KeyTenant, i.Tenant)
	}
	return list, err
}

// SweepIntents removes intents that ended before the given time.
func SweepIntents(tx *store.Tx, before time.Time) (int64, error) {
	n, err := tx.Exec("DELETE FROM intent WHERE ended > 0 AND ended < ?", store.Nanos(before))
	if err != nil {
		return 0, fmt.Errorf("spool: sweep intents: %w", err)
	}
	return n, nil
}
