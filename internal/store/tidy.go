package store

import (
	"context"
	"fmt"
)

// Tidy brings what SQLite's log has of rows into the database and empties the
// log: until then it may hold former states of rows, those that were erased
// among them. Within the database erased values are overwritten
// (secure_delete). done is false when somebody was reading; the next Tidy does
// it. On PostgreSQL it does nothing: its log and its dead rows are the
// server's (VACUUM, archived WAL).
func (db *DB) Tidy(ctx context.Context) (done bool, err error) {
	if db.postgres {
		return false, nil
	}
	c, err := db.connect(ctx, true)
	if err != nil {
		return false, fmt.Errorf("store: tidy: %w", err)
	}
	defer c.close()
	if err := c.do("PRAGMA busy_timeout = 200"); err != nil { // the writer waits for us
		return false, fmt.Errorf("store: tidy: %w", err)
	}
	var busy, frames, moved int64
	if err := c.sql.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved); err != nil {
		f, e := fateOf(err)
		if f == locked {
			return false, nil
		}
		return false, fmt.Errorf("store: tidy: %w", e)
	}
	return busy == 0, nil
}
