package number_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"postern.dev/postern/internal/detect/number"
)

// shared is the folder of the public evaluation data, when it is there.
const shared = "../../../../shared/data/dlp"

type row struct {
	ID, Type, Value, Note, Source string
	Valid                         bool
}

func rows(t *testing.T, name string) []row {
	t.Helper()
	f, err := os.Open(filepath.Join(shared, name))
	if err != nil {
		t.Skip("SKIPPED: ../shared is not here")
	}
	defer f.Close()
	var list []row
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

func TestConformanceTheTablesOfNumbers(t *testing.T) {
	for _, file := range []string{"number_tables.jsonl", "number_tables_2.jsonl"} {
		right, all := 0, 0
		kinds, unknown := map[string]bool{}, map[string]bool{}
		for _, r := range rows(t, file) {
			valid, known := number.Valid(r.Type, r.Value)
			if !known {
				unknown[r.Type] = true
				continue
			}
			kinds[r.Type] = true
			all++
			if valid == r.Valid {
				right++
			} else {
				t.Logf("%s %s %q: %v, want %v %s", r.ID, r.Type, r.Value, valid, r.Valid, r.Note)
			}
		}
		t.Logf("%s: %d of %d rows, %d kinds; unknown %v", file, right, all, len(kinds), unknown)
	}
}
