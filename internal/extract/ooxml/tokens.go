package ooxml

import (
	"bytes"
	"io"

	"postern.dev/postern/internal/extract/xmlread"
)

// xml reads a part that should be XML. A part of a sheet or a list of
// strings has its own reader; a part that is no XML is a file.
func (p *pack) xml(t *part, in io.Reader, place string) {
	p.x.Reset(in)
	k := p.x.Next()
	for k == xmlread.Text && len(bytes.TrimSpace(p.x.Text)) == 0 {
		k = p.x.Next()
	}
	if k != xmlread.Start {
		p.notXML(t)
		return
	}
	root := string(p.x.Local)
	switch root {
	case "worksheet", "macrosheet":
		p.sheetXML(place, t.name)
	case "sst":
		p.stringsXML()
	case "styleSheet":
		p.stylesXML()
	case "FixedPage":
		p.fixedPage(place, t.name)
	default:
		if place == "" {
			place = placeOf(root, t.name)
		}
		p.w.begin(place)
		p.walk(root)
		p.err = p.w.finish()
	}
	if p.x.Declared {
		p.out.Note("ambiguous", "a part of the document declares entities of its own")
	}
	if p.x.Cut {
		p.out.Note("malformed", "a part of the document is damaged")
	}
}

// notXML hands a part on that is called XML and is something else.
func (p *pack) notXML(t *part) {
	if t.file.Packed() == 0 {
		return
	}
	i := p.index[t.name]
	if p.parts[i].file != t.file {
		return
	}
	if r := p.open(i); r != nil {
		defer r.Close()
		p.embed(t, p.counted(r))
	}
}

// placeOf is what people call a part by its root element.
func placeOf(root, name string) string {
	switch root {
	case "document", "VisioDocument":
		return ""
	case "hdr":
		return "page header"
	case "ftr":
		return "page footer"
	case "footnotes", "endnotes", "comments", "settings":
		return root
	case "glossaryDocument":
		return "building blocks"
	case "chartSpace":
		return "chart"
	case "dataModel", "drawing":
		return "diagram"
	case "sldMaster":
		return "slide master"
	case "sldLayout":
		return "slide layout"
	case "sld":
		return "slide"
	case "notes":
		return "notes"
	case "notesMaster", "handoutMaster":
		return "master of notes"
	case "PageContents":
		return "page"
	case "pivotCacheDefinition", "pivotCacheRecords":
		return "data of a pivot table"
	case "externalLink":
		return "data of another workbook"
	}
	return name
}

// technical reports whether a root element is known, and its attributes are
// not what a person reads but for those that walk names.
func technical(root string) bool {
	switch root {
	case "document", "hdr", "ftr", "footnotes", "endnotes", "comments", "settings", "glossaryDocument", "chartSpace",
		"dataModel", "drawing", "sldMaster", "sldLayout", "sld", "notes", "notesMaster", "handoutMaster", "presentation",
		"theme", "themeOverride", "styles", "fonts", "numbering", "webSettings", "styleSheet", "colorsDef", "styleData",
		"styleDef", "layoutDef", "colorStyle", "chartStyle", "Types", "Relationships", "datastoreItem", "presentationPr",
		"viewPr", "tblStyleLst", "wsDr", "xml", "workbook", "calcChain", "metadata", "PageContents", "VisioDocument",
		"Masters", "MasterContents", "Pages", "Windows", "commentsEx", "commentsIds", "people", "cmAuthorLst",
		"chartsheet", "volTypes", "Properties", "coreProperties", "labelList", "userShapes", "commentsExtensible",
		"chartColorStyle", "hashDataArray", "taskpanes", "ThreadedComments", "personList", "sldSyncPr", "ocx", "additionalCharacteristics",
		"FixedDocument", "FixedDocumentSequence", "DocumentStructure", "StoryFragments":
		return true
	}
	return false
}

// walk reads the part behind its root element.
func (p *pack) walk(root string) {
	w, x := &p.w, &p.x
	w.x, w.root, w.lists = x, root, p.lists
	w.strange = !technical(root)
	w.open(x.Local)
	for w.err == nil {
		switch x.Next() {
		case xmlread.EOF:
			return
		case xmlread.Start:
			w.open(x.Local)
		case xmlread.End:
			w.close(x.Local)
		case xmlread.Text:
			w.data(x.Text)
		}
	}
}

// data takes character data.
func (w *walker) data(b []byte) {
	switch {
	case w.mute > 0:
	case w.text > 0:
		w.add(b)
	case w.silent || blank(b):
	default:
		w.add(b)
		w.loose = true
	}
}

func blank(b []byte) bool {
	for _, c := range b {
		if c > ' ' {
			return false
		}
	}
	return true
}
