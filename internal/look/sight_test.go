package look

import (
	"testing"

	"postern.dev/postern/internal/detect"
)

// Policies count what the totals say: a rule with less than full confidence
// was counted as high there, and so not at all in facts.
func TestWhatARuleFindsCountsWithItsConfidence(t *testing.T) {
	s := newSight()
	for _, c := range []detect.Confidence{detect.Low, detect.Medium, detect.High, detect.Medium} {
		if err := s.take(record{Rules: []detect.Finding{{Type: "X", Detector: "x", Count: 1, Confidence: c}}}); err != nil {
			t.Fatal(err)
		}
	}
	got := s.report().Totals
	if len(got) != 1 || got[0].High != 1 || got[0].Medium != 2 || got[0].Low != 1 {
		t.Errorf("%+v", got)
	}
}

// Totals of two attempts lost those of the texts, and a rule about the body
// counted nothing.
func TestTotalsOfTwoAttemptsKeepThoseOfTheBody(t *testing.T) {
	got := most([]detect.Total{{Type: "X", High: 1, BodyHigh: 1}}, []detect.Total{{Type: "X", High: 2, BodyLow: 1}})
	if len(got) != 1 || got[0].High != 2 || got[0].BodyHigh != 1 || got[0].BodyLow != 1 {
		t.Errorf("%+v", got)
	}
}
