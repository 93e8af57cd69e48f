package pdf

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// What a font program inside the document says about its glyphs. Only names
// and character maps are read, never outlines.

// programNames are the names of glyphs by code: the encoding that a Type 1 or
// CFF program brings along.
func (d *document) programNames(descriptor dict) (names [256]string, ok bool) {
	if s := d.streamOf(descriptor["FontFile"]); s != nil {
		return type1Names(d.decode(s), &d.work)
	}
	if s := d.streamOf(descriptor["FontFile3"]); s != nil && d.nameOf(s.dict["Subtype"]) == "Type1C" {
		return cffNames(d.decode(s))
	}
	return names, false
}

// type1Names reads "dup 65 /A put" of a Type 1 program.
func type1Names(b []byte, w *work) (names [256]string, ok bool) {
	if i := bytes.Index(b, []byte("eexec")); i >= 0 {
		b = b[:i]
	}
	i := bytes.Index(b, []byte("/Encoding"))
	if i < 0 {
		return names, false
	}
	l := lexer{data: b, pos: i + len("/Encoding")}
	if t := l.next(); t.kind == tokWord {
		return names, false // StandardEncoding
	}
	for w.step(1) {
		t := l.next()
		if t.kind == tokEnd || t.kind == tokWord && (string(t.text) == "def" || string(t.text) == "readonly") && ok {
			return names, ok
		}
		if t.kind != tokWord || string(t.text) != "dup" {
			continue
		}
		code, glyph := l.next(), l.next()
		if code.kind == tokNumber && glyph.kind == tokName && code.num >= 0 && code.num < 256 {
			names[int(code.num)] = string(glyph.text)
			ok = true
		}
	}
	return names, ok
}

// cffIndex reads an INDEX and gives its items and what follows.
func cffIndex(b []byte) (items [][]byte, rest []byte) {
	if len(b) < 2 {
		return nil, nil
	}
	count := int(binary.BigEndian.Uint16(b))
	if count == 0 {
		return nil, b[2:]
	}
	if len(b) < 4 {
		return nil, nil
	}
	size := int(b[2])
	table := b[3:]
	if size < 1 || size > 4 || len(table) < (count+1)*size {
		return nil, nil
	}
	offset := func(i int) int {
		n := 0
		for _, c := range table[i*size : (i+1)*size] {
			n = n<<8 | int(c)
		}
		return n - 1
	}
	data := table[(count+1)*size:]
	for i := range count {
		from, to := offset(i), offset(i+1)
		if from < 0 || to < from || to > len(data) {
			return nil, nil
		}
		items = append(items, data[from:to])
	}
	return items, data[offset(count):]
}

// cffTop reads the numbers of a Top DICT; operators of two octets are 1200
// and more.
func cffTop(b []byte) map[int]int {
	top := map[int]int{}
	last := 0
	for i := 0; i < len(b); {
		c := int(b[i])
		i++
		switch {
		case c == 12 && i < len(b):
			top[1200+int(b[i])] = last
			i++
		case c <= 21:
			top[c] = last
			last = 0
		case c == 28 && i+2 <= len(b):
			last = int(int16(binary.BigEndian.Uint16(b[i:])))
			i += 2
		case c == 29 && i+4 <= len(b):
			last = int(int32(binary.BigEndian.Uint32(b[i:])))
			i += 4
		case c == 30:
			for i < len(b) && b[i]&0x0f != 0x0f {
				i++
			}
			i++
		case c >= 32 && c <= 246:
			last = c - 139
		case c >= 247 && c <= 250 && i < len(b):
			last = (c-247)*256 + int(b[i]) + 108
			i++
		case c >= 251 && c <= 254 && i < len(b):
			last = -(c-251)*256 - int(b[i]) - 108
			i++
		}
	}
	return top
}

// cffNames gives the names by code of a CFF program that has no CIDs.
func cffNames(b []byte) (names [256]string, ok bool) {
	if len(b) < 4 || int(b[2]) > len(b) {
		return names, false
	}
	_, rest := cffIndex(b[b[2]:])
	tops, rest := cffIndex(rest)
	texts, _ := cffIndex(rest)
	if len(tops) == 0 {
		return names, false
	}
	top := cffTop(tops[0])
	if _, cid := top[1230]; cid || top[17] <= 0 || top[17] >= len(b) || len(b[top[17]:]) < 2 {
		return names, false
	}
	glyphs := int(binary.BigEndian.Uint16(b[top[17]:]))
	standard := strings.Fields(cffStrings)
	nameOf := func(sid int) string {
		if sid < len(standard) {
			return standard[sid]
		}
		if sid -= len(standard); sid < len(texts) {
			return string(texts[sid])
		}
		return ""
	}
	charset := cffCharset(b, top[15], glyphs)
	at := top[16]
	if at < 2 || at+2 > len(b) {
		return names, false // StandardEncoding, or that of experts
	}
	format, count := b[at], int(b[at+1])
	at += 2
	glyph := 1
	put := func(code int) {
		if glyph < len(charset) && code < 256 {
			names[code] = nameOf(charset[glyph])
		}
		glyph++
	}
	for range count {
		if format&0x7f == 0 && at < len(b) {
			put(int(b[at]))
			at++
		} else if at+1 < len(b) {
			for k := 0; k <= int(b[at+1]); k++ {
				put(int(b[at]) + k)
			}
			at += 2
		}
	}
	return names, true
}

// cffCharset lists the string numbers of the glyphs.
func cffCharset(b []byte, at, glyphs int) []int {
	list := []int{0}
	if at <= 2 {
		for i := 1; i < glyphs; i++ {
			list = append(list, i)
		}
		return list
	}
	if at >= len(b) {
		return list
	}
	format := b[at]
	at++
	for len(list) < glyphs && at+2 <= len(b) {
		sid := int(binary.BigEndian.Uint16(b[at:]))
		at += 2
		more := 0
		switch {
		case format == 1 && at < len(b):
			more = int(b[at])
			at++
		case format == 2 && at+2 <= len(b):
			more = int(binary.BigEndian.Uint16(b[at:]))
			at += 2
		}
		for i := 0; i <= more && len(list) < glyphs; i++ {
			list = append(list, sid+i)
		}
	}
	return list
}

// outline is what the tables of a TrueType or OpenType font say.
type outline struct {
	texts map[int]string // glyph to text
	codes map[int]int    // code of the map of a symbolic font to glyph
}

// readOutline reads "cmap" and "post". nil when there is neither.
func readOutline(b []byte, w *work) *outline {
	tables := sfntTables(b)
	o := &outline{texts: map[int]string{}, codes: map[int]int{}}
	o.readMaps(tables["cmap"], w)
	o.readPost(tables["post"])
	if len(o.texts) == 0 && len(o.codes) == 0 {
		return nil
	}
	return o
}

func sfntTables(b []byte) map[string][]byte {
	tables := map[string][]byte{}
	if len(b) < 12 {
		return tables
	}
	count := int(binary.BigEndian.Uint16(b[4:]))
	for i := 0; i < count && 12+16*i+16 <= len(b); i++ {
		row := b[12+16*i:]
		offset, length := int(binary.BigEndian.Uint32(row[8:])), int(binary.BigEndian.Uint32(row[12:]))
		if offset <= len(b) {
			tables[string(row[:4])] = b[offset:min(len(b), offset+length)]
		}
	}
	return tables
}

func (o *outline) readMaps(b []byte, w *work) {
	if len(b) < 4 {
		return
	}
	count := int(binary.BigEndian.Uint16(b[2:]))
	for i := 0; i < min(count, 32) && 4+8*i+8 <= len(b); i++ {
		row := b[4+8*i:]
		platform, kind := binary.BigEndian.Uint16(row), binary.BigEndian.Uint16(row[2:])
		offset := int(binary.BigEndian.Uint32(row[4:]))
		if offset >= len(b) {
			continue
		}
		symbolic := platform == 3 && kind == 0
		unicode := platform == 0 || platform == 3 && (kind == 1 || kind == 10)
		cmapTable(b[offset:], w, func(code, glyph int) {
			switch {
			case glyph == 0:
			case unicode:
				if _, known := o.texts[glyph]; !known && code >= ' ' {
					o.texts[glyph] = string(rune(code))
				}
			case symbolic:
				o.codes[code&0xff] = glyph
			case platform == 1:
				if _, known := o.codes[code]; !known && code < 256 {
					o.codes[code] = glyph
				}
			}
		})
	}
}

// cmapTable walks a subtable of format 0, 4, 6 or 12.
func cmapTable(b []byte, w *work, give func(code, glyph int)) {
	u16 := func(at int) int {
		if at+2 > len(b) {
			return 0
		}
		return int(binary.BigEndian.Uint16(b[at:]))
	}
	switch u16(0) {
	case 0:
		for i := 0; i < 256 && 6+i < len(b); i++ {
			give(i, int(b[6+i]))
		}
	case 4:
		segments := u16(6) / 2
		for s := range segments {
			end, start := u16(14+2*s), u16(16+2*segments+2*s)
			delta, at := u16(16+4*segments+2*s), 16+6*segments+2*s
			offset := u16(at)
			for code := start; code <= end && code < 0xffff && w.step(1); code++ {
				glyph := code
				if offset != 0 {
					if glyph = u16(at + offset + 2*(code-start)); glyph == 0 {
						continue
					}
				}
				give(code, (glyph+delta)&0xffff)
			}
		}
	case 6:
		first := u16(6)
		for i := range u16(8) {
			give(first+i, u16(10+2*i))
		}
	case 12:
		groups := u16(12)<<16 | u16(14)
		for g := 0; g < groups && 16+12*g+12 <= len(b); g++ {
			row := b[16+12*g:]
			start, end := int(binary.BigEndian.Uint32(row)), int(binary.BigEndian.Uint32(row[4:]))
			first := int(binary.BigEndian.Uint32(row[8:]))
			for code := start; code <= end && code <= 0x10ffff && w.step(1); code++ {
				give(code, first+code-start)
			}
		}
	}
}

// macGlyphs is how many names "post" takes from a list of its own.
const macGlyphs = 258

// readPost reads the names of glyphs of a "post" table of version 2.
func (o *outline) readPost(b []byte) {
	if len(b) < 34 || binary.BigEndian.Uint32(b) != 0x00020000 {
		return
	}
	count := int(binary.BigEndian.Uint16(b[32:]))
	if len(b) < 34+2*count {
		return
	}
	var names []string
	for rest := b[34+2*count:]; len(rest) > 0 && int(rest[0]) < len(rest); rest = rest[1+int(rest[0]):] {
		names = append(names, string(rest[1:1+int(rest[0])]))
	}
	for glyph := range count {
		if _, known := o.texts[glyph]; known {
			continue
		}
		i := int(binary.BigEndian.Uint16(b[34+2*glyph:]))
		switch {
		case i >= macGlyphs && i-macGlyphs < len(names):
			if s := glyphText(names[i-macGlyphs]); s != "" {
				o.texts[glyph] = s
			}
		case i >= 3 && i < 98:
			o.texts[glyph] = string(rune(' ' + i - 3))
		}
	}
}
