package dlp

import (
	"fmt"
	"slices"
	"testing"
)

func TestAllReasonsAreKept(t *testing.T) {
	var e evidence
	var want []string
	for i := range 12 {
		why := fmt.Sprintf("reason %d", i)
		e.add(0.5, why)
		want = append(want, why)
	}
	if got := e.why(); !slices.Equal(got, want) || e.sum != 6 {
		t.Errorf("%v, %v", got, e.sum)
	}
}
