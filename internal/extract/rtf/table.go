package rtf

import (
	"bytes"
	"slices"

	"postern.dev/postern/internal/extract/heading"
)

// maxCell is the longest cell that is looked at: what is longer is no number.
const maxCell = 256

// table is what is known about the table of the text: a long number stands
// behind the heading of its column, as in every other table that is read.
type table struct {
	heads heading.Columns
	used  bool
	col   int
	from  int // where in the text the open cell begins
}

// cells follows the words that part cells, before their own character.
// RTF has no word for the end of a table: it is over with a paragraph that is
// in none (RTF 1.9.1, "Table Definitions": \intbl).
func (r *reader) cells(word []byte) {
	if r.group.dest != body || r.group.hidden || r.group.deleted {
		return
	}
	t := &r.table
	switch string(word) {
	case "cell":
		t.used = true
		t.from = min(t.from, len(r.text))
		if cell := r.text[t.from:]; len(cell) <= maxCell {
			text := bytes.TrimSpace(cell)
			if h := t.heads.Above(t.col, text, heading.MaxHeading); len(h) > 0 {
				at := t.from + bytes.Index(cell, text)
				r.text = slices.Insert(r.text, at, append(slices.Clone(h), ": "...)...)
			}
		}
		t.col++
	case "row":
		t.heads.EndRow()
		t.col = 0
	case "par", "sect", "page":
		if r.group.inTable || !t.used {
			return
		}
		t.heads.Reset()
		t.used, t.col = false, 0
	}
}

// cellBegins remembers where the next cell begins, behind the same words.
func (r *reader) cellBegins(word []byte) {
	switch string(word) {
	case "cell", "row", "sect", "page":
		r.table.from = len(r.text)
	case "par":
		if !r.group.inTable {
			r.table.from = len(r.text)
		}
	}
}

// cellOpen is where the open cell begins while it may still be a number, else
// the end of the text.
func (r *reader) cellOpen() int {
	if from := min(r.table.from, len(r.text)); len(r.text)-from <= maxCell {
		return from
	}
	return len(r.text)
}
