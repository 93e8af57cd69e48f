package main

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// slack is how late the system may wake a thread of ours that sleeps
// (prctl(2), PR_SET_TIMERSLACK). The watcher of Go's runtime sleeps 20
// microseconds at a time as long as there is work; with the system's 50 of
// slack it is awake more often than everything else together, here and in the
// processes that look, which inherit the setting. No timer of ours needs to be
// that exact.
const slack = 1_000_000 // nanoseconds

// loosen starts this program again in the same process, with more slack: only
// an exec reaches the threads of the runtime that run already. What began it
// may have set as much (systemd's TimerSlackNSec); then nothing happens.
func loosen() {
	runtime.LockOSThread() // the slack is that of a thread; exec keeps the one of its caller
	defer runtime.UnlockOSThread()
	now, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || now >= slack {
		return
	}
	self, err := os.Executable()
	if err != nil || unix.Prctl(unix.PR_SET_TIMERSLACK, slack, 0, 0, 0) != nil {
		return
	}
	_ = syscall.Exec(self, os.Args, os.Environ()) // when it fails, all goes on as it is
}
