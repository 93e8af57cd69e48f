package ooxml

import (
	"bytes"
	"strings"

	"postern.dev/postern/internal/extract/xmlread"
)

// properties reads what the document says about itself: core and extended
// properties, custom ones (ECMA-376 part 2 §10, part 1 §22), and the labels
// of Microsoft's information protection.
func (p *pack) properties() {
	for i := range p.parts {
		t := &p.parts[i]
		if !strings.HasPrefix(t.name, "docprops/") && !strings.HasPrefix(t.name, "docmetadata/") && !p.metadata(t.name) {
			continue
		}
		if !strings.HasSuffix(t.name, ".xml") {
			continue
		}
		r := p.open(i)
		if r == nil {
			continue
		}
		p.x.Reset(p.counted(r))
		t.done = p.property()
		r.Close()
	}
}

// metadata reports whether a relationship of the package calls a part so,
// whatever its name is.
func (p *pack) metadata(name string) bool {
	for _, r := range p.rels[""] {
		if r.target != name {
			continue
		}
		switch r.kind {
		case "core-properties", "extended-properties", "custom-properties", "classificationlabels":
			return true
		}
	}
	return false
}

// property reads one part of properties; false when it is something else.
func (p *pack) property() bool {
	x := &p.x
	for k := x.Next(); k != xmlread.Start; k = x.Next() {
		if k == xmlread.EOF {
			return false
		}
	}
	switch string(x.Local) {
	case "coreProperties", "Properties":
		p.fields()
		return true
	case "labelList":
		p.labels()
		return true
	}
	return false
}

// fields reads core, extended and custom properties: elements with text, the
// custom ones within an element that has their name.
func (p *pack) fields() {
	x := &p.x
	var custom, name string
	var value []byte
	for k := x.Next(); k != xmlread.EOF; k = x.Next() {
		switch k {
		case xmlread.Start:
			name = string(x.Local)
			if name == "property" {
				custom = string(x.Attr("name"))
				if link := x.Attr("linkTarget"); link != nil {
					p.out.Property("custom:"+custom+":link", string(link))
				}
				value = value[:0]
			} else if custom == "" {
				value = value[:0]
			} else if len(value) > 0 {
				value = append(value, ' ')
			}
		case xmlread.Text:
			value = append(value, x.Text...)
		case xmlread.End:
			text := strings.TrimSpace(string(value))
			switch {
			case custom != "" && string(x.Local) == "property":
				p.out.Property("custom:"+custom, text)
				custom = ""
				value = value[:0]
			case custom == "":
				if known := propertyName(string(x.Local)); known != "" && text != "" {
					p.out.Property(known, text)
				}
				value = value[:0]
			}
		}
	}
}

// propertyName is what others call an element of core.xml and app.xml; ""
// for what says nothing (counts, versions).
func propertyName(element string) string {
	switch element {
	case "title", "subject", "keywords", "category", "created", "modified", "identifier", "language", "version":
		return element
	case "creator":
		return "author"
	case "description":
		return "comments"
	case "lastModifiedBy":
		return "last-author"
	case "contentStatus":
		return "status"
	case "Company", "Manager", "Template":
		return strings.ToLower(element)
	case "HyperlinkBase":
		return "hyperlink-base"
	}
	return ""
}

// labels reads docMetadata/LabelInfo.xml.
func (p *pack) labels() {
	for k := p.x.Next(); k != xmlread.EOF; k = p.x.Next() {
		if k != xmlread.Start || string(p.x.Local) != "label" {
			continue
		}
		id := string(bytes.ToLower(bytes.Trim(p.x.Attr("id"), "{} ")))
		p.x.Attrs(func(name, value []byte) {
			if string(name) != "id" {
				p.out.Property("labelinfo:"+id+":"+string(name), string(value))
			}
		})
	}
}
