package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Files that are committed at the same time share fsyncs of their folder; each
// is there after a power cut at the moment when its Commit has returned.
func TestFilesThatShareAnFsyncOfTheirFolderSurvive(t *testing.T) {
	var f Faults
	dir, err := OpenFaulty(t.TempDir(), &f)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for n := range 40 {
		all.Go(func() {
			name := fmt.Sprintf("file%d", n)
			if err := dir.WriteFile(name, []byte(name)); err != nil {
				t.Error(err)
			}
			after := filepath.Join(t.TempDir(), "after")
			if err := f.Reboot(after, LoseAll); err != nil {
				t.Error(err)
			}
			if data, err := os.ReadFile(filepath.Join(after, name)); err != nil || string(data) != name {
				t.Errorf("%s was lost: %q %v", name, data, err)
			}
		})
	}
	all.Wait()
}

// Whoever shares an fsync that fails is told of it.
func TestAFailedFsyncIsToldToAllWhoShareIt(t *testing.T) {
	dir, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir.path); err != nil { // no fsync of it can succeed
		t.Fatal(err)
	}
	dir.turn.Lock() // an fsync runs
	errs := make(chan error, 3)
	for range cap(errs) {
		go func() { errs <- dir.sync() }()
	}
	dir.turn.Unlock()
	for range cap(errs) {
		if err := <-errs; !errors.Is(err, ErrSync) {
			t.Errorf("told %v", err)
		}
	}
}

func TestManyFilesGoWithOneFsync(t *testing.T) {
	var f Faults
	dir, err := OpenFaulty(t.TempDir(), &f)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		if err := dir.WriteFile(name, nil); err != nil {
			t.Fatal(err)
		}
	}
	before := f.Ops()
	var failed []string
	err = dir.RemoveEach([]string{"a", "gone", "../x", "b"}, func(name string, _ error) { failed = append(failed, name) })
	if err != nil || fmt.Sprint(failed) != "[gone ../x]" {
		t.Errorf("%v, not removed: %v", err, failed)
	}
	if n := f.Ops() - before; n != 4 { // three removals and one fsync
		t.Errorf("%d operations: %v", n, f.Log()[before:])
	}
	if names, err := dir.Names(); err != nil || fmt.Sprint(names) != "[c]" {
		t.Errorf("left: %v %v", names, err)
	}
	f.FailAt(f.Ops()+2, IOError)
	if err := dir.RemoveEach([]string{"c"}, func(string, error) {}); !errors.Is(err, ErrSync) {
		t.Errorf("a failed fsync: %v", err)
	}
}
