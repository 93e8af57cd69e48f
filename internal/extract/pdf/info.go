package pdf

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"maps"
	"slices"
	"strings"
)

// readInfo gives the entries of the information dictionary (ISO 32000-1
// §14.3.3).
func (r *reader) readInfo() error {
	info := r.dictOf(r.trailer["Info"])
	for _, key := range slices.Sorted(maps.Keys(info)) {
		if s := r.stringOf(info[key]); s != "" && r.gives(len(s)) {
			r.out.Property("info:"+string(key), s)
		}
	}
	return nil
}

// maxXMP is how long a packet of metadata may be.
const maxXMP = 1 << 20

// readMetadata gives the properties of the document's XMP packet.
func (r *reader) readMetadata() error {
	if s := r.streamOf(r.root["Metadata"]); s != nil {
		body := r.decode(s)
		if len(body) > maxXMP {
			r.large = true
			body = body[:maxXMP]
		}
		whole := readXMP(body, func(name, value string) {
			if !thumbnail(value) && r.gives(len(value)) {
				r.out.Property("xmp:"+name, value)
			}
		})
		r.large = r.large || !whole
	}
	return nil
}

// thumbnail reports whether a value is a picture of the first page, as Adobe's
// programs write it (xmpGImg:image, JPEG in base64): nothing that people read.
func thumbnail(value string) bool {
	const jpeg = "/9j/"
	if len(value) < 256 || !strings.HasPrefix(value, jpeg) {
		return false
	}
	_, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value), ""))
	return err == nil
}

// xmp walks a packet.
type xmp struct {
	path  []string
	text  strings.Builder
	seen  map[string][]string
	order []string
	cut   bool // something was left out
}

// readXMP reads the properties of an XMP packet (ISO 16684-1): those that
// are attributes and those that are elements. The items of a list are joined
// by semicolons. whole is false when there are more than what is read.
func readXMP(body []byte, give func(name, value string)) (whole bool) {
	if len(body) > 2 && (body[0] == 0xFE && body[1] == 0xFF || body[0] == 0xFF && body[1] == 0xFE) {
		body = []byte(fromUTF16(body[2:], body[0] == 0xFE))
	}
	x := &xmp{seen: map[string][]string{}}
	dec := xml.NewDecoder(bytes.NewReader(body))
	dec.Strict = false
	for {
		t, err := dec.RawToken()
		if err != nil {
			break
		}
		switch t := t.(type) {
		case xml.StartElement:
			x.start(t)
		case xml.EndElement:
			x.end()
		case xml.CharData:
			if x.text.Len() < maxValue {
				x.text.Write(t)
			} else {
				x.cut = true
			}
		}
		if len(x.path) > maxLevels {
			x.cut = true
			break
		}
	}
	for _, n := range x.order {
		give(n, strings.Join(x.seen[n], "; "))
	}
	return !x.cut
}

// maxValue is how long one value of a property may be.
const maxValue = 64 << 10

func (x *xmp) start(t xml.StartElement) {
	x.text.Reset()
	x.path = append(x.path, joined(t.Name))
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" || a.Name.Space == "rdf" || a.Name.Space == "xml" || a.Name.Space == "x" || a.Name.Space == "" {
			continue
		}
		x.add(joined(a.Name), a.Value)
	}
}

func joined(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// end takes the text of an element for the property that it belongs to: the
// last name on the way that is none of RDF.
func (x *xmp) end() {
	value := strings.TrimSpace(x.text.String())
	x.text.Reset()
	if len(x.path) == 0 {
		return
	}
	if value != "" {
		for i := len(x.path) - 1; i >= 0; i-- {
			if !strings.HasPrefix(x.path[i], "rdf:") && !strings.HasPrefix(x.path[i], "x:") {
				x.add(x.path[i], value)
				break
			}
		}
	}
	x.path = x.path[:len(x.path)-1]
}

func (x *xmp) add(n, value string) {
	if value = strings.TrimSpace(value); value == "" {
		return
	}
	if len(x.order) >= maxProperties || len(x.seen[n]) >= maxProperties {
		x.cut = true
		return
	}
	if _, known := x.seen[n]; !known {
		x.order = append(x.order, n)
	}
	x.seen[n] = append(x.seen[n], value)
}

// maxProperties is how many properties of a packet, and values of one, are
// read.
const maxProperties = 1000

// readOutline gives the titles of the outline (ISO 32000-1 §12.3.3).
func (r *reader) readOutline() error {
	root := r.dictOf(r.root["Outlines"])
	if root == nil {
		return nil
	}
	begun := false
	say := func(s string) {
		if s = strings.TrimSpace(s); s == "" {
			return
		}
		if !begun {
			begun = true
			r.section("outline")
		}
		r.line(s)
	}
	visited := map[ref]bool{}
	var walk func(o any, depth int)
	walk = func(o any, depth int) {
		if depth > maxLevels {
			r.deep = true
			return
		}
		for {
			at, ok := o.(ref)
			if !ok || visited[at] || !r.step(16) || r.failed != nil {
				return
			}
			visited[at] = true
			item := r.dictOf(at)
			if item == nil {
				return
			}
			say(r.stringOf(item["Title"]))
			r.actions(item, say)
			walk(item["First"], depth+1)
			o = item["Next"]
		}
	}
	walk(root["First"], 0)
	return r.failed
}

// readScripts gives the scripts of the document.
func (r *reader) readScripts() error {
	begun := false
	say := func(s string) {
		if s = strings.TrimSpace(s); s == "" || !r.gives(len(s)) {
			return
		}
		if !begun {
			begun = true
			r.section("scripts")
		}
		r.line(s)
	}
	r.tree(r.dictOf(r.root["Names"])["JavaScript"], "Names", func(_, value any) { r.action(value, say, 0) })
	r.action(r.root["OpenAction"], say, 0)
	r.actions(r.root, say)
	for i := range r.pages {
		if r.pages[i].dict["AA"] != nil {
			r.actions(r.pages[i].dict, say)
		}
	}
	return r.failed
}

// readStructure gives what the structure says of its elements for people who
// do not see them: descriptions of pictures, long forms of abbreviations,
// titles (ISO 32000-1 §14.9).
func (r *reader) readStructure() error {
	root := r.dictOf(r.root["StructTreeRoot"])
	if root == nil {
		return nil
	}
	begun := false
	visited := map[ref]bool{}
	var walk func(o any, depth int)
	walk = func(o any, depth int) {
		if at, ok := o.(ref); ok {
			if visited[at] {
				return
			}
			visited[at] = true
		}
		if depth > 4*maxLevels || r.failed != nil || !r.step(16) {
			return
		}
		switch e := r.resolve(o).(type) {
		case array:
			for _, kid := range e {
				if _, leaf := kid.(float64); !leaf {
					walk(kid, depth+1)
				}
			}
		case dict:
			for _, key := range []name{"T", "Alt", "E"} {
				s := strings.TrimSpace(r.stringOf(e[key]))
				if s == "" || !r.gives(len(s)) {
					continue
				}
				if !begun {
					begun = true
					r.section("descriptions")
				}
				r.line(s)
			}
			if e["K"] != nil {
				walk(e["K"], depth+1)
			}
		}
	}
	walk(root["K"], 0)
	return r.failed
}
