package odf

import (
	"bytes"
	"fmt"

	"postern.dev/postern/internal/extract/xmlread"
)

// walker turns the tokens of a part into text.
type walker struct {
	p     *pack
	out   Sink
	x     *xmlread.Reader
	place string
	said  string // the section that was announced
	begun bool
	err   error

	para    []byte // the paragraph
	aside   []byte // notes and annotations, behind it
	inAside int
	inPara  int
	binary  bool // within office:binary-data
	octets  []byte
	loose   bool
	slides  int
	meta    string // the property that is read
	value   []byte
	item    bool // within a setting

	sheets int
	tables int // how deep
	grid   bool
	row    int
	col    int
	rows   int // how often the row is repeated
	cells  int // how often the cell is
	cell   []byte
	inCell bool
	number string // the value that the cell has
}

const (
	pieceSize  = 256 << 10 // of a paragraph or a cell in memory
	maxOctets  = 64 << 20
	noteLength = 4 << 10
)

// add adds text where the reader stands.
func (w *walker) add(b []byte) {
	to := &w.para
	switch {
	case w.inAside > 0:
		to = &w.aside
	case w.inCell:
		to = &w.cell
	}
	*to = append(*to, b...)
	if len(*to) > pieceSize {
		w.flush()
	}
}

func (w *walker) write(b []byte) {
	if len(b) == 0 || w.err != nil {
		return
	}
	if !w.begun || w.said != w.place {
		if w.place != "" || w.begun {
			w.out.Section(w.place)
		}
		w.begun, w.said = true, w.place
	}
	_, w.err = w.out.Write(b)
}

// flush writes what waits, without ending the line.
func (w *walker) flush() {
	if w.inCell {
		w.give()
		return
	}
	w.write(w.para)
	w.para = w.para[:0]
	if len(w.aside) > pieceSize {
		w.write(w.aside)
		w.aside = w.aside[:0]
	}
}

// paragraph ends a paragraph.
func (w *walker) paragraph() {
	w.loose = false
	switch {
	case w.inAside > 0:
		w.aside = append(w.aside, '\n')
	case w.inCell:
		w.cell = append(w.cell, ' ')
	default:
		if len(w.para) > 0 {
			w.para = append(w.para, '\n')
			w.write(w.para)
			w.para = w.para[:0]
		}
		w.asides()
	}
}

func (w *walker) asides() {
	if n := len(w.aside); n > 0 && w.inAside == 0 && !w.inCell && !w.grid {
		if w.aside[n-1] != '\n' {
			w.aside = append(w.aside, '\n')
		}
		w.write(w.aside)
		w.aside = w.aside[:0]
	}
}

// remark adds a line behind the paragraph.
func (w *walker) remark(b []byte) {
	b = bytes.TrimSpace(b)
	if len(b) > 0 {
		w.aside = append(append(w.aside, b[:min(len(b), noteLength)]...), '\n')
	}
}

func (w *walker) data(b []byte) {
	switch {
	case w.binary:
		if len(w.octets)+len(b) <= maxOctets {
			for _, c := range b {
				if c > ' ' {
					w.octets = append(w.octets, c)
				}
			}
		} else {
			w.out.Note("too-large", "a file in the document is larger than what is read")
		}
	case w.meta != "":
		w.value = append(w.value, b...)
	case w.item:
	case w.inPara > 0:
		w.add(b)
	case len(bytes.TrimSpace(b)) > 0:
		w.loose = true
		w.add(b)
	}
}

// open takes a start tag.
func (w *walker) open(name string) {
	if w.loose && name != "span" && name != "a" {
		w.paragraph()
	}
	switch name {
	case "p", "h":
		if w.inPara > 0 && w.inAside == 0 {
			w.paragraph()
		}
		w.inPara++
	case "s":
		n := max(1, number(w.x.Attr("c")))
		w.add(bytes.Repeat([]byte{' '}, min(n, 64)))
	case "tab":
		w.add([]byte{'\t'})
	case "line-break":
		w.add([]byte{'\n'})
	case "annotation", "note", "ruby-text":
		w.inAside++
	case "table":
		w.tableStart()
	case "table-row":
		w.rowStart()
	case "table-cell", "covered-table-cell":
		w.cellStart()
	case "page":
		w.slides++
		w.section(fmt.Sprintf("slide %d", w.slides))
	case "notes":
		w.section(fmt.Sprintf("slide %d, notes", w.slides))
	case "binary-data":
		w.binary, w.octets = true, w.octets[:0]
	case "config-item":
		w.item = true
	default:
		w.openOther(name)
	}
}

// openOther reads what attributes hold, and the properties.
func (w *walker) openOther(name string) {
	switch name {
	case "title", "subject", "description", "initial-creator", "creator", "keyword", "creation-date", "date", "user-defined":
		if w.inPara > 0 || w.inAside > 0 || w.inCell {
			return
		}
		w.meta, w.value = propertyName(name), w.value[:0]
		if name == "user-defined" {
			w.meta = "custom:" + string(w.x.Attr("name"))
		}
	case "a", "hyperlink", "image", "object", "plugin", "script", "event-listener", "floating-frame", "database-source-sql",
		"cell-range-source", "table-source":
		if v := w.x.Attr("href"); bytes.Contains(v, []byte(":")) {
			w.remark(v)
		}
	case "user-field-decl", "variable-set", "user-field-get", "hidden-text", "hidden-paragraph", "placeholder":
		w.remark(w.x.Attr("string-value"))
	case "content-validation":
		w.remark(w.x.Attr("condition"))
	case "named-expression", "named-range":
		w.remark(w.x.Attr("name"))
		w.remark(w.x.Attr("expression"))
	case "meta-field", "text-input", "dropdown", "textarea", "formatted-text", "option", "item":
		w.remark(w.x.Attr("value"))
		w.remark(w.x.Attr("current-value"))
		w.remark(w.x.Attr("label"))
	}
}

// propertyName is what others call an element of meta.xml.
func propertyName(name string) string {
	switch name {
	case "initial-creator":
		return "author"
	case "creator":
		return "last-author"
	case "description":
		return "comments"
	case "keyword":
		return "keywords"
	case "creation-date":
		return "created"
	case "date":
		return "modified"
	}
	return name
}

func (w *walker) section(place string) {
	w.paragraph()
	w.place = place
}

// close takes an end tag.
func (w *walker) close(name string) {
	if w.loose {
		w.paragraph()
	}
	switch name {
	case "p", "h":
		if w.inPara > 0 {
			w.inPara--
		}
		w.paragraph()
	case "annotation", "note", "ruby-text":
		if w.inAside > 0 {
			w.inAside--
		}
		if w.inPara == 0 {
			w.asides()
		}
	case "table":
		w.tableEnd()
	case "table-cell", "covered-table-cell":
		w.cellEnd()
	case "notes":
		w.section(fmt.Sprintf("slide %d", w.slides))
	case "binary-data":
		w.binary = false
		w.inline(w.octets)
	case "config-item":
		w.item = false
	case "title", "subject", "description", "initial-creator", "creator", "keyword", "creation-date", "date", "user-defined":
		if w.meta != "" {
			w.out.Property(w.meta, string(bytes.TrimSpace(w.value)))
			w.meta = ""
		}
	}
}

func (w *walker) finish() {
	for w.tables > 0 {
		w.tableEnd()
	}
	w.inAside, w.inCell = 0, false
	w.paragraph()
}

// number is a small number; 0 for anything else.
func number(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' || n > 1<<24 {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}
