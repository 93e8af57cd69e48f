package storetest

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// Failure is a way in which an operation of SQLite's files fails.
type Failure int

// The failures. NoSpace is what a full disk does; a write has then written
// its first half.
const (
	NoSpace Failure = iota + 1
	IOError
)

// Disk makes operations on SQLite's files fail, below one folder. It stands
// between SQLite and its own layer for files, so that every call is seen.
type Disk struct {
	folder string

	mu     sync.Mutex
	ops    int
	log    []string
	failAt int
	how    Failure
	full   bool
	fired  int
}

// NewDisk watches the database files below a folder from now on; open the
// database afterwards.
func NewDisk(t testing.TB, folder string) *Disk {
	t.Helper()
	abs, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	d := &Disk{folder: abs}
	if err := shimmed.install(d); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shimmed.remove(d) })
	return d
}

// FailAt makes the n-th operation from now on fail (counted from 1); 0 takes
// that back.
func (d *Disk) FailAt(n int, how Failure) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.how, d.failAt = how, 0
	if n > 0 {
		d.failAt = d.ops + n
	}
}

// Fill makes every operation fail that needs room, until the disk is emptied.
func (d *Disk) Fill(full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = full
}

// Ops is the number of operations so far.
func (d *Disk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

// Fired is how many operations FailAt made fail.
func (d *Disk) Fired() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fired
}

// Failed is the operation that FailAt made fail, such as "write postern.db",
// or "".
func (d *Disk) Failed() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failAt == 0 || len(d.log) < d.failAt {
		return ""
	}
	return d.log[d.failAt-1]
}

// step counts an operation and says what it answers instead; 0 is nothing.
func (d *Disk) step(op, path string) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops++
	d.log = append(d.log, op+" "+filepath.Base(path))
	if d.ops == d.failAt {
		d.fired++
		return codeOf(op, d.how)
	}
	if d.full && (op == "write" || op == "shm") {
		return codeOf(op, NoSpace)
	}
	return sqlite3.SQLITE_OK
}

// codeOf is what SQLite's own layer makes of ENOSPC and EIO.
func codeOf(op string, how Failure) int32 {
	switch {
	case op == "write" && how == NoSpace:
		return sqlite3.SQLITE_FULL
	case op == "shm" && how == NoSpace:
		return sqlite3.SQLITE_IOERR_SHMSIZE
	}
	return map[string]int32{
		"write": sqlite3.SQLITE_IOERR_WRITE, "read": sqlite3.SQLITE_IOERR_READ, "truncate": sqlite3.SQLITE_IOERR_TRUNCATE,
		"sync": sqlite3.SQLITE_IOERR_FSYNC, "shm": sqlite3.SQLITE_IOERR_SHMMAP, "open": sqlite3.SQLITE_CANTOPEN,
		"delete": sqlite3.SQLITE_IOERR_DELETE,
	}[op]
}

// shim is the layer between SQLite and its own layer for files. It is put in
// once and stays: open databases keep pointing at it.
type shim struct {
	mu      sync.Mutex
	disks   map[*Disk]bool
	files   map[uintptr]shimmedFile
	methods map[uintptr]uintptr // ours, by SQLite's
	keep    []any               // what SQLite has the addresses of
	real    *sqlite3.Tsqlite3_vfs
	own     uintptr
}

type shimmedFile struct {
	disk *Disk
	path string
	real *sqlite3.Tsqlite3_io_methods
}

var shimmed = shim{disks: map[*Disk]bool{}, files: map[uintptr]shimmedFile{}, methods: map[uintptr]uintptr{}}

type (
	openFunc     = func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32
	deleteFunc   = func(*libc.TLS, uintptr, uintptr, int32) int32
	closeFunc    = func(*libc.TLS, uintptr) int32
	transferFunc = func(*libc.TLS, uintptr, uintptr, int32, int64) int32
	truncateFunc = func(*libc.TLS, uintptr, int64) int32
	syncFunc     = func(*libc.TLS, uintptr, int32) int32
	shmFunc      = func(*libc.TLS, uintptr, int32, int32, int32, uintptr) int32
)

// at reads memory that is SQLite's.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// call makes a function of its address, address the reverse.
func call[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&struct{ uintptr }{p})) }

func (s *shim) address(f any) uintptr {
	s.keep = append(s.keep, f)
	return (*[2]uintptr)(unsafe.Pointer(&f))[1]
}

func (s *shim) install(d *Disk) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disks[d] = true
	if s.own != 0 {
		return nil
	}
	tls := libc.NewTLS()
	defer tls.Close()
	found := sqlite3.Xsqlite3_vfs_find(tls, 0)
	if found == 0 {
		return fmt.Errorf("storetest: SQLite has no layer for files")
	}
	s.real = at[sqlite3.Tsqlite3_vfs](found)
	name, err := libc.CString("storetest")
	if err != nil {
		return err
	}
	s.own = libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(*s.real)))
	own := at[sqlite3.Tsqlite3_vfs](s.own)
	*own = *s.real
	own.FzName, own.FpNext = name, 0
	own.FxOpen, own.FxDelete = s.address(openFunc(s.open)), s.address(deleteFunc(s.delete))
	if rc := sqlite3.Xsqlite3_vfs_register(tls, s.own, 1); rc != 0 {
		return fmt.Errorf("storetest: register: %d", rc)
	}
	return nil
}

func (s *shim) remove(d *Disk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.disks, d)
}

func (s *shim) diskOf(path string) *Disk {
	s.mu.Lock()
	defer s.mu.Unlock()
	for d := range s.disks {
		if strings.HasPrefix(path, d.folder+"/") {
			return d
		}
	}
	return nil
}

func (s *shim) file(p uintptr) shimmedFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files[p]
}

func (s *shim) open(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32 {
	var d *Disk
	path := ""
	if name != 0 {
		path = libc.GoString(name)
		d = s.diskOf(path)
	}
	if d != nil {
		if rc := d.step("open", path); rc != 0 {
			at[sqlite3.Tsqlite3_file](file).FpMethods = 0
			return rc
		}
	}
	rc := call[openFunc](s.real.FxOpen)(tls, vfs, name, file, flags, out)
	f := at[sqlite3.Tsqlite3_file](file)
	if rc == 0 && d != nil && f.FpMethods != 0 {
		s.mu.Lock()
		s.files[file] = shimmedFile{d, path, at[sqlite3.Tsqlite3_io_methods](f.FpMethods)}
		f.FpMethods = s.table(tls, f.FpMethods)
		s.mu.Unlock()
	}
	return rc
}

// table is a copy of a table of methods with ours in it. s.mu is held.
func (s *shim) table(tls *libc.TLS, real uintptr) uintptr {
	if own := s.methods[real]; own != 0 {
		return own
	}
	m := at[sqlite3.Tsqlite3_io_methods](real)
	p := libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(*m)))
	own := at[sqlite3.Tsqlite3_io_methods](p)
	*own = *m
	own.FxClose, own.FxRead = s.address(closeFunc(s.close)), s.address(transferFunc(s.read))
	own.FxWrite, own.FxTruncate = s.address(transferFunc(s.write)), s.address(truncateFunc(s.truncate))
	own.FxSync, own.FxShmMap = s.address(syncFunc(s.sync)), s.address(shmFunc(s.shm))
	s.methods[real] = p
	return p
}

func (s *shim) delete(tls *libc.TLS, vfs, name uintptr, sync int32) int32 {
	path := libc.GoString(name)
	if d := s.diskOf(path); d != nil {
		if rc := d.step("delete", path); rc != 0 {
			return rc
		}
	}
	return call[deleteFunc](s.real.FxDelete)(tls, vfs, name, sync)
}

func (s *shim) close(tls *libc.TLS, file uintptr) int32 {
	f := s.file(file)
	s.mu.Lock()
	delete(s.files, file)
	s.mu.Unlock()
	return call[closeFunc](f.real.FxClose)(tls, file)
}

func (s *shim) read(tls *libc.TLS, file, to uintptr, n int32, off int64) int32 {
	f := s.file(file)
	if rc := f.disk.step("read", f.path); rc != 0 {
		return rc
	}
	return call[transferFunc](f.real.FxRead)(tls, file, to, n, off)
}

func (s *shim) write(tls *libc.TLS, file, from uintptr, n int32, off int64) int32 {
	f := s.file(file)
	rc := f.disk.step("write", f.path)
	if rc == 0 {
		return call[transferFunc](f.real.FxWrite)(tls, file, from, n, off)
	}
	if n > 1 {
		_ = call[transferFunc](f.real.FxWrite)(tls, file, from, n/2, off)
	}
	return rc
}

func (s *shim) truncate(tls *libc.TLS, file uintptr, size int64) int32 {
	f := s.file(file)
	if rc := f.disk.step("truncate", f.path); rc != 0 {
		return rc
	}
	return call[truncateFunc](f.real.FxTruncate)(tls, file, size)
}

func (s *shim) sync(tls *libc.TLS, file uintptr, flags int32) int32 {
	f := s.file(file)
	if rc := f.disk.step("sync", f.path); rc != 0 {
		return rc
	}
	return call[syncFunc](f.real.FxSync)(tls, file, flags)
}

func (s *shim) shm(tls *libc.TLS, file uintptr, region, size, extend int32, out uintptr) int32 {
	f := s.file(file)
	if rc := f.disk.step("shm", f.path); rc != 0 {
		return rc
	}
	return call[shmFunc](f.real.FxShmMap)(tls, file, region, size, extend, out)
}
