package extract

import (
	"bufio"
	"bytes"
	"io"

	"postern.dev/postern/internal/buffers"
)

// A table is written out row by row, its cells separated by tabs. A cell that
// holds a long number is written behind the heading of its column
// ("SSN: 123456789"), because the number alone may say too little and the
// heading stands a megabyte before.

// maxCell bounds one cell in memory; the rest of a longer one is written as a
// cell of its own.
const maxCell = 64 << 10

// maxHeading and maxColumns bound what is repeated.
const (
	maxHeading = 40
	maxColumns = 512
)

// table is the state while a table is read.
type table struct {
	out      *bufio.Writer
	comma    byte
	headings [][]byte
	row      [][]byte // the first row while it is read
	first    bool
	column   int
	cell     []byte
}

func readTable(d *Document) error {
	in, out := buffers.Reader(d.decoded()), buffers.Writer(d)
	defer buffers.PutReader(in)
	defer buffers.PutWriter(out)
	head, _ := in.Peek(sniffSize)
	t := &table{out: out, comma: comma(head, d.Kind.Type), first: true}
	if err := t.read(in); err != nil {
		return err
	}
	return t.out.Flush()
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
			if len(t.cell) > 0 || t.column > 0 {
				t.end('\n')
			}
			if err == io.EOF {
				return nil
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
			err = t.end('\t')
		case c == '\n':
			err = t.end('\n')
		case c == '\r':
		default:
			t.add(c)
		}
		if len(t.cell) >= maxCell {
			err = t.flush()
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

// flush writes a cell that is too long to keep.
func (t *table) flush() error {
	_, err := t.out.Write(t.cell)
	t.cell = t.cell[:0]
	return err
}

// end writes the cell and what separates it from the next.
func (t *table) end(sep byte) error {
	if t.first && t.column < maxColumns {
		t.row = append(t.row, bytes.Clone(t.cell[:min(len(t.cell), maxHeading)]))
	}
	if !t.first && t.column < len(t.headings) && longNumber(t.cell) {
		t.out.Write(t.headings[t.column])
		t.out.WriteString(": ")
	}
	t.out.Write(t.cell)
	err := t.out.WriteByte(sep)
	t.cell = t.cell[:0]
	t.column++
	if sep == '\n' {
		if t.first {
			t.heads()
		}
		t.first, t.column = false, 0
	}
	return err
}

// heads takes the first row for headings when every cell of it could be one.
func (t *table) heads() {
	for _, cell := range t.row {
		if longNumber(cell) {
			return
		}
	}
	t.headings, t.row = t.row, nil
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
