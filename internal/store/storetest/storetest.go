// Package storetest runs a test on every engine of package store: on a real
// SQLite file always, and on a real PostgreSQL when there is one.
//
// PostgreSQL is, in this order: the server that the environment variable
// POSTERN_TEST_POSTGRES names (a URL), or a private server that is started
// from the binaries below /usr/lib/postgresql and ends with the test process.
// Without either the test says SKIPPED. Every test has a schema of its own.
//
// It is for tests only and knows no table.
//
// Standards: none.
package storetest

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"postern.dev/postern/internal/store"
)

// Each runs test on SQLite and on PostgreSQL, each time with an empty
// database that is closed afterwards.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgresql", func(t *testing.T) { test(t, Postgres(t)) })
}

// SQLite opens an empty database file in a folder of the test. Inside a
// testing/synctest bubble call it there, with the bubble's t.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	return open(t, store.Config{Path: filepath.Join(t.TempDir(), "postern.db")})
}

// Postgres opens an empty PostgreSQL database, or skips the test.
func Postgres(t testing.TB) *store.DB {
	t.Helper()
	return open(t, store.Config{URL: PostgresURL(t), Unsafe: true, Patience: 30 * time.Second})
}

// PostgresURL is the address of an empty schema, or skips the test. Several
// databases may be opened on it, as several processes of a cluster would.
func PostgresURL(t testing.TB) string {
	t.Helper()
	address, err := server()
	if err != nil {
		t.Skip("SKIPPED postgresql: " + err.Error())
	}
	admin, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	schema := "test_" + store.NewID(time.Now())
	if _, err := admin.ExecContext(context.Background(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer admin.Close()
		if _, err := admin.ExecContext(context.Background(), "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

func open(t testing.TB, c store.Config) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil && err != store.ErrClosed {
			t.Error(err)
		}
	})
	return db
}

// variable names the server; a server that was started here is remembered
// there too, for the next test of the process.
const variable = "POSTERN_TEST_POSTGRES"

func server() (string, error) {
	if address := os.Getenv(variable); address != "" {
		return address, nil
	}
	address, err := start()
	if err != nil {
		return "", err
	}
	return address, os.Setenv(variable, address)
}
