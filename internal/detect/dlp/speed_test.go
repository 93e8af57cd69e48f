package dlp_test

import (
	"bytes"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/dlp"
)

// prose is running text of the public evaluation data, or made up when that
// is not here.
func prose(size int) []byte {
	var b strings.Builder
	for _, x := range someRecords("benign_text.jsonl") {
		if strings.HasPrefix(x.Kind, "business") || strings.HasPrefix(x.Kind, "technical") || x.Kind == "operations-docs" {
			b.WriteString(x.Text)
			b.WriteByte('\n')
		}
	}
	if b.Len() == 0 {
		b.Write(letterText(1 << 20))
	}
	once := b.String()
	for b.Len() < size {
		b.WriteString(once)
	}
	return []byte(b.String()[:size])
}

// BenchmarkProse compares all built-in detectors with sha256sum over the same
// text in the same run, both in CPU time of one core: "of-sha256sum" is their
// speed as a share of it.
func BenchmarkProse(b *testing.B) {
	text := prose(16 << 20)
	detectors := dlp.Detectors(detect.Catalogue{})
	var ours, hash time.Duration
	hits := 0
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for b.Loop() {
		start := cpuTime(b)
		s := detect.Stream{Detectors: detectors, Found: func(detect.Found) { hits++ }}
		_, _ = s.Write(text)
		_ = s.Close()
		ours += cpuTime(b) - start
		sum := exec.CommandContext(b.Context(), "sha256sum")
		sum.Stdin = bytes.NewReader(text)
		if err := sum.Run(); err != nil {
			b.Skip("SKIPPED: sha256sum is not here")
		}
		hash += sum.ProcessState.UserTime()
	}
	speed := func(d time.Duration) float64 { return float64(len(text)) * float64(b.N) / 1e6 / d.Seconds() }
	b.ReportMetric(float64(hash)/float64(ours), "of-sha256sum")
	b.ReportMetric(speed(ours), "MB/s-detectors")
	b.ReportMetric(speed(hash), "MB/s-sha256sum")
	b.ReportMetric(float64(hits)/float64(b.N), "hits")
}

// cpuTime is what this process has used so far.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkEachDetector shows what each of them costs.
func BenchmarkEachDetector(b *testing.B) {
	text := prose(16 << 20)
	for _, d := range dlp.Detectors(detect.Catalogue{}) {
		b.Run(d.ID(), func(b *testing.B) {
			start := cpuTime(b)
			defer func() {
				b.ReportMetric(float64(len(text))*float64(b.N)/1e6/(cpuTime(b)-start).Seconds(), "MB/s-cpu")
			}()
			for b.Loop() {
				s := detect.Stream{Detectors: []detect.Detector{d}, Found: func(detect.Found) {}}
				_, _ = s.Write(text)
				_ = s.Close()
			}
		})
	}
}

// TestACleanBlockCostsNoMemory: text in which nothing is found is looked at
// without allocating.
func TestACleanBlockCostsNoMemory(t *testing.T) {
	// Lines of 128 octets: all windows are cut alike, and the states of shapes
	// that a cut word leads to are made once.
	block := []byte(strings.Repeat("The quick brown fox met the lazy dog on page 12 of chapter 7, and they all went home by 18 h; "+
		"nobody saw the old foxes of 2019.\n", 4000))
	s := detect.Stream{Detectors: dlp.Detectors(detect.Catalogue{}), Found: func(f detect.Found) { t.Errorf("found %s", f.Type) }}
	for range 4 {
		_, _ = s.Write(block)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties the pools
	if n := testing.AllocsPerRun(10, func() { _, _ = s.Write(block) }); n > 0 {
		t.Errorf("%.0f allocations for a block of %d octets", n, len(block))
	}
}
