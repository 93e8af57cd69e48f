package look

import (
	"slices"
	"testing"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/dlp"
)

func TestChosenDetectorsAreNamedByIDTypeAndCategory(t *testing.T) {
	for _, c := range []struct {
		list, asked, want []string
	}{
		{[]string{"asked"}, nil, []string{"asked"}},
		{[]string{"asked"}, []string{"nl_bsn", "hr_term", "secret_jwt"}, []string{"nl-bsn", "secret-jwt"}},
		{[]string{"IBAN", "credit-card"}, []string{"nl_bsn"}, []string{"credit-card", "iban", "nl-bsn"}},
		{[]string{"uk_bank"}, nil, []string{"uk-bank", "uk-sort-code"}}, // surer beside it
	} {
		got := Choose(c.list, c.asked).IDs
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%v, %v: %v, want %v", c.list, c.asked, got, c.want)
		}
	}
	if got := Choose([]string{"network"}, nil).IDs; len(got) != 5 {
		t.Errorf("network: %v", got)
	}
	if got := Choose([]string{"secret"}, nil); len(got.IDs) < 20 || !slices.Contains(got.Names, "SECRET") {
		t.Errorf("secrets: %+v", got)
	}
	for _, name := range Choosable() {
		if name != Asked && len(Choose([]string{name}, nil).Names) == 0 {
			t.Errorf("%s stands for nothing", name)
		}
	}
}

// TestAChosenDetectorFindsItsSamples holds the samples of every detector
// against a look that runs it alone. What another one would have claimed, it
// may find besides.
func TestAChosenDetectorFindsItsSamples(t *testing.T) {
	weaker := map[string]bool{"IBAN NL91ABNA0417164300, ABNANL2A": true} // an IBAN beside it makes it surer
	all := Detectors(detect.Catalogue{})
	for _, p := range dlp.Packs() {
		alone := Detectors(detect.Catalogue{Detectors: Choose([]string{p.ID}, nil).IDs})
		for _, sample := range p.True {
			got := DetectText(sample, alone)
			for _, want := range DetectText(sample, all) {
				if want.Type == p.Type && !slices.Contains(got, want) && !weaker[sample] {
					t.Errorf("%s in %q: alone %v, among all %v", p.ID, sample, got, want)
				}
			}
		}
	}
}
