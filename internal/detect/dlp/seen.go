package dlp

import (
	"slices"

	"postern.dev/postern/internal/detect"
)

// seen are the hits of the scanners in Go that others may lean on: those of
// cards and accounts.
type seen struct {
	list   []detect.Hit
	sorted bool
	found  func(detect.Hit)
	take   func(detect.Hit)
}

// Renew forgets the window before.
func (s *seen) Renew(*detect.Window) { s.list = s.list[:0] }

// note keeps a hit and passes it on.
func (s *seen) note(h detect.Hit) {
	if h.Confidence >= detect.Medium && (h.Type == "CREDIT_CARD" || h.Type == "IBAN") {
		s.list, s.sorted = append(s.list, h), false
	}
	s.found(h)
}

// longestSeen is how long such a hit is at most, with its separators.
const longestSeen = 200

// near reports whether a hit of some type stands within reach of [start, end).
func (s *seen) near(start, end, reach int, wanted func(kind string) bool) bool {
	if !s.sorted {
		slices.SortFunc(s.list, func(a, b detect.Hit) int { return a.Start - b.Start })
		s.sorted = true
	}
	from, _ := slices.BinarySearchFunc(s.list, start-reach-longestSeen, func(h detect.Hit, at int) int { return h.Start - at })
	for _, h := range s.list[from:] {
		if h.Start > end+reach {
			return false
		}
		if max(h.Start-end, start-h.End) <= reach && wanted(h.Type) {
			return true
		}
	}
	return false
}

// seenKey is what the hits are shared under.
type seenKey struct{}

func seenIn(w *detect.Window) *seen {
	return w.Shared(seenKey{}, func() detect.Renewed {
		s := &seen{}
		s.take = s.note
		return s
	}).(*seen)
}

// watched lets the engine see what a scanner finds.
type watched struct{ detect.Detector }

func (d watched) Scan(w *detect.Window, found func(detect.Hit)) {
	s := seenIn(w)
	s.found = found
	d.Detector.Scan(w, s.take)
}
