package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var (
	// ErrFull says that the disk of the database is full. Nothing of the group
	// was committed; it passes.
	ErrFull = errors.New("store: database is full")
	// ErrLocked says that another process holds what the transaction needs, or
	// that the server cannot be reached before COMMIT. Nothing was committed;
	// it passes.
	ErrLocked = errors.New("store: database is locked or not reachable")
	// ErrNoRows is the answer of Row.Scan when there is no row.
	ErrNoRows = errors.New("store: no rows")
	// ErrDead says that an earlier COMMIT was ambiguous or the disk failed.
	// The process must end.
	ErrDead = errors.New("store: database is dead until the process starts again")
	// ErrClosed is the answer after Close.
	ErrClosed = errors.New("store: database is closed")
	// ErrExists says that a row with the same key is already there, or another
	// constraint of the schema forbids the row.
	ErrExists = errors.New("store: constraint violated")
	// ErrUnsafe says that the engine does not promise durable commits.
	ErrUnsafe = errors.New("store: commits would not be safe")
	// ErrOpen says that the database could not be opened.
	ErrOpen = errors.New("store: cannot open the database")
)

// fate is what an error of the engine means for the group and the database.
type fate int

const (
	harmless fate = iota // the statement failed, the group goes on
	full                 // the group is lost: no space
	locked               // the group is lost: try again
	deadly               // nothing is known any more
)

// fateOf judges an error of a statement before COMMIT, and the error as rooms
// see it.
func fateOf(err error) (fate, error) {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return fateOfSQLite(lite.Code(), err)
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return fateOfPostgres(pg)
	}
	if broken(err) {
		return locked, fmt.Errorf("%w: %w", ErrLocked, err)
	}
	return harmless, err
}

func fateOfSQLite(code int, err error) (fate, error) {
	if code == sqlite3.SQLITE_IOERR_SHMSIZE {
		// The index of the log had no room to grow. In a COMMIT that is another
		// matter: the group stands in the log by then.
		return full, fmt.Errorf("%w: %w", ErrFull, err)
	}
	switch code & 0xff { // the primary code
	case sqlite3.SQLITE_FULL:
		return full, fmt.Errorf("%w: %w", ErrFull, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return locked, fmt.Errorf("%w: %w", ErrLocked, err)
	case sqlite3.SQLITE_CONSTRAINT:
		return harmless, fmt.Errorf("%w: %w", ErrExists, err)
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERNAL,
		sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return deadly, err
	}
	return harmless, err
}

// passing reports whether a SQLite file could not be opened because of what
// others do to it at this moment: they lock it, or take its log away.
func passing(err error) bool {
	var lite *sqlite.Error
	f, _ := fateOf(err)
	return f == locked || errors.As(err, &lite) && lite.Code() == sqlite3.SQLITE_IOERR_DELETE_NOENT
}

// fateOfSQLiteCommit judges the error of a COMMIT.
func fateOfSQLiteCommit(code int, err error) (fate, error) {
	f, known := fateOfSQLite(code, err)
	if code != sqlite3.SQLITE_IOERR_SHMSIZE && (f == full || f == locked) {
		return f, known
	}
	return deadly, err
}

func fateOfPostgres(err *pgconn.PgError) (fate, error) {
	switch {
	case err.Code == "53100": // disk_full
		return full, fmt.Errorf("%w: %w", ErrFull, err)
	case strings.HasPrefix(err.Code, "23"): // integrity constraint
		return harmless, fmt.Errorf("%w: %w", ErrExists, err)
	case strings.HasPrefix(err.Code, "40"), err.Code == "55P03":
		// Deadlock, serialization, lock_timeout: the savepoint undoes it and
		// the rest of the group goes on.
		return harmless, fmt.Errorf("%w: %w", ErrLocked, err)
	case strings.HasPrefix(err.Code, "53"), strings.HasPrefix(err.Code, "57"),
		strings.HasPrefix(err.Code, "08"):
		// Out of resources, shutting down, connection: before COMMIT nothing
		// has happened.
		return locked, fmt.Errorf("%w: %w", ErrLocked, err)
	case strings.HasPrefix(err.Code, "58"), strings.HasPrefix(err.Code, "XX"):
		return deadly, err // system_error, internal and data_corrupted
	}
	return harmless, err
}

// broken reports whether err says that the connection to the server is gone.
func broken(err error) bool {
	var netError net.Error
	var connect *pgconn.ConnectError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.As(err, &netError) || errors.As(err, &connect) ||
		pgconn.SafeToRetry(err)
}

// fateOfCommit judges an error of COMMIT itself. Only where the engine says
// for certain that nothing was committed does the database live.
func fateOfCommit(err error) (fate, error) {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return fateOfSQLiteCommit(lite.Code(), err)
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Severity == "ERROR" {
		f, err := fateOfPostgres(pg)
		if f == harmless {
			f = locked // the group is gone all the same
		}
		return f, err
	}
	return deadly, err
}
