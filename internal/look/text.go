package look

import (
	"bytes"
	"io"
	"strings"

	"postern.dev/postern/internal/buffers"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/mail"
)

// stream sends text past the detectors, and says after each window what has
// been found so far.
type stream struct {
	w       *worker
	it      item
	out     *detect.Stream
	other   *detect.Stream // other readings of the same text, when there are some
	turned  turned
	seam    seam
	resume  extract.Step // who goes on after the detectors
	stepped bool
	stop    error
	inside  int // files that lie in this one, so far
	prints  prints
	shown   *strings.Builder
	calls   calls
}

// calls are methods as detect.Stream asks for them, made once.
type calls struct {
	step   func(detect.Detector) error
	failed func(detect.Detector, error)
	found  func(detect.Found)
}

func (w *worker) stream(it item, resume string) *stream {
	s := w.lend()
	*s = stream{w: w, it: it, resume: extract.StepAt(it.Part, resume), prints: w.printsOf(it), calls: s.calls}
	source := detect.Source{Part: it.Part, Name: it.Name, Kind: it.Text}
	w.tally.Begin(source)
	if it.Text == detect.Body && strings.HasPrefix(it.Type, "text/") {
		s.seam.part = it.Part
	}
	if w.show != nil {
		s.shown = &strings.Builder{}
	}
	s.out = detect.Open(source, w.detectors(it.Part))
	s.out.Step, s.out.Failed, s.out.Found = s.calls.step, s.calls.failed, s.calls.found
	return s
}

// lend gives the memory of a stream that was closed, or a new one.
func (w *worker) lend() *stream {
	if n := len(w.closed) - 1; n >= 0 {
		s := w.closed[n]
		w.closed = w.closed[:n]
		return s
	}
	s := &stream{}
	s.calls = calls{s.step, s.failed, w.tally.Add}
	return s
}

// detectors are those that look at a part.
func (w *worker) detectors(part string) []detect.Detector {
	if len(w.skip) == 0 && w.fault.how == "" {
		return w.set.detectors
	}
	var list []detect.Detector
	for _, d := range w.set.detectors {
		if !w.skipped(part, d.ID()) {
			list = append(list, w.fault.wrap(d))
		}
	}
	return list
}

// again is a stream for another reading of the same text: what it finds is
// counted with the rest, a value that stands in both readings once.
func (s *stream) again(found func(detect.Found)) *detect.Stream {
	a := detect.Open(s.out.Source, s.out.Detectors)
	a.Step, a.Failed, a.Found = s.calls.step, s.calls.failed, found
	return a
}

// Alternative implements extract.Desk.
func (s *stream) Alternative(p []byte) error {
	if s.other == nil {
		s.other = s.again(func(f detect.Found) {
			f.From = s.out.Read() // about there
			s.w.tally.Add(f)
		})
	}
	_, err := s.other.Write(p)
	return first(err, s.report())
}

func (s *stream) step(d detect.Detector) error {
	s.stepped = true
	if err := s.w.out.step(extract.StepAt(s.it.Part, d.ID())); err != nil {
		return errStop{err}
	}
	return nil
}

func (s *stream) failed(d detect.Detector, _ error) {
	if err := s.w.failed(s.it.Part, s.it.Name, d.ID()); err != nil && s.stop == nil {
		s.stop = err
	}
}

// Write implements io.Writer for extractors.
func (s *stream) Write(p []byte) (int, error) {
	n, err := s.out.Write(p)
	if s.shown != nil && s.shown.Len() < maxText {
		s.shown.Write(p)
	}
	s.seam.add(p)
	s.prints.add(p)
	if s.it.Text == detect.Body || s.it.Text == detect.Subject {
		s.w.hints.add(p)
	}
	if back := s.turned.take(p); err == nil && back != nil {
		err = s.Alternative(back)
	}
	if err == nil {
		err = s.report()
	}
	return n, err
}

// report tells what was found when a window is done, and whose turn it is.
func (s *stream) report() error {
	if s.stop != nil {
		return s.stop
	}
	if !s.stepped {
		return nil
	}
	s.stepped = false
	if err := s.w.found(s.it); err != nil {
		return err
	}
	return s.resumed()
}

// close looks at the end of the text. The stream is not used any more.
func (s *stream) close() error {
	s.resume.Who = ""
	if err := s.out.Close(); err != nil {
		return err
	}
	if back := s.turned.rest(); back != nil {
		if err := s.Alternative(back); err != nil {
			return err
		}
	}
	if s.other != nil {
		if err := s.other.Close(); err != nil {
			return err
		}
	}
	if err := s.across(); err != nil {
		return err
	}
	if err := s.prints.found(s.w, s.it); err != nil {
		return err
	}
	err := s.report()
	s.out.Release()
	if s.other != nil {
		s.other.Release()
	}
	s.out, s.other = nil, nil
	if err == nil {
		s.w.closed = append(s.w.closed, s)
	}
	return err
}

// found sends the findings of one text; they replace those sent before.
func (w *worker) found(it item) error {
	list := w.tally.Findings()
	if len(list) == 0 {
		return nil
	}
	if err := w.record(record{Text: &textFound{Part: it.Part, Kind: it.Text, Findings: list}}); err != nil {
		return err
	}
	return w.record(record{Totals: w.tally.Totals()})
}

// plain looks at text that needs no extraction.
func (w *worker) plain(it item, content io.Reader) error {
	s := w.stream(it, "")
	limited := io.LimitedReader{R: content, N: maxFields}
	if _, err := buffers.Copy(s, &limited); err != nil {
		return err
	}
	if w.show != nil && it.Text != detect.FileName {
		w.show(it, extract.Result{Type: "text/x-" + string(it.Text)}, s.shown.String())
	}
	if limited.N == 0 {
		if err := w.tooLarge("a header says more than 4 MiB, and no more of it is read"); err != nil {
			return err
		}
	}
	return s.close()
}

// part reads one part and looks at its text.
func (w *worker) part(it item, content io.Reader) error {
	octets := &origin{r: content}
	w.begin(octets)
	in := extract.Input{
		Name: it.Name, Declared: it.Type, Charset: it.Charset, Params: it.Params, Octets: octets, Passwords: w.passwords(),
		Pictures: w.ask.Pictures,
	}
	var reading *extract.Reading
	err := w.step(it.Part, "extract-kind", func() error {
		reading = extract.Begin(in, extract.Limits{Text: max(1, min(w.ask.Text, w.ask.MessageText-w.text))})
		return nil
	})
	info := detect.PartInfo{Part: it.Part, Name: it.Name, Type: it.Type, Declared: it.Type, Attachment: it.Attachment}
	if err != nil || reading == nil {
		return first(err, w.record(record{Part: &info}))
	}
	enclosed := (it.Attachment || !strings.HasPrefix(it.Type, "text/")) &&
		(reading.Kind().Type == extract.Mail || reading.Kind().Type == extract.Mailbox)
	pictured := w.ask.Pictures && w.depth > 0 && isPicture(reading.Ahead())
	if enclosed || pictured {
		octets.keep, octets.kept = true, bytes.Clone(reading.Ahead())
	}
	result, text, err := w.read(it, reading)
	if err != nil {
		return err
	}
	w.text += result.TextBytes
	info.Type, info.Size, info.SHA256, info.TextBytes = result.Type, result.Size, result.SHA256, result.TextBytes
	info.Macros = result.Macros
	if err := w.record(record{Part: &info}); err != nil {
		return err
	}
	if octets.failed {
		result.Unseen = append(result.Unseen, extract.Unread{
			Reason: mail.Malformed, Detail: "the content cannot be read to its end",
		})
	}
	if w.show != nil {
		w.show(it, result, text)
	}
	for _, u := range result.Unseen {
		err := w.record(record{Unseen: &mail.Unseen{Part: it.Part, Name: it.Name, Reason: u.Reason, Detail: u.Detail}})
		if err != nil {
			return err
		}
	}
	err = w.properties(info, result.Properties)
	if err == nil && it.Attachment {
		err = w.attachments(info)
	}
	if err == nil && pictured && len(octets.kept) > 0 {
		err = w.pictured(it, octets.kept)
	}
	if err == nil && enclosed && octets.keep {
		err = w.mails(it, octets, reading.Kind().Type == extract.Mailbox)
	}
	return err
}

// read runs the extractor into the detectors. An extractor that was skipped
// or panics leaves the text unseen; the part is still measured.
func (w *worker) read(it item, reading *extract.Reading) (result extract.Result, text string, err error) {
	held := w.held
	who := reading.Extractor()
	lost := who != "" && w.skipped(it.Part, who)
	if who == "" || lost {
		who = "extract-none"
		reading.Skip()
	}
	s := w.stream(it, who)
	run := func() error {
		result, err = reading.Finish(s)
		return err
	}
	if err := w.step(it.Part, who, run); err != nil {
		return result, "", err
	}
	w.held = held
	if result.SHA256 == "" { // it panicked
		lost = true
		reading.Skip()
		if err := w.step(it.Part, "extract-none", run); err != nil {
			return result, "", err
		}
	}
	if lost {
		result.Unseen = nil // why is recorded already
	}
	if result.Type == "" {
		result.Type = it.Type
	}
	if s.shown != nil {
		text = s.shown.String()
	}
	return result, text, s.close()
}

// origin turns a failure of the source into an end, and remembers it: what
// came before is still worth looking at.
type origin struct {
	r      io.Reader
	failed bool
	n      int64 // octets so far

	keep bool // somebody needs the octets again
	kept []byte
	over bool // there were too many to keep
}

// maxKept bounds the octets that are kept.
const maxKept = 8 << 20

func (o *origin) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	o.n += int64(n)
	switch {
	case !o.keep || o.over:
	case len(o.kept)+n > maxKept:
		o.over, o.kept = true, nil
	default:
		o.kept = append(o.kept, p[:n]...)
	}
	if err != nil && err != io.EOF {
		o.failed = true
		err = io.EOF
	}
	return n, err
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
