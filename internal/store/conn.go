package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// cacheSize is how many prepared statements a connection keeps. Rooms use some
// hundred; what is above comes from searches.
const cacheSize = 400

// conn is one connection with its prepared statements. One goroutine uses it
// at a time.
type conn struct {
	sql      *sql.Conn
	postgres bool
	cache    map[string]*sql.Stmt
}

// connect opens a connection and makes sure that it keeps its promises.
func (db *DB) connect(ctx context.Context, writer bool) (*conn, error) {
	raw, err := db.sql.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{sql: raw, postgres: db.postgres, cache: map[string]*sql.Stmt{}}
	if db.postgres {
		err = c.setUpPostgres(db.config, writer)
		if err == nil && writer && db.alone.Load() {
			err = c.stayAlone()
		}
	} else {
		err = c.setUpSQLite(db.config, writer)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *conn) setUpSQLite(config Config, writer bool) error {
	var version string
	if err := c.ask("SELECT sqlite_version()", &version); err != nil {
		return err
	}
	if !atLeast(version, 3, 51, 3) {
		return fmt.Errorf("%w: SQLite %s has the WAL-reset bug; 3.51.3 or later is needed", ErrUnsafe, version)
	}
	pragmas := []string{
		"busy_timeout = " + strconv.FormatInt(config.Patience.Milliseconds(), 10),
		"journal_mode = WAL",
		"synchronous = FULL",
		"foreign_keys = ON",
		"temp_store = MEMORY",      // SQLite's temporary files would be readable
		"case_sensitive_like = ON", // as in PostgreSQL
		"trusted_schema = OFF",
		"cell_size_check = ON",
		"cache_size = -16384", // 16 MiB
	}
	if writer {
		pragmas = append(pragmas,
			"secure_delete = ON", // what is erased is overwritten
			"wal_autocheckpoint = 4000",
			"journal_size_limit = 67108864")
	} else {
		pragmas = append(pragmas, "query_only = ON")
	}
	for _, p := range pragmas {
		if err := c.do("PRAGMA " + p); err != nil {
			return fmt.Errorf("PRAGMA %s: %w", p, err)
		}
	}
	// Some file systems refuse WAL, silently.
	return c.insist(map[string]string{
		"PRAGMA journal_mode": "wal", "PRAGMA synchronous": "2", "PRAGMA foreign_keys": "1",
	})
}

func (c *conn) setUpPostgres(config Config, writer bool) error {
	settings := []string{
		"synchronous_commit = on",
		"standard_conforming_strings = on",
		"lock_timeout = " + strconv.FormatInt(config.Patience.Milliseconds(), 10),
		"application_name = 'postern'",
	}
	if !writer {
		settings = append(settings, "default_transaction_read_only = on")
	}
	for _, s := range settings {
		if err := c.do("SET " + s); err != nil {
			return fmt.Errorf("SET %s: %w", s, err)
		}
	}
	want := map[string]string{"SHOW synchronous_commit": "on", "SHOW fsync": "on", "SHOW server_encoding": "UTF8"}
	if config.Unsafe {
		delete(want, "SHOW fsync")
	}
	return c.insist(want)
}

// insist reads settings back and refuses the connection when one is not as
// it must be.
func (c *conn) insist(want map[string]string) error {
	for query, value := range want {
		var got string
		if err := c.ask(query, &got); err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
		if got != value {
			return fmt.Errorf("%w: %s is %q and must be %q", ErrUnsafe, query, got, value)
		}
	}
	return nil
}

// atLeast compares a version "3.51.3" with the least one that will do.
func atLeast(version string, least ...int) bool {
	parts := strings.Split(version, ".")
	for i, want := range least {
		var got int
		if i < len(parts) {
			got, _ = strconv.Atoi(parts[i])
		}
		if got != want {
			return got > want
		}
	}
	return true
}

// do runs a statement without arguments and without the cache.
func (c *conn) do(statement string) error {
	_, err := c.sql.ExecContext(context.Background(), statement)
	return err
}

// cached runs a statement without arguments that comes again and again.
func (c *conn) cached(statement string) error {
	stmt, err := c.prepare(context.Background(), statement)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(context.Background())
	return err
}

func (c *conn) ask(query string, dest any) error {
	return c.sql.QueryRowContext(context.Background(), query).Scan(dest)
}

// prepare finds the statement in the cache or compiles it.
func (c *conn) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := c.cache[query]; stmt != nil {
		return stmt, nil
	}
	text := query
	if c.postgres {
		text = rewrite(query)
	}
	stmt, err := c.sql.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	c.cache[query] = stmt
	return stmt, nil
}

// trim empties a cache that has grown too large. Between transactions nobody
// uses a statement.
func (c *conn) trim() {
	if len(c.cache) > cacheSize {
		c.forget()
	}
}

func (c *conn) forget() {
	for _, stmt := range c.cache {
		stmt.Close()
	}
	clear(c.cache)
}

// inTransaction reports whether SQLite still has a transaction open, by trying
// to open one.
func (c *conn) inTransaction() bool {
	if c.do("BEGIN") != nil {
		return true
	}
	return c.do("ROLLBACK") != nil
}

// close ends the connection for good; it does not go back to database/sql's
// pool, where a half-done transaction could wait for the next one.
func (c *conn) close() {
	c.forget()
	_ = c.sql.Raw(func(any) error { return driver.ErrBadConn })
	_ = c.sql.Close()
}

// fileURL is the name of a SQLite file as its driver wants it: "?", "%" and
// "#" in the path are no parameters.
func fileURL(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }
