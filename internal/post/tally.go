package post

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"postern.dev/postern/internal/store"
)

// Tally is something that happened several times, and of which somebody is
// told once an hour at most.
type Tally struct {
	Tenant, What string
	// Data is that of the first time, N how often it was, Since and Until the
	// first and the last time.
	Data         json.RawMessage
	N            int
	Since, Until time.Time
}

// Count counts something that happened. It is due after wait, but not within
// an hour after the last time that somebody was told.
func Count(tx *store.Tx, tenant, what string, data json.RawMessage, wait time.Duration, now time.Time) error {
	at := store.Nanos(now)
	n, err := tx.Exec("UPDATE post_tally SET n = n + 1, until = ? WHERE tenant = ? AND what = ?", at, tenant, what)
	if err != nil {
		return fmt.Errorf("post: tally: %w", err)
	}
	if n > 0 {
		return nil
	}
	told, last, err := said(tx, tenant, "", what, now)
	if err != nil {
		return err
	}
	due := now.Add(wait)
	if next := last.Add(window); told > 0 && next.After(due) {
		due = next
	}
	_, err = tx.Exec("INSERT INTO post_tally (tenant, what, n, since, until, due, data) VALUES (?, ?, 1, ?, ?, ?, ?)",
		tenant, what, at, at, store.Nanos(due), store.Clean(string(data)))
	if err != nil {
		return fmt.Errorf("post: tally: %w", err)
	}
	return nil
}

// TakeTally removes the tally that is due first, if one is: the caller tells of
// it in the same transaction.
func TakeTally(tx *store.Tx, now time.Time) (t Tally, found bool, err error) {
	var since, until int64
	var data string
	err = tx.QueryRow("SELECT tenant, what, n, since, until, data FROM post_tally WHERE due <= ? ORDER BY due LIMIT 1",
		store.Nanos(now)).Scan(&t.Tenant, &t.What, &t.N, &since, &until, &data)
	if errors.Is(err, store.ErrNoRows) {
		return t, false, nil
	}
	if err == nil {
		_, err = tx.Exec("DELETE FROM post_tally WHERE tenant = ? AND what = ?", t.Tenant, t.What)
	}
	if err != nil {
		return t, false, fmt.Errorf("post: tally: %w", err)
	}
	t.Data, t.Since, t.Until = json.RawMessage(data), store.Moment(since), store.Moment(until)
	return t, true, note(tx, t.Tenant, "", t.What, now)
}
