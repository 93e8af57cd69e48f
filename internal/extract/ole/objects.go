package ole

import (
	"bytes"
	"encoding/xml"
	"strings"

	"postern.dev/postern/internal/extract/cfb"
	"postern.dev/postern/internal/extract/codepage"
	"postern.dev/postern/internal/extract/object"
)

// native gives out the file of a package.
func (r *reader) native(s *cfb.Entry) {
	o := object.Native(s.Stream("\x01Ole10Native"))
	if o.Link {
		r.beside("links", []byte(o.Path))
		return
	}
	name := o.Name
	if name == "" {
		name = r.numbered("object", "")
	}
	r.embed(name, "", o.Data)
}

func (r *reader) packaged(s *cfb.Entry) {
	if c := s.Child("Package"); !c.Storage {
		r.embed(r.numbered("object", ""), "", c.Bytes())
	}
}

// contents is where Acrobat and others put the file itself.
func (r *reader) contents(s *cfb.Entry) {
	if s.Child("Quill") != nil || s.Child("VisioDocument") != nil {
		return
	}
	r.embed(r.numbered("object", ""), "", s.Stream("CONTENTS"))
}

func (r *reader) openDocument(s *cfb.Entry) {
	r.embed(r.numbered("object", ""), "", s.Stream("EmbeddedOdf"))
}

// object reads a storage in which a document keeps an embedded object. A
// package is opened here, another document becomes a file of its own.
func (r *reader) object(s *cfb.Entry) {
	if r.err != nil {
		return
	}
	found := false
	for _, k := range []struct {
		entry string
		read  func(r *reader, s *cfb.Entry)
	}{
		{"\x01Ole10Native", (*reader).native}, {"Package", (*reader).packaged}, {"CONTENTS", (*reader).contents},
		{"EmbeddedOdf", (*reader).openDocument},
	} {
		if c := s.Child(k.entry); c != nil && !c.Storage {
			found = true
			k.read(r, s)
		}
	}
	if found || onlyPicture(s) {
		return
	}
	r.embed(r.numbered("object", ""), "", s.File())
}

// onlyPicture reports whether an object holds no more than its picture: there is
// nothing to be read that its document does not show.
func onlyPicture(s *cfb.Entry) bool {
	for _, c := range s.Children {
		switch {
		case strings.HasPrefix(c.Name, "\x02OlePres"), strings.HasPrefix(c.Name, "\x03"), strings.HasPrefix(c.Name, "\x01"),
			c.Name == "Equation Native", c.Name == "contents":
		default:
			return false
		}
	}
	return true
}

// objects reads the storages in a storage.
func (r *reader) objects(pool *cfb.Entry) {
	if pool == nil {
		return
	}
	for _, c := range pool.Children {
		if c.Storage {
			r.object(c)
		}
	}
}

// pieces gives out the pieces of text of streams whose form is not known.
func (r *reader) pieces(s *cfb.Entry, depth int) {
	for _, c := range s.Children {
		if r.err != nil || depth > 16 {
			return
		}
		if c.Storage {
			r.pieces(c, depth+1)
			continue
		}
		if c.Name == "\x05SummaryInformation" || c.Name == "\x05DocumentSummaryInformation" {
			continue
		}
		first := true
		codepage.Runs(codepage.Windows, c.Bytes(), func(text []byte) bool {
			if first {
				r.section("pieces of text")
				first = false
			}
			r.write(append(bytes.Clone(text), '\n'))
			return r.err == nil
		})
	}
}

// labels reads a list of sensitivity labels that stands beside an encrypted
// package (MS-OFFCRYPTO §2.6).
func (r *reader) labels(p []byte) {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(p, []byte("\ufeff"))))
	for {
		t, err := d.Token()
		if err != nil {
			return
		}
		e, ok := t.(xml.StartElement)
		if !ok || e.Name.Local != "label" {
			continue
		}
		id := ""
		for _, a := range e.Attr {
			if a.Name.Local == "id" {
				id = a.Value
			}
		}
		for _, a := range e.Attr {
			if a.Name.Local != "id" && id != "" {
				r.out.Property("labelinfo:"+id+":"+a.Name.Local, a.Value)
			}
		}
	}
}
