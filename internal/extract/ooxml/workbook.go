package ooxml

import (
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/extract/xmlread"
)

// book is what the cells of a workbook refer to.
type book struct {
	strings  []byte // all shared strings, one behind the other
	ends     []int32
	shown    []bool
	custom   map[int]string // number formats
	formats  []int          // number format by style
	codes    map[int]*format
	date1904 bool
	extra    []byte // what a sheet says beside its cells
	headers  []byte
}

// maxStrings bounds the text of all shared strings.
const maxStrings = 96 << 20

// sheet is a row of the workbook's list.
type sheet struct{ name, state, id string }

// workbook reads strings and styles, then the sheets in their order, each
// with its comments, drawings and tables (part 1 §18.2).
func (p *pack) workbook(main int) {
	p.book = book{custom: map[int]string{}, codes: map[int]*format{}}
	kinds := map[string][]int{}
	for i := range p.parts {
		t := &p.parts[i]
		switch {
		case t.done:
		case strings.HasSuffix(t.name, ".xml"):
			root := p.root(i, false)
			kinds[root] = append(kinds[root], i)
		case strings.HasSuffix(t.name, ".bin") && strings.Contains(t.name, "sharedstrings"):
			kinds["sst"] = append(kinds["sst"], i)
		case strings.HasSuffix(t.name, ".bin") && strings.Contains(t.name, "styles"):
			kinds["styleSheet"] = append(kinds["styleSheet"], i)
		}
	}
	var sheets []sheet
	source := ""
	if main >= 0 {
		source = p.parts[main].name
		if strings.HasSuffix(source, ".bin") {
			sheets = p.sheetsBinary(main)
		} else {
			sheets = p.sheets(main)
		}
	}
	for _, i := range append(slices.Clone(kinds["sst"]), kinds["styleSheet"]...) {
		p.tree(i, "")
	}
	for n, s := range sheets {
		i := p.related(source, s.id)
		if i < 0 || p.parts[i].done || p.err != nil {
			continue
		}
		place := fmt.Sprintf("sheet %d (%s)", n+1, s.name)
		if s.state != "" && s.state != "visible" {
			place += ", hidden"
		}
		p.tree(i, place)
		p.family(p.parts[i].name, place)
	}
	for _, i := range kinds["worksheet"] {
		if p.err == nil {
			p.tree(i, p.parts[i].name)
			p.family(p.parts[i].name, p.parts[i].name)
		}
	}
	p.unshown()
}

// sheets reads the list of sheets, and how dates are counted.
func (p *pack) sheets(main int) []sheet {
	r := p.open(main)
	if r == nil {
		return nil
	}
	defer r.Close()
	var list []sheet
	p.x.Reset(p.counted(r))
	for k := p.x.Next(); k != xmlread.EOF && len(list) < 10000; k = p.x.Next() {
		if k != xmlread.Start {
			continue
		}
		switch string(p.x.Local) {
		case "sheet":
			list = append(list, sheet{string(p.x.Attr("name")), string(p.x.Attr("state")), string(p.x.Prefixed("id"))})
		case "workbookPr":
			p.book.date1904 = isTrue(p.x.Attr("date1904"))
		}
	}
	return list
}

func isTrue(b []byte) bool { return string(b) == "1" || string(b) == "true" }

// stringsXML reads shared strings: runs joined, what is pronounced behind.
func (p *pack) stringsXML() {
	x, b := &p.x, &p.book
	text, aside := false, false
	var said []byte
	for k := x.Next(); k != xmlread.EOF; k = x.Next() {
		switch k {
		case xmlread.Start:
			switch string(x.Local) {
			case "t":
				text = true
			case "rPh":
				aside = true
				said = append(said, ' ')
			}
		case xmlread.End:
			switch string(x.Local) {
			case "t":
				text = false
			case "rPh":
				aside = false
			case "si":
				b.strings = append(b.strings, said...)
				said = said[:0]
				p.endString()
			}
		case xmlread.Text:
			switch {
			case !text && blank(x.Text):
			case aside:
				said = append(said, x.Text...)
			default:
				b.strings = append(b.strings, x.Text...)
			}
		}
		if len(b.strings)+len(said) > maxStrings {
			p.out.Note("too-large", "the workbook holds more text than is read")
			p.endString()
			return
		}
	}
	if len(b.ends) == 0 && len(b.strings) > 0 || len(b.ends) > 0 && int(b.ends[len(b.ends)-1]) < len(b.strings) {
		p.endString()
	}
}

func (p *pack) endString() { p.book.ends = append(p.book.ends, int32(len(p.book.strings))) }

// shared is the shared string of that number.
func (b *book) shared(n int) []byte {
	if n < 0 || n >= len(b.ends) {
		return nil
	}
	if len(b.shown) < len(b.ends) {
		b.shown = append(b.shown, make([]bool, len(b.ends)-len(b.shown))...)
	}
	b.shown[n] = true
	from := int32(0)
	if n > 0 {
		from = b.ends[n-1]
	}
	return b.strings[from:b.ends[n]]
}

// unshown gives the strings out that no cell refers to.
func (p *pack) unshown() {
	b := &p.book
	if p.err != nil {
		return
	}
	p.w.begin("strings that no cell shows")
	for n := range b.ends {
		if n < len(b.shown) && b.shown[n] {
			continue
		}
		if s := b.shared(n); !blank(s) {
			p.w.line(s)
		}
	}
	p.err = p.w.finish()
}

// stylesXML reads which number format a style has (part 1 §18.8.30).
func (p *pack) stylesXML() {
	x, b := &p.x, &p.book
	cells := false
	for k := x.Next(); k != xmlread.EOF; k = x.Next() {
		switch k {
		case xmlread.Start:
			switch string(x.Local) {
			case "numFmt":
				if id := number(x.Attr("numFmtId")); id >= 0 && len(b.custom) < 10000 {
					b.custom[id] = string(x.Attr("formatCode"))
				}
			case "cellXfs":
				cells = true
			case "xf":
				if cells && len(b.formats) < 100000 {
					b.formats = append(b.formats, number(x.Attr("numFmtId")))
				}
			}
		case xmlread.End:
			if string(x.Local) == "cellXfs" {
				cells = false
			}
		}
	}
}

// number is a small number; -1 for anything else.
func number(b []byte) int {
	if len(b) == 0 || len(b) > 9 {
		return -1
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// shape is a number as a person sees it in a cell of that style.
func (b *book) shape(dst, value []byte, style int) []byte {
	id := 0
	if style >= 0 && style < len(b.formats) {
		id = b.formats[style]
	}
	f := b.codes[id]
	if f == nil {
		code, custom := b.custom[id]
		if !custom {
			code = builtin(id)
		}
		f = parseFormat(code)
		b.codes[id] = f
	}
	return f.write(dst, value, b.date1904)
}
