//go:build e2e

package e2e

import (
	"encoding/json"
	"testing"
)

func TestTheDemoEndsEverySampleAsExpected(t *testing.T) {
	code, out, errs := run(t, "demo", "--once", "--json")
	if code != 0 {
		t.Errorf("exit %d: %s", code, errs)
	}
	var rows []struct {
		Sample string
		Ok     bool
		Wrong  []string
	}
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		t.Fatalf("standard output is not one JSON document: %v\n%s", err, out)
	}
	if len(rows) < 12 {
		t.Errorf("%d samples, want at least 12", len(rows))
	}
	for _, r := range rows {
		if !r.Ok {
			t.Errorf("sample %s: %v", r.Sample, r.Wrong)
		}
	}
}
