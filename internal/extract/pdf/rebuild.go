package pdf

import (
	"bytes"
	"maps"
	"slices"
)

// A definition is "n g obj" as it stands in the file.
type definition struct {
	num, gen, at int
}

// definitions finds all of them by searching.
func (d *document) definitions() []definition {
	var list []definition
	if !d.step(len(d.data) / 8) {
		return nil
	}
	for from := 0; ; {
		i := bytes.Index(d.data[from:], []byte("obj"))
		if i < 0 {
			return list
		}
		i += from
		from = i + 3
		if i > 2 && string(d.data[i-3:i]) == "end" {
			continue
		}
		if x, ok := d.definedAt(i); ok && d.object() {
			list = append(list, x)
		}
	}
}

// definedAt reads the two numbers before "obj", backwards.
func (d *document) definedAt(i int) (definition, bool) {
	back := func() (n, at int, ok bool) {
		end := i
		for i > 0 && classes[d.data[i-1]] == space && end-i < 16 {
			i--
		}
		if i == end {
			return 0, 0, false
		}
		scale, digits := 1, 0
		for i > 0 && d.data[i-1] >= '0' && d.data[i-1] <= '9' && digits < 10 {
			i--
			n += int(d.data[i]-'0') * scale
			scale *= 10
			digits++
		}
		return n, i, digits > 0
	}
	// "0obj" is met as well.
	if i > 0 && d.data[i-1] >= '0' && d.data[i-1] <= '9' {
		gen, digits := 0, 0
		for i > 0 && d.data[i-1] >= '0' && d.data[i-1] <= '9' && digits < 5 {
			i--
			digits++
		}
		num, at, ok := back()
		return definition{num, gen, at}, ok
	}
	gen, _, ok := back()
	if !ok {
		return definition{}, false
	}
	num, at, ok := back()
	return definition{num, gen, at}, ok
}

// rebuild makes the table anew by searching the objects: the last definition
// of a number counts.
func (d *document) rebuild() {
	if d.rebuilt {
		return
	}
	d.rebuilt = true
	clear(d.cache)
	clear(d.packs)
	d.kept = 0
	found := map[int]place{}
	for _, x := range d.definitions() {
		if _, known := found[x.num]; known {
			d.old++
		}
		found[x.num] = place{at: x.at, gen: int32(x.gen)}
	}
	d.places = found
	d.trailers()
	d.rebuildPacks(found)
	if d.trailer == nil {
		d.trailer = dict{}
	}
	if d.cipher == nil && d.trailer["Encrypt"] == nil && d.dictOf(d.trailer["Root"]) == nil {
		d.searchRoot()
	}
	d.root = nil
}

// trailers reads all trailers; the last one that names a catalog counts.
func (d *document) trailers() {
	for from := 0; ; {
		i := bytes.Index(d.data[from:], []byte("trailer"))
		if i < 0 {
			break
		}
		from += i + len("trailer")
		p := parser{lexer: lexer{data: d.data, pos: from}, work: &d.work}
		if t, ok := p.object().(dict); ok && t["Root"] != nil {
			older := d.trailer
			d.trailer = nil
			d.adopt(t)
			d.adopt(older)
		}
		if !d.step(64) {
			return
		}
	}
}

// rebuildPacks finds object streams, and the trailers of table streams.
func (d *document) rebuildPacks(found map[int]place) {
	for _, num := range slices.Sorted(maps.Keys(found)) {
		p := found[num]
		if p.packed || !d.step(32) || !d.mayBePack(p.at) {
			continue
		}
		o, _ := d.parseAt(p.at, num, true)
		s, ok := o.(*stream)
		if !ok {
			continue
		}
		switch s.dict["Type"] {
		case name("XRef"):
			d.adopt(s.dict)
		case name("ObjStm"):
			d.enterPack(num, p.at, found)
		}
	}
}

// mayBePack looks at the dictionary without reading it.
func (d *document) mayBePack(at int) bool {
	head := d.data[at:min(len(d.data), at+packHead)]
	if i := bytes.Index(head, []byte("stream")); i >= 0 {
		head = head[:i]
	}
	return bytes.Contains(head, []byte("ObjStm")) || bytes.Contains(head, []byte("XRef"))
}

// packHead is how long the dictionary of an object stream may be.
const packHead = 1 << 10

// enterPack records the objects of an object stream where the file has no
// newer ones. at is where the stream stands.
func (d *document) enterPack(num, at int, found map[int]place) {
	if d.trailer != nil && d.trailer["Encrypt"] != nil && d.cipher == nil {
		return // unlock comes back
	}
	k := d.openPack(num)
	if k == nil {
		return
	}
	for n := range k.offsets {
		before, known := found[n]
		if known && before.packed {
			before = found[before.at]
		}
		if (!known || before.at < at) && d.object() {
			found[n] = place{at: num, packed: true}
		}
	}
}

// searchRoot looks for a catalog: the last one counts.
func (d *document) searchRoot() {
	best := -1
	for _, num := range slices.Sorted(maps.Keys(d.places)) {
		o := d.dictOf(ref{num: num})
		if o["Type"] == name("Catalog") && o["Pages"] != nil && d.places[num].at >= best {
			d.trailer["Root"] = ref{num: num}
			best = d.places[num].at
		}
	}
}
