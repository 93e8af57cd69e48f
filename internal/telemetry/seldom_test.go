package telemetry

import (
	"fmt"
	"testing"
	"time"
)

func TestALineIsDueEveryTenSecondsAndTheRestIsCounted(t *testing.T) {
	var s Seldom
	now := time.Unix(1_000_000, 0)
	written := 0
	for i := range 1000 {
		if _, due := s.Due("P107", now.Add(time.Duration(i)*time.Millisecond)); due {
			written++
		}
	}
	if written != 1 {
		t.Errorf("%d lines in a second", written)
	}
	if _, due := s.Due("P101", now); !due {
		t.Error("another key waits for the first")
	}
	if silent, due := s.Due("P107", now.Add(10*time.Second)); !due || silent != 999 {
		t.Errorf("after ten seconds: %v, %d kept quiet", due, silent)
	}
	for i := range 5000 {
		s.Due(fmt.Sprint(i), now)
	}
	if len(s.last) > seldomMost {
		t.Errorf("%d keys are remembered", len(s.last))
	}
}
