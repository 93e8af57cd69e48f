package ooxml

import ()

// open takes a start tag. The cases are local names of all vocabularies; a
// name means nearly the same wherever it occurs, and where it does not, more
// is read and not less.
func (w *walker) open(name []byte) {
	w.silent = false
	if w.mute > 0 {
		w.mute++
		return
	}
	switch string(name) {
	case "t", "delText", "Text", "text":
		w.text++
	case "p", "si", "comment":
		w.breakLoose()
		w.paragraph('\n')
		if string(name) == "comment" {
			w.attributes("author", "displayName")
		}
	case "tab", "ptab":
		if w.text > 0 || len(w.top().para) > 0 {
			w.add([]byte{'\t'})
		}
	case "br", "cr":
		w.add([]byte{'\n'})
	case "noBreakHyphen":
		w.add([]byte{'-'})
	case "sym":
		w.symbol(w.x.Attr("char"))
	case "instrText", "delInstrText", "rt", "rPh":
		w.field()
	case "del", "moveFrom":
		if !w.x.Empty {
			w.deleted++
		}
	case "ins", "moveTo":
		if !w.x.Empty {
			w.added++
		}
	case "txbxContent", "textbox":
		w.enter()
	case "AlternateContent":
		w.alternative()
	case "Choice", "Fallback":
		w.branch()
	case "tbl":
		w.tableStart()
	case "tc":
		w.cellStart()
	case "ClientData", "txData", "binData":
		w.mute = 1
	case "posOffset", "pctWidth", "pctHeight", "pctPosHOffset", "pctPosVOffset", "align", "col", "colOff", "row",
		"rowOff", "formatCode", "ptCount", "sheetId", "TotalTime", "attrName":
		w.silent = true
	default:
		w.openOther(name)
	}
}

// field begins text that stands beside that of the paragraph.
func (w *walker) field() {
	f := w.top()
	if n := len(f.after); n > 0 && w.aside == 0 && f.after[n-1] != '\n' && string(w.x.Local) != "instrText" {
		f.after = append(f.after, '\n')
	}
	w.aside++
	w.text++
}

// openOther reads the attributes that a person can see, or that hold what
// somebody wrote.
func (w *walker) openOther(name []byte) {
	switch string(name) {
	case "pStyle", "numId", "ilvl":
		w.itemOf(string(name))
	case "docPr", "cNvPr":
		w.attributes("descr", "title")
	case "fldSimple":
		w.attributes("instr")
	case "hlinkClick", "hyperlink", "hlinkHover":
		w.attributes("tooltip", "display", "location")
	case "listItem":
		w.attributes("displayText", "value")
	case "docVar", "attr", "tag":
		w.attributes("name", "val")
	case "alias", "tblCaption", "tblDescription", "statusText", "helpText", "default", "caption":
		w.attributes("val")
	case "textpath":
		w.attributes("string")
	case "shape", "rect", "roundrect", "oval", "imagedata", "shapetype":
		w.attributes("alt", "title")
	case "cmAuthor", "person", "author":
		w.attributes("name", "displayName", "author")
	case "s", "n", "d", "e", "x":
		w.attributes("v")
	case "Glyphs":
		w.attributes("UnicodeString")
	case "Cell":
		w.visioCell()
	case "Page", "Master", "PageSheet":
		w.attributes("Name")
	case "definedName":
		w.breakLoose()
		w.remark(w.x.Attr("name"))
		w.remark(w.x.Attr("comment"))
	case "date":
		w.attributes("fullDate")
	case "b", "i", "u", "font", "span", "a", "fld", "cp", "pp", "tp", "r":
		return // within a line
	default:
		w.breakLoose()
	}
	if w.strange {
		w.x.Attrs(func(_, value []byte) {
			if n, number := digits(value); len(value) > 2 && (!number || n > 5) {
				w.remark(value)
			}
		})
	}
}

// visioCell reads the cells of Visio that hold text (MS-VSDX 2.2.5.3): data
// of shapes, links, comments.
func (w *walker) visioCell() {
	switch string(w.x.Attr("N")) {
	case "Value", "Label", "Prompt", "Description", "Address", "SubAddress", "Comment", "ScreenTip":
	default:
		if string(w.x.Attr("U")) != "STR" {
			return
		}
	}
	v := w.x.Attr("V")
	if _, number := digits(v); !number || len(v) > 5 {
		w.remark(v)
	}
}

// digits counts the digits; number is set when there is nothing else.
func digits(b []byte) (n int, number bool) {
	number = true
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9':
			n++
		case c != '.' && c != '-':
			number = false
		}
	}
	return n, number
}

// attributes gives the values of attributes out.
func (w *walker) attributes(names ...string) {
	if !w.x.HasAttrs() || w.strange {
		return
	}
	for _, n := range names {
		w.remark(w.x.Attr(n))
	}
}

// breakLoose ends a line of text that stood outside of all elements of text.
func (w *walker) breakLoose() {
	if w.loose {
		w.loose = false
		w.paragraph('\n')
	}
}

// close takes an end tag.
func (w *walker) close(name []byte) {
	w.silent = false
	if w.mute > 0 {
		w.mute--
		return
	}
	switch string(name) {
	case "t", "delText":
		w.text = max(0, w.text-1)
	case "Text", "text":
		w.text = max(0, w.text-1)
		w.paragraph('\n')
	case "p", "si", "comment", "v", "f", "pt":
		w.loose = false
		w.paragraph('\n')
	case "instrText", "delInstrText", "rt", "rPh":
		w.text, w.aside = max(0, w.text-1), max(0, w.aside-1)
	case "del", "moveFrom":
		w.deleted = max(0, w.deleted-1)
	case "ins", "moveTo":
		w.added = max(0, w.added-1)
	case "txbxContent", "textbox":
		w.loose = false
		w.leave()
	case "Choice", "Fallback":
		w.branchEnd()
	case "AlternateContent":
		w.alternativeEnd()
	case "tbl":
		w.tableEnd()
	case "tc":
		w.cellEnd()
	case "tr":
		w.rowEnd()
	case "b", "i", "u", "font", "span", "a", "fld", "cp", "pp", "tp", "r", "rPr":
	default:
		w.breakLoose()
	}
}
