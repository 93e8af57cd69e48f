//go:build !linux

package ocr

import (
	"errors"
	"os/exec"
	"time"
)

func alone(*exec.Cmd) {}

// limit refuses: without limits nothing is read.
func limit(int, time.Duration) error { return errors.New("ocr: limits are known on Linux only") }
