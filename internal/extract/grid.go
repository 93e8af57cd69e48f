package extract

import (
	"cmp"
	"slices"
)

// Grid writes a table: rows end with a line end, cells with a tab. A cell
// that holds a long number is written behind the heading of its column
// ("SSN: 123456789"), because the number alone may say too little and the
// heading stands a megabyte before.
type Grid struct {
	d        *Document
	section  string
	row, col int
	open     bool // something stands in the row
	headings headings
}

// headings finds the headings of a table's columns.
type headings struct {
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

// Bounds of headings: how long one is, in how many columns, and how many rows
// may stand above the first number.
const (
	maxHeading = 40
	maxColumns = 512
	maxAbove   = 20
)

// Grid begins a table; section is what people call it ("sheet 2 (Salaries)"),
// "" when it is the whole file. The name is text, too.
func (d *Document) Grid(section string) *Grid {
	if section != "" {
		_ = d.Section(section) // a failure is kept
		_ = d.Text(section + "\n")
	}
	return &Grid{d: d, section: section}
}

// Cell gives out what stands in a cell, counted from 1. Rows come in order,
// and the cells of a row; empty ones may be left out.
func (g *Grid) Cell(row, col int, text []byte) error {
	if row != g.row {
		if err := g.end(); err != nil {
			return err
		}
		g.row = row
	}
	if g.open {
		if err := g.d.Text("\t"); err != nil {
			return err
		}
	}
	g.open, g.col = true, col
	g.d.place(g.section, row, col)
	if h := g.headings.above(col, text, len(text)); len(h) > 0 {
		if _, err := g.d.Write(h); err != nil {
			return err
		}
		if err := g.d.Text(": "); err != nil {
			return err
		}
	}
	_, err := g.d.Write(text)
	return err
}

// end ends a row.
func (g *Grid) end() error {
	if !g.open {
		return g.d.stop
	}
	g.open = false
	g.headings.end()
	return g.d.Text("\n")
}

// above is the heading over a cell that holds a long number, nil for none. A
// cell of at most most octets may be a heading itself.
func (h *headings) above(col int, text []byte, most int) []byte {
	switch {
	case longNumber(text):
		h.numbers = true
		return h.names.at(col)
	case !h.fixed && len(text) > 0 && len(text) <= most && len(h.current.ends) < maxColumns:
		h.current.add(col, text[:min(len(text), maxHeading)])
	}
	return nil
}

// end ends a row. The last row without a long number above the first with
// one holds the headings.
func (h *headings) end() {
	h.rows++
	switch {
	case h.fixed:
	case h.numbers || h.rows > maxAbove:
		h.fixed = true
	case len(h.current.ends) > 0:
		h.names, h.current = h.current, h.names
		h.current.reset()
	}
	h.numbers = false
}

// reset begins another table.
func (h *headings) reset() {
	h.names.reset()
	h.current.reset()
	h.rows, h.numbers, h.fixed = 0, false, false
}

// End ends the table.
func (g *Grid) End() error {
	err := g.end()
	g.d.place(g.section, 0, 0)
	return err
}

// longNumber reports whether a cell holds six digits or more.
func longNumber(cell []byte) bool {
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
