package pdf

import (
	"bytes"
)

// place is where an object stands: at an offset, or as the index-th object of
// an object stream.
type place struct {
	at     int // offset, or number of the object stream
	index  int32
	gen    int32
	packed bool
	free   bool
}

// document is a file whose objects can be loaded.
type document struct {
	work
	data    []byte
	places  map[int]place
	trailer dict
	root    dict
	cache   map[int]any
	loading map[int]bool
	packs   map[int]*pack
	kept    int
	seen    map[int]bool // offsets of objects that were loaded
	rebuilt bool
	cipher  *cipher
	old     int // definitions that a later one replaces
}

func newDocument(data []byte) *document {
	return &document{
		data: data, places: map[int]place{}, cache: map[int]any{}, loading: map[int]bool{},
		packs: map[int]*pack{}, seen: map[int]bool{},
	}
}

// open finds the objects: by the table that the file has, or by searching
// them when that leads nowhere.
func (d *document) open() error {
	d.readTables()
	if !d.rooted() {
		d.rebuild()
		if !d.rooted() && len(d.places) == 0 {
			return ErrNotPDF
		}
	}
	return nil
}

// rooted reports whether the catalog can be had.
func (d *document) rooted() bool {
	if d.trailer == nil {
		return false
	}
	if d.trailer["Encrypt"] != nil && d.cipher == nil {
		// The catalog may stand in an encrypted object stream.
		if r, ok := d.trailer["Root"].(ref); ok && d.places[r.num].packed {
			return true
		}
	}
	d.root = d.dictOf(d.trailer["Root"])
	return d.root != nil && d.root["Pages"] != nil
}

// readTables follows the chain of tables from the end of the file (ISO
// 32000-1 §7.5.4 to §7.5.8).
func (d *document) readTables() {
	i := bytes.LastIndex(d.data, []byte("startxref"))
	if i < 0 {
		return
	}
	l := lexer{data: d.data, pos: i + len("startxref")}
	t := l.next()
	visited := map[int]bool{}
	next := []int{int(t.num)}
	for len(next) > 0 {
		if len(visited) >= maxTables {
			d.large = true
			return
		}
		at := next[0]
		next = next[1:]
		if at < 0 || at >= len(d.data) || visited[at] {
			continue
		}
		visited[at] = true
		trailer := d.readTable(at)
		if trailer == nil {
			continue
		}
		d.adopt(trailer)
		for _, key := range []name{"XRefStm", "Prev"} {
			if n, ok := trailer[key].(float64); ok {
				next = append(next, int(n))
			}
		}
	}
}

// maxTables is how many tables a file may have: one for each revision.
const maxTables = 2000

// adopt takes what the trailer says where no newer one said it.
func (d *document) adopt(trailer dict) {
	if d.trailer == nil {
		d.trailer = dict{}
	}
	for _, key := range []name{"Root", "Encrypt", "Info", "ID"} {
		if v, ok := trailer[key]; ok && d.trailer[key] == nil {
			d.trailer[key] = v
		}
	}
}

// readTable reads one table or table stream and gives its trailer.
func (d *document) readTable(at int) dict {
	p := parser{lexer: lexer{data: d.data, pos: at}, work: &d.work}
	start := p.next()
	if start.kind == tokWord && string(start.text) == "xref" {
		return d.classicTable(&p)
	}
	if start.kind != tokNumber {
		return nil
	}
	o, _ := d.parseAt(at, -1, false)
	s, ok := o.(*stream)
	if !ok || s.dict["Type"] != name("XRef") {
		return nil
	}
	d.seen[at] = true
	d.streamTable(s)
	return s.dict
}

// classicTable reads "xref 0 3 …" up to its trailer.
func (d *document) classicTable(p *parser) dict {
	for {
		t := p.next()
		if t.kind == tokWord && string(t.text) == "trailer" {
			trailer, _ := p.object().(dict)
			return trailer
		}
		count := p.next()
		if t.kind != tokNumber || count.kind != tokNumber {
			return nil
		}
		first := int(t.num)
		for i := 0; i < int(count.num); i++ {
			at := p.pos
			offset, gen, use := p.next(), p.next(), p.next()
			if offset.kind != tokNumber || gen.kind != tokNumber || use.kind != tokWord || !d.step(1) {
				p.pos = at
				break
			}
			// Some tables begin at 1 though the first entry is the head of
			// the free list.
			if i == 0 && first == 1 && string(use.text) == "f" && gen.num == 65535 {
				first = 0
			}
			d.put(first+i, place{at: int(offset.num), gen: int32(gen.num), free: string(use.text) != "n"})
		}
	}
}

// put records a place unless a newer table has one.
func (d *document) put(num int, p place) {
	if _, known := d.places[num]; known {
		d.old++
		return
	}
	if d.object() {
		d.places[num] = p
	}
}

// streamTable reads the entries of a cross-reference stream.
func (d *document) streamTable(s *stream) {
	body := d.decode(s)
	var width [3]int
	list, _ := s.dict["W"].(array)
	total := 0
	for i := 0; i < 3 && i < len(list); i++ {
		n, _ := list[i].(float64)
		if n < 0 || n > 8 {
			return
		}
		width[i] = int(n)
		total += width[i]
	}
	if total == 0 {
		return
	}
	index, _ := s.dict["Index"].(array)
	if len(index) == 0 {
		index = array{0.0, s.dict["Size"]}
	}
	for i := 0; i+1 < len(index); i += 2 {
		first, _ := index[i].(float64)
		count, _ := index[i+1].(float64)
		for n := 0; n < int(count) && len(body) >= total && d.step(1); n++ {
			d.putEntry(int(first)+n, body[:total], width)
			body = body[total:]
		}
	}
}

func (d *document) putEntry(num int, b []byte, width [3]int) {
	var f [3]int
	for i, w := range width {
		for _, c := range b[:w] {
			f[i] = f[i]<<8 | int(c)
		}
		b = b[w:]
	}
	if width[0] == 0 {
		f[0] = 1
	}
	switch f[0] {
	case 0:
		d.put(num, place{free: true})
	case 1:
		d.put(num, place{at: f[1], gen: int32(f[2])})
	case 2:
		d.put(num, place{at: f[1], index: int32(f[2]), packed: true})
	}
}

// load gives an object; nil for one that is not there.
func (d *document) load(r ref) any {
	if o, ok := d.cache[r.num]; ok {
		return o
	}
	if d.loading[r.num] {
		return nil
	}
	d.loading[r.num] = true
	defer delete(d.loading, r.num)
	p, ok := d.places[r.num]
	if !ok || p.free {
		return nil
	}
	var o any
	if p.packed {
		o = d.unpack(p, r.num)
	} else {
		var found bool
		if o, found = d.parseAt(p.at, r.num, true); !found && !d.rebuilt {
			// The table lies: search the objects, once.
			d.rebuild()
			return d.again(r)
		}
		d.seen[p.at] = true
	}
	if d.object() {
		d.cache[r.num] = o
	}
	return o
}

// again loads an object after the table was rebuilt.
func (d *document) again(r ref) any {
	p, ok := d.places[r.num]
	if !ok || p.free {
		return nil
	}
	var o any
	if p.packed {
		o = d.unpack(p, r.num)
	} else {
		o, _ = d.parseAt(p.at, r.num, true)
		d.seen[p.at] = true
	}
	d.cache[r.num] = o
	return o
}

// parseAt reads "n g obj …" at an offset. want is the number that must stand
// there, -1 for any.
func (d *document) parseAt(at, want int, sealed bool) (o any, found bool) {
	if at < 0 || at >= len(d.data) {
		return nil, false
	}
	p := parser{lexer: lexer{data: d.data, pos: at}, work: &d.work}
	num, gen, word := p.next(), p.next(), p.next()
	if num.kind != tokNumber || gen.kind != tokNumber || word.kind != tokWord || len(word.text) < 3 ||
		string(word.text[:3]) != "obj" {
		return nil, false
	}
	if want >= 0 && int(num.num) != want {
		return nil, false
	}
	p.pos -= len(word.text) - 3 // "obj" may touch what follows
	id := ref{int(num.num), int(gen.num)}
	if sealed && d.cipher != nil {
		p.open = d.cipher.forStrings(id)
	}
	o = p.object()
	d.deep = d.deep || p.deep
	fields, ok := o.(dict)
	if !ok {
		return o, true
	}
	if raw, ok := d.octets(&p, fields); ok {
		return &stream{dict: fields, raw: raw, id: id, sealed: sealed && d.cipher != nil}, true
	}
	return fields, true
}

// octets finds the octets of a stream whose dictionary was just read.
func (d *document) octets(p *parser, fields dict) ([]byte, bool) {
	p.skip()
	if !bytes.HasPrefix(p.data[p.pos:], []byte("stream")) {
		return nil, false
	}
	start := p.pos + len("stream")
	if start < len(p.data) && p.data[start] == '\r' {
		start++
	}
	if start < len(p.data) && p.data[start] == '\n' {
		start++
	}
	if n := d.intOf(fields["Length"]); n >= 0 && n <= len(p.data)-start {
		end := lexer{data: p.data[:min(len(p.data), start+n+16)], pos: start + n}
		if t := end.next(); t.kind == tokWord && bytes.HasPrefix(t.text, []byte("endstream")) {
			return p.data[start : start+n], true
		}
	}
	rest := p.data[start:]
	n := bytes.Index(rest, []byte("endstream"))
	if n < 0 {
		if n = bytes.Index(rest, []byte("endobj")); n < 0 {
			n = len(rest)
		}
	}
	d.step(n)
	rest = bytes.TrimSuffix(rest[:n], []byte("\n"))
	return bytes.TrimSuffix(rest, []byte("\r")), true
}

// pack is an object stream, decoded.
type pack struct {
	body    []byte
	offsets map[int]int // number of the object, offset in body
}

// unpack loads an object of an object stream (ISO 32000-1 §7.5.7).
func (d *document) unpack(at place, num int) any {
	k := d.openPack(at.at)
	if k == nil {
		return nil
	}
	offset, ok := k.offsets[num]
	if !ok || offset >= len(k.body) {
		return nil
	}
	p := parser{lexer: lexer{data: k.body, pos: offset}, work: &d.work}
	o := p.object()
	d.deep = d.deep || p.deep
	return o
}

// openPack decodes an object stream, or gives the one that is kept.
func (d *document) openPack(num int) *pack {
	if k, ok := d.packs[num]; ok {
		return k
	}
	if d.places[num].packed {
		return nil
	}
	s := d.streamOf(ref{num: num})
	if s == nil || s.dict["N"] == nil {
		return nil
	}
	body := d.decode(s)
	if d.kept += len(body); d.kept > maxKept {
		clear(d.packs)
		d.kept = len(body)
	}
	first := d.intOf(s.dict["First"])
	k := &pack{body: body, offsets: map[int]int{}}
	d.packs[num] = k
	l := lexer{data: body[:min(len(body), max(first, 0))]}
	for {
		num, offset := l.next(), l.next()
		if num.kind != tokNumber || offset.kind != tokNumber || !d.step(1) {
			return k
		}
		if _, twice := k.offsets[int(num.num)]; !twice {
			k.offsets[int(num.num)] = first + int(offset.num)
		}
	}
}
