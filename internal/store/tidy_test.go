package store_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"postern.dev/postern/internal/store"
)

func TestWhatWasErasedIsNotInTheFilesAfterTidying(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "postern.db")
	db, err := store.Open(ctx, store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(ctx, "test", []string{"CREATE TABLE secret (id TEXT PRIMARY KEY, data TEXT NOT NULL)"}); err != nil {
		t.Fatal(err)
	}
	change := func(statement string, args ...any) {
		t.Helper()
		err := db.Update(ctx, func(tx *store.Tx) error { _, err := tx.Exec(statement, args...); return err })
		if err != nil {
			t.Fatal(err)
		}
	}
	found := func() (names []string) {
		list, _ := filepath.Glob(path + "*")
		for _, name := range list {
			if text, err := os.ReadFile(name); err == nil && bytes.Contains(text, []byte("canary-of-a-key")) {
				names = append(names, filepath.Base(name))
			}
		}
		return names
	}
	change("INSERT INTO secret (id, data) VALUES ('a', 'canary-of-a-key'), ('b', 'canary-of-a-key')")
	if done, err := db.Tidy(ctx); err != nil || !done {
		t.Fatal(done, err)
	}
	if len(found()) == 0 {
		t.Fatal("the test looks at the wrong files")
	}
	change("UPDATE secret SET data = '' WHERE id = 'a'")
	change("DELETE FROM secret WHERE id = 'b'")
	if done, err := db.Tidy(ctx); err != nil || !done {
		t.Fatal(done, err)
	}
	if names := found(); len(names) > 0 {
		t.Errorf("still in %v", names)
	}
}
