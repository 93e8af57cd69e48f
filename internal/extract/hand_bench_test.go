package extract

import (
	"bytes"
	"io"
	"syscall"
	"testing"
)

// BenchmarkHandOver gives a child a job of the size of usual mail, which it
// only reads. It prints what a job costs this process and the child.
func BenchmarkHandOver(b *testing.B) {
	p := NewPool(Config{Args: []string{"test-child"}, Max: 1})
	defer p.Close()
	file, text := make([]byte, 50<<10), make([]byte, 3<<10)
	run := func() {
		err := p.Run(b.Context(), Job{
			Request: []byte("echo"), Record: func([]byte) error { return nil },
			Parts: parts(bytes.NewReader(text), bytes.NewReader(text), bytes.NewReader(file), io.MultiReader()),
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	run()
	used := func() int64 {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := used()
	n := 0
	for b.Loop() {
		run()
		n++
	}
	b.ReportMetric(float64(used()-before)/float64(n), "cpu-ns/op")
}
