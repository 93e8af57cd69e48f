package pdf

import (
	"bytes"
)

// readOrphans gives out what stands in the file and belongs to no page: what
// an earlier revision said, what was left out of the table, patterns and
// masks. A person with a text editor can read it, and so can who gets it.
func (r *reader) readOrphans() error {
	begun := false
	for _, x := range r.definitions() {
		if r.seen[x.at] || r.failed != nil || !r.step(16) {
			continue
		}
		o, ok := r.parseAt(x.at, x.num, true)
		if !ok {
			continue
		}
		r.seen[x.at] = true
		var text []byte
		switch o := o.(type) {
		case *stream:
			text = r.orphanStream(o)
		case dict:
			text = r.orphanDict(o)
		}
		if len(text) == 0 || !r.gives(len(text)) {
			continue
		}
		if !begun {
			begun = true
			r.section("outside of the pages")
		}
		r.text(text)
	}
	return r.failed
}

// orphanStream reads a stream that may be a content stream.
func (r *reader) orphanStream(s *stream) []byte {
	switch r.nameOf(s.dict["Type"]) {
	case "", "XObject", "Pattern":
	default:
		return nil
	}
	switch r.nameOf(s.dict["Subtype"]) {
	case "", "Form":
	default:
		return nil
	}
	if s.dict["Length1"] != nil || s.dict["FunctionType"] != nil || s.dict["ShadingType"] != nil ||
		s.dict["N"] != nil && s.dict["Alternate"] != nil {
		return nil
	}
	body, picture := r.decodeTo(s)
	if picture != "" || !showsText(body) {
		return nil
	}
	c := newCanvas(r, false)
	resources := r.dictOf(s.dict["Resources"])
	if resources == nil && len(r.pages) > 0 {
		resources = r.pages[0].resources
	}
	c.run(body, resources, 0)
	c.settle()
	return c.layout.finish()
}

// showsText looks for the operators of text.
func showsText(b []byte) bool {
	return bytes.Contains(b, []byte("BT")) && (bytes.Contains(b, []byte("Tj")) || bytes.Contains(b, []byte("TJ")) ||
		bytes.Contains(b, []byte("'")) || bytes.Contains(b, []byte("\"")))
}

// orphanDict gives the texts of an annotation, a field or properties.
func (r *reader) orphanDict(o dict) []byte {
	var b []byte
	for _, key := range []name{
		"Contents", "V", "TU", "Title", "Subject", "Author", "Keywords", "URI", "ActualText", "Alt",
	} {
		if s, ok := o[key].(text); ok && len(s) > 0 && len(s) <= maxValue {
			b = append(append(b, decodeText(s)...), '\n')
		}
	}
	return b
}
