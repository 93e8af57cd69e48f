package extract

import "bytes"

// Grid writes a table: rows end with a line end, cells with a tab. A cell
// that holds a long number is written behind the heading of its column
// ("SSN: 123456789"), because the number alone may say too little and the
// heading stands a megabyte before.
type Grid struct {
	d        *Document
	section  string
	row, col int
	open     bool // something stands in the row

	rows     int // complete ones
	headings map[int][]byte
	current  map[int][]byte // what this row holds, while headings are looked for
	numbers  bool           // a long number stands in the row
	fixed    bool
}

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
	return &Grid{d: d, section: section, current: map[int][]byte{}}
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
	if longNumber(text) {
		g.numbers = true
		if h := g.headings[col]; len(h) > 0 {
			if _, err := g.d.Write(h); err != nil {
				return err
			}
			if err := g.d.Text(": "); err != nil {
				return err
			}
		}
	} else if !g.fixed && len(text) > 0 && len(g.current) < maxColumns {
		g.current[col] = bytes.Clone(text[:min(len(text), maxHeading)])
	}
	_, err := g.d.Write(text)
	return err
}

// end ends a row. The last row without a long number above the first with
// one holds the headings.
func (g *Grid) end() error {
	if !g.open {
		return g.d.stop
	}
	g.open = false
	g.rows++
	switch {
	case g.fixed:
	case g.numbers || g.rows > maxAbove:
		g.fixed, g.current = true, nil
	case len(g.current) > 0:
		g.headings, g.current = g.current, map[int][]byte{}
	}
	g.numbers = false
	return g.d.Text("\n")
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
