package pdf

import (
	"bytes"
	"math"
	"postern.dev/postern/internal/extract/affine"
	"reflect"
)

// graphics is the state that q keeps and Q brings back, as far as text needs
// it (ISO 32000-1 §8.4 and §9.3).
type graphics struct {
	ctm           affine.Matrix
	font          *font
	size, scale   float64
	chars, words  float64
	leading, rise float64
}

// canvas interprets a content stream and puts its letters on a layout.
type canvas struct {
	*reader
	layout *layout
	// byDrawing reads what is drawn where the document says another text.
	byDrawing bool

	now       graphics
	kept      []graphics
	tm, line  affine.Matrix
	resources dict
	fontsHere map[name]*font
	marks     []*actualText // nil for a mark without a text of its own
	actual    *actualText
	operands  []operand
	elements  []operand
	depth     int
	running   map[uintptr]bool
	images    int
	shown     []*stream // those of them that are objects
	covered   float64
	paths     int
	unknown   int
	differs   bool
}

// operand is one of an operator. list is a range of elements.
type operand struct {
	kind     kind
	num      float64
	text     []byte
	from, to int
	dict     dict
}

// actualText is what a marked content says in place of what it draws (ISO
// 32000-1 §14.9.4).
type actualText struct {
	text  string
	given bool
	drawn []byte
}

func newCanvas(r *reader, byDrawing bool) *canvas {
	c := &canvas{
		reader: r, byDrawing: byDrawing,
		now: graphics{ctm: affine.Unit(), scale: 1}, tm: affine.Unit(), line: affine.Unit(), running: map[uintptr]bool{},
	}
	if old := r.spare; old != nil {
		r.spare = nil
		c.layout = old.layout.wiped()
		c.operands, c.elements, c.kept = old.operands[:0], old.elements[:0], old.kept[:0]
	} else {
		c.layout = newLayout(&r.work)
	}
	return c
}

// The bounds of one content stream.
const (
	maxOperands = 512
	maxSaved    = 2000
	maxMarks    = 1000
)

// settle ends what one stream left open.
func (c *canvas) settle() {
	c.now, c.kept = graphics{ctm: affine.Unit(), scale: 1}, c.kept[:0]
	c.endMarks(0)
}

// run interprets a content stream with its resources.
func (c *canvas) run(body []byte, resources dict, depth int) {
	if depth > maxLevels {
		c.deep = true
		return
	}
	resourcesBefore, fontsBefore, depthBefore := c.resources, c.fontsHere, c.depth
	c.resources, c.fontsHere, c.depth = resources, map[name]*font{}, depth
	marks := len(c.marks)
	p := parser{lexer: lexer{data: body}, work: &c.work}
	for c.failed == nil {
		t := p.next()
		if t.kind == tokEnd || !c.step(4) {
			break
		}
		if t.kind == tokWord {
			c.operator(&p, t.text)
			c.operands, c.elements, p.buf = c.operands[:0], c.elements[:0], p.buf[:0]
			continue
		}
		c.push(&p, t)
	}
	c.endMarks(marks)
	c.operands, c.elements = c.operands[:0], c.elements[:0]
	c.resources, c.fontsHere, c.depth = resourcesBefore, fontsBefore, depthBefore
}

// push keeps an operand.
func (c *canvas) push(p *parser, t token) {
	if len(c.operands) >= maxOperands {
		copy(c.operands, c.operands[1:])
		c.operands = c.operands[:maxOperands-1]
	}
	o := operand{kind: t.kind, num: t.num, text: t.text}
	switch t.kind {
	case tokOpen:
		o.from = len(c.elements)
		for c.step(1) {
			e := p.next()
			if e.kind == tokClose || e.kind == tokEnd {
				break
			}
			if e.kind == tokWord && len(e.text) > 0 && letterLike(e.text[0]) && string(e.text) != "null" {
				p.pos -= len(e.text) // the array was not closed
				break
			}
			if e.kind == tokText || e.kind == tokNumber {
				c.elements = append(c.elements, operand{kind: e.kind, num: e.num, text: e.text})
			}
		}
		o.to = len(c.elements)
	case tokDict:
		o.dict, _ = p.dict(0).(dict)
	case tokClose, tokDictEnd:
		return
	}
	c.operands = append(c.operands, o)
}

// number is the i-th operand from the end; 0 for what is no number.
func (c *canvas) number(fromEnd int) float64 {
	if i := len(c.operands) - 1 - fromEnd; i >= 0 {
		return c.operands[i].num
	}
	return 0
}

// last is the last operand.
func (c *canvas) last() operand {
	if n := len(c.operands); n > 0 {
		return c.operands[n-1]
	}
	return operand{}
}

// operator does what one operator says; those that do not concern text are
// passed.
func (c *canvas) operator(p *parser, op []byte) {
	switch string(op) {
	case "Tj", "TJ":
		c.showList(c.last())
	case "'":
		c.nextLine(0, -c.now.leading)
		c.show(c.last().text)
	case "\"":
		c.now.words, c.now.chars = c.number(2), c.number(1)
		c.nextLine(0, -c.now.leading)
		c.show(c.last().text)
	case "Td":
		c.nextLine(c.number(1), c.number(0))
	case "TD":
		c.now.leading = -c.number(0)
		c.nextLine(c.number(1), c.number(0))
	case "T*":
		c.nextLine(0, -c.now.leading)
	case "Tm":
		c.tm = c.matrixHere()
		c.line, c.layout.moved = c.tm, true
	case "BT":
		c.tm, c.line, c.layout.moved = affine.Unit(), affine.Unit(), true
	case "Tf":
		c.setFont()
	case "Tc":
		c.now.chars = c.number(0)
	case "Tw":
		c.now.words = c.number(0)
	case "Tz":
		c.now.scale = c.number(0) / 100
	case "TL":
		c.now.leading = c.number(0)
	case "Ts":
		c.now.rise = c.number(0)
	case "m", "l", "c", "v", "y", "re":
		c.paths++
	default:
		c.otherOperator(p, string(op))
	}
}

func (c *canvas) otherOperator(p *parser, op string) {
	switch op {
	case "q":
		if len(c.kept) < maxSaved {
			c.kept = append(c.kept, c.now)
		}
	case "Q":
		if n := len(c.kept); n > 0 {
			c.now, c.kept = c.kept[n-1], c.kept[:n-1]
		}
	case "cm":
		c.now.ctm = c.matrixHere().Times(c.now.ctm)
	case "gs":
		c.extended()
	case "Do":
		c.paint(name(c.last().text))
	case "BI":
		c.inlineImage(p)
	case "BDC":
		c.beginMark()
	case "BMC":
		c.marks = append(c.marks, nil)
		c.boundMarks()
	case "EMC":
		c.endMarks(len(c.marks) - 1)
	case "sh":
		c.paths++
	}
}

func (c *canvas) matrixHere() affine.Matrix {
	return affine.Matrix{c.number(5), c.number(4), c.number(3), c.number(2), c.number(1), c.number(0)}
}

func (c *canvas) nextLine(x, y float64) {
	c.line = affine.Matrix{1, 0, 0, 1, x, y}.Times(c.line)
	c.tm, c.layout.moved = c.line, true
}

// setFont is Tf.
func (c *canvas) setFont() {
	c.now.size = c.number(0)
	if n := len(c.operands); n >= 2 && c.operands[n-2].kind == tokName {
		c.now.font = c.fontNamed(name(c.operands[n-2].text))
	}
}

func (c *canvas) fontNamed(n name) *font {
	if f, ok := c.fontsHere[n]; ok {
		return f
	}
	o, ok := c.dictOf(c.resources["Font"])[n]
	if !ok {
		o = c.anyFont(n)
	}
	f := c.fontOf(o)
	c.fontsHere[n] = f
	return f
}

// anyFont is the font of this name on some page: a stream that no page uses
// has no resources.
func (c *canvas) anyFont(n name) any {
	for i := range c.pages[:min(len(c.pages), 50)] {
		if o, ok := c.dictOf(c.pages[i].resources["Font"])[n]; ok {
			return o
		}
	}
	return nil
}

// fontOf reads a font, or gives the one that was read before.
func (c *canvas) fontOf(o any) *font {
	if o == nil {
		o = dict{"Subtype": name("Type1"), "BaseFont": name("Helvetica")}
	}
	at, isRef := o.(ref)
	if !isRef {
		at = ref{-1, int(reflect.ValueOf(c.dictOf(o)).Pointer())}
	}
	f, ok := c.fonts[at]
	if !ok {
		f = c.readFont(o)
		if len(c.fonts) >= keepFonts {
			clear(c.fonts)
		}
		c.fonts[at] = f
	}
	return f
}

// keepFonts is how many fonts are kept.
const keepFonts = 500

// extended is gs: it may set a font.
func (c *canvas) extended() {
	o := c.dictOf(c.dictOf(c.resources["ExtGState"])[name(c.last().text)])
	if f := c.arrayOf(o["Font"]); len(f) == 2 {
		c.now.font = c.fontOf(f[0])
		c.now.size = c.numberOf(f[1], c.now.size)
	}
}

// paint is Do: a form is interpreted, a picture is counted.
func (c *canvas) paint(n name) {
	s := c.streamOf(c.dictOf(c.resources["XObject"])[n])
	if s == nil {
		return
	}
	switch c.nameOf(s.dict["Subtype"]) {
	case "Image":
		if len(c.shown) < maxShown {
			c.shown = append(c.shown, s)
		}
		c.picture()
	case "Form", "":
		c.form(s, affine.Unit())
	}
}

func (c *canvas) picture() {
	c.images++
	c.covered += math.Abs(c.now.ctm[0]*c.now.ctm[3] - c.now.ctm[1]*c.now.ctm[2])
}

// form interprets a form XObject.
func (c *canvas) form(s *stream, m affine.Matrix) {
	id := reflect.ValueOf(s).Pointer()
	if c.running[id] || !c.step(64) {
		return
	}
	c.running[id] = true
	defer delete(c.running, id)
	kept, before := c.kept, c.now
	tm, line := c.tm, c.line
	c.kept = nil
	c.now.ctm = c.matrixOf(s.dict["Matrix"]).Times(m).Times(c.now.ctm)
	resources := c.dictOf(s.dict["Resources"])
	if resources == nil {
		resources = c.resources
	}
	c.run(c.formBody(s), resources, c.depth+1)
	c.kept, c.now = kept, before
	c.tm, c.line = tm, line
}

// formBody decodes a form, or gives the decoded one: a letterhead is drawn on
// each page.
func (r *reader) formBody(s *stream) []byte {
	if b, ok := r.forms[s]; ok {
		return b
	}
	b := r.decode(s)
	if r.formBytes += len(b); r.formBytes > keepForms {
		clear(r.forms)
		r.formBytes = len(b)
	}
	r.forms[s] = b
	return b
}

// keepForms is how many octets of decoded forms are kept.
const keepForms = 8 << 20

// inlineImage passes "BI … ID … EI".
func (c *canvas) inlineImage(p *parser) {
	for c.step(1) {
		t := p.next()
		if t.kind == tokEnd {
			return
		}
		if t.kind == tokWord && string(t.text) == "ID" {
			break
		}
	}
	for c.step(1) {
		i := bytes.Index(p.data[min(p.pos, len(p.data)):], []byte("EI"))
		if i < 0 {
			p.pos = len(p.data)
			return
		}
		p.pos += i + 2
		before := p.data[p.pos-3]
		if classes[before] == space && endsImage(p.data[p.pos:]) {
			break
		}
	}
	c.picture()
}

// endsImage reports whether what follows "EI" looks like operators.
func endsImage(b []byte) bool {
	if len(b) > 0 && classes[b[0]] != space {
		return false
	}
	for _, x := range b[:min(len(b), 12)] {
		if x >= 0x7f || x < ' ' && classes[x] != space {
			return false
		}
	}
	return true
}

// beginMark is BDC.
func (c *canvas) beginMark() {
	o := c.last()
	fields := o.dict
	if o.kind == tokName {
		fields = c.dictOf(c.dictOf(c.resources["Properties"])[name(o.text)])
	}
	var m *actualText
	if s, ok := c.resolve(fields["ActualText"]).(text); ok && !c.byDrawing && c.actual == nil {
		m = &actualText{text: decodeText(s)}
		c.actual = m
	}
	c.marks = append(c.marks, m)
	c.boundMarks()
}

func (c *canvas) boundMarks() {
	if len(c.marks) > maxMarks {
		c.deep = true
		c.endMarks(0)
	}
}

// endMarks ends all marks from the n-th on.
func (c *canvas) endMarks(n int) {
	n = max(n, 0)
	for i := len(c.marks) - 1; i >= n; i-- {
		m := c.marks[i]
		c.marks = c.marks[:i]
		if m == nil || m != c.actual {
			continue
		}
		c.actual = nil
		if !m.given && m.text != "" {
			c.put(m.text)
		}
		c.differs = c.differs || !sameText(m.text, string(m.drawn))
	}
}
