package pdf

import (
	"bytes"
	"slices"
	"sort"
	"unicode/utf8"
)

// cmap maps codes to texts or to numbers of glyphs (ISO 32000-1 §9.7.5 and
// §9.10.3).
type cmap struct {
	spaces []codespace
	texts  []textRange
	cids   []cidRange
	wmode  int
	base   *cmap
}

// codespace says how many octets a code has.
type codespace struct {
	octets   int
	low, top uint32
}

// textRange maps codes to a text; the last character counts up.
type textRange struct {
	low, top uint32
	text     string
}

type cidRange struct {
	low, top uint32
	cid      int
}

// maxRows is how many rows a CMap may have.
const maxRows = 200_000

// readCMap reads a CMap program.
func (d *document) readCMap(body []byte) *cmap {
	m := &cmap{}
	p := parser{lexer: lexer{data: body}, work: &d.work}
	var last []token
	for d.step(1) {
		t := p.next()
		if t.kind == tokEnd {
			break
		}
		if t.kind != tokWord {
			if len(last) == 8 {
				last = append(last[:0], last[1:]...)
			}
			last = append(last, t)
			continue
		}
		switch string(t.text) {
		case "begincodespacerange":
			m.readSpaces(&p)
		case "beginbfchar":
			m.readRows(d, &p, false, false)
		case "beginbfrange":
			m.readRows(d, &p, true, false)
		case "begincidchar":
			m.readRows(d, &p, false, true)
		case "begincidrange":
			m.readRows(d, &p, true, true)
		case "usecmap":
			if n := len(last); n > 0 && last[n-1].kind == tokName {
				m.base = namedCMap(name(last[n-1].text))
			}
		case "def":
			if n := len(last); n >= 2 && last[n-2].kind == tokName && string(last[n-2].text) == "WMode" {
				m.wmode = int(last[n-1].num)
			}
		}
		last = last[:0]
	}
	d.large = d.large || len(m.texts)+len(m.cids) >= maxRows
	m.sort()
	return m
}

func (m *cmap) sort() {
	slices.SortStableFunc(m.texts, func(a, b textRange) int { return compare(a.low, b.low) })
	slices.SortStableFunc(m.cids, func(a, b cidRange) int { return compare(a.low, b.low) })
}

func compare(a, b uint32) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// codeOf is a code in a string of octets.
func codeOf(b []byte) uint32 {
	n := uint32(0)
	for _, c := range b[:min(len(b), 4)] {
		n = n<<8 | uint32(c)
	}
	return n
}

func (m *cmap) readSpaces(p *parser) {
	for len(m.spaces) < 1000 {
		low := p.next()
		if low.kind != tokText {
			return
		}
		top := p.next()
		if top.kind != tokText {
			return
		}
		if n := len(low.text); n >= 1 && n <= 4 {
			m.spaces = append(m.spaces, codespace{n, codeOf(low.text), codeOf(top.text)})
		}
	}
}

// readRows reads the rows of one section up to its end.
func (m *cmap) readRows(d *document, p *parser, ranges, cids bool) {
	for d.step(1) && len(m.texts)+len(m.cids) < maxRows {
		p.buf = p.buf[:0]
		t := p.next()
		if t.kind != tokText {
			return
		}
		low := codeOf(t.text)
		top := low
		if ranges {
			if t = p.next(); t.kind != tokText {
				return
			}
			top = codeOf(t.text)
		}
		t = p.next()
		switch {
		case cids && t.kind == tokNumber:
			m.cids = append(m.cids, cidRange{low, top, int(t.num)})
		case t.kind == tokText && !cids:
			m.texts = append(m.texts, textRange{low, top, fromUnicode(t.text)})
		case t.kind == tokName && !cids:
			m.texts = append(m.texts, textRange{low, top, glyphText(string(t.text))})
		case t.kind == tokOpen:
			for code := low; d.step(1); code++ {
				if t = p.next(); t.kind == tokClose || t.kind == tokEnd {
					break
				}
				if t.kind == tokText && len(m.texts) < maxRows {
					m.texts = append(m.texts, textRange{code, code, fromUnicode(t.text)})
				}
			}
		case t.kind == tokEnd:
			return
		}
	}
}

// fromUnicode reads a value of a bfchar: UTF-16, or one octet by mistake.
func fromUnicode(b []byte) string {
	if len(b) == 1 {
		return string(rune(b[0]))
	}
	return fromUTF16(bytes.TrimPrefix(b, []byte("\xFE\xFF")), true)
}

// lookup is the text of a code.
func (m *cmap) lookup(code uint32) (string, bool) {
	i := sort.Search(len(m.texts), func(i int) bool { return m.texts[i].low > code }) - 1
	for back := 0; i >= 0 && back < 8; i, back = i-1, back+1 {
		r := m.texts[i]
		if code > r.top {
			continue
		}
		if code == r.low || r.text == "" {
			return r.text, true
		}
		last, size := utf8.DecodeLastRuneInString(r.text)
		return r.text[:len(r.text)-size] + string(last+rune(code-r.low)), true
	}
	return "", false
}

// cid is the number of the glyph of a code.
func (m *cmap) cid(code uint32) int {
	i := sort.Search(len(m.cids), func(i int) bool { return m.cids[i].low > code }) - 1
	for back := 0; i >= 0 && back < 8; i, back = i-1, back+1 {
		if r := m.cids[i]; code <= r.top {
			return r.cid + int(code-r.low)
		}
	}
	if m.base != nil {
		return m.base.cid(code)
	}
	return 0
}

// next cuts the next code off a string. At least one octet is taken.
func (m *cmap) next(s []byte) (code uint32, octets int) {
	spaces := m.spaces
	for b := m.base; len(spaces) == 0 && b != nil; b = b.base {
		spaces = b.spaces
	}
	for n := 1; n <= 4 && n <= len(s); n++ {
		code = code<<8 | uint32(s[n-1])
		for _, c := range spaces {
			if c.octets == n && inSpace(code, c) {
				return code, n
			}
		}
	}
	n := 2
	if len(spaces) > 0 {
		n = spaces[0].octets
		for _, c := range spaces {
			n = min(n, c.octets)
		}
	}
	n = min(n, len(s))
	return codeOf(s[:n]), n
}

// inSpace compares octet by octet, as the ranges are meant.
func inSpace(code uint32, c codespace) bool {
	for i := range c.octets {
		shift := 8 * i
		b := code >> shift & 0xff
		if b < c.low>>shift&0xff || b > c.top>>shift&0xff {
			return false
		}
	}
	return true
}
