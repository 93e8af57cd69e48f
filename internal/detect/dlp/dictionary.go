package dlp

import (
	"postern.dev/postern/internal/detect"
)

// dictionary finds the terms of a tenant.
type dictionary struct {
	id, kind string
	parts    bool
	terms    []string
	find     *automaton
	level    detect.Confidence
}

func newDictionary(d detect.Dictionary, l *letters) *dictionary {
	if d.Exact {
		l = nil
	}
	return &dictionary{
		id: d.ID, kind: detect.TypeOf(d.ID), parts: d.Parts, terms: d.Terms, find: newAutomaton(d.Terms, l),
		level: d.Level(),
	}
}

func (d *dictionary) ID() string { return d.id }

func (d *dictionary) Scan(w *detect.Window, found func(detect.Hit)) {
	d.find.scan(w.Text, 0, len(w.Text), func(word, start, end int) {
		if !d.parts && !whole(w.Text, start, end) {
			return
		}
		found(detect.Hit{
			Type: d.kind, Start: start, End: end, Confidence: d.level, Score: atHigh,
			Value: d.terms[word], Why: []string{"term"}, Aside: true,
		})
	})
}
