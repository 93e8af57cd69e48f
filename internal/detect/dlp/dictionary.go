package dlp

import (
	"postern.dev/postern/internal/detect"
)

// dictionary finds the terms of a tenant: whole words by a lexicon, parts of
// words by an automaton.
type dictionary struct {
	id, kind string
	terms    []string
	whole    *lexicon
	parts    *automaton
	level    detect.Confidence
}

func newDictionary(d detect.Dictionary, l *letters) *dictionary {
	if d.Exact {
		l = nil
	}
	made := &dictionary{id: d.ID, kind: detect.TypeOf(d.ID), terms: d.Terms, level: d.Level()}
	if d.Parts {
		made.parts = newAutomaton(d.Terms, l)
	} else {
		made.whole = newLexicon(d.Terms, l)
	}
	return made
}

func (d *dictionary) ID() string { return d.id }

func (d *dictionary) Scan(w *detect.Window, found func(detect.Hit)) {
	hit := func(term, start, end int) {
		found(detect.Hit{
			Type: d.kind, Start: start, End: end, Confidence: d.level, Score: atHigh,
			Value: d.terms[term], Why: []string{"term"}, Aside: true,
		})
	}
	if d.parts != nil {
		d.parts.scan(w.Text, 0, len(w.Text), hit)
		return
	}
	d.whole.scan(w.Text, hit)
}
