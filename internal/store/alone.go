package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// ErrShared says that another process has the database for itself.
var ErrShared = errors.New("store: another process uses this database")

// takeOver is how long Alone waits for a process that is just ending, and
// retry how often it asks.
const (
	takeOver = 15 * time.Second
	retry    = 100 * time.Millisecond
)

// Alone takes the database for this process until Close: the Alone of another
// one fails, and so does its own writing should it lose the database to
// another one while the server was away. Who keeps files beside the database
// needs this: another process would find rows without them. SQLite has the
// lock of its folder.
func (db *DB) Alone(ctx context.Context) error {
	if !db.postgres {
		return nil
	}
	db.alone.Store(true)
	ctx, cancel := context.WithTimeout(ctx, takeOver)
	defer cancel()
	for {
		var mine bool
		err := db.Update(ctx, func(tx *Tx) (err error) {
			mine, err = tx.conn.holdAlone()
			return err
		})
		switch {
		case err != nil && ctx.Err() == nil:
			return err
		case mine:
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w, or has not ended yet", ErrShared)
		case <-time.After(retry):
		}
	}
}

// holdAlone asks for the lock that belongs to the session, in which it may
// stand already.
func (c *conn) holdAlone() (mine bool, err error) {
	var schema, held string
	if err := c.ask("SELECT current_schema()", &schema); err != nil {
		return false, err
	}
	sum := sha256.Sum256([]byte("postern alone in " + schema))
	key := int64(binary.BigEndian.Uint64(sum[:]))
	err = c.ask(fmt.Sprintf("SELECT pg_try_advisory_lock(%d)", key), &held)
	return held == "true", err
}

// stayAlone takes the lock again, for a writer that had to connect again.
func (c *conn) stayAlone() error {
	mine, err := c.holdAlone()
	if err == nil && !mine {
		err = ErrShared
	}
	return err
}
