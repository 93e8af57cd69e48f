package look

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/mail"
)

// Bounds of files in files, over one message.
const (
	maxDepth    = 32        // a file in a file in a file, mail included
	maxInside   = 10_000    // files
	maxUnpacked = 512 << 20 // octets that come out of them
	maxHeld     = 160 << 20 // octets that extractors keep in memory at a time
	maxRatio    = 200       // octets out for one octet of the attachment …
	freeRatio   = 32 << 20  // … above this many
	maxPiece    = 256 << 10 // octets between two looks at these bounds
)

// inside counts what came out of files, over one message.
type inside struct {
	depth    int   // how deep the current item lies
	files    int   // how many came out
	unpacked int64 // octets of them
	held     int64 // octets that are in memory now
	over     bool  // a limit was hit, and is recorded

	outermost *origin // the attachment in which the current item lies
	before    int64   // what had come out when it began
}

// begin notes that an attachment, or another outermost part, is looked at.
func (i *inside) begin(o *origin) {
	if i.depth == 0 {
		i.outermost, i.before = o, i.unpacked
		i.over = i.unpacked > maxUnpacked || i.files >= maxInside
	}
}

// Place implements extract.Desk.
func (s *stream) Place(at int64, section string, row, col int) { s.out.Place(at, section, row, col) }

// Hold implements extract.Desk.
func (s *stream) Hold(n int64) bool {
	if s.w.held+n > maxHeld {
		return false
	}
	s.w.held += n
	return true
}

// Embed implements extract.Desk: the file inside is a part of its own, called
// by the path of this one and a number.
func (s *stream) Embed(e extract.Embedded) error {
	w := s.w
	s.inside++
	switch {
	case w.over:
		s.missed(mail.TooLarge, "files inside are not taken apart: a limit was hit before")
		return s.enough()
	case w.depth >= maxDepth:
		s.missed(mail.TooDeep, "files in files in files are not taken apart any further")
		return s.drain(e)
	case w.files >= maxInside:
		w.over = true
		s.missed(mail.TooManyParts, fmt.Sprintf("the message holds more than %d files inside others", maxInside))
		return s.enough()
	}
	w.files++
	if err := s.part(e); err != nil {
		return err
	}
	if err := s.resumed(); err != nil {
		return err
	}
	return s.enough()
}

// part looks at a file inside, and leaves the counts of this one as they
// were, whatever happens.
func (s *stream) part(e extract.Embedded) error {
	w, ended := s.w, s.w.ended
	w.depth++
	w.tally.Push()
	defer func() {
		w.ended = ended
		w.tally.Pop()
		w.depth--
	}()
	it := item{
		Kind: itemPart, Part: s.it.Part + "." + strconv.Itoa(s.inside), Name: e.Name, Type: e.Declared,
		Text: detect.Attachment, Attachment: true,
	}
	if err := w.named(it); err != nil {
		return err
	}
	return w.part(it, &unpacking{s: s, r: e.Octets})
}

// enough is ErrEnough when a limit was hit, and what stopped the stream.
func (s *stream) enough() error {
	if s.stop != nil {
		return s.stop
	}
	if s.w.over {
		return extract.ErrEnough
	}
	return nil
}

// drain reads a file that nobody looks at, so that the container goes on.
func (s *stream) drain(e extract.Embedded) error {
	_, _ = io.Copy(io.Discard, &unpacking{s: s, r: e.Octets})
	return s.enough()
}

// resumed says that the extractor goes on.
func (s *stream) resumed() error {
	if s.resume.Who == "" {
		return nil
	}
	if err := s.w.out.step(s.resume); err != nil {
		return errStop{err}
	}
	return nil
}

// missed records a cause for this file.
func (s *stream) missed(reason mail.Cause, detail string) {
	err := s.w.record(record{Unseen: &mail.Unseen{Part: s.it.Part, Name: s.it.Name, Reason: reason, Detail: detail}})
	if err != nil && s.stop == nil {
		s.stop = err
	}
}

// unpacking counts what comes out of a file.
type unpacking struct {
	s *stream
	r io.Reader
}

func (u *unpacking) Read(p []byte) (int, error) {
	w := u.s.w
	if w.over {
		return 0, io.EOF
	}
	n, err := u.r.Read(p[:min(len(p), maxPiece)])
	w.unpacked += int64(n)
	out := w.unpacked - w.before
	switch {
	case w.unpacked > maxUnpacked:
		w.over = true
		u.s.missed(mail.TooLarge, "the files inside others are longer than 512 MiB together")
	case w.outermost != nil && out > freeRatio && out > maxRatio*w.outermost.n:
		w.over = true
		u.s.missed(mail.TooLarge, "the file unpacks to more than 200 times its size")
	}
	return n, err
}

// named looks at the name of a file inside another.
func (w *worker) named(it item) error {
	if it.Name == "" {
		return nil
	}
	name := it
	name.Text = detect.FileName
	return w.plain(name, strings.NewReader(it.Name))
}
