package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

// long says that every operation fails in every way, not only a sample.
func long() bool { return os.Getenv("POSTERN_LONG") != "" }

// diary writes rows one after the other, with a checkpoint after each, and
// says which were acknowledged. It goes on after an error.
func diary(db *store.DB, rows int, told func(error)) (kept []string) {
	for i := range rows {
		id := fmt.Sprint("row ", i)
		err := db.Update(ctx(), func(tx *store.Tx) error {
			if _, err := tx.Exec("PRAGMA wal_autocheckpoint = 4"); err != nil {
				return err
			}
			_, err := tx.Exec("INSERT INTO item (id, b) VALUES (?, ?)", id, make([]byte, 3000*(1+i%4)))
			return err
		})
		if err == nil {
			kept = append(kept, id)
		} else {
			told(err)
		}
		_ = db.View(ctx(), func(tx *store.Tx) error {
			var n int
			return tx.QueryRow("SELECT COUNT(*) FROM item").Scan(&n)
		}) // a reader whose read fails is told, and that is all
	}
	return kept
}

// TestEveryOperationOfTheDatabasesFilesFailsOnce: whatever fails, what was
// acknowledged is there after the next start; what was not is only there when
// the database died in its COMMIT; a full disk is never death.
func TestEveryOperationOfTheDatabasesFilesFailsOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("too slow with the race detector; the stage without it runs this")
	}
	rows := 3
	if long() {
		rows = 6
	}
	seen := map[string]int{}
	for n := 1; ; n++ {
		hows := []storetest.Failure{storetest.NoSpace, storetest.IOError}
		if !long() {
			hows = hows[n%2 : n%2+1]
		}
		fired := false
		for _, how := range hows {
			op, died := failOnce(t, rows, n, how)
			if op == "" {
				continue
			}
			fired = true
			if died {
				op += ": death"
			}
			seen[op]++
		}
		if !fired {
			t.Logf("%d operations: %v", n-1, seen)
			break
		}
	}
	if seen["sync postern.db-wal: death"] < rows {
		t.Error("not every COMMIT waits for its fsync")
	}
	for _, op := range []string{"write postern.db-wal", "write postern.db", "sync postern.db"} {
		if seen[op]+seen[op+": death"] == 0 {
			t.Errorf("never failed: %s", op)
		}
	}
}

// failOnce fails the n-th operation. A checkpoint syncs the log once more and
// then the database: it fails without anybody noticing, may do so, since
// every COMMIT has synced its part of the log, which is kept until a
// checkpoint has come to its end.
func failOnce(t *testing.T, rows, n int, how storetest.Failure) (failed string, died bool) {
	t.Helper()
	folder := t.TempDir()
	disk := storetest.NewDisk(t, folder)
	path := filepath.Join(folder, "postern.db")
	db, err := store.Open(ctx(), store.Config{Path: path, Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	table(t, db)
	disk.FailAt(n, how)
	var last error
	kept := diary(db, rows, func(err error) { last = err })
	failed = disk.Failed()
	disk.FailAt(0, how)
	where := fmt.Sprintf("operation %d (%s), %v: %v", n, failed, how, last)
	died = errors.Is(last, store.ErrDead)
	switch {
	case how == storetest.NoSpace && strings.HasPrefix(failed, "write") && died:
		t.Errorf("%s: a full disk is not death", where)
	case strings.HasPrefix(failed, "sync") && last != nil && !died:
		t.Errorf("%s: it lives on after a failed fsync", where)
	case !died && len(kept) < rows-1:
		t.Errorf("%s: one failure cost %d rows", where, rows-len(kept))
	case last != nil && !died && !errors.Is(last, store.ErrFull):
		t.Errorf("%s: neither death nor a full disk", where)
	}
	_ = db.Close() // it may be dead
	after := everyRow(t, path)
	for _, id := range kept {
		if !after[id] {
			t.Errorf("%s: %s was acknowledged and is lost", where, id)
		}
	}
	if ghosts := len(after) - len(kept); ghosts > 1 || ghosts == 1 && !died {
		t.Errorf("%s: %d rows were never acknowledged", where, ghosts)
	}
	return failed, died
}

// everyRow opens the database as after a start and lists what is there.
func everyRow(t *testing.T, path string) map[string]bool {
	t.Helper()
	db, err := store.Open(ctx(), store.Config{Path: path, Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := map[string]bool{}
	err = db.View(ctx(), func(tx *store.Tx) error {
		var ok string
		if err := tx.QueryRow("PRAGMA integrity_check").Scan(&ok); err != nil || ok != "ok" {
			t.Errorf("integrity: %q, %v", ok, err)
		}
		list, err := tx.Query("SELECT id FROM item")
		if err != nil {
			return err
		}
		for list.Next() {
			var id string
			if err := list.Scan(&id); err != nil {
				return err
			}
			all[id] = true
		}
		return list.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestADiskThatStaysFullPassesWithoutANewStart(t *testing.T) {
	folder := t.TempDir()
	disk := storetest.NewDisk(t, folder)
	db, err := store.Open(ctx(), store.Config{Path: filepath.Join(folder, "postern.db"), Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	table(t, db)
	disk.Fill(true)
	kept := diary(db, 5, func(err error) {
		if !errors.Is(err, store.ErrFull) {
			t.Errorf("%v", err)
		}
	})
	if len(kept) > 0 {
		t.Errorf("kept on a full disk: %v", kept)
	}
	disk.Fill(false)
	if kept := diary(db, 5, func(err error) { t.Errorf("with room again: %v", err) }); len(kept) != 5 {
		t.Errorf("kept %v", kept)
	}
}

func ctx() context.Context { return context.Background() }
