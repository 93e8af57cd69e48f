package pdf

import (
	"math"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// showList is TJ: strings with moves between them.
func (c *canvas) showList(o operand) {
	if o.kind == tokText {
		c.show(o.text)
		return
	}
	for _, e := range c.elements[o.from:o.to] {
		if e.kind == tokText {
			c.show(e.text)
			continue
		}
		move := -e.num / 1000 * c.now.size
		if c.now.font != nil && c.now.font.vertical {
			c.advance(0, move)
		} else {
			c.advance(move*c.now.scale, 0)
		}
	}
}

// advance moves the pen, in the space of the text.
func (c *canvas) advance(x, y float64) {
	c.tm[4] += x*c.tm[0] + y*c.tm[2]
	c.tm[5] += x*c.tm[1] + y*c.tm[3]
}

// show puts the letters of a string on the page.
func (c *canvas) show(s []byte) {
	if len(s) == 0 {
		return
	}
	f := c.now.font
	if f == nil {
		f = c.fontOf(nil)
		c.now.font = f
	}
	c.layout.aim(c.pen(f))
	if len(s) < 4 {
		c.layout.spacing = 0 // between a few letters, it is how some programs write a space
	}
	if !c.step(4 * len(s)) {
		return
	}
	for len(s) > 0 {
		if n := c.straight(f, s); n > 0 {
			s = s[n:]
			continue
		}
		g, n := f.next(s)
		s = s[n:]
		width := g.width / 1000 * c.now.size
		c.letter(&g, f, width)
		extra := c.now.chars
		if g.space {
			extra += c.now.words
		}
		if f.vertical {
			c.advance(0, -c.now.size+extra)
		} else {
			c.advance((width+extra)*c.now.scale, 0)
		}
	}
}

// straight puts the letters of s that stand as print stands: one behind the
// other in the run that is open, no further apart than letters of a word. It
// comes to what letter would do with each, and returns how many octets it took.
func (c *canvas) straight(f *font, s []byte) (n int) {
	if f.composite || c.actual != nil {
		return 0
	}
	m := c.tm.Times(c.now.ctm)
	x, y, _ := c.where(0)
	line, goes := c.layout.goesOn(x, y, m[0], m[1])
	if !goes {
		return 0
	}
	set := c.layout.setting(&line, f, &c.now)
	way, letters := 0.0, 0
	for n < len(s) {
		g := &f.simple[s[n]]
		width := g.width / 1000 * c.now.size
		if !g.known && !g.space || g.drawn != "" || len(g.text) > 1 {
			break
		}
		if g.text != "" {
			if !c.layout.next(&line, g.text[0], way, math.Abs(width)*c.layout.stretch) {
				break
			}
			letters++
		}
		extra := c.now.chars
		if g.space {
			extra += c.now.words
		}
		way += (width + extra) * c.now.scale
		n++
		if set.print && f.printed[s[n-1]].octet > ' ' {
			var more int
			more, way = c.layout.rest(&line, f, &set, s[n:], way)
			n, letters = n+more, letters+more
		}
	}
	c.step(letters)
	c.advance(way, 0)
	return n
}

// pen is the direction of the text, its size, and what one unit of its space
// is on the page.
func (c *canvas) pen(f *font) (angle, size, stretch, spacing float64) {
	m := c.tm.Times(c.now.ctm)
	dx, dy := m[0], m[1]
	if c.now.size*c.now.scale < 0 {
		dx, dy = -dx, -dy
	}
	if f.vertical {
		dx, dy = -m[2], -m[3]
	}
	stretch = math.Hypot(m[0], m[1])
	height := math.Hypot(m[2], m[3]) * math.Abs(c.now.size)
	if size = height; size == 0 {
		size = stretch * math.Abs(c.now.size)
	}
	return math.Atan2(dy, dx), size, stretch * math.Abs(c.now.scale), math.Abs(c.now.chars) * stretch * math.Abs(c.now.scale)
}

// letter puts one glyph where the pen is. Under a text of its own, only that
// one is put, once.
func (c *canvas) letter(g *glyph, f *font, width float64) {
	said := g.text
	if g.drawn != "" {
		if c.byDrawing {
			said = g.drawn
		} else {
			c.differs = true
		}
	}
	if !g.known && !g.space {
		c.unknown++
	}
	if c.actual != nil {
		if len(c.actual.drawn) < 4096 {
			c.actual.drawn = append(c.actual.drawn, said...)
		}
		if c.actual.given {
			said = ""
		} else {
			said = c.actual.text
			c.actual.given = true
		}
		if said == "" {
			c.layout.extend(c.where(width))
			return
		}
	}
	if f.vertical {
		width = c.now.size
	}
	x, y, w := c.where(width)
	c.layout.put(said, x, y, w)
}

// where is the pen on the page, and how long a width of the text is there.
func (c *canvas) where(width float64) (x, y, w float64) {
	tx, ty := c.tm[4]+c.now.rise*c.tm[2], c.tm[5]+c.now.rise*c.tm[3]
	x, y = c.now.ctm.At(tx, ty)
	return x, y, math.Abs(width) * c.layout.stretch
}

// put writes a text that nothing is drawn for.
func (c *canvas) put(said string) {
	f := c.now.font
	if f == nil {
		f = c.fontOf(nil)
	}
	c.layout.aim(c.pen(f))
	x, y, w := c.where(0)
	c.layout.put(said, x, y, w)
}

// sameText compares what is said with what is drawn, without spaces, hyphens
// and the like.
func sameText(said, drawn string) bool {
	if drawn == "" || said == drawn {
		return true
	}
	strip := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return unicode.ToLower(r)
			}
			return -1
		}, norm.NFKC.String(s))
	}
	a, b := strip(said), strip(drawn)
	return a == b || b == ""
}
