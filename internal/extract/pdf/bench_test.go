package pdf

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// BenchmarkPages reads all shared documents. It also reports pages a second,
// and how many times as fast as pdftotext that is, whose start counts as well:
// it would be started for each document.
func BenchmarkPages(b *testing.B) {
	list := samples(b)
	pages := 0
	size := int64(0)
	var theirs time.Duration
	_, err := exec.LookPath("pdftotext")
	for _, s := range list {
		c := &collected{}
		if Read(s.data, nil, c) != nil {
			continue
		}
		for _, place := range c.places {
			if strings.HasPrefix(place, "page ") && !strings.Contains(place, ",") {
				pages++
			}
		}
		size += int64(len(s.data))
		if err == nil {
			_, took, _ := pdftotext(b, s.data)
			theirs += took
		}
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, s := range list {
			_ = Read(s.data, nil, &collected{})
		}
	}
	each := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(float64(pages)/each.Seconds(), "pages/s")
	if theirs > 0 {
		b.ReportMetric(theirs.Seconds()/each.Seconds(), "times-pdftotext")
	}
}

// BenchmarkSmall reads a page of a letter, which is what most mail has.
func BenchmarkSmall(b *testing.B) {
	w := &writer{}
	var content strings.Builder
	content.WriteString("BT /F1 11 Tf 14 TL 72 700 Td ")
	for range 45 {
		content.WriteString("(The quick brown fox jumps over the lazy dog, and pays with 4111 1111 1111 1111.) Tj T* ")
	}
	content.WriteString("ET")
	w.page(content.String(), "", "")
	data := w.finish("")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if Read(data, nil, &collected{}) != nil {
			b.Fatal("not read")
		}
	}
}
