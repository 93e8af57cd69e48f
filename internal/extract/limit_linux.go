package extract

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// confine takes from this process what it does not need: memory beyond the
// bound, files, core dumps and new privileges.
func confine(b Bounds) error {
	type limit struct {
		what  int
		value uint64
	}
	limits := []limit{
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_FSIZE, 0},
		{unix.RLIMIT_NOFILE, 32},
	}
	if b.Memory > 0 && !raced {
		// Go reserves far more addresses than it uses, so that the limit on
		// data is the one that bites, and the one on addresses a backstop.
		limits = append(limits,
			limit{unix.RLIMIT_DATA, uint64(b.Memory) + 128<<20},
			limit{unix.RLIMIT_AS, uint64(b.Memory)*2 + 4<<30})
	}
	for _, l := range limits {
		if err := unix.Setrlimit(l.what, &unix.Rlimit{Cur: l.value, Max: l.value}); err != nil {
			return fmt.Errorf("extract: setrlimit %d: %w", l.what, err)
		}
	}
	for _, set := range [][2]uintptr{
		{unix.PR_SET_NO_NEW_PRIVS, 1}, {unix.PR_SET_DUMPABLE, 0}, {unix.PR_SET_TIMERSLACK, uintptr(timerSlack)},
	} {
		option, value := set[0], set[1]
		// Threads that run already must be told too; a binary with cgo (a
		// race build) cannot, and then the threads to come inherit it.
		if _, _, e := syscall.AllThreadsSyscall6(syscall.SYS_PRCTL, option, value, 0, 0, 0, 0); e != 0 && e != syscall.ENOTSUP {
			return fmt.Errorf("extract: prctl %d: %w", option, e)
		} else if e == syscall.ENOTSUP {
			if err := unix.Prctl(int(option), value, 0, 0, 0); err != nil {
				return fmt.Errorf("extract: prctl %d: %w", option, err)
			}
		}
	}
	return nil
}

// timerSlack is how much later than asked a thread of a child may be woken.
// Go's monitor asks for 20 µs again and again while a job runs; nothing in a
// child is so urgent, and each time costs the switch to it and back.
const timerSlack = 12 * time.Millisecond

// silent reports whether nothing can be read from a pipe and its other end is
// open.
func silent(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	nothing := false
	var b [1]byte
	_ = raw.Control(func(fd uintptr) {
		_, err := unix.Read(int(fd), b[:])
		nothing = err == unix.EAGAIN
	})
	return nothing
}

// newBoard makes a board and the file by which a child gets it.
func newBoard() (*board, *os.File, error) {
	fd, err := unix.MemfdCreate("postern-board", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, nil, fmt.Errorf("extract: board: %w", err)
	}
	f := os.NewFile(uintptr(fd), "board")
	if err := f.Truncate(boardSize); err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("extract: board: %w", err)
	}
	b, err := mapBoard(f)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return b, f, nil
}

func mapBoard(f *os.File) (*board, error) {
	page, err := unix.Mmap(int(f.Fd()), 0, boardSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("extract: board: %w", err)
	}
	b := &board{page: page}
	// A job that ends may still read it when its child is gone already.
	runtime.AddCleanup(b, func(page []byte) { _ = unix.Munmap(page) }, page)
	return b, nil
}

// limitCPU gives the process that much processor time more.
func limitCPU(more time.Duration) {
	var used unix.Rusage
	if more <= 0 || unix.Getrusage(unix.RUSAGE_SELF, &used) != nil {
		return
	}
	seconds := uint64(used.Utime.Sec+used.Stime.Sec) + uint64(more/time.Second) + 2
	var now unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CPU, &now) == nil {
		_ = unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: min(seconds, now.Max), Max: now.Max})
	}
}

// pipeSize is how much may wait in the pipe to a child: most messages fit, so
// that neither side has to wait for the other in the middle.
const pipeSize = 256 << 10

// widen makes a pipe larger, where the system lets us.
func widen(w io.Writer) {
	if f, ok := w.(interface {
		SyscallConn() (syscall.RawConn, error)
	}); ok {
		if raw, err := f.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) })
		}
	}
}

// group puts the child into a process group of its own, so that nothing it
// starts survives it.
func group() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

// resident is the memory that a process holds for itself now; 0 when unknown.
// Files that are mapped do not count: all children share one copy of a table.
func resident(pid int) int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 3 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	shared, _ := strconv.ParseInt(fields[2], 10, 64)
	return max(0, pages-shared) * int64(os.Getpagesize())
}
