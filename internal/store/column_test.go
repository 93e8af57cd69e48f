package store

import (
	"testing"
	"time"
)

func TestValuesSurviveTheirColumn(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 123, time.UTC)
	for _, x := range []time.Time{at, {}} {
		if got := Moment(Nanos(x)); !got.Equal(x) || got.IsZero() != x.IsZero() {
			t.Errorf("%v comes back as %v", x, got)
		}
	}
	if Bit(true) != 1 || Bit(false) != 0 {
		t.Error("bits")
	}
	if got := Clean("a\x00b\xff"); got != "a\uFFFDb\uFFFD" {
		t.Errorf("%q", got)
	}
}
