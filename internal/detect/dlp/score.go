package dlp

import "postern.dev/postern/internal/detect"

// The sums at which a finding becomes low, medium and high. A checksum is
// worth the odds that it removes: mod 10 gives 3.3 bits, mod 97 gives 6.6.
const (
	atLow    = 3.0
	atMedium = 6.0
	atHigh   = 9.0
)

// evidence is a sum with its reasons. Most sums are too small in the end, so
// the reasons take no memory of their own before there is a hit.
type evidence struct {
	sum  float64
	n    int
	room [8]string
	more []string
}

func (e *evidence) add(bits float64, why string) {
	e.sum += bits
	if e.n == len(e.room) {
		e.more = append(e.more, why)
		return
	}
	e.room[e.n] = why
	e.n++
}

// why lists the reasons.
func (e *evidence) why() []string {
	list := make([]string, 0, e.n+len(e.more))
	return append(append(list, e.room[:e.n]...), e.more...)
}

// confidence is 0 when the sum is too small to be worth a word.
func (e *evidence) confidence() detect.Confidence { return confidenceOf(e.sum) }

func confidenceOf(sum float64) detect.Confidence {
	switch {
	case sum >= atHigh:
		return detect.High
	case sum >= atMedium:
		return detect.Medium
	case sum >= atLow:
		return detect.Low
	}
	return 0
}

// hit makes the finding of e, or reports that there is none.
func (e *evidence) hit(kind string, start, end int, value string) (detect.Hit, bool) {
	c := e.confidence()
	if c == 0 {
		return detect.Hit{}, false
	}
	return detect.Hit{
		Type: kind, Start: start, End: end, Confidence: c, Score: e.sum, Value: value, Why: e.why(),
	}, true
}
