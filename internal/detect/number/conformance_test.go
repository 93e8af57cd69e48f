package number_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/detect/number"
)

// shared is the folder of the public evaluation data, when it is there.
const shared = "../../../../shared/data/dlp"

type row struct {
	ID, Type, Value, Note string
	Valid                 bool
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

// explained are the rows where the tables and we differ, each with the
// reason for which we stay with our answer.
func explained() map[string]string {
	const (
		formOnly  = "format only: the check digit of this number is wrong"
		separator = "the source allows no separators here; the number is right"
	)
	return map[string]string{
		"stdnum-4596":        "one of the numbers that DGII gave out with a wrong check digit; the rule stands",
		"stdnum-5048":        "a company's number without a right check digit, as SRI gives them out of late",
		"stdnum-9516":        "the source checks the form only; the check digit is wrong",
		"stdnum-9585":        "the source checks the form only; the check digit is wrong",
		"presidio-num-17191": "the source checks the form only; the check character is wrong",
		"num2-382":           "16 digits are an IMEISV (3GPP TS 23.003 §6.2.2); number_tables has them as valid",
		"num2-383":           "16 digits are an IMEISV (3GPP TS 23.003 §6.2.2)",
		"num2-549":           "day 888 of a year: the source checks the form only",
		"num2-5512":          "day 398 of a year: the source checks the form only",
		"num2-565":           "day 68 of month 56: the source checks the sum only",
		"num2-566":           "day 47 of month 55: the source checks the sum only",
		"num2-586":           separator,
		"num2-587":           separator,
		"num2-3204":          "the base58 checksum is wrong: the source checks the form only",
		"num2-3224":          "BIP 173 allows capitals throughout; number_tables has such ones as valid",
		"num2-3225":          "BIP 173 allows capitals throughout",
		"num2-3247":          "of nine digits and the year 96: born 1896, as number_tables has it for 99",
		"num2-3302":          "000000000 is nobody's",
		"num2-3317":          separator,
		"num2-3330":          "the check digit of this UTR is wrong: the source checks the form only",
		"num2-3331":          "a national insurance number, not a UTR",
		"num2-3332":          "a national insurance number, not a UTR",
		"num2-3378":          separator,
		"num2-3415":          separator,
		"num2-3424":          separator,
		"num2-3541":          separator,
		"num2-3548":          "the check digit is wrong: the source does not check those of foreigners",
		"num2-3563":          "no date and not divisible by 11: the source does not check ten digits",
		"num2-3578":          "the source takes the century into Luhn's sum; Skatteverket does not",
		"num2-3579":          "the source takes the century into Luhn's sum; Skatteverket does not",
		"num2-3582":          "the source takes the century into Luhn's sum; Skatteverket does not",
		"num2-3583":          "a person of more than 100 years: Skatteverket's sign is +",
		"num2-3866":          formOnly, "num2-3867": formOnly, "num2-3872": formOnly, "num2-3880": formOnly, "num2-3916": formOnly,
		"num2-3927": formOnly, "num2-3928": formOnly, "num2-3931": formOnly, "num2-3932": formOnly, "num2-4124": formOnly,
		"num2-4125": formOnly, "num2-4136": separator, "num2-4137": separator,
		"num2-4612": "the tables contradict each other (README 1)",
		"num2-4966": "a social security number, not an EIN; number_tables refuses such ones",
		"num2-4992": "the tables contradict each other (README 1)",
		"num2-4996": "the number of the bank and the check digit are right; the source has a list of branches",
	}
}

// TestConformanceTheTablesOfNumbers prints how far the public tables and we
// agree, and fails when it is less than was reached.
func TestConformanceTheTablesOfNumbers(t *testing.T) {
	for _, table := range []struct {
		file  string
		kinds int
		floor float64
	}{{"number_tables.jsonl", 249, 0.999}, {"number_tables_2.jsonl", 326, 0.97}} {
		right, all, unknown := map[string]int{}, map[string]int{}, map[string]int{}
		sum, total := 0, 0
		for _, r := range rows(t, table.file) {
			valid, known := number.Valid(r.Type, r.Value)
			if !known {
				unknown[r.Type]++
				continue
			}
			all[r.Type]++
			total++
			switch {
			case valid == r.Valid:
				right[r.Type]++
				sum++
			case explained()[r.ID] != "":
				t.Logf("%s %s %q: %v, the table says %v: %s", r.ID, r.Type, r.Value, valid, r.Valid, explained()[r.ID])
			default:
				t.Errorf("%s %s %q: %v, the table says %v %s", r.ID, r.Type, r.Value, valid, r.Valid, r.Note)
			}
		}
		var differ []string
		for kind, n := range all {
			if right[kind] < n {
				differ = append(differ, kind)
			}
		}
		slices.Sort(differ)
		for _, kind := range differ {
			t.Logf("%s: %d of %d", kind, right[kind], all[kind])
		}
		share := float64(sum) / float64(total)
		t.Logf("%s: %d of %d rows (%.3f %%) in %d kinds, %d kinds without a difference; not ours: %v",
			table.file, sum, total, 100*share, len(all), len(all)-len(differ), unknown)
		if share < table.floor || len(all) < table.kinds {
			t.Errorf("%s: %.4f of %d kinds, less than %.4f of %d", table.file, share, len(all), table.floor, table.kinds)
		}
	}
}

func TestAKindIsFoundUnderItsName(t *testing.T) {
	for _, name := range number.Kinds() {
		if number.Check(name) == nil || number.Check(strings.ToLower(name)) == nil {
			t.Errorf("%s: no check", name)
		}
	}
	if _, known := number.Valid("NO_SUCH_KIND", "1"); known || number.Check("NO_SUCH_KIND") != nil {
		t.Error("a kind that is not there was found")
	}
}
