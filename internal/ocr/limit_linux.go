package ocr

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// alone puts the program into a process group of its own, which ends with it,
// and lets it not outlive us.
func alone(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// limit bounds a process that waits for its input.
func limit(pid int, most time.Duration) error {
	for _, l := range []struct {
		what  int
		value uint64
	}{
		{unix.RLIMIT_AS, maxMemory},
		{unix.RLIMIT_CPU, uint64(most/time.Second) + 1},
		{unix.RLIMIT_FSIZE, 0},
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_NOFILE, 64},
	} {
		if err := unix.Prlimit(pid, l.what, &unix.Rlimit{Cur: l.value, Max: l.value}, nil); err != nil {
			return fmt.Errorf("ocr: limits: %w", err)
		}
	}
	return nil
}
