package ooxml

import (
	"postern.dev/postern/internal/extract/xmlread"
)

// cells is the state while a sheet is read.
type cells struct {
	p        *pack
	place    string
	open     bool // the grid is begun
	row, col int
	lastRow  int // what was given out last
	lastCol  int
	kind     byte // of the cell: 's'hared, 'i'nline, 'n'umber, 'b'oolean, 't'ext
	style    int
	value    []byte
	inline   []byte
	said     []byte
	formula  []byte
	text     []byte
	split    split
}

// give gives a cell out. Rows and columns that do not ascend begin a table
// of their own.
func (c *cells) give(text []byte) {
	if len(text) == 0 {
		return
	}
	if c.open && (c.row < c.lastRow || c.row == c.lastRow && c.col <= c.lastCol) {
		c.end()
	}
	if !c.open {
		c.p.out.Grid(c.place)
		c.open = true
	}
	c.p.out.Cell(c.row, c.col, text)
	c.split.take(c, text)
	c.lastRow, c.lastCol = c.row, c.col
}

func (c *cells) end() {
	if c.open {
		c.p.out.EndGrid()
	}
	c.open, c.lastRow, c.lastCol = false, 0, 0
}

// sheetXML reads a worksheet (part 1 §18.3).
func (p *pack) sheetXML(place, name string) {
	if place == "" {
		place = name
	}
	c := &cells{p: p, place: place}
	x := &p.x
	b := &p.book
	b.extra, b.headers = b.extra[:0], b.headers[:0]
	target := (*[]byte)(nil)
	for k := x.Next(); k != xmlread.EOF && p.err == nil; k = x.Next() {
		switch k {
		case xmlread.Start:
			target = c.start(x)
		case xmlread.End:
			c.finish(x.Local)
			target = nil
		case xmlread.Text:
			switch {
			case target != nil:
				*target = append(*target, x.Text...)
			case !blank(x.Text):
				b.extra = append(append(b.extra, x.Text...), '\n')
			}
		}
	}
	c.end()
	c.split.end(c)
	p.besides(place)
}

// start takes a tag; the text that follows belongs to what it returns.
func (c *cells) start(x *xmlread.Reader) *[]byte {
	b := &c.p.book
	switch string(x.Local) {
	case "row":
		c.col = 0
		if n := number(x.Attr("r")); n > 0 {
			c.row = n
		} else {
			c.row++
		}
	case "c":
		c.cell(x)
	case "v":
		c.value = c.value[:0]
		return &c.value
	case "f":
		return &c.formula
	case "t":
		if c.said != nil {
			return &c.said
		}
		return &c.inline
	case "rPh":
		c.said = append(c.said, ' ')
	case "oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter":
		return &b.headers
	case "dataValidation":
		c.remarks(x, "prompt", "promptTitle", "error", "errorTitle")
	case "formula1", "formula2", "formula":
		return &b.extra
	case "hyperlink":
		c.remarks(x, "display", "tooltip", "location")
	case "sheetPr", "customPr", "protectedRange", "cellWatch", "scenario", "inputCells", "cfvo":
		c.remarks(x, "name", "codeName", "comment", "user", "val")
	case "webPublishItem", "oleObject", "control":
		c.remarks(x, "title", "destinationFile", "link", "name")
	}
	return nil
}

func (c *cells) remarks(x *xmlread.Reader, names ...string) {
	b := &c.p.book
	for _, n := range names {
		if v := x.Attr(n); len(v) > 0 {
			b.extra = append(append(b.extra, v...), '\n')
		}
	}
}

// cell begins a cell (part 1 §18.3.1.4).
func (c *cells) cell(x *xmlread.Reader) {
	c.value, c.inline, c.formula, c.said = c.value[:0], c.inline[:0], c.formula[:0], nil
	c.col++
	ref, kind := []byte(nil), []byte(nil)
	c.style = 0
	x.Attrs(func(name, value []byte) {
		switch string(name) {
		case "r":
			ref = value
		case "t":
			kind = value
		case "s":
			c.style = number(value)
		}
	})
	if row, col := reference(ref); col > 0 {
		c.col = col
		if row > 0 {
			c.row = row
		}
	}
	c.row = max(c.row, 1)
	switch string(kind) {
	case "s":
		c.kind = 's'
	case "b":
		c.kind = 'b'
	case "str", "inlineStr", "e", "d":
		c.kind = 't'
	default:
		c.kind = 'n'
	}
}

// reference reads "AB12"; zeros for what is none.
func reference(b []byte) (row, col int) {
	i := 0
	for ; i < len(b) && i < 3; i++ {
		c := b[i] &^ 0x20
		if c < 'A' || c > 'Z' {
			break
		}
		col = col*26 + int(c-'A') + 1
	}
	if i == 0 || col > 1<<14 {
		return 0, 0
	}
	row = number(b[i:])
	if row < 1 || row > 1<<20 {
		return 0, col
	}
	return row, col
}

// finish takes an end tag.
func (c *cells) finish(name []byte) {
	b := &c.p.book
	switch string(name) {
	case "c":
		c.cellEnd()
	case "oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter":
		b.headers = append(b.headers, '\n')
	case "formula1", "formula2", "formula":
		b.extra = append(b.extra, '\n')
	}
}

func (c *cells) cellEnd() {
	text := c.inline
	switch {
	case len(c.value) == 0:
	case c.kind == 's':
		if n := number(c.value); n >= 0 {
			text = c.p.book.shared(n)
		}
	case c.kind == 'b':
		c.text = append(c.text[:0], "FALSE"...)
		if isTrue(c.value) {
			c.text = append(c.text[:0], "TRUE"...)
		}
		text = c.text
	case c.kind == 'n':
		c.text = c.p.book.shape(c.text[:0], c.value, c.style)
		text = c.text
	default:
		text = c.value
	}
	if len(c.inline) > 0 && len(c.value) > 0 {
		c.text = append(append(append([]byte(nil), text...), ' '), c.inline...)
		text = c.text
	}
	if len(c.said) > 0 {
		text = append(append([]byte(nil), text...), c.said...)
	}
	c.give(text)
	if len(c.formula) > 0 {
		b := &c.p.book
		b.extra = constants(b.extra, c.formula)
	}
	c.value, c.inline, c.formula, c.said = c.value[:0], c.inline[:0], c.formula[:0], nil
}

// besides gives out what a sheet says beside its cells.
func (p *pack) besides(place string) {
	b := &p.book
	if p.err != nil {
		return
	}
	if len(b.headers) > 0 {
		p.w.begin(beside(place, "page header"))
		p.w.line(headings(b.headers))
		p.err = p.w.finish()
	}
	if len(b.extra) > 0 && p.err == nil {
		p.w.begin(beside(place, "formulas and hints"))
		p.w.line(b.extra)
		p.err = p.w.finish()
	}
	b.extra, b.headers = b.extra[:0], b.headers[:0]
}

// headings takes the codes out of headers and footers (part 1 §18.3.1.46):
// sections, fonts, sizes; what a code stands for is not known here.
func headings(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '&' || i+1 == len(b) {
			out = append(out, b[i])
			continue
		}
		i++
		switch c := b[i]; {
		case c == '&':
			out = append(out, '&')
		case c == 'L' || c == 'C' || c == 'R':
			out = append(out, ' ')
		case c == '"':
			for i++; i < len(b) && b[i] != '"' && b[i] != '\n'; i++ {
			}
		case c == 'K':
			i += min(6, len(b)-1-i)
		case '0' <= c && c <= '9':
			for i+1 < len(b) && '0' <= b[i+1] && b[i+1] <= '9' && i < len(b) {
				i++
			}
		}
	}
	return out
}
