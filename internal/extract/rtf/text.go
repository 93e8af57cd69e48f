package rtf

import (
	"unicode/utf16"
	"unicode/utf8"

	"postern.dev/postern/internal/extract/codepage"
)

// octets takes characters in the code page of the group.
func (r *reader) octets(p []byte) {
	if r.skip > 0 {
		n := min(r.skip, len(p))
		r.skip -= n
		p = p[n:]
	}
	if len(p) == 0 {
		return
	}
	switch r.group.dest {
	case skipped:
		return
	case objectData, picture:
		r.hex(p)
		return
	}
	r.unpaired()
	if len(r.pending) == 0 && plain(p) {
		r.give(p)
		return
	}
	r.pending = append(r.pending, p...)
}

func plain(p []byte) bool {
	for _, c := range p {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// chars decodes the octets that wait. It is called before anything that may
// change the code page or the destination.
func (r *reader) chars() {
	r.unpaired()
	if len(r.pending) == 0 {
		return
	}
	page := r.fonts[r.group.font]
	if r.group.font < 0 {
		page = r.fonts[r.standard]
	}
	if page == 0 {
		page = r.page
	}
	p := r.pending
	r.pending = r.pending[:0]
	r.give(codepage.Append(nil, page, p))
}

// unpaired gives out a first half of a pair whose second half did not come.
func (r *reader) unpaired() {
	if r.half != 0 {
		r.half = 0
		r.give([]byte("\uFFFD"))
	}
}

// unicode takes a unit of UTF-16, as \u writes it: signed, or one of the
// private characters of a symbol font.
func (r *reader) unicode(value int) {
	c := rune(value & 0xFFFF)
	if value > 0xFFFF && value <= utf8.MaxRune {
		c = rune(value)
	}
	if c >= 0xF020 && c <= 0xF0FF {
		c -= 0xF000
	}
	if r.half != 0 && utf16.IsSurrogate(c) {
		if both := utf16.DecodeRune(r.half, c); both != utf8.RuneError {
			r.half = 0
			r.rune(both)
			return
		}
	}
	if c >= 0xD800 && c < 0xDC00 {
		r.chars()
		r.half = c
		return
	}
	r.rune(c)
}

// rune takes a character.
func (r *reader) rune(c rune) {
	r.chars()
	var b [utf8.UTFMax]byte
	r.give(b[:utf8.EncodeRune(b[:], c)])
}

// give puts text where the group says.
func (r *reader) give(p []byte) {
	if r.fromHTML {
		r.giveHTML(p)
	}
	d := r.group.dest
	switch {
	case d == skipped || d == useUnicode || d == notRead || d == htmlTag || d == objectData || d == picture:
	case d == fontTable:
		r.fontName(p)
	case d.captures():
		r.value = append(r.value, p...)
	case r.group.deleted:
		r.beside(deletedText, p)
	case r.group.hidden:
		r.beside(hiddenText, p)
	case d >= besides:
		r.beside(int(d-besides), p)
	default:
		r.text = append(r.text, p...)
	}
}

func (r *reader) beside(k int, p []byte) { r.side[k] = append(r.side[k], p...) }

// giveHTML collects the HTML that was wrapped: the text of the tags, and the
// text that is not marked as made for RTF only (MS-OXRTFEX §2.1.3.1).
func (r *reader) giveHTML(p []byte) {
	if r.group.dest == htmlTag || r.group.dest == body && !r.group.rtfOnly {
		r.html = append(r.html, p...)
	}
}

// flush gives out the first n octets of the text.
func (r *reader) flush(n int) {
	if n > 0 && r.err == nil {
		_, r.err = r.out.Write(r.text[:n])
	}
	r.text = append(r.text[:0], r.text[n:]...)
	r.table.from = max(0, r.table.from-n)
}

// hex takes octets in hexadecimal; all that is no digit is left out.
func (r *reader) hex(p []byte) {
	for _, c := range p {
		d := hexadecimal(c)
		switch {
		case d < 0:
		case r.nibble < 0:
			r.nibble = d
		default:
			r.value = append(r.value, byte(r.nibble<<4|d))
			r.nibble = -1
		}
	}
}

// fontName looks at the name of a font: old writers say the script there.
func (r *reader) fontName(p []byte) {
	r.name += string(p[:min(len(p), 64)])
	if n := len(r.name); n > 256 {
		r.name = r.name[n-256:]
	}
	for _, s := range []struct {
		suffix string
		page   int
	}{{" CYR;", 1251}, {" CE;", 1250}, {" Greek;", 1253}, {" Tur;", 1254}, {" Baltic;", 1257}, {" (Hebrew);", 1255}, {" (Arabic);", 1256}} {
		if len(r.name) >= len(s.suffix) && r.name[len(r.name)-len(s.suffix):] == s.suffix {
			if r.fonts[r.font] == 0 {
				r.setFont(s.page)
			}
		}
	}
}

func (r *reader) setFont(page int) {
	if _, known := r.fonts[r.font]; known || len(r.fonts) < maxFonts {
		r.fonts[r.font] = page
	}
}
