package pdf

import (
	"bytes"
	"maps"
	"slices"
	"strings"
)

// readFiles gives out the files inside the document (ISO 32000-1 §7.11.4 and
// §12.3.5).
func (r *reader) readFiles() error {
	names := r.dictOf(r.root["Names"])
	r.tree(names["EmbeddedFiles"], "Names", func(key, value any) { r.file(value) })
	r.files(r.root["AF"])
	for i := range r.pages {
		r.files(r.pages[i].dict["AF"])
	}
	if r.root["Collection"] != nil {
		r.collection(r.dictOf(r.root["Collection"]))
	}
	return r.failed
}

func (r *reader) files(o any) {
	switch o := r.resolve(o).(type) {
	case array:
		for _, f := range o {
			r.file(f)
		}
	case dict:
		r.file(o)
	}
}

// collection gives the headings of a portfolio.
func (r *reader) collection(c dict) {
	schema := r.dictOf(c["Schema"])
	for _, key := range slices.Sorted(maps.Keys(schema)) {
		if s := r.stringOf(r.dictOf(schema[key])["N"]); s != "" {
			r.line(s)
		}
	}
}

// fileName is the name that a file specification has: all of them, when they
// differ, would be told apart by nobody.
func (r *reader) fileName(spec dict) string {
	for _, key := range []name{"UF", "F", "Unix", "DOS", "Mac"} {
		if s := r.stringOf(spec[key]); s != "" {
			return s
		}
	}
	return ""
}

// file gives out the file of a file specification: each of the streams that
// it has.
func (r *reader) file(o any) {
	spec := r.dictOf(o)
	if spec == nil || !r.step(64) || r.failed != nil {
		return
	}
	streams := r.dictOf(spec["EF"])
	if streams == nil {
		return
	}
	for _, key := range []name{"UF", "F", "Unix", "DOS", "Mac"} {
		s := r.streamOf(streams[key])
		if s == nil || r.given1(s) {
			continue
		}
		n := r.stringOf(spec[key])
		if n == "" || key == "F" && streams["UF"] == nil {
			n = r.fileName(spec)
		}
		r.section("attachment")
		r.line(n)
		r.line(r.stringOf(spec["Desc"]))
		for _, key := range slices.Sorted(maps.Keys(r.dictOf(spec["CI"]))) {
			r.line(r.stringOf(r.dictOf(spec["CI"])[key]))
		}
		if r.nameOf(spec["AFRelationship"]) == "EncryptedPayload" {
			r.out.Unread(Encrypted, "an encrypted document inside an unencrypted wrapper")
		}
		body := r.decode(s)
		if r.failed == nil {
			declared := strings.ReplaceAll(string(r.nameOf(s.dict["Subtype"])), "#2F", "/")
			r.failed = r.out.Embedded(File{Name: n, Declared: declared, Octets: bytes.NewReader(body)})
		}
	}
}

// given1 reports whether a file was given out before, and remembers it.
func (r *reader) given1(s *stream) bool {
	if len(s.raw) == 0 {
		return r.sent[nil]
	}
	at := &s.raw[0]
	if r.sent[at] {
		return true
	}
	r.sent[at] = true
	return false
}
