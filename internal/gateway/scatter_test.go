package gateway

import (
	"fmt"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
)

func TestReportsToSendersOutsideHaveALimit(t *testing.T) {
	s := newScatter()
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	allowed, alarms := 0, 0
	for i := range 10 * scatterPerTenant {
		from := mail.Address(fmt.Sprintf("s%d@forged.example", i/2)) // each comes twice
		ok, first := s.allow("contoso", from, now)
		if ok {
			allowed++
		}
		if first {
			alarms++
		}
	}
	if allowed != scatterPerTenant || alarms != 1 {
		t.Errorf("%d were allowed, the operator was told %d times", allowed, alarms)
	}
	if ok, _ := s.allow("fabrikam", "a@b.example", now); !ok {
		t.Error("another tenant's report was withheld")
	}
	if ok, _ := s.allow("fabrikam", "a@b.example", now.Add(scatterSpan-time.Second)); ok {
		t.Error("the same sender was told twice in an hour")
	}
	for _, after := range []time.Duration{scatterSpan, -scatterSpan} { // also when the clock is set back
		if ok, _ := s.allow("contoso", "s0@forged.example", now.Add(after)); !ok {
			t.Errorf("withheld after %v", after)
		}
	}
	for i := range 3 * maxScattered {
		s.allow(fmt.Sprint("t", i/50), mail.Address(fmt.Sprintf("x%d@forged.example", i)), now)
	}
	if n := len(s.senders); n > maxScattered {
		t.Errorf("%d senders are remembered", n)
	}
}
