package pdf

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// page is one page, with what it inherits.
type page struct {
	number    int
	label     string
	dict      dict
	resources dict
	box       [4]float64
}

// place is what people call the page.
func (p *page) place() string {
	s := "page " + strconv.Itoa(p.number)
	if p.label != "" && p.label != strconv.Itoa(p.number) {
		s += " (" + p.label + ")"
	}
	return s
}

// findPages lists the pages, by the tree or, when that has none, by searching.
func (r *reader) findPages() []page {
	list := r.walkPages()
	if len(list) == 0 && !r.rebuilt {
		r.rebuild()
		if r.root = r.dictOf(r.trailer["Root"]); r.root == nil {
			r.searchRoot()
			r.root = r.dictOf(r.trailer["Root"])
		}
		list = r.walkPages()
	}
	if len(list) == 0 {
		for _, num := range slices.Sorted(maps.Keys(r.places)) {
			o, _ := r.resolve(ref{num: num}).(dict)
			if o["Type"] == name("Page") && len(list) < maxPages && r.step(16) {
				list = append(list, page{number: len(list) + 1, dict: o, resources: r.dictOf(o["Resources"])})
			}
		}
		r.damaged = true
	}
	labels := r.pageLabels()
	for i := range list {
		list[i].label = labels(i)
	}
	return list
}

// walkPages follows the page tree (ISO 32000-1 §7.7.3).
func (r *reader) walkPages() []page {
	var list []page
	visited := map[ref]bool{}
	var walk func(o any, resources dict, box array, depth int)
	walk = func(o any, resources dict, box array, depth int) {
		if at, ok := o.(ref); ok {
			if visited[at] {
				return
			}
			visited[at] = true
		}
		if depth > maxLevels {
			r.deep = true
			return
		}
		node := r.dictOf(o)
		if node == nil || !r.step(16) {
			return
		}
		if own := r.dictOf(node["Resources"]); own != nil {
			resources = own
		}
		if own := r.arrayOf(node["MediaBox"]); own != nil {
			box = own
		}
		kids := r.arrayOf(node["Kids"])
		if kids == nil || node["Type"] == name("Page") {
			if len(list) >= maxPages {
				r.large = true
				return
			}
			list = append(list, page{
				number: len(list) + 1, dict: node, resources: resources, box: r.rectangle(box),
			})
			return
		}
		for _, kid := range kids {
			walk(kid, resources, box, depth+1)
		}
	}
	if pages := r.root["Pages"]; pages != nil {
		walk(pages, nil, nil, 0)
	}
	return list
}

// rectangle is four numbers, the lower ones first.
func (d *document) rectangle(a array) (box [4]float64) {
	if len(a) < 4 {
		return box
	}
	for i := range box {
		box[i] = d.numberOf(a[i], 0)
	}
	box[0], box[2] = min(box[0], box[2]), max(box[0], box[2])
	box[1], box[3] = min(box[1], box[3]), max(box[1], box[3])
	return box
}

// tree walks the leaves of a name tree or a number tree (ISO 32000-1 §7.9.6
// and §7.9.7). key is the array that holds the pairs.
func (d *document) tree(root any, key name, give func(key, value any)) {
	visited := map[ref]bool{}
	var walk func(o any, depth int)
	walk = func(o any, depth int) {
		if at, ok := o.(ref); ok {
			if visited[at] {
				return
			}
			visited[at] = true
		}
		if depth > maxLevels {
			d.deep = true
			return
		}
		node := d.dictOf(o)
		if node == nil || !d.step(16) {
			return
		}
		pairs := d.arrayOf(node[key])
		for i := 0; i+1 < len(pairs); i += 2 {
			give(pairs[i], pairs[i+1])
		}
		for _, kid := range d.arrayOf(node["Kids"]) {
			walk(kid, depth+1)
		}
	}
	walk(root, 0)
}

// pageLabels gives the label of a page by its index; "" without labels (ISO
// 32000-1 §12.4.2).
func (d *document) pageLabels() func(i int) string {
	type run struct {
		from, start   int
		style, prefix string
	}
	var runs []run
	d.tree(d.root["PageLabels"], "Nums", func(key, value any) {
		o := d.dictOf(value)
		from := d.intOf(key)
		if o == nil || from < 0 {
			return
		}
		runs = append(runs, run{from, max(1, d.intOf(o["St"])), string(d.nameOf(o["S"])), d.stringOf(o["P"])})
	})
	slices.SortStableFunc(runs, func(a, b run) int { return a.from - b.from })
	return func(i int) string {
		k := len(runs) - 1
		for k >= 0 && runs[k].from > i {
			k--
		}
		if k < 0 || len(runs[k].prefix) > 100 {
			return ""
		}
		n := runs[k].start + i - runs[k].from
		switch runs[k].style {
		case "D":
			return runs[k].prefix + strconv.Itoa(n)
		case "R":
			return runs[k].prefix + roman(n)
		case "r":
			return runs[k].prefix + strings.ToLower(roman(n))
		case "A", "a":
			s := strings.Repeat(string(rune('A'+(n-1)%26)), min((n-1)/26+1, 20))
			if runs[k].style == "a" {
				s = strings.ToLower(s)
			}
			return runs[k].prefix + s
		}
		return runs[k].prefix
	}
}

func roman(n int) string {
	if n > 4000 {
		return strconv.Itoa(n)
	}
	var b strings.Builder
	values := []int{1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1}
	signs := []string{"M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"}
	for i, v := range values {
		for n >= v {
			b.WriteString(signs[i])
			n -= v
		}
	}
	return b.String()
}

// drawnPaths is how many lines and curves make a page of drawings only one
// whose text may be drawn as well.
const drawnPaths = 300

// fewLetters is how many letters a page may have that is a picture all the
// same, when the picture covers half of it.
const fewLetters = 50

// readPages gives the text of the pages out.
func (r *reader) readPages() error {
	r.blank.what, r.drawn.what, r.unmapped.what = "images", "drawings", "letters that have no name"
	for i := range r.pages {
		p := &r.pages[i]
		c := r.draw(p, false)
		if r.failed != nil {
			return r.failed
		}
		r.give(c, p)
		if c.differs {
			r.giveDrawn(c, r.draw(p, true))
		}
		if r.failed != nil || r.large && !r.step(0) {
			return r.failed
		}
		// What was loaded for the page is not needed again.
		r.forget()
		r.spare = c
	}
	return nil
}

// draw interprets the contents of a page and what is annotated.
func (r *reader) draw(p *page, drawn bool) *canvas {
	c := newCanvas(r, drawn)
	c.run(r.contents(p.dict["Contents"]), p.resources, 0)
	c.settle()
	if !drawn {
		r.judge(c, p)
	}
	c.annotations(p)
	c.settle()
	return c
}

// judge says whether the page holds what nobody reads here.
func (r *reader) judge(c *canvas, p *page) {
	area := (p.box[2] - p.box[0]) * (p.box[3] - p.box[1])
	switch letters := c.layout.letters; {
	case c.images > 0 && (letters == 0 || letters < fewLetters && c.covered > area/2):
		if !r.givePictures(c, p) {
			r.blank.add(p.number)
		}
	case letters == 0 && c.paths > drawnPaths:
		r.drawn.add(p.number)
	}
	if c.unknown > 8 && c.unknown*4 > c.layout.letters {
		r.unmapped.add(p.number)
	}
}

// contents joins the streams of a page.
func (r *reader) contents(o any) []byte {
	switch o := r.resolve(o).(type) {
	case *stream:
		return r.decode(o)
	case array:
		var all []byte
		for _, part := range o {
			if s := r.streamOf(part); s != nil && r.step(16) {
				if body := r.decode(s); len(all)+len(body) <= maxStream {
					all = append(append(all, body...), '\n')
				} else {
					r.large = true
				}
			}
		}
		return all
	}
	return nil
}

// give writes a page out.
func (r *reader) give(c *canvas, p *page) {
	text := c.layout.finish()
	if len(text) == 0 {
		return
	}
	if r.given += len(text); r.given > maxGiven {
		r.large = true
		return
	}
	r.section(p.place())
	r.text(text)
	for _, row := range c.layout.rows {
		if r.failed == nil {
			r.failed = r.out.Again(row)
		}
	}
}

// giveDrawn gives out the lines that are drawn other than they are called.
func (r *reader) giveDrawn(said, drawn *canvas) {
	known := map[string]bool{}
	for line := range strings.Lines(string(said.layout.out)) {
		known[line] = true
	}
	var b []byte
	for line := range strings.Lines(string(drawn.layout.finish())) {
		if !known[line] {
			b = append(b, line...)
		}
	}
	if len(b) > 0 && r.failed == nil {
		r.failed = r.out.Again(b)
	}
}

// forget empties the store of objects when it is large.
func (d *document) forget() {
	if len(d.cache) > keepObjects {
		clear(d.cache)
	}
}

// keepObjects is how many objects are kept from page to page.
const keepObjects = 50_000
