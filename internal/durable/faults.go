package durable

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
)

// ErrCrashed is what every operation answers after a simulated crash.
var ErrCrashed = errors.New("durable: the process is dead (simulated)")

// Fault is a way in which one operation fails.
type Fault int

// The faults. A write that fails with NoSpace or ShortWrite has written the
// first half.
const (
	IOError Fault = iota + 1
	NoSpace
	ShortWrite
)

// Faults makes the operations below a folder fail, for tests. The zero value
// only counts. One Faults watches one OpenFaulty.
type Faults struct {
	mu      sync.Mutex
	ops     int
	log     []string
	failAt  int
	fault   Fault
	mortal  bool
	dieAt   int
	crashed bool
	failed  int
	model   *model
}

// OpenFaulty is Open for tests: the operations of the folder and of its Subs
// go through f. What is there now counts as durable.
func OpenFaulty(path string, f *Faults) (*Dir, error) {
	d, err := Open(path)
	if err != nil {
		return nil, err
	}
	m, err := readModel(d.path)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.model = m
	f.mu.Unlock()
	d.faults = f
	return d, nil
}

// FailAt makes the n-th operation from the first one fail (counted from 1).
func (f *Faults) FailAt(n int, with Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failAt, f.fault = n, with
}

// CrashAfter lets n operations happen and no further one, as if the process
// had been killed or the power had gone.
func (f *Faults) CrashAfter(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mortal, f.dieAt = true, n
}

// Ops is the number of operations so far; those refused after a crash do not
// count.
func (f *Faults) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops
}

// Log lists the operations so far, for the message of a failing test.
func (f *Faults) Log() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.log...)
}

// Crashed reports whether an operation was refused because of CrashAfter.
func (f *Faults) Crashed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.crashed
}

// Failed is how many operations were made to fail.
func (f *Faults) Failed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// Op counts an operation that is not a file's, such as a COMMIT, so that a
// test can crash there too: call it just before, and do nothing when it
// returns an error.
func (f *Faults) Op(name string) error {
	return f.step(name, "", func() error { return nil }, nil)
}

func (f *Faults) step(op, name string, do func() error, note func(*model)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mortal && f.ops >= f.dieAt {
		f.crashed = true
		return ErrCrashed
	}
	f.ops++
	f.log = append(f.log, fmt.Sprintf("%d %s %s", f.ops, op, name))
	if f.ops == f.failAt {
		f.failed++
	}
	if f.ops == f.failAt && op != "write" {
		if f.model != nil && (op == "sync" || op == "sync folder") {
			f.model.poison(op, name)
		}
		return f.fault.err()
	}
	err := do()
	// A write that failed half way has changed the file; everything else
	// that failed has changed nothing.
	if note != nil && f.model != nil && (err == nil || op == "write") {
		note(f.model)
	}
	return err
}

// shorten is asked by a write, inside its step, what of p it may write.
func (f *Faults) shorten(p []byte) ([]byte, error) {
	if f.ops != f.failAt {
		return p, nil
	}
	if f.fault == IOError {
		return nil, f.fault.err()
	}
	return p[:len(p)/2], f.fault.err()
}

func (k Fault) err() error {
	switch k {
	case NoSpace:
		return syscall.ENOSPC
	case ShortWrite:
		return io.ErrShortWrite
	default:
		return syscall.EIO
	}
}
