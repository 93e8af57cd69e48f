package extract

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strings"

	"postern.dev/postern/internal/buffers"
	"postern.dev/postern/internal/mail"
)

// Document is what an extractor works on: it reads Octets, and gives out the
// text that a reader sees, files that lie inside, and what was not read.
type Document struct {
	Input
	// Kind is what the content is.
	Kind Kind

	result *Result
	text   io.Writer
	desk   Desk // nil: only text is wanted
	room   int64
	whole  int64
	held   int64
	lent   [][]byte // what Whole gave out

	buf  []byte
	last byte  // the last byte that was written, 0 at the beginning
	stop error // from the reader of the text, or of the files inside
}

// Desk is implemented by a reader of text that takes more than text.
type Desk interface {
	// Alternative takes another reading of a piece of the text: what it may
	// look like to a person. Pieces stand for themselves, with repetitions of
	// the text.
	Alternative(p []byte) error
	// Place says where the text from offset at on stands: in a section ("page
	// 3"; "" for none) and, in a table, in which cell, counted from 1. It
	// comes before the text.
	Place(at int64, section string, row, col int)
	// Embed takes a file that lies inside. ErrEnough means that no more are
	// taken, and that the cause is recorded.
	Embed(e Embedded) error
	// Hold asks to keep n octets in memory, and gives them back when n < 0.
	Hold(n int64) bool
}

// Embedded is a file inside a file.
type Embedded struct {
	// Name is what the container calls it; it may be a path, and is never
	// used as one.
	Name string
	// Declared is its media type when the container says one.
	Declared string
	// Octets are the content.
	Octets io.Reader
}

var (
	// ErrTooLong ends an extractor whose text or content is longer than the
	// limit.
	ErrTooLong = errors.New("extract: longer than the limit")
	// ErrEnough ends an extractor whose embedded files are not taken any more.
	ErrEnough = errors.New("extract: no more embedded files are taken")
)

// writeSize is how much text waits until it is given out.
const writeSize = 16 << 10

// Write gives text (UTF-8) out. Small pieces are collected.
func (d *Document) Write(p []byte) (int, error) {
	if len(p) == 0 || d.stop != nil {
		return 0, d.stop
	}
	var short error
	n := len(p)
	if int64(n) > d.room {
		n, short = int(d.room), ErrTooLong
	}
	if n > 0 {
		d.last = p[n-1]
	}
	d.room -= int64(n)
	d.result.TextBytes += int64(n)
	if len(d.buf) == 0 && n >= writeSize {
		d.give(p[:n])
	} else {
		if cap(d.buf)-len(d.buf) < n && cap(d.buf) < buffers.Size && len(d.buf)+n <= buffers.Size {
			d.buf = append(buffers.Lend(buffers.Size), d.buf...)
		}
		d.buf = append(d.buf, p[:n]...)
		if len(d.buf) >= writeSize {
			d.flush()
		}
	}
	if d.stop != nil {
		return 0, d.stop
	}
	return n, short
}

// Text is Write for a string.
func (d *Document) Text(s string) error {
	_, err := d.Write([]byte(s))
	return err
}

func (d *Document) flush() {
	if len(d.buf) > 0 {
		d.give(d.buf)
		d.buf = d.buf[:0]
	}
}

func (d *Document) give(p []byte) {
	if d.stop == nil {
		_, d.stop = d.text.Write(p)
	}
}

// Break ends the line, unless the text stands at the beginning of one.
func (d *Document) Break() error {
	if d.last == 0 || d.last == '\n' {
		return d.stop
	}
	return d.Text("\n")
}

// Section says where the text that follows stands, for people: "page 3",
// "slide 4, notes", "comments". It ends the line; "" ends the section.
func (d *Document) Section(name string) error {
	err := d.Break()
	d.result.Macros = d.result.Macros || name == "macros" || strings.HasPrefix(name, "macro ")
	d.place(name, 0, 0)
	return err
}

func (d *Document) place(section string, row, col int) {
	if d.desk != nil {
		d.desk.Place(d.result.TextBytes, section, row, col)
	}
}

// Alternative gives another reading of a piece of the text out.
func (d *Document) Alternative(p []byte) error {
	if d.desk == nil || d.room <= 0 {
		return nil
	}
	d.flush()
	if d.stop == nil {
		d.stop = d.desk.Alternative(p)
	}
	return d.stop
}

// Embed looks at a file that lies inside, now. What is wrong with it is
// recorded; an error means that the extractor shall end.
func (d *Document) Embed(e Embedded) error {
	if d.desk == nil {
		_, err := buffers.Copy(io.Discard, e.Octets)
		return err
	}
	d.flush()
	if d.stop == nil {
		if err := d.desk.Embed(e); err != nil {
			if errors.Is(err, ErrEnough) {
				return err
			}
			d.stop = err
		}
	}
	return d.stop
}

// Whole is the content in memory, for formats that are not read from the
// front to the end; the memory is used again when the document is done. Too
// long a content is recorded, and ErrTooLong.
func (d *Document) Whole() ([]byte, error) {
	if !d.hold(wholeStep) {
		return nil, ErrTooLong
	}
	if b, ok := d.Octets.(*bufio.Reader); ok {
		if all, err := b.Peek(b.Size()); err == io.EOF { // it is there already
			_, _ = b.Discard(len(all)) // all of it is buffered
			return all, nil
		}
	}
	all := buffers.Lend(wholeStep)
	d.lent = append(d.lent, all)
	for {
		if len(all) == cap(all) {
			if !d.hold(int64(cap(all))) {
				return nil, ErrTooLong
			}
			grown := append(buffers.Lend(2*cap(all)), all...)
			buffers.Return(all)
			d.lent[len(d.lent)-1] = grown
			all = grown
		}
		n, err := d.Octets.Read(all[len(all):cap(all)])
		all = all[:len(all)+n]
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

// wholeStep is how much memory Whole takes first.
const wholeStep = 64 << 10

// hold asks for n octets of memory; that there are none is recorded.
func (d *Document) hold(n int64) bool {
	if d.held+n > d.whole || d.desk != nil && !d.desk.Hold(n) {
		d.Note(mail.TooLarge, "the file is too long to be taken apart")
		return false
	}
	d.held += n
	return true
}

// release gives back what Whole held.
func (d *Document) release() {
	if d.desk != nil && d.held > 0 {
		d.desk.Hold(-d.held)
	}
	d.held = 0
	for _, b := range d.lent {
		buffers.Return(b)
	}
	d.lent = nil
	if cap(d.buf) == buffers.Size {
		buffers.Return(d.buf)
	}
	d.buf = nil
}

// Note records a reason for which something was not read.
func (d *Document) Note(reason mail.Cause, detail string) {
	if d.noted(reason) {
		return
	}
	d.result.Unseen = append(d.result.Unseen, Unread{reason, detail})
}

// noted reports whether a reason was recorded.
func (d *Document) noted(reason mail.Cause) bool {
	return slices.ContainsFunc(d.result.Unseen, func(u Unread) bool { return u.Reason == reason })
}

// Bounds of what a document says about itself.
const (
	maxProperties = 500
	maxProperty   = 16 << 10
)

// Property records what the format says about itself; the detectors see it
// as text, too. What the names are is said in doc.go.
func (d *Document) Property(name, value string) {
	if value == "" || d.result.Properties[name] == value {
		return
	}
	if d.result.Properties == nil {
		d.result.Properties = map[string]string{}
	}
	if len(d.result.Properties) >= maxProperties || len(name)+len(value) > maxProperty {
		d.Note(mail.TooLarge, "the document says more about itself than is read")
		return
	}
	if _, twice := d.result.Properties[name]; !twice {
		d.result.Properties[name] = value
	}
	d.result.said = append(d.result.said, name, value)
}

// properties writes the properties as text.
func (d *Document) properties() error {
	if len(d.result.said) == 0 {
		return d.stop
	}
	if err := d.Section("properties"); err != nil {
		return err
	}
	for i := 0; i < len(d.result.said); i += 2 {
		if err := d.Text(d.result.said[i] + ": " + d.result.said[i+1] + "\n"); err != nil {
			return err
		}
	}
	return nil
}
