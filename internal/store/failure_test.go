package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"postern.dev/postern/internal/problem"
)

func openFile(t *testing.T, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), Config{Path: path, Patience: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(t.Context(), "test", []string{"CREATE TABLE item (id TEXT PRIMARY KEY, b BLOB)"}); err != nil {
		t.Fatal(err)
	}
	return db
}

func put(id string, size int) func(*Tx) error {
	return func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO item (id, b) VALUES (?, ?)", id, make([]byte, size))
		return err
	}
}

func count(t *testing.T, db *DB) (n int) {
	t.Helper()
	err := db.View(t.Context(), func(tx *Tx) error { return tx.QueryRow("SELECT count(*) FROM item").Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func alive(t *testing.T, db *DB) {
	t.Helper()
	select {
	case err := <-db.Dead():
		t.Fatalf("the database died: %v", err)
	default:
	}
}

func TestEveryConnectionKeepsItsPromise(t *testing.T) {
	db := openFile(t, filepath.Join(t.TempDir(), "x.db"))
	for range 2 {
		check := func(tx *Tx) error {
			for query, want := range map[string]string{
				"PRAGMA synchronous": "2", "PRAGMA journal_mode": "wal", "PRAGMA foreign_keys": "1", "PRAGMA temp_store": "2",
			} {
				var got string
				if err := tx.QueryRow(query).Scan(&got); err != nil || got != want {
					t.Errorf("%s: %q, %v", query, got, err)
				}
			}
			return nil
		}
		if err := errors.Join(db.Update(t.Context(), check), db.View(t.Context(), check)); err != nil {
			t.Fatal(err)
		}
	}
	c := db.writer
	if err := c.do("PRAGMA synchronous = NORMAL"); err != nil {
		t.Fatal(err)
	}
	if err := c.insist(map[string]string{"PRAGMA synchronous": "2"}); !errors.Is(err, ErrUnsafe) {
		t.Errorf("synchronous=NORMAL was taken: %v", err)
	}
}

func TestOldSQLiteIsRefused(t *testing.T) {
	for version, want := range map[string]bool{
		"3.51.3": true, "3.51.2": false, "3.51": false, "3.52.0": true,
		"4.0.0": true, "3.9.9": false, "": false, "3.100.0": true,
	} {
		if got := atLeast(version, 3, 51, 3); got != want {
			t.Errorf("atLeast(%q) = %v", version, got)
		}
	}
}

func TestAFullDiskPasses(t *testing.T) {
	db := openFile(t, filepath.Join(t.TempDir(), "x.db"))
	limit := func(pages int) {
		err := db.Update(t.Context(), func(tx *Tx) error { return tx.conn.do(fmt.Sprint("PRAGMA max_page_count = ", pages)) })
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Update(t.Context(), put("before", 10)); err != nil {
		t.Fatal(err)
	}
	limit(10)
	err := db.Update(t.Context(), put("large", 1<<20))
	if !errors.Is(err, ErrFull) || Problem(err) != problem.StoreFull {
		t.Errorf("%v", err)
	}
	// Who ignores the error is told all the same: SQLite may have rolled back.
	err = db.Update(t.Context(), func(tx *Tx) error { _ = put("large", 1<<20)(tx); return nil })
	if !errors.Is(err, ErrFull) {
		t.Errorf("ignored: %v", err)
	}
	limit(1 << 30)
	if err := db.Update(t.Context(), put("large", 1<<20)); err != nil {
		t.Errorf("with space again: %v", err)
	}
	alive(t, db)
	if n := count(t, db); n != 2 {
		t.Errorf("%d rows", n)
	}
}

func TestALockedDatabasePasses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := openFile(t, path)
	other, err := sql.Open("sqlite", fileURL(path))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	c, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), put("a", 1))
	if !errors.Is(err, ErrLocked) || Problem(err) != problem.StoreLocked {
		t.Errorf("%v", err)
	}
	if _, err := c.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := db.Update(t.Context(), put("a", 1)); err != nil {
		t.Errorf("unlocked: %v", err)
	}
	alive(t, db)
}

// A lock that stays costs its patience once for all who wait, not once for
// each: the last of a hundred clients would wait for minutes.
func TestWhoWaitsForALockedDatabaseIsToldTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := openFile(t, path)
	if err := db.writer.do("PRAGMA busy_timeout = 200"); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", fileURL(path))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	const clients = 100
	errs := make(chan error)
	for i := range clients {
		go func() { errs <- db.Update(t.Context(), put(fmt.Sprint(i), 1)) }()
	}
	for range clients {
		if err := <-errs; !errors.Is(err, ErrLocked) {
			t.Errorf("%v", err)
		}
	}
	if n := db.Stats().Undone; n > clients/10 {
		t.Errorf("the lock was waited for %d times", n)
	}
	alive(t, db)
}

// The index of the log has no room: before a COMMIT nothing has happened, in
// it nobody knows.
func TestAnIndexWithoutRoomIsAFullDiskExceptInACommit(t *testing.T) {
	why := errors.New("disk I/O error (4874)")
	if f, err := fateOfSQLite(sqlite3.SQLITE_IOERR_SHMSIZE, why); f != full || !errors.Is(err, ErrFull) {
		t.Errorf("%v %v", f, err)
	}
	if f, _ := fateOfSQLiteCommit(sqlite3.SQLITE_IOERR_SHMSIZE, why); f != deadly {
		t.Errorf("in a COMMIT: %v", f)
	}
}

func TestAnAmbiguousCommitIsDeath(t *testing.T) {
	db := openFile(t, filepath.Join(t.TempDir(), "x.db"))
	lose := errors.New("connection reset")
	db.commit = func(*conn) error { return lose }
	err := db.Update(t.Context(), put("a", 1))
	if !errors.Is(err, ErrDead) || !errors.Is(err, lose) || Problem(err) != problem.StoreDead {
		t.Errorf("%v", err)
	}
	if cause := <-db.Dead(); !errors.Is(cause, lose) {
		t.Errorf("cause: %v", cause)
	}
	if err := db.Update(t.Context(), put("b", 1)); !errors.Is(err, ErrDead) {
		t.Errorf("it lives: %v", err)
	}
}

func TestWhoWaitsWhenTheDatabaseDiesIsTold(t *testing.T) {
	db := openFile(t, filepath.Join(t.TempDir(), "x.db"))
	inCommit, release := make(chan struct{}), make(chan struct{})
	db.commit = func(*conn) error { close(inCommit); <-release; return io.ErrUnexpectedEOF }
	errs := make(chan error)
	go func() { errs <- db.Update(t.Context(), put("a", 1)) }()
	<-inCommit
	for range 5 {
		go func() { errs <- db.Update(t.Context(), put("b", 1)) }()
	}
	close(release)
	for range 6 {
		if err := <-errs; !errors.Is(err, ErrDead) {
			t.Errorf("%v", err)
		}
	}
}

func TestACallbackThatEndsTheWriterKillsTheDatabase(t *testing.T) {
	db := openFile(t, filepath.Join(t.TempDir(), "x.db"))
	err := db.Update(t.Context(), func(*Tx) error { runtime.Goexit(); return nil })
	if !errors.Is(err, ErrDead) || !strings.Contains(err.Error(), "Goexit") {
		t.Errorf("%v", err)
	}
}

func TestOnlyTheEngineKnowsWhatACommitDid(t *testing.T) {
	for _, test := range []struct {
		err  error
		want fate
	}{
		{io.EOF, deadly}, {context.DeadlineExceeded, deadly}, {errors.New("?"), deadly}, {os.ErrDeadlineExceeded, deadly},
	} {
		if got, _ := fateOfCommit(test.err); got != test.want {
			t.Errorf("%v: %v", test.err, got)
		}
	}
}

// TestAnIOErrorIsDeath runs a database in a process of its own whose files may
// not grow any more: write(2) fails with EFBIG, which SQLite reports as an I/O
// error.
func TestAnIOErrorIsDeath(t *testing.T) {
	const variable = "STORE_TEST_IOERROR"
	if path := os.Getenv(variable); path != "" {
		failingDisk(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "x.db")
	cmd := exec.Command(os.Args[0], "-test.run=^TestAnIOErrorIsDeath$")
	cmd.Env = append(os.Environ(), variable+"="+path)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "acknowledged ") {
		t.Fatalf("%v\n%s", err, out)
	}
	_, rest, _ := strings.Cut(string(out), "acknowledged ")
	var acknowledged int
	if _, err := fmt.Sscan(rest, &acknowledged); err != nil {
		t.Fatal(err)
	}
	db := openFile(t, path)
	if n := count(t, db); n != acknowledged || n == 0 {
		t.Errorf("%d rows, %d were acknowledged", n, acknowledged)
	}
}

func failingDisk(t *testing.T, path string) {
	signal.Ignore(syscall.SIGXFSZ)
	db, err := Open(t.Context(), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context(), "test", []string{"CREATE TABLE item (id TEXT PRIMARY KEY, b BLOB)"}); err != nil {
		t.Fatal(err)
	}
	limit := syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	for n := range 1000 {
		err := db.Update(t.Context(), put(fmt.Sprint(n), 50000))
		if err == nil {
			continue
		}
		if !errors.Is(err, ErrDead) {
			t.Errorf("%v", err)
		}
		if cause := <-db.Dead(); cause == nil {
			t.Error("no cause")
		}
		if err := db.Update(t.Context(), put("late", 1)); !errors.Is(err, ErrDead) {
			t.Errorf("it lives: %v", err)
		}
		fmt.Println("acknowledged", n)
		return // without Close: the process ends
	}
	t.Error("the disk did not fail")
}
