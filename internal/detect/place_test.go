package detect

import (
	"strings"
	"testing"
)

func TestAPlaceInWords(t *testing.T) {
	for want, p := range map[string]Place{
		"":                            {},
		"line 12":                     {Line: 12},
		"page 3":                      {Section: "page 3"},
		"cell A1":                     {Row: 1, Col: 1},
		"sheet 2 (Salaries), cell B7": {Section: "sheet 2 (Salaries)", Row: 7, Col: 2},
		"sheet 2 (•••• •••• •••• ••••)": {Section: "sheet 2 (4111 1111 1111 1111)"},
		strings.Repeat("x", 80) + "…":   {Section: strings.Repeat("x", 100)},
		"cell AB10":                     {Row: 10, Col: 28},
		"cell ZZ1":                      {Row: 1, Col: 702},
		"cell AAA1":                     {Row: 1, Col: 703},
	} {
		if got := p.String(); got != want {
			t.Errorf("%+v is %q, want %q", p, got, want)
		}
	}
}

// stars finds every star.
type stars struct{}

func (stars) ID() string { return "star" }

func (stars) Scan(w *Window, found func(Hit)) {
	for i, c := range w.Text {
		if c == '*' {
			found(Hit{Type: "STAR", Start: i, End: i + 1, Confidence: High})
		}
	}
}

func TestPlacesDoNotDependOnWindows(t *testing.T) {
	for _, size := range []int{7, 64, 5000, 0} {
		var got []string
		s := &Stream{Detectors: []Detector{stars{}}, Size: size, Found: func(f Found) { got = append(got, f.Place.String()) }}
		var at int64
		write := func(text string) {
			if _, err := s.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
			at += int64(len(text))
		}
		write("one *\n" + strings.Repeat("ünd\n", 3000) + "*\n")
		s.Place(at, "page 2", 0, 0)
		write(strings.Repeat("text\n", 2000) + "*")
		s.Place(at, "sheet", 1, 1)
		write("*\t")
		s.Place(at, "sheet", 1, 2)
		write("*\n")
		s.Place(at, "", 0, 0)
		write(strings.Repeat("text\n", 2000) + "*")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		want := "line 1|line 3002|page 2|sheet, cell A1|sheet, cell B1|line 7004"
		if strings.Join(got, "|") != want {
			t.Errorf("size %d: %s, want %s", size, strings.Join(got, "|"), want)
		}
	}
}
