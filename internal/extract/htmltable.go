package extract

import (
	"bytes"
	"strconv"

	"golang.org/x/net/html/atom"

	"postern.dev/postern/internal/extract/heading"
)

// Bounds of tables in pages: mail is laid out in tables too, and what is longer
// than a cell of data is none.
const (
	maxHeldCell  = 256
	maxTables    = 16
	maxRowsBelow = 65534 // HTML, "rowspan"
)

// pageTable is an open table of a page: a long number stands behind the
// heading of its column, as in every other table that is read.
type pageTable struct {
	heads heading.Columns
	begun bool // a row is open
	col   int
	below map[int]int // in how many more rows a cell covers a column
	cell  []byte      // the cell so far; it waits for its end
	held  bool        // a cell is open, and is not given out yet
	next  int         // the column behind the cell
}

// table follows the tags that make tables, before the tag's own space.
func (p *page) table(tag atom.Atom, start bool) {
	if p.xml {
		return
	}
	switch tag {
	case atom.Table:
		p.letCell(!start)
		switch {
		case start:
		case p.deeper > 0:
			p.deeper--
		default:
			p.endRow()
			p.tables = p.tables[:max(0, len(p.tables)-1)]
		}
	case atom.Tr:
		p.letCell(true)
		p.endRow()
		if t := p.open(); t != nil {
			t.begun = start
		}
	case atom.Td, atom.Th:
		p.letCell(true)
	}
}

// tableBegun follows the same tags, behind the space.
func (p *page) tableBegun(tag atom.Atom) {
	switch tag {
	case atom.Table:
		switch {
		case p.xml:
		case len(p.tables) < maxTables:
			p.pushTable()
		default:
			p.deeper++
		}
	case atom.Td, atom.Th:
		t := p.open()
		if t == nil {
			return
		}
		t.begun, t.held, t.cell = true, true, t.cell[:0]
		for t.col++; t.below[t.col] > 0; t.col++ { // taken by a cell above
		}
		wide := p.span("colspan", heading.MaxColumns)
		t.next = t.col + wide - 1
		if rows := p.span("rowspan", maxRowsBelow); rows > 1 && len(t.below) < heading.MaxColumns {
			if t.below == nil {
				t.below = map[int]int{}
			}
			for i := range wide {
				t.below[t.col+i] = rows // this row is one of them
			}
		}
	}
}

// pushTable opens a table; what a closed one needed is used again.
func (p *page) pushTable() {
	n := len(p.tables)
	if n == cap(p.tables) {
		p.tables = append(p.tables, pageTable{})
		return
	}
	p.tables = p.tables[:n+1]
	t := &p.tables[n]
	t.heads.Reset()
	clear(t.below)
	t.begun, t.held, t.col, t.next, t.cell = false, false, 0, 0, t.cell[:0]
}

// open is the innermost table.
func (p *page) open() *pageTable {
	if len(p.tables) == 0 {
		return nil
	}
	return &p.tables[len(p.tables)-1]
}

func (p *page) span(name string, most int) int {
	value := p.octets(name)
	if len(value) == 0 {
		return 1
	}
	n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
	if err != nil || n < 1 {
		return 1
	}
	return min(n, most)
}

// write writes the text of the page: a cell waits for its end.
func (p *page) write(b []byte) {
	t := p.open()
	if t == nil || !t.held {
		p.out.Write(b)
		return
	}
	if t.cell = append(t.cell, b...); len(t.cell) > maxHeldCell {
		p.letCell(false)
	}
}

// letCell gives the open cell out; whole says that this is all of it.
func (p *page) letCell(whole bool) {
	t := p.open()
	if t == nil {
		return
	}
	if t.held {
		text := bytes.TrimLeft(t.cell, " \t\n")
		p.out.Write(t.cell[:len(t.cell)-len(text)])
		if whole && len(text) > 0 {
			if h := t.heads.Above(t.col, bytes.TrimSpace(text), heading.MaxHeading); len(h) > 0 {
				p.out.Write(h)
				p.out.WriteString(": ")
			}
		}
		p.out.Write(text)
	}
	if whole && t.next > t.col {
		t.col = t.next
	}
	t.held = false
}

func (p *page) endRow() {
	t := p.open()
	if t == nil || !t.begun {
		return
	}
	t.heads.EndRow()
	t.begun, t.col, t.next = false, 0, 0
	for col, rows := range t.below {
		if t.below[col] = rows - 1; rows <= 1 {
			delete(t.below, col)
		}
	}
}
