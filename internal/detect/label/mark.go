package label

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"sort"
	"strings"

	"postern.dev/postern/internal/detect"
)

// The schemes of labels.
const (
	MSIPScheme  = "msip"
	Titus       = "titus"
	BoldonJames = "boldon-james"
	PSPF        = "pspf"
)

// Mail reads all labels in the header of a message: Microsoft's, and the
// marks of other products. More is true when there are others that are not
// reported.
func Mail(fields []Field) (list []detect.Label, more bool) {
	list, more = MSIP(fields)
	for _, f := range fields {
		switch name := strings.ToLower(f.Name); {
		case strings.HasPrefix(name, "x-titus-metadata"):
			list = append(list, titus(f.Value)...)
		case name == "x-protective-marking":
			list = append(list, marking(f.Value)...)
		case name == "subject":
			if at := strings.LastIndex(f.Value, "[SEC="); at >= 0 {
				inner, _, closed := strings.Cut(f.Value[at+1:], "]")
				if closed {
					list = append(list, marking(inner)...)
				}
			}
		}
	}
	return capped(list, more)
}

// capped leaves out repetitions, and what is too many.
func capped(list []detect.Label, more bool) ([]detect.Label, bool) {
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.Scheme != b.Scheme {
			return a.Scheme < b.Scheme
		}
		if a.ID != b.ID {
			return a.ID < b.ID
		}
		return a.Name < b.Name
	})
	list = slices.Compact(list)
	if len(list) > maxLabels {
		return list[:maxLabels], true
	}
	return list, more
}

// maxName bounds what is kept of a label's words.
const maxName = 200

func short(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > maxName {
		s = strings.ToValidUTF8(s[:maxName], "") + "…"
	}
	return s
}

// titus reads the metadata of Titus: JSON, mostly in base64, with the
// customer's properties and their values.
func titus(value string) []detect.Label {
	value = strings.Join(strings.Fields(value), "")
	form := []byte(value)
	if !strings.HasPrefix(value, "{") {
		b, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			b, err = base64.RawStdEncoding.DecodeString(value)
		}
		if err != nil {
			return nil
		}
		form = b
	}
	var m struct {
		Metadata struct {
			Props []struct {
				N    string
				Vals []struct{ Value string }
			}
		}
	}
	if json.Unmarshal(form, &m) != nil {
		return nil
	}
	var list []detect.Label
	for _, p := range m.Metadata.Props {
		for _, v := range p.Vals {
			if len(list) > maxLabels {
				return list
			}
			list = append(list, detect.Label{Scheme: Titus, ID: short(p.N), Name: short(v.Value)})
		}
	}
	return list
}

// marking reads an Australian protective marking: "VER=2018.4, NS=gov.au,
// SEC=OFFICIAL:Sensitive, CAVEAT=…". What it is called is the classification;
// caveats are labels of their own.
func marking(value string) []detect.Label {
	var list []detect.Label
	for _, pair := range strings.Split(value, ",") {
		key, v, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if key = strings.ToUpper(strings.TrimSpace(key)); !ok || v == "" || len(list) > maxLabels {
			continue
		}
		if key == "SEC" || key == "CAVEAT" || key == "ACCESS" {
			list = append(list, detect.Label{Scheme: PSPF, ID: key, Name: short(v)})
		}
	}
	return list
}
