package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"postern.dev/postern/internal/durable"
)

// DB is an open database. Several goroutines may use it.
type DB struct {
	config   Config
	postgres bool
	sql      *sql.DB

	queue   chan *member  // unbuffered: who is not taken yet may still leave
	closing chan struct{} // closed by Close
	stopped chan struct{} // closed when the writer has ended
	gone    chan struct{} // closed when the database is dead
	dead    chan error    // one value, then closed
	cause   error         // why it is dead; written before gone is closed
	patient patient       // members that wait for company
	readers chan *conn    // idle readers; nil stands for one not yet connected
	once    sync.Once     // Close
	alone   atomic.Bool   // the writer holds the lock of Alone

	writer  *conn                  // of the writer goroutine
	endings endings                // of the group, as far as its members are done
	commit  func(*conn) error      // COMMIT; a test makes it fail
	hooks   atomic.Pointer[[]hook] // BeforeCommit
	hookMu  sync.Mutex             // guards additions to hooks
	stats   struct{ groups, members, failed, largest, undone atomic.Int64 }
}

type hook func(*Tx) error

// Open connects to the database and starts the writer. It fails when the
// engine does not promise what the laws of this package need.
func Open(ctx context.Context, c Config) (*DB, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	driver, source := "pgx", c.URL
	if c.URL == "" {
		var err error
		if source, err = sqliteSource(c.Path); err != nil {
			return nil, err
		}
		driver = "sqlite"
	}
	pool, err := sql.Open(driver, source)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOpen, err)
	}
	db := &DB{
		config: c, postgres: c.URL != "", sql: pool,
		queue: make(chan *member), closing: make(chan struct{}), stopped: make(chan struct{}),
		gone: make(chan struct{}), dead: make(chan error, 1), readers: make(chan *conn, c.Readers),
		patient: patient{hurry: make(chan struct{}, 1)},
		commit:  func(c *conn) error { return c.cached("COMMIT") },
	}
	db.hooks.Store(&[]hook{})
	if db.writer, err = db.first(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("%w: %w", ErrOpen, err)
	}
	for range c.Readers {
		db.readers <- nil
	}
	go db.write()
	return db, nil
}

// first opens the writer's connection. A process that closes a SQLite file as
// the last one locks it without SQLite's patience (busy_timeout) for others
// (https://www.sqlite.org/wal.html, "Sometimes Queries Return SQLITE_BUSY").
func (db *DB) first(ctx context.Context) (*conn, error) {
	const pause = 10 * time.Millisecond
	for until := time.Now().Add(db.config.Patience); ; {
		c, err := db.connect(ctx, true)
		if err == nil || db.postgres || !passing(err) || time.Now().After(until) {
			return c, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pause):
		}
	}
}

// sqliteSource makes sure that the file is there, for nobody else to read, and
// that its folder entry is durable; SQLite gives its journals the same mode.
func sqliteSource(path string) (string, error) {
	dir, err := durable.Open(filepath.Dir(path))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrOpen, err)
	}
	abs := dir.Path(filepath.Base(path))
	if _, err := os.Stat(abs); errors.Is(err, os.ErrNotExist) {
		// An empty file is an empty database.
		if err := dir.WriteFile(filepath.Base(path), nil); err != nil {
			return "", fmt.Errorf("%w: %w", ErrOpen, err)
		}
	}
	return fileURL(abs), nil
}

// Update runs fn in a transaction and returns after its COMMIT is durable, or
// with an error and nothing of fn done. The error is that of fn, or that of
// the first statement in fn that failed: a failed statement cannot be ignored,
// use ON CONFLICT. A panic in fn comes out of Update.
//
// fn runs on the writer's goroutine, between other members of its group: it
// does no I/O, no cryptography and no Update. When ctx ends before fn is
// taken, fn does not run; afterwards ctx is no longer looked at.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store: update: %w", err)
	}
	m := &member{fn: fn, done: make(chan struct{})}
	select {
	case <-db.gone:
		return db.deathError()
	case <-db.closing:
		return ErrClosed
	default:
	}
	select {
	case db.queue <- m:
	case <-ctx.Done():
		return fmt.Errorf("store: update: %w", ctx.Err())
	case <-db.gone:
		return db.deathError()
	case <-db.closing:
		return ErrClosed
	}
	<-m.done
	return m.result()
}

// View runs fn over one moment of the database, without holding up the
// writer. It sees every Update that has returned. When ctx ends, so does the
// statement that is running. A View inside a View may wait for ever.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) (err error) {
	var c *conn
	select {
	case c = <-db.readers:
	case <-ctx.Done():
		return fmt.Errorf("store: view: %w", ctx.Err())
	case <-db.closing:
		return ErrClosed
	}
	if c == nil {
		if c, err = db.connect(ctx, false); err != nil {
			db.readers <- nil
			_, err = fateOf(err)
			return fmt.Errorf("store: view: %w", err)
		}
	}
	tx := &Tx{conn: c, ctx: ctx}
	// Deferred, so that a panic in fn leaves the pool whole.
	defer func() {
		tx.end()
		if c.do("ROLLBACK") != nil {
			c.close()
			c = nil // the next View connects again
		} else {
			c.trim()
		}
		db.readers <- c
	}()
	begin := "BEGIN"
	if db.postgres {
		begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	}
	if err := c.do(begin); err != nil {
		_, err = fateOf(err)
		return fmt.Errorf("store: view: %w", err)
	}
	if err := fn(tx); err != nil {
		return err
	}
	return tx.failed
}

// BeforeCommit adds a function that the writer runs once per group, after the
// members and inside their transaction. Its error undoes the whole group and
// goes to every member.
func (db *DB) BeforeCommit(fn func(*Tx) error) {
	db.hookMu.Lock()
	defer db.hookMu.Unlock()
	hooks := append(append([]hook(nil), *db.hooks.Load()...), fn)
	db.hooks.Store(&hooks)
}

// Dead gives the reason, once, when the database may not be written any more:
// an ambiguous COMMIT, an I/O error, a failed fsync. The process must end and
// recover at its next start.
func (db *DB) Dead() <-chan error { return db.dead }

// Postgres reports whether the engine is PostgreSQL, which several processes
// may share.
func (db *DB) Postgres() bool { return db.postgres }

// Stats is what the writer has done since Open.
type Stats struct {
	Groups  int64 // COMMITs
	Members int64 // Updates that were committed
	Failed  int64 // Updates that were not
	Largest int64 // members of the largest group
	Undone  int64 // groups that were lost as a whole: full disk, lock
}

// Stats counts the writer's work.
func (db *DB) Stats() Stats {
	return Stats{
		Groups: db.stats.groups.Load(), Members: db.stats.members.Load(),
		Failed: db.stats.failed.Load(), Largest: db.stats.largest.Load(), Undone: db.stats.undone.Load(),
	}
}

// Close waits for the group that is running and for the readers, and closes
// the database. Updates that wait get ErrClosed.
func (db *DB) Close() error {
	err := ErrClosed
	db.once.Do(func() {
		close(db.closing)
		<-db.stopped
		for range db.config.Readers {
			if c := <-db.readers; c != nil {
				c.close()
			}
		}
		if db.writer != nil {
			db.writer.close()
		}
		err = nil
		if e := db.sql.Close(); e != nil {
			err = fmt.Errorf("store: close: %w", e)
		}
	})
	return err
}

// die ends the database's writing for good.
func (db *DB) die(cause error) {
	db.cause = cause
	close(db.gone)
	db.dead <- cause
	close(db.dead)
}

func (db *DB) deathError() error { return fmt.Errorf("%w: %w", ErrDead, db.cause) }
