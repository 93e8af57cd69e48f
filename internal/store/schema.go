package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// schemaTable records which steps of which room the database has taken.
const schemaTable = `CREATE TABLE IF NOT EXISTS schema_step (
	room TEXT NOT NULL,
	step BIGINT NOT NULL,
	applied_at BIGINT NOT NULL,
	PRIMARY KEY (room, step)
)`

// ErrNewer says that a newer version of the program has changed the schema.
var ErrNewer = errors.New("store: the database was made by a newer version of Postern")

// Migrate brings the tables of a room up to date: steps[0] is step 1, and each
// step is run once in the life of a database, all or none. Steps are only ever
// appended. A step may hold several statements.
func (db *DB) Migrate(ctx context.Context, room string, steps []string) error {
	err := db.Update(ctx, func(tx *Tx) error {
		if err := tx.Lock("schema"); err != nil {
			return err
		}
		if _, err := tx.Exec(schemaTable); err != nil {
			return err
		}
		var have int
		if err := tx.QueryRow("SELECT count(*) FROM schema_step WHERE room = ?", room).Scan(&have); err != nil {
			return err
		}
		if have > len(steps) {
			return fmt.Errorf("%w: it has %d steps of %s, this program knows %d", ErrNewer, have, room, len(steps))
		}
		for i := have; i < len(steps); i++ {
			if err := tx.script(steps[i]); err != nil {
				return fmt.Errorf("step %d: %w", i+1, err)
			}
			_, err := tx.Exec("INSERT INTO schema_step (room, step, applied_at) VALUES (?, ?, ?)", room, i+1, time.Now())
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: migrate %s: %w", room, err)
	}
	return nil
}

// script runs a schema step, which may hold several statements.
func (tx *Tx) script(step string) error {
	text := step
	if tx.conn.postgres {
		text = rewriteSchema(step)
	}
	if err := tx.conn.do(text); err != nil {
		return tx.fail(step, err)
	}
	return nil
}
