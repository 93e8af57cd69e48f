// Package heading finds the headings of a table's columns.
//
// It upholds one law: a long number in a table can be read with the heading
// above it, because the number alone may say too little and the heading may
// stand a megabyte before.
//
// It does not know how a format writes a table.
//
// Standards: none.
package heading

import (
	"cmp"
	"slices"
)

// Bounds of headings: how long one is, in how many columns, and how many rows
// may stand above the first number.
const (
	MaxHeading = 40
	MaxColumns = 512
	MaxAbove   = 20
)

// Columns are those of a table that is read row by row.
type Columns struct {
	rows    int // complete ones
	names   cells
	current cells // what this row holds, while headings are looked for
	numbers bool  // a long number stands in the row
	fixed   bool
}

// cells are the texts of a row, one behind the other, in the order of columns.
type cells struct {
	text []byte
	ends []cellEnd
}

type cellEnd struct{ col, end int }

func (c *cells) add(col int, text []byte) {
	c.text = append(c.text, text...)
	c.ends = append(c.ends, cellEnd{col, len(c.text)})
}

// at is the text in a column, nil for none.
func (c *cells) at(col int) []byte {
	i, found := slices.BinarySearchFunc(c.ends, col, func(e cellEnd, col int) int { return cmp.Compare(e.col, col) })
	switch {
	case !found:
		return nil
	case i == 0:
		return c.text[:c.ends[0].end]
	}
	return c.text[c.ends[i-1].end:c.ends[i].end]
}

func (c *cells) reset() { c.text, c.ends = c.text[:0], c.ends[:0] }

// Above is the heading over a cell that holds a long number, nil for none. A
// cell of at most most octets may be a heading itself.
func (h *Columns) Above(col int, text []byte, most int) []byte {
	switch {
	case LongNumber(text):
		h.numbers = true
		return h.names.at(col)
	case !h.fixed && len(text) > 0 && len(text) <= most && len(h.current.ends) < MaxColumns:
		h.current.add(col, text[:min(len(text), MaxHeading)])
	}
	return nil
}

// EndRow ends a row. The last row without a long number above the first with
// one holds the headings.
func (h *Columns) EndRow() {
	h.rows++
	switch {
	case h.fixed:
	case h.numbers || h.rows > MaxAbove:
		h.fixed = true
	case len(h.current.ends) > 0:
		h.names, h.current = h.current, h.names
		h.current.reset()
	}
	h.numbers = false
}

// Reset begins another table.
func (h *Columns) Reset() {
	h.names.reset()
	h.current.reset()
	h.rows, h.numbers, h.fixed = 0, false, false
}

// LongNumber reports whether a cell holds six digits or more.
func LongNumber(cell []byte) bool {
	n := 0
	for _, c := range cell {
		if '0' <= c && c <= '9' {
			if n++; n == 6 {
				return true
			}
		}
	}
	return false
}
