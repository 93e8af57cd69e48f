package extract

import (
	"bufio"
	"bytes"
	"io"

	"postern.dev/postern/internal/buffers"
)

// maxCell bounds what is kept of one cell; a longer one is written in pieces.
const maxCell = 64 << 10

// table is the state while a table is read.
type table struct {
	grid     *Grid
	comma    byte
	row, col int
	cell     []byte
	begun    bool // the beginning of the cell is given out
}

func readTable(d *Document) error {
	in := buffers.Reader(d.decoded())
	defer buffers.PutReader(in)
	head, _ := in.Peek(sniffSize)
	t := &table{grid: d.Grid(""), comma: comma(head, d.Kind.Type), row: 1, col: 1}
	if err := t.read(in); err != nil {
		return err
	}
	return t.grid.End()
}

// comma is the delimiter: the one that occurs most often in the first line.
func comma(head []byte, kind string) byte {
	if kind == "text/tab-separated-values" {
		return '\t'
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	best, most := byte(','), 0
	for _, c := range []byte(",;\t|") {
		if n := bytes.Count(line, []byte{c}); n > most {
			best, most = c, n
		}
	}
	return best
}

// read follows RFC 4180, and accepts what breaks it: a quote inside a cell is
// a character, an open quote ends with the text.
func (t *table) read(in *bufio.Reader) error {
	quoted := false
	for {
		c, err := in.ReadByte()
		if err != nil {
			failed := t.end(false)
			if err == io.EOF {
				return failed
			}
			return err
		}
		switch {
		case quoted && c == '"':
			if next, err := in.Peek(1); err == nil && next[0] == '"' {
				in.ReadByte()
				t.cell = append(t.cell, '"')
				continue
			}
			quoted = false
		case quoted:
			t.add(c)
		case c == '"' && len(t.cell) == 0:
			quoted = true
		case c == t.comma:
			err = t.end(false)
		case c == '\n':
			err = t.end(true)
		case c == '\r':
		default:
			t.add(c)
		}
		if len(t.cell) >= maxCell {
			err = t.piece()
		}
		if err != nil {
			return err
		}
	}
}

// add appends to the cell; a line break inside becomes a space.
func (t *table) add(c byte) {
	if c == '\n' || c == '\r' || c == '\t' {
		c = ' '
	}
	t.cell = append(t.cell, c)
}

// piece gives out what there is of a cell.
func (t *table) piece() error {
	var err error
	if t.begun {
		_, err = t.grid.d.Write(t.cell)
	} else if len(t.cell) > 0 {
		err = t.grid.Cell(t.row, t.col, t.cell)
		t.begun = true
	}
	t.cell = t.cell[:0]
	return err
}

// end ends the cell; last says that the row ends with it.
func (t *table) end(last bool) error {
	err := t.piece()
	t.begun = false
	t.col++
	if last {
		t.row, t.col = t.row+1, 1
	}
	return err
}
