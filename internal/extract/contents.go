package extract

import (
	"io"

	"postern.dev/postern/internal/mail"
)

// contents shows a document to the packages that know a format and nothing of
// this one: the methods that it has are what they ask for.
type contents struct {
	d    *Document
	grid *Grid
	err  error // of a method that has none; Write gives it on
}

func (l *contents) Write(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	return l.d.Write(p)
}

func (l *contents) keep(err error) {
	if l.err == nil {
		l.err = err
	}
}

// Section says where the text that follows stands.
func (l *contents) Section(place string) { l.keep(l.d.Section(place)) }

// Grid begins a table.
func (l *contents) Grid(place string) { l.grid = l.d.Grid(place) }

// Cell gives out a cell of the table.
func (l *contents) Cell(row, col int, text []byte) {
	if l.grid != nil && l.err == nil {
		l.keep(l.grid.Cell(row, col, text))
	}
}

// EndGrid ends the table.
func (l *contents) EndGrid() {
	if l.grid != nil {
		l.keep(l.grid.End())
		l.grid = nil
	}
}

// Embed hands a file on that lies inside.
func (l *contents) Embed(name, declared string, octets io.Reader) error {
	if l.err != nil {
		return l.err
	}
	return l.d.Embed(Embedded{Name: name, Declared: declared, Octets: octets})
}

// Property records what the format says about itself.
func (l *contents) Property(name, value string) { l.d.Property(name, value) }

// Note records what was not read.
func (l *contents) Note(cause, sentence string) { l.d.Note(mail.Cause(cause), sentence) }

// Passwords are what may be tried on encrypted content.
func (l *contents) Passwords() []string { return l.d.Input.Passwords }

// done is the error of a format's reader, or the one that a method kept.
func (l *contents) done(err error) error {
	if l.err != nil {
		return l.err
	}
	return err
}
