package rtf

import (
	"postern.dev/postern/internal/extract/codepage"
)

// word does what a control word says.
func (r *reader) word(word []byte, value int, has bool) {
	star := r.group.star
	r.group.star = false
	switch string(word) { // the characters first: they are the most frequent
	case "u":
		if r.group.dest == fontTable {
			return
		}
		r.flushOctets()
		r.unicode(value)
		r.skip = r.group.uc
		return
	case "uc":
		r.group.uc = max(value, 0)
		return
	case "bin":
		r.binary(value)
		return
	}
	r.flushOctets()
	if c := sign(word); c != 0 {
		r.cells(word)
		r.rune(c)
		r.cellBegins(word)
		return
	}
	if d, known := destination(word); known {
		r.open(d)
		return
	}
	if star && r.group.dest != skipped && r.group.dest != htmlTag {
		r.open(beside)
		return
	}
	if !r.character(word, value, has) {
		r.document(word, value)
	}
}

// flushOctets decodes what waits, but keeps the half of a pair of UTF-16.
func (r *reader) flushOctets() {
	half := r.half
	r.half = 0
	if len(r.pending) > 0 {
		if half != 0 {
			r.give([]byte("\uFFFD"))
			half = 0
		}
		r.chars()
	}
	r.half = half
}

// sign are the words that stand for a character.
func sign(word []byte) rune {
	switch string(word) {
	case "par", "line", "sect", "page", "column", "row", "nestrow", "softline", "softpage", "lbr":
		return '\n'
	case "tab", "cell", "nestcell":
		return '\t'
	case "emdash":
		return '—'
	case "endash":
		return '–'
	case "emspace", "enspace", "qmspace":
		return ' '
	case "bullet":
		return '•'
	case "lquote":
		return '‘'
	case "rquote":
		return '’'
	case "ldblquote":
		return '“'
	case "rdblquote":
		return '”'
	case "zwj":
		return 0x200D
	case "zwnj":
		return 0x200C
	case "ltrmark":
		return 0x200E
	case "rtlmark":
		return 0x200F
	}
	return 0
}

// character are the words that hold for the characters of a group.
func (r *reader) character(word []byte, value int, has bool) bool {
	on := !has || value != 0
	switch string(word) {
	case "f":
		if r.group.dest == fontTable {
			r.font, r.name = value, ""
			r.setFont(0)
			return true
		}
		r.group.font = value
	case "pard":
		r.group.inTable = false
	case "intbl":
		r.group.inTable = on
	case "plain":
		r.group.hidden, r.group.deleted = false, false
		r.group.font = r.standard
	case "v":
		r.group.hidden = on
	case "deleted":
		r.group.deleted = on
	case "htmlrtf":
		r.group.rtfOnly = on
	case "fcharset":
		if page := codepage.OfCharset(value); r.group.dest == fontTable && page != 0 {
			r.setFont(page)
		}
	case "cpg":
		if r.group.dest == fontTable && value > 0 {
			r.setFont(value)
		}
	default:
		return false
	}
	return true
}

// document are the words that hold for the document, for what describes a
// picture, and for a date.
func (r *reader) document(word []byte, value int) {
	switch string(word) {
	case "ansi":
		r.page = 1252
	case "mac":
		r.page = codepage.Roman
	case "pc":
		r.page = 437
	case "pca":
		r.page = 850
	case "ansicpg":
		if value > 0 {
			r.page = value
		}
	case "deff":
		r.standard = value
	case "fromhtml":
		r.fromHTML = true
	case "pngblip":
		r.kind = "png"
	case "jpegblip":
		r.kind = "jpg"
	case "emfblip":
		r.kind = "emf"
	case "wmetafile":
		r.kind = "wmf"
	case "macpict":
		r.kind = "pict"
	case "dibitmap", "wbitmap":
		r.kind = "dib"
	case "yr":
		r.date[0] = value
	case "mo":
		r.date[1] = value
	case "dy":
		r.date[2] = value
	case "hr":
		r.date[3] = value
	case "min":
		r.date[4] = value
	}
}

// binary takes the octets of \bin as they are. A length that is longer than
// the document is a trick to hide it: such a word is not believed.
func (r *reader) binary(n int) {
	if n <= 0 {
		return
	}
	if n > len(r.p)-r.at {
		r.damaged = true
		return
	}
	data := r.p[r.at : r.at+n]
	r.at += n
	switch r.group.dest {
	case objectData, picture:
		r.nibble = -1
		r.value = append(r.value, data...)
	default:
		r.chars()
		if r.group.dest != skipped { // octets that no program shows
			r.beside(notShown, codepage.Append(nil, r.page, data))
		}
	}
}
