package audit

import (
	"encoding/json"
	"fmt"
	"time"

	"postern.dev/postern/internal/store"
)

// eraseKind is the event that says whose personal fields were erased.
const eraseKind = "erased"

// erasure is the public half of such an event.
type erasure struct {
	Message string  `json:"message"`
	Events  []int64 `json:"events"`
	Why     string  `json:"why,omitempty"`
}

// Erase deletes the personal fields of everything about a message: of its
// events, its record and its facts. The chain gets an event that names the
// numbers, so that this gap can be told from one that somebody made. It
// returns how many events lost their personal fields. why holds nothing
// personal, e.g. "retention".
func (l *Log) Erase(tx *store.Tx, tenant, message, actor, why string, at time.Time) (int, error) {
	seqs, err := personalOf(tx, tenant, message)
	if err != nil {
		return 0, err
	}
	list, err := selectRecords(tx, "WHERE m.tenant = ? AND m.id = ?", tenant, message)
	if err != nil {
		return 0, err
	}
	for _, m := range list {
		if err := updateMessage(tx, m.public()); err != nil {
			return 0, err
		}
	}
	for _, statement := range []string{
		"UPDATE audit_event SET salt = '', personal = '' WHERE tenant = ? AND message = ?",
		"UPDATE audit_message SET facts = '' WHERE tenant = ? AND id = ?",
	} {
		if _, err := tx.Exec(statement, tenant, message); err != nil {
			return 0, fmt.Errorf("audit: erase: %w", err)
		}
	}
	public, err := json.Marshal(erasure{Message: message, Events: seqs, Why: why})
	if err != nil {
		return 0, fmt.Errorf("audit: erase: %w", err)
	}
	err = l.Append(tx, Event{
		Tenant: tenant, Message: message, Kind: eraseKind, Actor: actor, At: at, Public: public,
	})
	return len(seqs), err
}

// Erasable lists up to limit messages of a tenant, oldest first and behind a
// place, that were received before the given time and still have personal
// fields. next is the place of the last one.
func (l *Log) Erasable(tx *store.Tx, tenant string, behind Place, before time.Time, limit int) (ids []string, next Place, err error) {
	rows, err := tx.Query(`SELECT id, received FROM audit_message WHERE tenant = ? AND erased = 0 AND received < ?
		AND (received > ? OR received = ? AND id > ?) ORDER BY received, id LIMIT ?`,
		tenant, store.Nanos(before), store.Nanos(behind.Received), store.Nanos(behind.Received), behind.ID, limit)
	if err != nil {
		return nil, behind, fmt.Errorf("audit: erasable: %w", err)
	}
	defer rows.Close()
	next = behind
	for rows.Next() {
		var at int64
		if err := rows.Scan(&next.ID, &at); err != nil {
			return nil, behind, fmt.Errorf("audit: erasable: %w", err)
		}
		next.Received = store.Moment(at)
		ids = append(ids, next.ID)
	}
	return ids, next, rows.Err()
}
