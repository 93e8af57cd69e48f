package pdf

// The objects of ISO 32000-1 §7.3. A number is a float64, a truth value a
// bool, null is nil.
type (
	name  string
	text  []byte
	array []any
	dict  map[name]any
	ref   struct{ num, gen int }
)

// stream is a dictionary with octets, as they stand in the file.
type stream struct {
	dict dict
	raw  []byte
	// id is the object it was, for decryption; sealed is set when it is
	// encrypted.
	id     ref
	sealed bool
}

// maxNested is how deep arrays and dictionaries may stand in each other.
const maxNested = 100

// parser reads objects.
type parser struct {
	lexer
	// open decrypts the strings of an object; nil when they are plain.
	open func([]byte) []byte
	work *work
	deep bool // something was nested too deep
}

// object reads one object; nil for what is none.
func (p *parser) object() any {
	return p.value(p.next(), 0)
}

func (p *parser) value(t token, depth int) any {
	switch t.kind {
	case tokNumber:
		if t.whole && t.num >= 0 {
			if r, ok := p.reference(t.num); ok {
				return r
			}
		}
		return t.num
	case tokText:
		s := append(text(nil), t.text...)
		if p.open != nil {
			s = p.open(s)
		}
		return s
	case tokName:
		return name(t.text)
	case tokWord:
		switch string(t.text) {
		case "true":
			return true
		case "false":
			return false
		}
	case tokOpen:
		return p.array(depth)
	case tokDict:
		return p.dict(depth)
	}
	return nil
}

// reference looks whether "n g R" begins with this number.
func (p *parser) reference(num float64) (ref, bool) {
	at := p.pos
	if c := p.peek(); c < '0' || c > '9' {
		p.pos = at
		return ref{}, false
	}
	g := p.next()
	if g.kind == tokNumber && g.whole {
		p.skip()
		if p.pos < len(p.data) && p.data[p.pos] == 'R' &&
			(p.pos+1 == len(p.data) || classes[p.data[p.pos+1]] != regular) {
			p.pos++
			return ref{int(num), int(g.num)}, true
		}
	}
	p.pos = at
	return ref{}, false
}

// peek is the next octet after white space; 0 at the end.
func (p *parser) peek() byte {
	p.skip()
	if p.pos < len(p.data) {
		return p.data[p.pos]
	}
	return 0
}

func (p *parser) array(depth int) any {
	if depth >= maxNested {
		p.deep = true
		return nil
	}
	list := array{}
	for {
		t := p.next()
		switch t.kind {
		case tokEnd, tokClose:
			return list
		case tokDictEnd:
			p.pos -= 2 // the array was not closed
			return list
		case tokWord:
			if stops(t.text) {
				p.pos -= len(t.text)
				return list
			}
		}
		if !p.work.object() {
			return list
		}
		list = append(list, p.value(t, depth+1))
	}
}

func (p *parser) dict(depth int) any {
	if depth >= maxNested {
		p.deep = true
		return nil
	}
	d := dict{}
	for {
		t := p.next()
		switch t.kind {
		case tokEnd, tokDictEnd:
			return d
		case tokWord:
			if stops(t.text) {
				p.pos -= len(t.text)
				return d
			}
			continue
		case tokName:
		default:
			continue
		}
		key := name(t.text)
		v := p.next()
		if v.kind == tokDictEnd || v.kind == tokEnd {
			return d
		}
		if v.kind == tokWord && stops(v.text) {
			p.pos -= len(v.text)
			return d
		}
		if !p.work.object() {
			return d
		}
		d[key] = p.value(v, depth+1)
	}
}

// stops reports whether a word ends an object that was not closed.
func stops(w []byte) bool {
	switch string(w) {
	case "endobj", "obj", "stream", "endstream", "xref", "trailer", "startxref":
		return true
	}
	return false
}

// The accessors below follow references and give the zero value for what is
// of another kind.

func (d *document) dictOf(o any) dict {
	switch o := d.resolve(o).(type) {
	case dict:
		return o
	case *stream:
		return o.dict
	}
	return nil
}

func (d *document) arrayOf(o any) array {
	a, _ := d.resolve(o).(array)
	return a
}

func (d *document) nameOf(o any) name {
	n, _ := d.resolve(o).(name)
	return n
}

func (d *document) streamOf(o any) *stream {
	s, _ := d.resolve(o).(*stream)
	return s
}

func (d *document) numberOf(o any, otherwise float64) float64 {
	if n, ok := d.resolve(o).(float64); ok {
		return n
	}
	return otherwise
}

// intOf is a number that fits an int; otherwise -1.
func (d *document) intOf(o any) int {
	n, ok := d.resolve(o).(float64)
	if !ok || n < 0 || n > 1<<40 {
		return -1
	}
	return int(n)
}

// stringOf is a text string for people (ISO 32000-1 §7.9.2.2), or a name.
func (d *document) stringOf(o any) string {
	switch o := d.resolve(o).(type) {
	case text:
		return decodeText(o)
	case name:
		return string(o)
	}
	return ""
}

// resolve follows references to the object.
func (d *document) resolve(o any) any {
	for range maxFollow {
		r, ok := o.(ref)
		if !ok {
			return o
		}
		o = d.load(r)
	}
	d.deep = true
	return nil
}

// maxFollow is how many references may lead to one object.
const maxFollow = 32
