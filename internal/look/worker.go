package look

import (
	"errors"
	"io"
	"slices"
	"strings"
	"sync"

	"postern.dev/postern/internal/buffers"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/label"
	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/mail"
)

// outlet is where a worker's steps and records go. An error of either ends
// the work.
type outlet struct {
	step   func(extract.Step) error
	record func(record) error
}

// worker looks at the items of one message, in the child or in process.
type worker struct {
	ask    request
	set    *set
	out    outlet
	skip   map[extract.Step]bool
	tally  *detect.Tally
	text   int64     // bytes of text so far
	ended  seam      // the inline text before this one
	closed []*stream // to be used again
	fault  fault
	inside
	hints hints

	sent, sentOctets int // pictures

	// show, when set, is given the text of each part.
	show func(it item, r extract.Result, text string)
}

// everywhere stands for all parts in a step that is skipped.
const everywhere = "*"

func newWorker(ask request, s *set, out outlet) *worker {
	w := &worker{ask: ask, set: s, out: out, tally: detect.NewTally()}
	w.hints.on = s.fromBody
	w.tally.Except(s.except)
	if len(ask.Skip) > 0 {
		w.skip = make(map[extract.Step]bool, len(ask.Skip))
	}
	for _, step := range ask.Skip {
		w.skip[step] = true
	}
	return w
}

func (w *worker) skipped(part, who string) bool {
	return w.skip[extract.StepAt(part, who)] || w.skip[extract.StepAt(everywhere, who)]
}

// errStop wraps a failure of the outlet, which ends the work.
type errStop struct{ error }

// step announces who begins, runs it, and survives its panic.
func (w *worker) step(part, who string, do func() error) error {
	if w.skipped(part, who) {
		return nil // the parent has recorded it
	}
	if err := w.out.step(extract.StepAt(part, who)); err != nil {
		return errStop{err}
	}
	err := guarded(func() error {
		w.fault.strike(who)
		return do()
	})
	if err == nil || isStop(err) {
		return err
	}
	return w.failed(part, "", who)
}

// isStop reports whether the work has ended.
func isStop(err error) bool {
	var stop errStop
	return errors.As(err, &stop)
}

// errPanic is what a panic becomes; its value may hold text of the message.
var errPanic = errors.New("look: panic")

func guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errPanic
		}
	}()
	return do()
}

func (w *worker) failed(part, name, who string) error {
	return w.record(record{Unseen: &mail.Unseen{
		Part: part, Name: name, Reason: mail.EngineFailed, Detail: who + " failed",
	}})
}

func (w *worker) record(r record) error {
	if err := w.out.record(r); err != nil {
		return errStop{err}
	}
	return nil
}

// item looks at one thing. Its error ends the work.
func (w *worker) item(it item, content io.Reader) error {
	switch it.Kind {
	case itemFields:
		return w.fields(content)
	case itemText:
		return w.plain(it, content)
	case itemPart:
		return w.part(it, content)
	case itemContainer:
		info := detect.PartInfo{
			Part: it.Part, Name: it.Name, Type: it.Type, Declared: it.Type, Attachment: true, Size: it.Size,
		}
		if err := w.record(record{Part: &info}); err != nil {
			return err
		}
		return w.attachments(info)
	}
	return nil
}

// finish sends what counts over the whole message.
func (w *worker) finish() error {
	for _, u := range w.set.lost {
		if err := w.record(record{Unseen: &u}); err != nil {
			return err
		}
	}
	return w.record(record{Totals: w.tally.Totals()})
}

// fields runs the header rules and reads the labels.
func (w *worker) fields(content io.Reader) error {
	limited := io.LimitedReader{R: content, N: maxFields}
	lent := fieldLists.Get().(*[]label.Field)
	list := readFields((*lent)[:0], &limited)
	defer func() {
		if *lent = list; cap(list) <= keptFields {
			clear(list)
			fieldLists.Put(lent)
		}
	}()
	if limited.N == 0 {
		if err := w.tooLarge("the header is longer than 4 MiB, and labels and rules see no more of it"); err != nil {
			return err
		}
	}
	err := w.step("", labelStep, func() error {
		labels, more := label.Mail(list)
		if more {
			if err := w.tooLarge("the message has too many sensitivity labels, and the others are not read"); err != nil {
				return err
			}
		}
		if len(labels) == 0 {
			return nil
		}
		return w.record(record{Labels: labels})
	})
	for _, r := range w.set.rules {
		if err != nil {
			return err
		}
		err = w.step("", r.ID(), func() error {
			if f, ok := r.Find(list); ok {
				return w.record(record{Rules: []detect.Finding{f}})
			}
			return nil
		})
	}
	return err
}

// labelStep is what reading labels is called when it must be abandoned.
const labelStep = "labels"

// properties reads the labels of a document, and runs the rules about what it
// says of itself.
func (w *worker) properties(info detect.PartInfo, properties map[string]string) error {
	if len(properties) == 0 {
		return nil
	}
	err := w.step(info.Part, labelStep, func() error {
		labels, more := label.Document(properties)
		for i := range labels {
			labels[i].Part = info.Part
		}
		if more {
			if err := w.tooLarge("a document has too many sensitivity labels, and the others are not read"); err != nil {
				return err
			}
		}
		if len(labels) == 0 {
			return nil
		}
		return w.record(record{Labels: labels})
	})
	for _, r := range w.set.properties {
		if err != nil {
			return err
		}
		err = w.step(info.Part, r.ID(), func() error {
			f, ok := r.Find(properties)
			if !ok {
				return nil
			}
			f.Part, f.Name = info.Part, info.Name
			return w.record(record{Rules: []detect.Finding{f}})
		})
	}
	return err
}

// passwords are those to try on an encrypted file.
func (w *worker) passwords() []string {
	if !w.hints.on {
		return w.set.passwords
	}
	return append(slices.Clone(w.set.passwords), w.hints.passwords()...)
}

// tooLarge says of the whole message that a limit was hit.
func (w *worker) tooLarge(detail string) error {
	return w.record(record{Unseen: &mail.Unseen{Reason: mail.TooLarge, Detail: detail}})
}

// fieldLists are lists of fields to be used again, of up to keptFields.
var fieldLists = sync.Pool{New: func() any { return new([]label.Field) }}

const keptFields = 1000

func readFields(list []label.Field, content io.Reader) []label.Field {
	var text strings.Builder
	_, _ = buffers.Copy(&text, content) // what there is counts
	for line := range strings.SplitSeq(text.String(), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			list = append(list, label.Field{Name: name, Value: strings.TrimSpace(value)})
		}
	}
	return list
}

// attachments runs the rules for names, types and sizes.
func (w *worker) attachments(info detect.PartInfo) error {
	for _, rule := range w.set.attachments {
		err := w.step(info.Part, rule.ID, func() error {
			if !rule.Matches(info) {
				return nil
			}
			return w.record(record{Rules: []detect.Finding{{
				Type: detect.TypeOf(rule.ID), Detector: rule.ID, Part: info.Part, Name: info.Name, Kind: detect.Attachment,
				Count: 1, Confidence: rule.Level(), Sample: info.Type, Why: []string{"attachment"},
			}}})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
