package extract

import "postern.dev/postern/internal/extract/heading"

// Grid writes a table: rows end with a line end, cells with a tab. A cell
// that holds a long number is written behind the heading of its column
// ("SSN: 123456789"), because the number alone may say too little and the
// heading stands a megabyte before.
type Grid struct {
	d        *Document
	section  string
	row, col int
	open     bool // something stands in the row
	columns  heading.Columns
}

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
	if h := g.columns.Above(col, text, len(text)); len(h) > 0 {
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
	g.columns.EndRow()
	return g.d.Text("\n")
}

// End ends the table.
func (g *Grid) End() error {
	err := g.end()
	g.d.place(g.section, 0, 0)
	return err
}
