package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Tx is a transaction: what one Update or View does. It belongs to the
// goroutine that runs the callback and ends with it.
type Tx struct {
	conn   *conn
	ctx    context.Context
	write  bool
	rows   *Rows    // open
	failed error    // of the first statement that failed
	lost   *lost    // set when the whole group is lost
	after  []func() // OnCommit
	over   bool

	group   endings // of the members before it
	endings endings // its own
}

var (
	errOver     = errors.New("store: transaction is over")
	errRowsOpen = errors.New("store: rows of an earlier query are still open")
)

// Exec runs a statement and returns the number of rows it changed. Arguments
// may be strings, integers, []byte, bool (0 or 1), time.Time (nanoseconds
// since 1970, 0 for the zero time), json.RawMessage (text) and nil, and types
// made of these.
func (tx *Tx) Exec(query string, args ...any) (rows int64, err error) {
	stmt, values, err := tx.ready(query, args)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(tx.ctx, values...)
	if err != nil {
		return 0, tx.fail(query, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, tx.fail(query, err)
	}
	return n, nil
}

// Query runs a statement that gives rows. They must be read to the end or
// closed before the next statement.
func (tx *Tx) Query(query string, args ...any) (*Rows, error) {
	stmt, values, err := tx.ready(query, args)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(tx.ctx, values...)
	if err != nil {
		return nil, tx.fail(query, err)
	}
	tx.rows = &Rows{tx: tx, query: query, rows: rows}
	return tx.rows, nil
}

// QueryRow prepares the reading of one row; Row.Scan runs it.
func (tx *Tx) QueryRow(query string, args ...any) *Row {
	return &Row{tx: tx, query: query, args: args}
}

// OnCommit has fn run by the writer after the COMMIT, in order and before
// Update returns; not at all when the transaction is undone. fn must be
// quick and leave the database alone.
func (tx *Tx) OnCommit(fn func()) { tx.after = append(tx.after, fn) }

// Lock waits until no other process is in a transaction that has locked name,
// and holds it until the COMMIT. Under SQLite every Update is alone anyway.
func (tx *Tx) Lock(name string) error {
	if !tx.conn.postgres || !tx.write {
		return nil
	}
	sum := sha256.Sum256([]byte(name))
	_, err := tx.Exec("SELECT pg_advisory_xact_lock(?)", int64(binary.BigEndian.Uint64(sum[:])))
	return err
}

// ready checks that a statement may run now and finds it in the connection's
// cache.
func (tx *Tx) ready(query string, args []any) (*sql.Stmt, []any, error) {
	switch {
	case tx.over:
		return nil, nil, errOver
	case tx.rows != nil:
		return nil, nil, tx.fail(query, errRowsOpen)
	case tx.failed != nil:
		// PostgreSQL would refuse it; both engines shall behave alike.
		return nil, nil, tx.failed
	}
	values := make([]any, len(args))
	for i, arg := range args {
		v, err := bind(arg)
		if err != nil {
			return nil, nil, tx.fail(query, fmt.Errorf("argument %d: %w", i+1, err))
		}
		values[i] = v
	}
	stmt, err := tx.conn.prepare(tx.ctx, query)
	if err != nil {
		return nil, nil, tx.fail(query, err)
	}
	return stmt, values, nil
}

// bind brings an argument into a form that both drivers write alike.
func bind(arg any) (any, error) {
	switch v := arg.(type) {
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case time.Time:
		if v.IsZero() {
			return int64(0), nil
		}
		return v.UnixNano(), nil
	case json.RawMessage:
		return string(v), nil
	case []byte:
		if v == nil {
			return []byte{}, nil // nil alone is NULL
		}
		return v, nil
	}
	v, err := driver.DefaultParameterConverter.ConvertValue(arg)
	if b, ok := v.(bool); ok && err == nil {
		return bind(b)
	}
	return v, err
}

// fail notes that a statement failed, which fails the transaction, and what
// that means for the group.
func (tx *Tx) fail(query string, err error) error {
	if tx.ctx.Err() != nil { // a View whose caller has gone
		err = tx.ctx.Err()
		tx.failed = fmt.Errorf("store: %s: %w", short(query), err)
		return tx.failed
	}
	f, err := fateOf(err)
	err = fmt.Errorf("store: %s: %w", short(query), err)
	if tx.failed == nil {
		tx.failed = err
	}
	if f != harmless && tx.lost == nil {
		tx.lost = &lost{fate: f, err: err}
	}
	return err
}

// end closes what is open; later use is a mistake that is reported.
func (tx *Tx) end() {
	tx.closeRows()
	tx.over = true
}

func (tx *Tx) closeRows() {
	if tx.rows != nil {
		_ = tx.rows.Close()
	}
}

// short is the beginning of a statement, for messages. It holds no values:
// they are arguments.
func short(query string) string {
	if len(query) > 60 {
		return query[:60] + "…"
	}
	return query
}

// Rows are the rows of a query, read one after the other.
type Rows struct {
	tx    *Tx
	query string
	rows  *sql.Rows
	err   error
}

// Next goes to the next row; false is the end or an error, which Err tells.
func (r *Rows) Next() bool {
	if r.tx.rows != r {
		return false
	}
	if r.rows.Next() {
		return true
	}
	_ = r.Close()
	return false
}

// Scan copies the columns of the row into dest, as sql.Rows.Scan does.
func (r *Rows) Scan(dest ...any) error {
	if err := r.rows.Scan(dest...); err != nil {
		return fmt.Errorf("store: %s: %w", short(r.query), err)
	}
	return nil
}

// Err is what ended the rows before their end, or nil.
func (r *Rows) Err() error { return r.err }

// Close ends the rows early and returns Err.
func (r *Rows) Close() error {
	if r.tx.rows != r {
		return r.err
	}
	r.tx.rows = nil
	err := r.rows.Err()
	if e := r.rows.Close(); err == nil {
		err = e
	}
	if err != nil {
		r.err = r.tx.fail(r.query, err)
	}
	return r.err
}

// Row is a query for one row.
type Row struct {
	tx    *Tx
	query string
	args  []any
}

// Scan runs the query and copies the columns of its first row into dest. It is
// ErrNoRows when there is none.
func (r *Row) Scan(dest ...any) error {
	rows, err := r.tx.Query(r.query, r.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		if rows.Err() != nil {
			return rows.Err()
		}
		return ErrNoRows
	}
	if err := rows.Scan(dest...); err != nil {
		return err
	}
	return rows.Close()
}
