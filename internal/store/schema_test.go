package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/store/storetest"
)

func TestEachSchemaStepRunsOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		one := "CREATE TABLE a (id TEXT PRIMARY KEY) WITHOUT ROWID"
		two := "ALTER TABLE a ADD COLUMN b BLOB; CREATE INDEX a_b ON a (b)"
		for _, steps := range [][]string{{one}, {one}, {one, two}, {one, two}} {
			if err := db.Migrate(t.Context(), "room", steps); err != nil {
				t.Fatal(err)
			}
		}
		// Another room counts for itself.
		if err := db.Migrate(t.Context(), "other", []string{"CREATE TABLE o (id TEXT)"}); err != nil {
			t.Fatal(err)
		}
		err := db.Migrate(t.Context(), "room", []string{one})
		if !errors.Is(err, store.ErrNewer) || store.Problem(err) != problem.StoreNewer {
			t.Errorf("a newer database was taken: %v", err)
		}
	})
}

func TestABrokenStepLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		good, bad := "CREATE TABLE a (id TEXT)", "CREATE TABLE b (id TEXT); CREATE TABEL c (id TEXT)"
		err := db.Migrate(t.Context(), "room", []string{good, bad})
		if err == nil || !strings.Contains(err.Error(), "migrate room: step 2") {
			t.Fatalf("%v", err)
		}
		if err := db.Migrate(t.Context(), "room", []string{good, "CREATE TABLE b (id TEXT)"}); err != nil {
			t.Errorf("after repair: %v", err)
		}
	})
}

func TestTheDatabaseIsForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data ?#%20", "postern.db")
	db, err := store.Open(t.Context(), store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	table(t, db)
	all, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || !slices.Contains(all, path) || len(all) < 2 {
		t.Fatalf("%q, %v", all, err)
	}
	for _, name := range all {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestConfigurationMistakesAreToldTogether(t *testing.T) {
	err := store.Config{Path: "a", URL: "mysql://user:secret@host", Readers: -1, Patience: -1}.Check()
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{"path and url", "store.url", "store.readers", "store.patience"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Error("the message shows the password")
	}
	if err := (store.Config{Path: "a"}).Check(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postern.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(t.Context(), store.Config{Path: path})
	if !errors.Is(err, store.ErrOpen) || store.Problem(err) != problem.StoreUnopened {
		t.Errorf("%v", err)
	}
}

func TestAServerWithoutFsyncIsRefused(t *testing.T) {
	address := storetest.PostgresURL(t)
	db, err := store.Open(t.Context(), store.Config{URL: address})
	if err == nil {
		defer db.Close()
		var fsync string
		_ = db.View(t.Context(), func(tx *store.Tx) error { return tx.QueryRow("SHOW fsync").Scan(&fsync) })
		if fsync != "on" {
			t.Error("taken")
		}
		return
	}
	if store.Problem(err) != problem.StoreUnsafe {
		t.Errorf("%v", err)
	}
}

func TestIDsAreUniqueAndSortByTime(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	seen := map[string]bool{}
	var last string
	for i := range 1000 {
		id := store.NewID(now.Add(time.Duration(i) * time.Millisecond))
		if len(id) != 26 || strings.Trim(id, "0123456789abcdefghjkmnpqrstvwxyz") != "" || seen[id] || id <= last {
			t.Fatalf("%q after %q", id, last)
		}
		seen[id], last = true, id
	}
	if id := store.NewID(time.UnixMilli(0)); !strings.HasPrefix(id, "0000000000") {
		t.Errorf("the time is not in front: %q", id)
	}
	if id := store.NewID(time.UnixMilli(1<<48 - 1)); !strings.HasPrefix(id, "7zzzzzzzzz") {
		t.Errorf("the last time is not 7zzzzzzzzz: %q", id)
	}
}
