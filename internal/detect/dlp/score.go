package dlp

import "postern.dev/postern/internal/detect"

// The sums at which a finding becomes low, medium and high. A checksum is
// worth the odds that it removes: mod 10 gives 3.3 bits, mod 97 gives 6.6.
const (
	atLow    = 3.0
	atMedium = 6.0
	atHigh   = 9.0
)

// evidence is a sum with its reasons.
type evidence struct {
	sum float64
	why []string
}

func (e *evidence) add(bits float64, why string) {
	e.sum += bits
	e.why = append(e.why, why)
}

// confidence is 0 when the sum is too small to be worth a word.
func (e *evidence) confidence() detect.Confidence {
	switch {
	case e.sum >= atHigh:
		return detect.High
	case e.sum >= atMedium:
		return detect.Medium
	case e.sum >= atLow:
		return detect.Low
	}
	return 0
}

// hit makes the finding of e, or reports that there is none.
func (e *evidence) hit(kind string, start, end int, value string) (detect.Hit, bool) {
	c := e.confidence()
	return detect.Hit{
		Type: kind, Start: start, End: end, Confidence: c, Score: e.sum, Value: value, Why: e.why,
	}, c != 0
}
