package durable

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

var (
	// ErrSync is a failed fsync. Nothing is known about the data any more:
	// the caller must end the process.
	ErrSync = errors.New("durable: fsync failed")
	// ErrFull says that the disk or a quota is full. It passes.
	ErrFull = errors.New("durable: disk full")
	// ErrLocked says that another process holds the folder.
	ErrLocked = errors.New("durable: folder is in use")
)

// temporary is the prefix of a file that is not committed yet. Names hides
// such files and Sweep removes them.
const temporary = ".tmp-"

// lockName is the file that Lock locks.
const lockName = "lock"

// Dir is a folder whose files survive a crash. Several goroutines may use it.
type Dir struct {
	path   string
	faults *Faults // nil outside tests
	rel    string  // the path below the folder that faults watches

	turn sync.Mutex // of the fsync that runs
	mu   sync.Mutex
	next *round // the fsync that comes after it; nil when nobody waits for one
}

// round is one fsync of a folder, for all who wait for it.
type round struct {
	done chan struct{}
	err  error // written before done is closed
}

// Open opens the folder at path and creates it, readable by nobody else,
// when it is missing.
func Open(path string) (*Dir, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("durable: open: %w", err)
	}
	if err := makeFolders(abs); err != nil {
		return nil, wrap("open folder", err)
	}
	return &Dir{path: abs}, nil
}

// makeFolders creates path and what is missing above it. Every new entry is
// synced in its parent: a file in a folder that is gone is gone.
func makeFolders(path string) error {
	info, err := os.Stat(path)
	if err == nil {
		if !info.IsDir() {
			return fmt.Errorf("%s is not a folder", path)
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if err := makeFolders(parent); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(parent)
}

// Path is the place of name on the disk, for messages and for engines that
// open files themselves (SQLite).
func (d *Dir) Path(name string) string { return filepath.Join(d.path, name) }

// Sub opens the folder name inside d and creates it when it is missing.
func (d *Dir) Sub(name string) (*Dir, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	sub := &Dir{path: d.Path(name), faults: d.faults, rel: filepath.Join(d.rel, name)}
	if _, err := os.Stat(sub.path); err == nil {
		return sub, nil
	}
	err := d.step("mkdir", name, func() error {
		err := os.Mkdir(sub.path, 0o700)
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}, func(m *model) { m.mkdir(sub.rel) })
	if err != nil {
		return nil, wrap("create folder", err)
	}
	if err := d.sync(); err != nil {
		return nil, err
	}
	return sub, nil
}

// Create starts the file name. It stands under a temporary name, and nobody
// sees it, until Commit.
func (d *Dir) Create(name string) (*File, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	var random [12]byte
	rand.Read(random[:]) // never fails: crypto/rand ends the process instead
	f := &File{dir: d, name: name, temp: temporary + hex.EncodeToString(random[:])}
	err := d.step("create", f.temp, func() (err error) {
		f.file, err = os.OpenFile(d.Path(f.temp), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		return err
	}, func(m *model) { m.create(d.rel, f.temp) })
	if err != nil {
		return nil, wrap("create", err)
	}
	return f, nil
}

// WriteFile makes data the whole content of name. After a crash the file is
// either the old or the new one.
func (d *Dir) WriteFile(name string, data []byte) error {
	f, err := d.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		f.Discard()
		return err
	}
	return f.Commit()
}

// ReadFile reads the whole of name.
func (d *Dir) ReadFile(name string) ([]byte, error) {
	f, err := d.OpenFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, f.Size())
	if _, err := f.ReadAt(data, 0); err != nil && err != io.EOF {
		return nil, err
	}
	return data, nil
}

// OpenFile opens name for reading. A file that is not there is an error that
// is fs.ErrNotExist.
func (d *Dir) OpenFile(name string) (*ReadFile, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	r := &ReadFile{dir: d, name: name}
	err := d.step("open", name, func() (err error) {
		if r.file, err = os.Open(d.Path(name)); err != nil {
			return err
		}
		info, err := r.file.Stat()
		if err != nil {
			r.file.Close()
			return err
		}
		r.size = info.Size()
		return nil
	}, nil)
	if err != nil {
		return nil, wrap("open", err)
	}
	return r, nil
}

// Remove deletes name, durably. A file that is not there is an error that is
// fs.ErrNotExist.
func (d *Dir) Remove(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := d.remove(name); err != nil {
		return err
	}
	return d.sync()
}

// RemoveEach is Remove for many files, with one fsync for all of them. failed
// is told of each that could not be removed; the error is that of the fsync.
func (d *Dir) RemoveEach(names []string, failed func(name string, err error)) error {
	removed := false
	for _, name := range names {
		err := checkName(name)
		if err == nil {
			err = d.remove(name)
		}
		if err != nil {
			failed(name, err)
		}
		removed = removed || err == nil
	}
	if !removed {
		return nil
	}
	return d.sync()
}

func (d *Dir) remove(name string) error {
	err := d.step("remove", name, func() error { return os.Remove(d.Path(name)) },
		func(m *model) { m.remove(d.rel, name) })
	if err != nil {
		return wrap("remove", err)
	}
	return nil
}

// Names lists the committed files of d in order, without folders, the lock
// and files that were never committed.
func (d *Dir) Names() ([]string, error) {
	return d.list(func(e fs.DirEntry) bool {
		return !e.IsDir() && e.Name() != lockName && !strings.HasPrefix(e.Name(), temporary)
	})
}

// Sweep removes what a crash left of files that were never committed and
// returns how many there were. Only the holder of the folder's lock may call
// it, before it creates files.
func (d *Dir) Sweep() (int, error) {
	names, err := d.list(func(e fs.DirEntry) bool {
		return !e.IsDir() && strings.HasPrefix(e.Name(), temporary)
	})
	if err != nil {
		return 0, err
	}
	for i, name := range names {
		if err := d.Remove(name); err != nil {
			return i, err
		}
	}
	return len(names), nil
}

func (d *Dir) list(want func(fs.DirEntry) bool) (names []string, err error) {
	err = d.step("list", "", func() error {
		entries, err := os.ReadDir(d.path)
		for _, e := range entries {
			if want(e) {
				names = append(names, e.Name())
			}
		}
		return err
	}, nil)
	if err != nil {
		return nil, wrap("list", err)
	}
	return names, nil
}

// sync makes the entries of the folder durable. An fsync that has begun may
// miss an entry, so that whoever comes while one runs waits for the next; all
// who wait have one together.
func (d *Dir) sync() error {
	d.mu.Lock()
	r, first := d.next, d.next == nil
	if first {
		r = &round{done: make(chan struct{})}
		d.next = r
	}
	d.mu.Unlock()
	if !first {
		<-r.done
		return r.err
	}
	d.turn.Lock()
	defer d.turn.Unlock()
	d.mu.Lock()
	d.next = nil // who comes from here on is too late for this one
	d.mu.Unlock()
	r.err = d.syncNow()
	close(r.done)
	return r.err
}

func (d *Dir) syncNow() error {
	err := d.step("sync folder", "", func() error { return syncFolder(d.path) },
		func(m *model) { m.syncFolder(d.rel) })
	if err != nil {
		return syncError("sync folder", err)
	}
	return nil
}

// step does one operation. Under test the operation may be made to fail, and
// note keeps the model of the disk in line with it.
func (d *Dir) step(op, name string, do func() error, note func(*model)) error {
	if d.faults == nil {
		return do()
	}
	return d.faults.step(op, filepath.Join(d.rel, name), do, note)
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// checkName keeps a name inside its folder: names come from ids, and an id
// comes from somewhere.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("durable: %q is not a file name", name)
	}
	return nil
}

// wrap gives an error of the disk its place and, when the disk is full, its
// meaning.
func wrap(what string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("durable: %s: %w: %w", what, ErrFull, err)
	}
	return fmt.Errorf("durable: %s: %w", what, err)
}

// syncError is for what fails in or after an fsync. ENOSPC in an fsync is not
// ErrFull: data that Write had taken may be lost, so it is death all the same.
func syncError(what string, err error) error {
	if errors.Is(err, ErrCrashed) {
		return fmt.Errorf("durable: %s: %w", what, err)
	}
	return fmt.Errorf("durable: %s: %w: %v", what, ErrSync, err)
}
