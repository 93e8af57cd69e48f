package exact

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/detect"
)

const customers = "\ufeffNumber,First name,Last name,City,Born\n" +
	"K-1002 2003,Anna,de Vries,Łódź,1970-01-31\n" +
	"4711,Jörg,Müller-Lüdenscheidt,Köln,\n" +
	"K-1002 2003,Bob,Jones,\"Newport, Wales\",1980-12-01\n" +
	"12,too short,x,y,z\n" +
	",empty,x,y,z\n"

func built(t testing.TB, form string, c Columns) *Table {
	t.Helper()
	name := filepath.Join(t.TempDir(), "t.edm")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	head, err := Build(strings.NewReader(form), f, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	table, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if table.ID != head.ID {
		t.Errorf("%s is called %s", head.ID, table.ID)
	}
	t.Cleanup(func() { _ = table.Close() })
	return table
}

func scan(d detect.Detector, text string, size int) []detect.Found {
	var list []detect.Found
	s := &detect.Stream{Detectors: []detect.Detector{d}, Found: func(f detect.Found) { list = append(list, f) }, Size: size}
	_, _ = s.Write([]byte(text))
	_ = s.Close()
	return list
}

func TestRowsAreFoundWithWhatStandsBesideThem(t *testing.T) {
	table := built(t, customers, Columns{Primary: "Number"})
	if table.Rows != 3 || table.Skipped != 2 {
		t.Errorf("%d rows, %d skipped", table.Rows, table.Skipped)
	}
	d := New("customers", table, 2, 0)
	for _, tt := range []struct {
		text  string
		level detect.Confidence
		why   string // the last
	}{
		{"Customer K1002-2003 is Anna de Vries", detect.High, "Last name of the same row"},
		{"k 1002 2003 (ANNA DE-VRIES, Lodz)", detect.High, "City of the same row"},
		{"BOB JONES of Newport Wales: number k10022003", detect.High, "City of the same row"},
		{"K-1002 2003 and Anna Jones", detect.Low, "1 of 2 fields that are needed"},
		{"K-1002 2003" + strings.Repeat(" and", 100) + " Anna de Vries", detect.Low, "a Number of the table"},
		{"4711 Jorg Muller Ludenscheidt", detect.High, "Last name of the same row"},
		{"4711", detect.Low, "a Number of the table"},
		{"K-1002\n2003 Anna de Vries", 0, ""},
		{"K-1002 2004 Anna de Vries", 0, ""},
		{"12 too short x y z", 0, ""},
	} {
		got := scan(d, tt.text, 0)
		if tt.level == 0 {
			if len(got) != 0 {
				t.Errorf("%q: %+v", tt.text, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Confidence != tt.level || got[0].Why[len(got[0].Why)-1] != tt.why || got[0].Type != "CUSTOMERS" {
			t.Errorf("%q: %+v, want %s %q", tt.text, got, tt.level, tt.why)
		}
	}
	long := strings.Repeat("nothing here ", 500) + "K-1002 2003 Anna de Vries" + strings.Repeat(" nothing here", 500)
	for _, size := range []int{64, 1000, 0} {
		if got := scan(d, long, size); len(got) != 1 || got[0].From != 6500 || got[0].Confidence != detect.High {
			t.Errorf("windows of %d: %+v", size, got)
		}
	}
}

func TestATableHoldsNoCell(t *testing.T) {
	var b bytes.Buffer
	if _, err := Build(strings.NewReader(customers), &b, Columns{Primary: "Number", Others: []string{"Last name"}}); err != nil {
		t.Fatal(err)
	}
	for _, cell := range []string{"Anna", "Vries", "vries", "10022003", "Köln", "4711"} {
		if bytes.Contains(b.Bytes(), []byte(cell)) {
			t.Errorf("the file holds %q", cell)
		}
	}
	var again bytes.Buffer
	if _, err := Build(strings.NewReader(customers), &again, Columns{Primary: "Number", Others: []string{"Last name"}}); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("two builds have one salt")
	}
}

func TestEveryRowOfALargeTableIsFound(t *testing.T) {
	const n = 20_000
	var form strings.Builder
	form.WriteString("id,name\n")
	for i := range n {
		fmt.Fprintf(&form, "%d,name%d\n", 100_000+i*7, i)
	}
	table := built(t, form.String(), Columns{Primary: "id"})
	d := New("people", table, 1, 100)
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "%d name%d\n", 100_000+i*7, i)
	}
	found := 0
	for _, f := range scan(d, text.String(), 0) {
		if f.Confidence == detect.High {
			found++
		}
	}
	if found != n {
		t.Errorf("%d of %d rows were found", found, n)
	}
	for i := range 100_000 {
		if _, ok := table.first(uint64(i) * 0x9E3779B97F4A7C15); ok {
			t.Fatal("a hash was found that is not there")
		}
	}
}

func TestWhatIsNoTableIsRefused(t *testing.T) {
	var b bytes.Buffer
	for form, c := range map[string]Columns{
		"":             {Primary: "a"},
		"a,b\n":        {Primary: "a"},
		"a,b\n123,x\n": {Primary: "c"},
		"a,b\n456,x\n": {Primary: "a", Others: []string{"z"}},
		"a,b\n1,x\n":   {Primary: "a"},
	} {
		if _, err := Build(strings.NewReader(form), &b, c); err == nil {
			t.Errorf("%q was built", form)
		}
	}
	b.Reset()
	if _, err := Build(strings.NewReader(customers), &b, Columns{Primary: "Number"}); err != nil {
		t.Fatal(err)
	}
	file := b.Bytes()
	for _, damaged := range [][]byte{nil, file[:5], file[:40], file[:len(file)-1], append(slices.Clone(file), 0), []byte("POSTEDM1\x00\x00\x00\x02{}")} {
		if _, err := parse(damaged); err == nil {
			t.Errorf("%d octets were taken for a table", len(damaged))
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there was opened")
	}
}

func FuzzParse(f *testing.F) {
	var b bytes.Buffer
	_, _ = Build(strings.NewReader(customers), &b, Columns{Primary: "Number"})
	f.Add(b.Bytes(), "4711 Jörg")
	f.Add([]byte("POSTEDM1\x00\x00\x00\x02{}"), "x")
	f.Fuzz(func(t *testing.T, file []byte, text string) {
		table, err := parse(file)
		if err != nil {
			return
		}
		scan(New("x", table, 1, 0), text, 64)
	})
}

// BenchmarkScan says how fast a text without a cell of a table with a million
// rows is read.
func BenchmarkScan(b *testing.B) {
	var form strings.Builder
	form.WriteString("id,a,b,c,d\n")
	for i := range 1_000_000 {
		fmt.Fprintf(&form, "%d,a%d,b%d,c%d,d%d\n", 100_000_000+i*97, i, i, i, i)
	}
	d := New("people", built(b, form.String(), Columns{Primary: "id"}), 1, 0)
	text := []byte(strings.Repeat("The quick brown fox jumps over the lazy dog, 123456789 times in 2026. ", 15_000))
	w := &detect.Window{Text: text, To: len(text)}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		d.Scan(w, func(detect.Hit) {})
	}
}
