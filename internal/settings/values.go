package settings

import (
	"encoding"
	"fmt"
	"reflect"
	"sort"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// walk goes through a document beside the type that it is read into. It
// finds every key that no field has and every value that cannot be read, and
// takes those values out of the tree: the library stops at the first one and
// would hide what comes behind it.
type walk struct {
	file  string
	found Mistakes
	// undo puts back what was taken out, last first.
	undo []func()
}

func (w *walk) add(n ast.Node, path, text, suggestion string) {
	if path != "" {
		text = path + ": " + text
	}
	at := n.GetToken().Position
	w.found = append(w.found, Mistake{File: w.file, Line: at.Line, Column: at.Column, Text: text, Suggestion: suggestion})
}

// value reports whether a value can be read.
func (w *walk) value(n ast.Node, t reflect.Type, path string) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if a, ok := n.(*ast.AnchorNode); ok {
		n = a.Value
	}
	switch n.(type) {
	case *ast.NullNode, *ast.AliasNode, *ast.TagNode:
		return true // the library reads these
	}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return w.span(n, path)
	case opaque(t):
		return w.own(n, t, path)
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return w.section(n, t, path)
	case reflect.Slice:
		return w.list(n, t, path)
	}
	return w.plain(n, t, path)
}

// section walks keys and their values.
func (w *walk) section(n ast.Node, t reflect.Type, path string) bool {
	m, ok := n.(*ast.MappingNode)
	if _, single := n.(*ast.MappingValueNode); !ok && !single {
		w.add(n, path, "is not a section", "write keys with their values below it")
		return false
	}
	var fields map[string]reflect.Type
	if t.Kind() == reflect.Struct {
		fields = fieldsOf(t)
	}
	var good []*ast.MappingValueNode
	for _, v := range pairs(n) {
		name := keyName(v)
		ft, known := fields[name]
		if t.Kind() == reflect.Map {
			ft, known = t.Elem(), true
		}
		if !known {
			w.add(v.Key, "", fmt.Sprintf("unknown key %q", name), Nearest(name, keys(fields)))
			continue
		}
		if w.value(v.Value, ft, below(path, name)) {
			good = append(good, v)
		}
	}
	if m == nil {
		return len(good) > 0
	}
	if all := m.Values; len(good) < len(all) {
		m.Values = good
		w.undo = append([]func(){func() { m.Values = all }}, w.undo...)
	}
	return true
}

func (w *walk) list(n ast.Node, t reflect.Type, path string) bool {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		w.add(n, path, "is not a list", "write it in brackets: [a, b]")
		return false
	}
	all := true
	for i, v := range s.Values {
		all = w.value(v, t.Elem(), fmt.Sprintf("%s[%d]", path, i)) && all
	}
	return all
}

// span reads a span of time.
func (w *walk) span(n ast.Node, path string) bool {
	const form = "write for example 20s, 5m or 24h"
	text, simple := word(n)
	_, err := time.ParseDuration(text)
	switch {
	case !simple:
		w.add(n, path, "is not a span of time", form)
	case err != nil || n.Type() != ast.StringType:
		w.add(n, path, fmt.Sprintf("%q is not a span of time", text), form)
	default:
		return true
	}
	return false
}

// word is the text of a simple value, as it is written.
func word(n ast.Node) (text string, simple bool) {
	scalar, simple := n.(ast.ScalarNode)
	if !simple {
		return "", false
	}
	if s, ok := scalar.GetValue().(string); ok {
		return s, true
	}
	return n.GetToken().Value, true
}

// opaque types read themselves.
func opaque(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	_, text := p.MethodByName("UnmarshalText")
	_, own := p.MethodByName("UnmarshalYAML")
	return text || own
}

// own tries a value that reads itself, because the library would report its
// error without the place.
func (w *walk) own(n ast.Node, t reflect.Type, path string) bool {
	reader, ok := reflect.New(t).Interface().(encoding.TextUnmarshaler)
	if !ok {
		return true
	}
	scalar, simple := n.(ast.ScalarNode)
	if !simple {
		w.add(n, path, "is not a single value", "")
		return false
	}
	if err := reader.UnmarshalText([]byte(fmt.Sprint(scalar.GetValue()))); err != nil {
		text, suggestion, _ := strings.Cut(err.Error(), "; ")
		w.add(n, path, text, suggestion)
		return false
	}
	return true
}

// plain tries a number, a text or a yes.
func (w *walk) plain(n ast.Node, t reflect.Type, path string) bool {
	if yaml.NodeToValue(n, reflect.New(t).Interface()) == nil {
		return true
	}
	what, form := "a text", "write it in quotes"
	switch t.Kind() {
	case reflect.Bool:
		what, form = "true or false", "write one of these words"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		what, form = "a whole number", "write for example 50"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		what, form = "a whole number from 0", "write for example 50"
	case reflect.Float32, reflect.Float64:
		what, form = "a number", "write for example 0.5"
	}
	if text, simple := word(n); simple {
		what = fmt.Sprintf("%q is not %s", text, what)
	} else {
		what = "is not " + what
	}
	w.add(n, path, what, form)
	return false
}

// below is the path of a key in a section.
func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		name, rest, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "-" {
			continue
		}
		if rest == "inline" {
			for k, v := range fieldsOf(f.Type) {
				fields[k] = v
			}
			continue
		}
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		fields[name] = f.Type
	}
	return fields
}

func keys(m map[string]reflect.Type) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	sort.Strings(list)
	return list
}
