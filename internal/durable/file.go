package durable

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// errOver is the answer to the use of a File after Commit or Discard.
var errOver = errors.New("durable: file is committed or discarded")

// File is a file that is being written. It belongs to one goroutine.
type File struct {
	dir  *Dir
	name string
	temp string
	file *os.File // nil after Commit or Discard
}

// Write appends p. After an error the file can only be discarded.
func (f *File) Write(p []byte) (n int, err error) {
	if f.file == nil {
		return 0, errOver
	}
	err = f.dir.step("write", f.temp, func() error {
		part, cut := p, error(nil)
		if f.dir.faults != nil {
			part, cut = f.dir.faults.shorten(p)
		}
		n, err = f.file.Write(part)
		return errors.Join(err, cut)
	}, func(m *model) { m.write(f.dir.rel, f.temp, p[:n]) })
	if err != nil {
		return n, wrap("write", err)
	}
	return n, nil
}

// Commit makes the file durable under its name: fsync of the file, rename,
// fsync of the folder. When it fails the File is over; an error that is
// ErrSync must end the process.
func (f *File) Commit() error {
	if f.file == nil {
		return errOver
	}
	file := f.file
	f.file = nil
	err := f.dir.step("sync", f.temp, file.Sync, func(m *model) { m.sync(f.dir.rel, f.temp) })
	if err != nil {
		file.Close()
		return syncError("sync", err)
	}
	if err := file.Close(); err != nil { // a network file system may tell only now
		return syncError("close", err)
	}
	err = f.dir.step("rename", f.name, func() error {
		return os.Rename(f.dir.Path(f.temp), f.dir.Path(f.name))
	}, func(m *model) { m.rename(f.dir.rel, f.temp, f.name) })
	if err != nil {
		f.unlink()
		return wrap("rename", err)
	}
	return f.dir.sync()
}

// Discard removes the file; after Commit it does nothing. There is nothing to
// do about an error: Sweep removes the rest at the next start.
func (f *File) Discard() {
	if f.file == nil {
		return
	}
	f.file.Close()
	f.file = nil
	f.unlink()
}

func (f *File) unlink() {
	_ = f.dir.step("discard", f.temp, func() error { return os.Remove(f.dir.Path(f.temp)) },
		func(m *model) { m.remove(f.dir.rel, f.temp) })
}

// ReadFile is a committed file, open for reading. Several goroutines may read.
type ReadFile struct {
	dir  *Dir
	name string
	file *os.File
	size int64
}

// ReadAt implements io.ReaderAt.
func (r *ReadFile) ReadAt(p []byte, off int64) (n int, err error) {
	err = r.dir.step("read", r.name, func() (err error) {
		n, err = r.file.ReadAt(p, off)
		return err
	}, nil)
	if err != nil && err != io.EOF {
		return n, fmt.Errorf("durable: read: %w", err)
	}
	return n, err
}

// Size is the number of octets.
func (r *ReadFile) Size() int64 { return r.size }

// Close implements io.Closer.
func (r *ReadFile) Close() error { return r.file.Close() }
