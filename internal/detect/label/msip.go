package label

import (
	"sort"
	"strconv"
	"strings"

	"postern.dev/postern/internal/detect"
)

// Field is a header field with its unfolded, decoded value.
type Field struct{ Name, Value string }

// maxLabels bounds what one message can make us keep.
const maxLabels = 64

// MSIP reads the labels in MSIP_Labels fields, whose name comes in any case
// and with hyphens too. Several labels may be enabled; all are reported.
// More is true when there are others that are not.
func MSIP(fields []Field) (list []detect.Label, more bool) {
	found := map[string]*one{}
	for _, f := range fields {
		if strings.ReplaceAll(strings.ToLower(f.Name), "-", "_") == "msip_labels" {
			read(f.Value, found)
		}
	}
	return enabled(found), len(found) > maxLabels
}

// one is a label while its attributes are collected.
type one struct {
	label   detect.Label
	enabled bool
	removed bool
}

// read takes "key=value" pairs apart. Values may hold "=", and some clients
// quote them; a semicolon always ends one.
func read(value string, found map[string]*one) {
	for len(value) > 0 {
		pair, rest, _ := strings.Cut(value, ";")
		value = rest
		key, v, ok := strings.Cut(pair, "=")
		if ok {
			attribute(strings.Join(strings.Fields(key), ""), strings.Trim(strings.TrimSpace(v), `"`), found)
		}
	}
}

// attribute notes one attribute of one label.
func attribute(key, value string, found map[string]*one) {
	const prefix = "msip_label_"
	if len(key) < len(prefix) || !strings.EqualFold(key[:len(prefix)], prefix) {
		return
	}
	id, name, ok := strings.Cut(key[len(prefix):], "_")
	id = strings.ToLower(strings.Trim(id, "{}"))
	if !ok || !guid(id) {
		return
	}
	l := found[id]
	if l == nil {
		if len(found) > maxLabels { // one more says that there are more
			return
		}
		l = &one{label: detect.Label{Scheme: MSIPScheme, ID: id}}
		found[id] = l
	}
	switch strings.ToLower(name) {
	case "enabled":
		l.enabled = strings.EqualFold(value, "true") || value == "1"
	case "removed":
		l.removed = strings.EqualFold(value, "true") || value == "1"
	case "siteid":
		l.label.SiteID = strings.ToLower(strings.Trim(value, "{}"))
	case "name":
		l.label.Name = short(value)
	case "method":
		l.label.Method = canonical(value)
	case "contentbits":
		l.label.ContentBits, _ = strconv.Atoi(value)
	}
}

// canonical gives Microsoft's two words as they are written in headers;
// LabelInfo writes them in any case.
func canonical(method string) string {
	for _, m := range []string{"Standard", "Privileged"} {
		if strings.EqualFold(m, method) {
			return m
		}
	}
	return short(method)
}

func enabled(found map[string]*one) []detect.Label {
	var list []detect.Label
	for _, l := range found {
		if l.enabled && !l.removed {
			list = append(list, l.label)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list
}

// guid reports whether s has the form 8-4-4-4-12 in hexadecimal.
func guid(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f':
		default:
			return false
		}
	}
	return true
}
