package label

import (
	"encoding/xml"
	"sort"
	"strings"

	"postern.dev/postern/internal/detect"
)

// Document reads the labels in the properties of a document, named as extract
// names them. A label that LabelInfo names counts as LabelInfo says: it may
// be removed there and still stand in the custom properties (MIP SDK, "label
// metadata": precedence). More is true when there are others that are not
// reported.
func Document(properties map[string]string) (list []detect.Label, more bool) {
	info, old := map[string]*one{}, map[string]*one{}
	other := map[string]string{}
	for key, value := range properties {
		switch prefix, name := cutKey(key); prefix {
		case "labelinfo":
			id, attr, _ := strings.Cut(name, ":")
			attribute("msip_label_"+id+"_"+attr, value, info)
		case "custom", "info":
			attribute(name, value, old)
			other[strings.ToLower(name)] = value
		case "xmp":
			_, name, _ = strings.Cut(name, ":")
			attribute(unescapeXMP(name), value, old)
			other[strings.ToLower(name)] = value
		}
	}
	for id, l := range info {
		if name := old[id]; name != nil && l.label.Name == "" {
			l.label.Name = name.label.Name
		}
		old[id] = l
	}
	list = enabled(old)
	list = append(list, titusProperties(other)...)
	list = append(list, boldonJames(other)...)
	return capped(list, len(old) > maxLabels)
}

// cutKey parts "custom:Name" at its first colon.
func cutKey(key string) (prefix, name string) {
	prefix, name, _ = strings.Cut(key, ":")
	return prefix, name
}

// unescapeXMP undoes what Acrobat does to characters that XML names may not
// have: U+2182 and four hexadecimal digits stand for one.
func unescapeXMP(name string) string {
	const mark = "\u2182"
	before, after, ok := strings.Cut(name, mark)
	for ok && len(after) >= 4 {
		var r rune
		for _, c := range after[:4] {
			r = r<<4 | rune(strings.IndexRune("0123456789abcdef", c|0x20)&15)
		}
		rest, next, more := strings.Cut(after[4:], mark)
		before, after, ok = before+string(r)+rest, next, more
	}
	return before
}

// titusProperties reads the properties that Titus (Fortra) sets: the
// customer's own ones count only beside its GUID.
func titusProperties(p map[string]string) []detect.Label {
	var list []detect.Label
	for name, value := range p {
		if strings.HasPrefix(name, "titusmetadata") {
			list = append(list, titus(value)...)
		}
	}
	if p["titusguid"] != "" && p["classification"] != "" {
		list = append(list, detect.Label{Scheme: Titus, ID: "Classification", Name: short(p["classification"])})
	}
	return list
}

// boldonJames reads the properties that Boldon James (Fortra) sets: a text,
// and an XML label that may be cut into pieces.
func boldonJames(p map[string]string) []detect.Label {
	var list []detect.Label
	if text := p["bjdocumentsecuritylabel"]; text != "" {
		list = append(list, detect.Label{Scheme: BoldonJames, ID: "bjDocumentSecurityLabel", Name: short(text)})
	}
	var pieces []string
	for name := range p {
		if strings.HasPrefix(name, "bjdocumentlabelxml") {
			pieces = append(pieces, name)
		}
	}
	sort.Slice(pieces, func(i, j int) bool {
		if len(pieces[i]) != len(pieces[j]) {
			return len(pieces[i]) < len(pieces[j])
		}
		return pieces[i] < pieces[j]
	})
	var form strings.Builder
	for _, name := range pieces {
		form.WriteString(p[name])
	}
	d := xml.NewDecoder(strings.NewReader(form.String()))
	for {
		token, err := d.RawToken()
		if err != nil {
			return list
		}
		e, ok := token.(xml.StartElement)
		if !ok || e.Name.Local != "element" || len(list) > maxLabels {
			continue
		}
		l := detect.Label{Scheme: BoldonJames}
		for _, a := range e.Attr {
			switch a.Name.Local {
			case "uid":
				l.ID = short(a.Value)
			case "value":
				l.Name = short(a.Value)
			}
		}
		if l.ID != "" || l.Name != "" {
			list = append(list, l)
		}
	}
}
