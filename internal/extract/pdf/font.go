package pdf

import "strings"

// glyph is what a code of a font means.
type glyph struct {
	text  string
	width float64 // in thousandths of the size
	// known is false for a guess. space is set for the code of a space.
	known bool
	space bool
	// drawn is another text that the names of the glyphs say: what the
	// document calls the letter is not what it draws.
	drawn string
}

// font turns the octets of strings into texts and widths.
type font struct {
	composite, vertical bool
	simple              [256]glyph
	printed             [256]printed // of simple

	codes     *cmap  // composite: how codes are cut, and their glyphs
	codesName string // predefined
	unicode   *cmap
	identity  bool // ToUnicode is Identity: the code is Unicode
	ordering  string
	outline   *outline
	toGlyph   []byte // CIDToGIDMap
	widths    map[int]float64
	usual     float64
	cache     map[uint32]glyph
}

// readFont reads a font's dictionary.
func (d *document) readFont(o any) *font {
	fields := d.dictOf(o)
	f := &font{usual: 1000, cache: map[uint32]glyph{}}
	switch u := d.resolve(fields["ToUnicode"]).(type) {
	case *stream:
		f.unicode = d.readCMap(d.decode(u))
		if b := d.nameOf(u.dict["UseCMap"]); f.unicode.base == nil && b != "" {
			f.unicode.base = namedCMap(b)
		}
	case name:
		f.identity = strings.HasPrefix(string(u), "Identity")
	}
	if d.nameOf(fields["Subtype"]) == "Type0" {
		d.readComposite(f, fields)
	} else {
		d.readSimple(f, fields)
	}
	return f
}

// readComposite reads a font of Type 0 (ISO 32000-1 §9.7).
func (d *document) readComposite(f *font, fields dict) {
	f.composite = true
	switch e := d.resolve(fields["Encoding"]).(type) {
	case *stream:
		f.codes = d.readCMap(d.decode(e))
		if b := d.nameOf(e.dict["UseCMap"]); f.codes.base == nil && b != "" {
			f.codes.base = namedCMap(b)
			f.codesName = string(b)
		}
		if d.intOf(e.dict["WMode"]) == 1 {
			f.codes.wmode = 1
		}
	case name:
		f.codes, f.codesName = namedCMap(e), string(e)
	default:
		f.codes = namedCMap("Identity-H")
	}
	f.vertical = f.codes.wmode == 1
	var child dict
	if list := d.arrayOf(fields["DescendantFonts"]); len(list) > 0 {
		child = d.dictOf(list[0])
	}
	f.ordering = d.stringOf(d.dictOf(child["CIDSystemInfo"])["Ordering"])
	f.usual = d.numberOf(child["DW"], 1000)
	f.widths = d.cidWidths(d.arrayOf(child["W"]))
	if f.unicode != nil && len(f.unicode.texts) > 0 {
		return
	}
	descriptor := d.dictOf(child["FontDescriptor"])
	for _, key := range []name{"FontFile2", "FontFile3"} {
		if s := d.streamOf(descriptor[key]); s != nil {
			f.outline = readOutline(d.decode(s), &d.work)
		}
	}
	if s := d.streamOf(child["CIDToGIDMap"]); s != nil {
		f.toGlyph = d.decode(s)
	}
}

// cidWidths reads "1 [500 600] 10 20 500".
func (d *document) cidWidths(list array) map[int]float64 {
	widths := map[int]float64{}
	for i := 0; i+1 < len(list) && d.step(1); {
		first := d.intOf(list[i])
		switch second := d.resolve(list[i+1]).(type) {
		case array:
			for k, w := range second {
				if len(widths) < maxRows {
					widths[first+k] = d.numberOf(w, 0)
				}
			}
			i += 2
		case float64:
			if i+2 >= len(list) {
				return widths
			}
			w := d.numberOf(list[i+2], 0)
			for n := first; n <= int(second) && n < first+0x10000 && len(widths) < maxRows; n++ {
				widths[n] = w
			}
			i += 3
		default:
			i++
		}
	}
	return widths
}

// next cuts a code off s and gives its glyph.
func (f *font) next(s []byte) (g glyph, octets int) {
	if !f.composite {
		return f.simple[s[0]], 1
	}
	code, n := f.codes.next(s)
	key := code | uint32(n)<<29 // codes of four octets stay below 1<<29 but for UTF-16
	if n == 4 {
		key = code
	}
	g, ok := f.cache[key]
	if !ok {
		g = f.lookup(code, s[:n])
		if len(f.cache) < 1<<16 {
			f.cache[key] = g
		}
	}
	return g, n
}

func (f *font) lookup(code uint32, b []byte) glyph {
	cid := int(code)
	if f.codes.cids != nil || f.codes.base != nil {
		cid = f.codes.cid(code)
	}
	g := glyph{width: f.usual, known: true}
	if w, ok := f.widths[cid]; ok {
		g.width = w
	}
	g.space = len(b) == 1 && b[0] == ' '
	g.text = f.textOf(code, cid, b)
	if g.text == "" {
		g.known = false
	}
	return g
}

func (f *font) textOf(code uint32, cid int, b []byte) string {
	if f.identity {
		return cleaned(string(rune(code)))
	}
	if f.unicode != nil {
		if s, ok := f.unicode.lookup(code); ok {
			return cleaned(s)
		}
		if f.unicode.base != nil && len(f.unicode.texts) == 0 {
			return cleaned(string(rune(code))) // usecmap Identity
		}
	}
	if f.codesName != "" {
		if s := legacyText(f.codesName, b); s != "" {
			return cleaned(s)
		}
	}
	if s := collectionText(f.ordering, cid); s != "" {
		return s
	}
	if f.outline != nil {
		gid := cid
		if 2*cid+1 < len(f.toGlyph) {
			gid = int(f.toGlyph[2*cid])<<8 | int(f.toGlyph[2*cid+1])
		}
		return cleaned(f.outline.texts[gid])
	}
	return ""
}

// cleaned leaves out what is no character.
func cleaned(s string) string {
	if s == "\x00" || s == "\uFFFD" || s == "\uFFFF" || s == "\uFFFE" {
		return ""
	}
	return s
}

// readSimple reads a font of one octet per code (ISO 32000-1 §9.6).
func (d *document) readSimple(f *font, fields dict) {
	descriptor := d.dictOf(fields["FontDescriptor"])
	names, base := d.simpleEncoding(fields, descriptor)
	var outline *outline
	if s := d.streamOf(descriptor["FontFile2"]); s != nil && (f.unicode == nil || len(f.unicode.texts) == 0) {
		outline = readOutline(d.decode(s), &d.work)
	}
	for code := range 256 {
		g := &f.simple[code]
		g.known = true
		g.space = code == ' '
		encoded := d.encoded(names[code], base, code)
		g.text = encoded
		if f.unicode != nil {
			if s, ok := f.unicode.lookup(uint32(code)); ok && cleaned(s) != "" {
				g.text = s
				if differ(s, encoded) && (names[code] != "" || base.named) {
					g.drawn = encoded
				}
			}
		}
		if g.text == "" && outline != nil {
			g.text = outline.texts[outline.codes[code]]
		}
		if g.text == "" && base.runes[code] == 0 && code > ' ' {
			// Better a guess than nothing: most codes are ASCII.
			g.known = false
			if code < 0x7f {
				g.text = string(rune(code))
			}
		}
	}
	d.simpleWidths(f, fields, descriptor)
	f.print()
}

// differ reports whether what a letter is called is not what is drawn: only
// letters and digits of ASCII are compared.
func differ(said, drawn string) bool {
	if len(drawn) != 1 || said == drawn {
		return false
	}
	c := drawn[0]
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// simpleBase is the encoding below the differences.
type simpleBase struct {
	runes *encoding
	named bool // the document names it
}

// simpleEncoding gives the names by code and the encoding below them.
func (d *document) simpleEncoding(fields, descriptor dict) (names [256]string, base simpleBase) {
	var differences array
	switch e := d.resolve(fields["Encoding"]).(type) {
	case name:
		base.runes = baseEncoding(e)
	case dict:
		base.runes = baseEncoding(d.nameOf(e["BaseEncoding"]))
		differences = d.arrayOf(e["Differences"])
	}
	base.named = base.runes != nil
	if base.runes == nil {
		if own, ok := d.programNames(descriptor); ok {
			names = own
			base.runes = &encoding{}
		} else {
			base.runes = d.usualEncoding(fields, descriptor)
		}
	}
	code := 0
	for _, o := range differences {
		switch o := d.resolve(o).(type) {
		case float64:
			code = int(o)
		case name:
			if code >= 0 && code < 256 {
				names[code] = string(o)
			}
			code++
		}
	}
	return names, base
}

// usualEncoding is that of a font that names none.
func (d *document) usualEncoding(fields, descriptor dict) *encoding {
	n := string(d.nameOf(fields["BaseFont"]))
	switch {
	case strings.Contains(n, "ZapfDingbats"):
		return dingbatEncoding()
	case strings.HasPrefix(n, "Symbol") || strings.Contains(n, "+Symbol"):
		return symbolEncoding()
	case d.nameOf(fields["Subtype"]) == "Type3":
		return &encoding{}
	case d.nameOf(fields["Subtype"]) == "TrueType":
		if d.streamOf(descriptor["FontFile2"]) != nil && d.intOf(descriptor["Flags"])&4 != 0 {
			return &encoding{}
		}
		return baseEncoding("WinAnsiEncoding")
	}
	return baseEncoding("StandardEncoding")
}

// encoded is the text of a code by its name or by the encoding.
func (d *document) encoded(glyph string, base simpleBase, code int) string {
	if glyph == "" || glyph == ".notdef" {
		if r := base.runes[code]; r != 0 && glyph == "" {
			return string(r)
		}
		return ""
	}
	if s := glyphText(glyph); s != "" {
		return s
	}
	if numberedGlyph(glyph, code) {
		if r := baseEncoding("WinAnsiEncoding")[code]; r != 0 && code >= ' ' {
			return string(r)
		}
	}
	return ""
}

// simpleWidths reads the widths, in thousandths of the size.
func (d *document) simpleWidths(f *font, fields, descriptor dict) {
	scale := 1.0
	if d.nameOf(fields["Subtype"]) == "Type3" {
		scale = 1
		if m := d.arrayOf(fields["FontMatrix"]); len(m) == 6 {
			scale = d.numberOf(m[0], 0.001) * 1000
		}
	}
	list := d.arrayOf(fields["Widths"])
	first := d.intOf(fields["FirstChar"])
	missing := d.numberOf(descriptor["MissingWidth"], 0)
	usual := standardWidths(string(d.nameOf(fields["BaseFont"])))
	for code := range 256 {
		i := code - first
		switch {
		case first >= 0 && i >= 0 && i < len(list):
			f.simple[code].width = d.numberOf(list[i], missing) * scale
		case len(list) > 0:
			f.simple[code].width = missing
		default:
			f.simple[code].width = usual(f.simple[code].text, code)
		}
	}
}
