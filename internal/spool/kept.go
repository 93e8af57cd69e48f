package spool

import (
	"errors"
	"fmt"
	"time"

	"postern.dev/postern/internal/store"
)

// Keep has the octets of a message kept after it is done, until a moment: its
// sender may ask for it again until then. Of two moments the later one counts.
func Keep(tx *store.Tx, id string, until time.Time) error {
	_, err := tx.Exec(`INSERT INTO body_kept (message, until) VALUES (?, ?)
		ON CONFLICT (message) DO UPDATE SET until = excluded.until WHERE excluded.until > body_kept.until`, id, store.Nanos(until))
	if err != nil {
		return fmt.Errorf("spool: keep %s: %w", id, err)
	}
	return nil
}

// IsKept reports whether the octets of a message are kept after it is done.
func IsKept(tx *store.Tx, id string) (bool, error) {
	var until int64
	err := tx.QueryRow("SELECT until FROM body_kept WHERE message = ?", id).Scan(&until)
	if errors.Is(err, store.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("spool: kept %s: %w", id, err)
	}
	return true, nil
}

// NoLongerKept lists up to limit messages whose octets were kept until now.
func NoLongerKept(tx *store.Tx, now time.Time, limit int) (ids []string, err error) {
	rows, err := tx.Query("SELECT message FROM body_kept WHERE until <= ? ORDER BY until, message LIMIT CAST(? AS BIGINT)",
		store.Nanos(now), limit)
	if err != nil {
		return nil, fmt.Errorf("spool: kept: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("spool: kept: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Unkeep keeps the octets of a message for no longer than it needs itself.
func Unkeep(tx *store.Tx, id string) error {
	if _, err := tx.Exec("DELETE FROM body_kept WHERE message = ?", id); err != nil {
		return fmt.Errorf("spool: unkeep %s: %w", id, err)
	}
	return nil
}
