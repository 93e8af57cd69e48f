//go:build !linux

package extract

import (
	"os"
	"syscall"
	"time"
)

// Without Linux a child is separated and killed on time-out, but its memory
// is bounded by the Go runtime alone.

func confine(Bounds) error { return nil }

func limitCPU(time.Duration) {}

func group() *syscall.SysProcAttr { return nil }

func killGroup(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}

func resident(int) int64 { return 0 }
