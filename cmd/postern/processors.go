package main

import (
	"os"
	"runtime"
)

// spareProcessor lets one goroutine more run at a time than the machine, or the
// container, has processors. One that waits for an fsync counts as running
// until the runtime notices, and Linux seldom moves a thread that waits beside
// a running one to a processor that has just become idle: with two processors
// a seventh of the machine did nothing, custody most of all.
//
// A number in the environment holds. Without one, a limit of the container
// that changes while the gateway runs is not followed any more.
func spareProcessor() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}
