package dlp

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"postern.dev/postern/internal/detect"
)

// column writes a table of names and numbers, and counts what is found in the
// second column by confidence.
func column(t *testing.T, heading, filler string, numbers []string) map[detect.Confidence]int {
	t.Helper()
	count := map[detect.Confidence]int{}
	s := detect.Stream{
		Detectors: NewBase().Detectors(detect.Catalogue{Detectors: []string{"nl-bsn"}}),
		Found: func(f detect.Found) {
			count[f.Confidence]++
			if f.Place.Col != 2 {
				t.Errorf("found in %s", f.Place)
			}
		},
	}
	at := int64(0)
	cell := func(row, col int, text string) {
		s.Place(at, "sheet 1", row, col)
		_, _ = s.Write([]byte(text))
		at += int64(len(text))
	}
	for i, n := range numbers {
		cell(i+2, 1, "row "+filler+"\t")
		if heading != "" {
			n = heading + ": " + n // as an extractor writes it
		}
		cell(i+2, 2, n+"\n")
	}
	_ = s.Close()
	return count
}

func TestColumnsOfTables(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 7))
	passes := checkOf("NL_BSN")
	var random, real []string
	for len(real) < 500 {
		n := fmt.Sprintf("%09d", r.IntN(1e9))
		if len(random) < 500 {
			random = append(random, n)
		}
		if passes([]byte(n)) {
			real = append(real, n)
		}
	}
	filler := ""
	for len(filler) < 280 {
		filler += "and so on "
	}
	for _, width := range []string{"x", filler} {
		if n := column(t, "BSN", width, real); n[detect.High] < 495 {
			t.Errorf("real numbers below their heading: %v", n)
		}
		if n := column(t, "", width, real); n[detect.Medium]+n[detect.High] < 490 {
			t.Errorf("real numbers without a heading: %v", n)
		}
		if n := column(t, "BSN", width, random); n[detect.High] > 5 {
			t.Errorf("random numbers below the heading: %v", n)
		}
		if n := column(t, "", width, random); n[detect.Medium]+n[detect.High] > 0 {
			t.Errorf("random numbers without a heading: %v", n)
		}
	}
}
