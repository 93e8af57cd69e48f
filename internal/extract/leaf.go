package extract

import (
	"bytes"

	"postern.dev/postern/internal/mail"
)

// leaf is what the readers of single formats write to (extract/rtf,
// extract/ole and others): they know nothing of documents.
type leaf struct {
	d *Document
	g *Grid
}

func (l *leaf) Write(p []byte) (int, error) { return l.d.Write(p) }

// Section says where the text that follows stands.
func (l *leaf) Section(name string) error { return l.d.Section(name) }

// Begin starts a table.
func (l *leaf) Begin(name string) error {
	l.g = l.d.Grid(name)
	return l.d.stop
}

// Cell gives a cell of the table out.
func (l *leaf) Cell(row, col int, text []byte) error {
	if l.g == nil {
		return nil
	}
	return l.g.Cell(row, col, text)
}

// End ends the table.
func (l *leaf) End() error {
	if l.g == nil {
		return nil
	}
	g := l.g
	l.g = nil
	return g.End()
}

// Property records what the format says about itself.
func (l *leaf) Property(name, value string) { l.d.Property(name, value) }

// Embed looks at a file that lies inside.
func (l *leaf) Embed(name, declared string, octets []byte) error {
	return l.d.Embed(Embedded{Name: name, Declared: declared, Octets: bytes.NewReader(octets)})
}

// Note records what was not read.
func (l *leaf) Note(cause, detail string) { l.d.Note(mail.Cause(cause), detail) }
