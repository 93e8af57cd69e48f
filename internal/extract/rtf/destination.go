package rtf

import (
	"fmt"
	"strings"

	"postern.dev/postern/internal/extract/object"
)

// dest is where the text of a group goes.
type dest uint8

const (
	body dest = iota
	skipped
	notRead // after the end
	fontTable
	objectData
	picture
	htmlTag
	through    // the group only wraps others
	useUnicode // \upr: the reading for old programs is left out

	title
	subject
	author
	manager
	company
	operator
	category
	keywords
	remarks
	base
	objectClass
	propertyName
	propertyValue
	shapeName
	shapeValue
	created
	modified
	lastProperty

	besides // and the places beside the text, in the order of sideNames
)

// beside is where text goes that no program shows.
const beside = besides + notShown

// captures reports whether the text of a destination is a value.
func (d dest) captures() bool { return d >= title && d < lastProperty }

// destination finds the destination that a control word begins.
func destination(word []byte) (dest, bool) {
	switch string(word) {
	case "fonttbl":
		return fontTable, true
	case "objdata":
		return objectData, true
	case "pict":
		return picture, true
	case "htmltag":
		return htmlTag, true
	case "header", "headerl", "headerr", "headerf":
		return besides + pageHeader, true
	case "footer", "footerl", "footerr", "footerf":
		return besides + pageFooter, true
	case "footnote":
		return besides + footnotes, true
	case "annotation", "atnauthor":
		return besides + comments, true
	case "shptxt", "dptxbxtext":
		return besides + textBoxes, true
	case "fldinst":
		return besides + fieldCodes, true
	case "shpinst", "shppict", "shpgrp", "object", "field", "sp", "userprops", "info", "picprop", "do", "background",
		"ud", "objname", "fldrslt", "result", "pntext", "listtext", "nesttableprops", "xmlopen", "ffdeftext", "ffl":
		return through, true
	case "upr":
		return useUnicode, true
	}
	return described(word)
}

// described are the destinations that describe the document, and those whose
// text is made by programs for programs.
func described(word []byte) (dest, bool) {
	switch string(word) {
	case "title":
		return title, true
	case "subject":
		return subject, true
	case "author":
		return author, true
	case "manager":
		return manager, true
	case "company":
		return company, true
	case "operator":
		return operator, true
	case "category":
		return category, true
	case "keywords":
		return keywords, true
	case "doccomm", "comment":
		return remarks, true
	case "hlinkbase":
		return base, true
	case "objclass":
		return objectClass, true
	case "propname":
		return propertyName, true
	case "staticval":
		return propertyValue, true
	case "sn":
		return shapeName, true
	case "sv":
		return shapeValue, true
	case "creatim":
		return created, true
	case "revtim":
		return modified, true
	case "colortbl", "stylesheet", "listtable", "listoverridetable", "rsidtbl", "generator", "themedata",
		"colorschememapping", "datastore", "latentstyles", "mmathPr", "xmlnstbl", "pgptbl", "blipuid", "pnseclvl",
		"panose", "falt", "fontemb", "fontfile", "fname", "fchars", "lchars", "filetbl", "revtbl",
		"bkmkstart", "bkmkend", "mhtmltag", "nonshppict", "shprslt", "svb", "levelnumbers", "leveltext", "listname",
		"liststylename", "listpicture", "wgrffmtfilter", "ftnsep", "ftnsepc", "ftncn", "aftnsep", "aftnsepc", "aftncn",
		"pn", "atnid", "atnref", "atndate", "atntime", "atnicn", "atnparent", "atrfstart", "atrfend", "passwordhash",
		"oldcprops", "oldpprops", "oldtprops", "oldsprops", "datafield", "objalias", "objsect", "objtime", "fldtype",
		"printim", "buptim", "protusertbl", "userprotect", "xform", "moveend", "movestart", "mvfmf", "mvtof", "hsv",
		"defchp", "defpap", "xmlattr", "xmlclose", "writereservhash", "template", "nextfile", "private":
		return skipped, true
	}
	return 0, false
}

// open begins a destination in this group. What lies in something that is
// skipped is skipped; a picture inside a text beside the text is a picture.
func (r *reader) open(d dest) {
	from := r.group.dest
	switch {
	case from == skipped && d != objectData:
		return
	case from == fontTable && d != skipped, from == useUnicode && d != through:
		return
	case d == through:
		if from == useUnicode { // \*\ud in \upr
			r.group.dest = r.outer()
		}
		return
	}
	r.group.dest, r.group.own = d, true
	r.group.hidden, r.group.deleted = false, false
	switch {
	case d == objectData || d == picture:
		r.value, r.nibble = r.value[:0], -1
		r.kind = ""
	case d.captures():
		r.value = r.value[:0]
		r.date = [5]int{}
	case d == besides+fieldCodes, d == besides+comments, d == besides+footnotes, d == besides+textBoxes, d == beside:
		r.beside(int(d-besides), []byte("\n"))
	}
}

// outer is the destination around \upr.
func (r *reader) outer() dest {
	for i := len(r.stack) - 1; i >= 0; i-- {
		if r.stack[i].dest != useUnicode {
			return r.stack[i].dest
		}
	}
	return body
}

// close ends a destination: what was collected is given out.
func (r *reader) close() {
	d := r.group.dest
	value := strings.TrimSpace(string(r.value[:min(len(r.value), 64<<10)]))
	switch {
	case d == objectData:
		r.object()
	case d == picture:
		r.picture()
	case d == propertyName || d == shapeName:
		r.name = value
	case d == propertyValue:
		if r.name != "" {
			r.out.Property("custom:"+r.name, value)
		}
	case d == shapeValue:
		switch r.name {
		case "gtextUNICODE", "wzDescription", "wzName", "pihlShape", "wzTooltip", "pibName":
			r.beside(textBoxes, []byte("\n"+value+"\n"))
		}
	case d == created || d == modified:
		if t := r.date; t[0] > 0 {
			r.out.Property(propertyNames[d-title], fmt.Sprintf("%04d-%02d-%02dT%02d:%02d", t[0], t[1], t[2], t[3], t[4]))
		}
	case d.captures() && propertyNames[d-title] != "" && value != "":
		r.out.Property(propertyNames[d-title], value)
	case d >= besides && d != besides+fieldCodes:
		r.beside(int(d-besides), []byte("\n"))
	}
	if d.captures() || d == objectData || d == picture {
		r.value = r.value[:0]
	}
}

var propertyNames = [lastProperty - title]string{
	0: "title", subject - title: "subject", author - title: "author", manager - title: "manager",
	company - title: "company", operator - title: "last-author", category - title: "category",
	keywords - title: "keywords", remarks - title: "comments", base - title: "custom:hlinkbase",
	created - title: "created", modified - title: "modified",
}

// object gives out an embedded object.
func (r *reader) object() {
	if len(r.value) == 0 || r.err != nil {
		return
	}
	r.number++
	o, ok := object.Embedded(r.value)
	if !ok {
		r.err = r.out.Embed(fmt.Sprintf("object %d", r.number), "", clone(r.value))
		return
	}
	if o.Link {
		r.beside(fieldCodes, []byte("\n"+o.Path+"\n"))
		return
	}
	name := o.Name
	if name == "" {
		name = fmt.Sprintf("object %d", r.number)
	}
	r.err = r.out.Embed(name, "", clone(o.Data))
}

func (r *reader) picture() {
	if len(r.value) == 0 || r.err != nil {
		return
	}
	r.number++
	name, declared := fmt.Sprintf("picture %d.%s", r.number, r.kind), ""
	switch r.kind {
	case "png":
		declared = "image/png"
	case "jpg":
		declared = "image/jpeg"
	case "emf", "wmf":
		declared = "image/" + r.kind
	case "pict":
		declared = "image/x-pict"
	case "dib":
		declared = "image/bmp"
	default:
		name = fmt.Sprintf("picture %d", r.number)
	}
	r.err = r.out.Embed(name, declared, clone(r.value))
}

func clone(p []byte) []byte { return append([]byte(nil), p...) }
