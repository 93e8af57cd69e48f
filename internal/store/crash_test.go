package store_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"postern.dev/postern/internal/store"
)

// snapshot copies the files of a database as they lie on the disk now. keep
// cuts the write-ahead log to its first octets; a negative keep copies all.
func snapshot(t *testing.T, path string, keep int64, tail []byte) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		from, err := os.Open(path + suffix)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var r io.Reader = from
		if suffix != "" && keep >= 0 {
			r = io.LimitReader(from, keep)
		}
		data, err := io.ReadAll(r)
		from.Close()
		if err != nil {
			t.Fatal(err)
		}
		if suffix != "" {
			data = append(data, tail...)
		}
		if err := os.WriteFile(to+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// rowsOf opens a copy, as after a restart, checks it and counts its rows.
func rowsOf(t *testing.T, path string) (n int) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Path: path, Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(t.Context(), func(tx *store.Tx) error {
		var ok string
		if err := tx.QueryRow("PRAGMA integrity_check").Scan(&ok); err != nil || ok != "ok" {
			t.Errorf("integrity: %q, %v", ok, err)
		}
		return tx.QueryRow("SELECT count(*) FROM item").Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestEveryAnswerSurvivesAKill copies the files at named points of many
// groups. A copy holds every row that was acknowledged before and no half
// group.
func TestEveryAnswerSurvivesAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := store.Open(t.Context(), store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	table(t, db)
	type shot struct {
		where      string
		copy       string
		least, top int
	}
	var shots []shot
	acknowledged := 0
	take := func(where string, least, top int) {
		shots = append(shots, shot{where, snapshot(t, path, -1, nil), least, top})
	}
	db.BeforeCommit(func(*store.Tx) error {
		take("before commit", acknowledged, acknowledged)
		return nil
	})
	for i := range 20 {
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec("INSERT INTO item (id, b) VALUES (?, ?)", fmt.Sprint(i), make([]byte, 3000*i))
			take("in a member", acknowledged, acknowledged)
			tx.OnCommit(func() { take("after commit", acknowledged+1, acknowledged+1) })
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		acknowledged++
		take("after the answer", acknowledged, acknowledged)
	}
	for _, s := range shots {
		if n := rowsOf(t, s.copy); n < s.least || n > s.top {
			t.Errorf("%s: %d rows, want %d to %d", s.where, n, s.least, s.top)
		}
	}
}

// TestEveryAnswerSurvivesAPowerCut cuts the log of later groups off at any
// octet, and puts rubbish there. What was synced when an answer was given is
// enough to find its row again.
func TestEveryAnswerSurvivesAPowerCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := store.Open(t.Context(), store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	table(t, db)
	size := func() int64 {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	var synced []int64 // after the n-th answer
	for i := range 8 {
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec("INSERT INTO item (id, b) VALUES (?, ?)", fmt.Sprint(i), make([]byte, 5000))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		synced = append(synced, size())
	}
	for i := range len(synced) - 1 {
		from, to := synced[i], synced[i+1]
		for cut := from; cut < to; cut += 2063 { // a prime: any place of a frame
			for _, tail := range [][]byte{nil, make([]byte, 8192), []byte("rubbish")} {
				// A tail of zeros may be just what was cut off; then the next
				// row is whole.
				n := rowsOf(t, snapshot(t, path, cut, tail))
				if n < i+1 || n > i+1 && (n > i+2 || tail == nil) {
					t.Fatalf("log cut at %d (%d to %d), tail of %d: %d rows, want %d", cut, from, to, len(tail), n, i+1)
				}
			}
		}
	}
}
