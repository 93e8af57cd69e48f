package dlp_test

import (
	"testing"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/dlp"
)

// TestConformanceTheNumbersOfSpanishHospitals asks how many of the numbers
// that stand behind their words in clinical cases are found at medium or
// more, and fails when it is less than was reached before.
func TestConformanceTheNumbersOfSpanishHospitals(t *testing.T) {
	floors := map[string]float64{"ES_MEDICAL_LICENCE": 0.98, "ES_NASS_OR_INSURANCE_ID": 0.97, "MEDICAL_RECORD_NUMBER": 0.85}
	scores := map[string]*score{}
	for kind := range floors {
		scores[kind] = &score{}
	}
	detectors := dlp.Detectors(detect.Catalogue{})
	for _, x := range records[text](t, "meddocan_es.jsonl") {
		found := scan(detectors, x.Text)
		for _, s := range x.Spans {
			if scores[s.Type] == nil {
				continue
			}
			from, to, hit := x.bytes(s.Start), x.bytes(s.End), false
			for _, f := range found {
				hit = hit || f.Type == s.Type && f.Confidence >= detect.Medium && f.From < to && from < f.To
			}
			if hit {
				scores[s.Type].hit++
			} else {
				scores[s.Type].missed++
				t.Logf("missed %s %q", s.Type, x.Text[max(0, int(from)-20):min(len(x.Text), int(to)+5)])
			}
		}
	}
	for _, kind := range sorted(scores) {
		s := scores[kind]
		t.Logf("%s: recall %.3f (%d of %d)", kind, ratio(s.hit, s.missed), s.hit, s.hit+s.missed)
		if ratio(s.hit, s.missed) < floors[kind] {
			t.Errorf("%s: recall %.3f, less than %.3f", kind, ratio(s.hit, s.missed), floors[kind])
		}
	}
}
