package app

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mailflow"
)

func runDemo(t *testing.T, o DemoOptions) *Demo {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	o.Dir, o.InProcess = t.TempDir(), true
	d, err := RunDemo(ctx, o)
	if d != nil {
		t.Cleanup(func() { _ = d.Close() })
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEverySampleOfTheDemoEndsAsExpected(t *testing.T) {
	d := runDemo(t, DemoOptions{})
	for _, r := range d.Rows {
		t.Logf("%-18s %-30s %-20s %v %v", r.Sample, strings.Join(r.Found, ", "), strings.Join(r.Done, ", "), r.Ended, r.Wrong)
		if !r.Ok {
			t.Errorf("%s: %v", r.Sample, r.Wrong)
		}
	}
	if len(d.Rows) < 12 || !d.Ok() {
		t.Errorf("%d rows, balance %v", len(d.Rows), d.Balance)
	}
}

// The demo must notice what goes wrong, and name it.
func TestTheDemoNoticesAndNamesWhatIsWrong(t *testing.T) {
	tests := []struct {
		name, sample string
		o            DemoOptions
	}{
		{"a disabled strip rule lets a stolen mark by", "forged-mark", DemoOptions{Edit: func(s *mailflow.Setup) {
			s.TransportRules = slices.DeleteFunc(s.TransportRules, func(r mailflow.Rule) bool {
				return strings.Contains(r.Name, "strip")
			})
		}}},
		{"a flipped verdict", "held-for-manager approved-by-mail", DemoOptions{
			Policies: strings.Replace(demoPolicies, "findings.iban.high >= 2", "findings.iban.high >= 20", 1),
		}},
		{"a lost message", "meeting", DemoOptions{Lose: "meeting"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := runDemo(t, tt.o)
			var red []string
			for _, r := range d.Rows {
				if !r.Ok {
					red = append(red, r.Sample)
					t.Logf("%s: %v", r.Sample, r.Wrong)
				}
			}
			if d.Ok() || !slices.Equal(red, strings.Fields(tt.sample)) {
				t.Errorf("red: %v, want %s", red, tt.sample)
			}
		})
	}
}
