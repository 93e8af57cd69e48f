package store_test

import (
	"path/filepath"
	"sync"
	"testing"

	"postern.dev/postern/internal/store"
)

// TestAFileThatOthersCloseCanBeOpened opens and closes one file by several at a
// time: whoever closes last locks it for a moment.
func TestAFileThatOthersCloseCanBeOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 25 {
				db, err := store.Open(t.Context(), store.Config{Path: path, Readers: 1})
				if err != nil {
					t.Error(err)
					return
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
