package main

import (
	"runtime"
	"testing"
)

func TestOneProcessorMoreUnlessTheEnvironmentSays(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	t.Setenv("GOMAXPROCS", "2")
	spareProcessor()
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("%d, although the environment says how many", got)
	}
	t.Setenv("GOMAXPROCS", "")
	spareProcessor()
	if got := runtime.GOMAXPROCS(0); got != before+1 {
		t.Errorf("%d of %d", got, before)
	}
}
