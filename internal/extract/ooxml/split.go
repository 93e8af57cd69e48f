package ooxml

import "bytes"

// split finds numbers that are written over neighboring cells of a row: four
// cells with four digits each. Cells of text are hardly a table of figures;
// of numbers that is believed only where the sheet has few such rows.
type split struct {
	row, next int
	run       []byte
	cells     int
	numbers   bool
	texts     [][]byte // what was found in cells of text
	figures   [][]byte // and of numbers
}

const (
	splitRows  = 1000 // rows that are remembered
	fewFigures = 3    // rows of numbers that are believed
)

// take looks at a cell that was given out.
func (s *split) take(c *cells, text []byte) {
	n, number := digits(text)
	if s.cells > 0 && (c.row != s.row || c.col != s.next) {
		s.close()
	}
	if n != 4 || !number || len(text) != 4 {
		s.close()
		return
	}
	s.row, s.next = c.row, c.col+1
	s.run = append(s.run, text...)
	s.numbers = s.numbers || c.kind == 'n'
	s.cells++
}

// close ends a run of cells.
func (s *split) close() {
	if s.cells == 4 {
		if s.numbers && len(s.figures) < splitRows {
			s.figures = append(s.figures, bytes.Clone(s.run))
		} else if !s.numbers && len(s.texts) < splitRows {
			s.texts = append(s.texts, bytes.Clone(s.run))
		}
	}
	s.run, s.cells, s.numbers = s.run[:0], 0, false
}

// end gives out what was found in the sheet.
func (s *split) end(c *cells) {
	s.close()
	found := s.texts
	if len(s.figures) <= fewFigures {
		found = append(found, s.figures...)
	}
	if len(found) == 0 || c.p.err != nil {
		return
	}
	c.p.w.begin(beside(c.place, "cells read together"))
	for _, f := range found {
		c.p.w.line(f)
	}
	c.p.err = c.p.w.finish()
}

// constants adds a formula that holds words, or refers to another file. One
// that only joins words is given out as they read together: ="4111"&"1111"
// may have no value that is kept.
func constants(dst, formula []byte) []byte {
	if bytes.IndexByte(formula, '"') < 0 && bytes.IndexByte(formula, '[') < 0 {
		return dst
	}
	from, words, only := len(dst), 0, true
	rest := formula
	for {
		before, behind, found := bytes.Cut(rest, []byte{'"'})
		only = only && len(bytes.Trim(before, "& (),")) == 0
		if !found {
			break
		}
		word, after, _ := bytes.Cut(behind, []byte{'"'})
		dst = append(dst, word...)
		rest = after
		words++
	}
	if words > 1 {
		dst = append(dst, '\n')
	} else {
		dst = dst[:from]
	}
	if words < 2 || !only {
		dst = append(append(dst, formula...), '\n')
	}
	return dst
}
