package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
)

func profiled() {
	dir := os.Getenv("POSTERN_PROF")
	if dir == "" {
		dir = "/tmp/m/pp"
	}
	f, err := os.Create(fmt.Sprintf("%s/%d.prof", dir, os.Getpid()))
	if err != nil {
		return
	}
	_ = pprof.StartCPUProfile(f)
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	go func() { <-c; pprof.StopCPUProfile(); f.Close() }()
}
