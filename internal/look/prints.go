package look

import (
	"strconv"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/fingerprint"
	"postern.dev/postern/internal/extract"
)

// prints compares the text of a part with the fingerprints of documents.
type prints struct{ match *fingerprint.Match }

// printStep is what it is called when it must be abandoned.
const printStep = "fingerprints"

func (w *worker) printsOf(it item) prints {
	if w.set.prints == nil || it.Kind != itemPart || w.skipped(it.Part, printStep) {
		return prints{}
	}
	return prints{w.set.prints.Match()}
}

func (p prints) add(text []byte) {
	if p.match != nil {
		_, _ = p.match.Write(text) // cannot fail
	}
}

// found records the documents of which enough stands in the part.
func (p prints) found(w *worker, it item) error {
	if p.match == nil {
		return nil
	}
	if err := w.out.step(extract.StepAt(it.Part, printStep)); err != nil {
		return errStop{err}
	}
	for i, share := range p.match.Containment() {
		r := w.set.printRules[i]
		percent := int(share * 100)
		if percent < r.Threshold {
			continue
		}
		err := w.record(record{Rules: []detect.Finding{{
			Type: detect.TypeOf(r.ID), Detector: r.ID, Part: it.Part, Name: it.Name, Kind: it.Text, Count: 1,
			Confidence: r.Level(), Sample: strconv.Itoa(percent) + " %",
			Why: []string{strconv.Itoa(percent) + " % of the document stands here"},
		}}})
		if err != nil {
			return err
		}
	}
	return nil
}
