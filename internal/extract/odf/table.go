package odf

import (
	"bytes"
	"fmt"
)

// Tables, part 3 §9: those of a sheet and those of a text are one. A table in
// the cell of another is text of that cell.

func (w *walker) tableStart() {
	w.tables++
	if w.tables > 1 {
		return
	}
	w.paragraph()
	w.sheets++
	w.row, w.rows = 0, 1
	place := fmt.Sprintf("table %d", w.sheets)
	if name := w.x.Attr("name"); len(name) > 0 {
		place = fmt.Sprintf("sheet %d (%s)", w.sheets, name)
	}
	if w.place != "" {
		place = w.place + ", " + place
	}
	w.out.Grid(place)
	w.grid, w.begun = true, true
}

func (w *walker) tableEnd() {
	if w.tables == 0 {
		return
	}
	if w.tables--; w.tables > 0 || !w.grid {
		return
	}
	w.inCell = false
	w.out.EndGrid()
	w.grid = false
	w.said = "\x00" // what follows stands elsewhere
	w.asides()
}

func (w *walker) rowStart() {
	if w.tables != 1 {
		return
	}
	w.row += w.rows
	w.rows = max(1, number(w.x.Attr("number-rows-repeated")))
	if w.row == 0 {
		w.row = 1
	}
	w.col, w.cells = 0, 1
}

func (w *walker) cellStart() {
	if w.tables != 1 {
		return
	}
	w.col += w.cells
	w.cells = max(1, number(w.x.Attr("number-columns-repeated")))
	w.inCell, w.cell, w.number = true, w.cell[:0], ""
	switch string(w.x.Attr("value-type")) {
	case "float", "currency", "percentage":
		w.number = string(w.x.Attr("value"))
	case "string":
		w.number = string(w.x.Attr("string-value"))
	}
	if f := w.x.Attr("formula"); bytes.IndexByte(f, '"') >= 0 {
		w.remark(f)
	}
}

func (w *walker) cellEnd() {
	if w.tables != 1 || !w.inCell {
		return
	}
	w.give()
	w.inCell = false
}

// give gives the cell out: as it is shown, and as it is where that has
// digits which are not shown.
func (w *walker) give() {
	text := bytes.TrimSpace(w.cell)
	if n := digits(w.number); n != "" && !bytes.Contains([]byte(digits(string(text))), []byte(n)) || len(text) == 0 {
		if len(text) > 0 && w.number != "" {
			text = append(text, ' ')
		}
		text = append(text, w.number...)
	}
	w.number = ""
	if len(text) > 0 {
		w.out.Cell(w.row, w.col, text)
	}
	w.cell = w.cell[:0]
}

// digits are those of the whole part of a number.
func digits(s string) string {
	var out []byte
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			out = append(out, c)
		case c == '.' && len(s) < 40 && bytes.IndexByte([]byte(s[i+1:]), '.') < 0:
			return string(out)
		}
	}
	return string(out)
}
