package pdf

import (
	"maps"
	"slices"
	"strings"

	"postern.dev/postern/internal/extract/affine"
)

// annotations draws what annotations and form fields of a page show (ISO
// 32000-1 §12.5.5).
func (c *canvas) annotations(p *page) {
	for _, o := range c.arrayOf(p.dict["Annots"]) {
		a := c.dictOf(o)
		if a == nil || !c.step(16) {
			continue
		}
		var s *stream
		switch n := c.resolve(c.dictOf(a["AP"])["N"]).(type) {
		case *stream:
			s = n
		case dict:
			s = c.streamOf(n[c.nameOf(a["AS"])])
		}
		if s == nil {
			continue
		}
		c.layout.close()
		c.form(s, c.fit(s, c.rectangle(c.arrayOf(a["Rect"]))))
		c.layout.close()
	}
}

// fit moves the box of an appearance into its place.
func (c *canvas) fit(s *stream, to [4]float64) affine.Matrix {
	box := c.rectangle(c.arrayOf(s.dict["BBox"]))
	m := c.matrixOf(s.dict["Matrix"])
	var from [4]float64
	for i, corner := range [4][2]float64{{box[0], box[1]}, {box[2], box[1]}, {box[0], box[3]}, {box[2], box[3]}} {
		x, y := m.At(corner[0], corner[1])
		if i == 0 {
			from = [4]float64{x, y, x, y}
		}
		from = [4]float64{min(from[0], x), min(from[1], y), max(from[2], x), max(from[3], y)}
	}
	fit := affine.Unit()
	for i := range 2 {
		if d := from[i+2] - from[i]; d > 0 {
			fit[3*i] = (to[i+2] - to[i]) / d
		}
		fit[4+i] = to[i] - from[i]*fit[3*i]
	}
	return fit
}

// readAnnotations gives out what annotations say beside what they show.
func (r *reader) readAnnotations() error {
	for i := range r.pages {
		p := &r.pages[i]
		list := r.arrayOf(p.dict["Annots"])
		if len(list) == 0 {
			continue
		}
		begun := false
		say := func(s string) {
			if s = strings.TrimSpace(s); s == "" {
				return
			}
			if !begun {
				begun = true
				r.section(p.place() + ", annotations")
			}
			r.line(s)
		}
		for _, o := range list {
			if a := r.dictOf(o); a != nil && r.step(16) {
				r.annotation(a, say)
			}
			if r.failed != nil {
				return r.failed
			}
		}
	}
	return nil
}

func (r *reader) annotation(a dict, say func(string)) {
	contents := r.stringOf(a["Contents"])
	for _, key := range []name{"T", "Subj"} {
		if a["FT"] == nil && a["Parent"] == nil {
			say(r.stringOf(a[key]))
		}
	}
	say(contents)
	if rich := r.longText(a["RC"]); rich != "" {
		if s := markupText(rich, false); strings.TrimSpace(s) != strings.TrimSpace(contents) {
			say(s)
		}
	}
	say(r.stringOf(a["OverlayText"]))
	r.actions(a, say)
	if a["FS"] != nil {
		r.file(a["FS"])
	}
	if media := r.dictOf(a["RichMediaContent"]); media != nil {
		r.tree(media["Assets"], "Names", func(_, value any) { r.file(value) })
	}
	for _, key := range []name{"AF"} {
		r.files(a[key])
	}
}

// actions gives the addresses and scripts of an annotation, an outline item
// or a field (ISO 32000-1 §12.6).
func (r *reader) actions(o dict, say func(string)) {
	r.action(o["A"], say, 0)
	r.action(o["PA"], say, 0)
	events := r.dictOf(o["AA"])
	for _, event := range slices.Sorted(maps.Keys(events)) {
		more := events[event]
		r.action(more, say, 0)
	}
}

func (r *reader) action(o any, say func(string), depth int) {
	a := r.dictOf(o)
	if a == nil || depth > maxLevels || !r.step(16) {
		return
	}
	say(r.stringOf(a["URI"]))
	switch f := r.resolve(a["F"]).(type) {
	case text:
		say(decodeText(f))
	case dict:
		say(r.fileName(f))
	}
	if js := r.longText(a["JS"]); js != "" {
		say(js)
	}
	switch next := r.resolve(a["Next"]).(type) {
	case dict:
		r.action(next, say, depth+1)
	case array:
		for _, n := range next {
			r.action(n, say, depth+1)
		}
	}
}

// longText is a text string, or a stream that holds one.
func (r *reader) longText(o any) string {
	if s := r.streamOf(o); s != nil {
		return decodeText(r.decode(s))
	}
	return r.stringOf(o)
}

// readFields gives the names and values of a form (ISO 32000-1 §12.7).
func (r *reader) readFields() error {
	form := r.dictOf(r.root["AcroForm"])
	if form == nil {
		return nil
	}
	begun := false
	say := func(s string) {
		if !begun {
			begun = true
			r.section("form fields")
		}
		r.line(s)
	}
	visited := map[ref]bool{}
	for _, o := range r.arrayOf(form["Fields"]) {
		r.field(o, "", visited, 0, say)
	}
	r.readXFA(form["XFA"])
	return r.failed
}

func (r *reader) field(o any, above string, visited map[ref]bool, depth int, say func(string)) {
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
	f := r.dictOf(o)
	if f == nil || !r.step(32) || r.failed != nil {
		return
	}
	full := above
	if t := r.stringOf(f["T"]); t != "" && len(above) < 1000 {
		if full != "" {
			full += "."
		}
		full += t
	}
	label := full
	if tip := r.stringOf(f["TU"]); tip != "" {
		label = tip
	}
	said := map[string]bool{}
	for _, key := range []name{"V", "DV", "Opt"} {
		for _, v := range r.values(f[key], 0) {
			if v = strings.TrimSpace(v); v != "" && !said[v] {
				said[v] = true
				say(label + ": " + v)
			}
		}
	}
	if rich := r.longText(f["RV"]); rich != "" {
		if v := strings.TrimSpace(markupText(rich, false)); !said[v] {
			say(label + ": " + v)
		}
	}
	if len(said) == 0 && label != "" && f["Kids"] == nil {
		say(label)
	}
	r.actions(f, say)
	for _, kid := range r.arrayOf(f["Kids"]) {
		r.field(kid, full, visited, depth+1, say)
	}
}

// values are the texts of a field's value: one, several, or those of a
// signature.
func (r *reader) values(o any, depth int) []string {
	switch v := r.resolve(o).(type) {
	case text:
		return []string{decodeText(v)}
	case name:
		if v == "Off" {
			return nil
		}
		return []string{string(v)}
	case *stream:
		return []string{decodeText(r.decode(v))}
	case array:
		var list []string
		for _, x := range v {
			if depth < maxLevels && r.step(1) {
				list = append(list, r.values(x, depth+1)...)
			}
		}
		return list
	case dict:
		var list []string
		for _, key := range []name{"Name", "Reason", "Location", "ContactInfo", "M"} {
			if s, ok := r.resolve(v[key]).(text); ok {
				list = append(list, decodeText(s))
			}
		}
		return list
	}
	return nil
}

// readXFA reads the packets of a form of XML (ISO 32000-1 §12.7.8).
func (r *reader) readXFA(o any) {
	var all []byte
	switch x := r.resolve(o).(type) {
	case *stream:
		all = r.decode(x)
	case array:
		for i, part := range x {
			if i > 0 {
				switch r.stringOf(x[i-1]) {
				case "config", "localeSet", "connectionSet":
					continue // settings of the program
				}
			}
			if s := r.streamOf(part); s != nil {
				if body := r.decode(s); len(all)+len(body) <= maxStream {
					all = append(all, body...)
				}
			}
		}
	}
	if len(all) == 0 {
		return
	}
	if s := markupText(string(all), true); r.gives(len(s)) {
		r.section("form (XFA)")
		r.line(s)
	}
}

// gives counts what is given out beside pages.
func (r *reader) gives(n int) bool {
	if r.given += n; r.given > maxGiven {
		r.large = true
		return false
	}
	return n > 0
}
