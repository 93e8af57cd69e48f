package dlp

import "testing"

func BenchmarkNewBase(b *testing.B) {
	for b.Loop() {
		newBase(Packs())
	}
}
