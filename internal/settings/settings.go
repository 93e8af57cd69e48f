// Package settings reads the files that people write: postern.yaml, tenants
// and policies.
//
// It keeps one promise: every mistake of a file is reported at once, with
// its place and a suggestion; an unknown key is a mistake, never ignored.
//
// It does not know what the keys mean.
//
// Standards: YAML 1.2.
package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Mistake is one thing that is wrong in a file.
type Mistake struct {
	// File, Line and Column are the place; Line is 0 when the whole file or
	// a value without a place is meant.
	File         string
	Line, Column int
	// Text says what is wrong.
	Text string
	// Suggestion says what to write instead; it may be empty.
	Suggestion string
}

func (m Mistake) String() string {
	s := m.File
	if m.Line > 0 {
		s += fmt.Sprintf(":%d:%d", m.Line, m.Column)
	}
	s += ": " + m.Text
	if m.Suggestion != "" {
		s += " (" + m.Suggestion + ")"
	}
	return s
}

// Mistakes is an error made of all mistakes of one or more files.
type Mistakes []Mistake

func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, x := range m {
		lines[i] = x.String()
	}
	return strings.Join(lines, "\n")
}

// Err is nil when there is no mistake.
func (m Mistakes) Err() error {
	if len(m) == 0 {
		return nil
	}
	return m
}

// Document is one YAML document of a file.
type Document struct {
	File string
	// Kind is the value of the key "kind", "" when there is none.
	Kind string
	body ast.Node
}

// Line is the line on which the document begins.
func (d Document) Line() int {
	if m, ok := d.body.(*ast.MappingNode); ok && len(m.Values) > 0 {
		return m.Values[0].Key.GetToken().Position.Line
	}
	return d.body.GetToken().Position.Line
}

// Split reads a file's documents.
func Split(file string, text []byte) ([]Document, Mistakes) {
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, Mistakes{fromYAML(file, err)}
	}
	var docs []Document
	for _, d := range tree.Docs {
		if d.Body == nil || d.Body.Type() == ast.NullType {
			continue
		}
		docs = append(docs, Document{File: file, Kind: kindOf(d.Body), body: d.Body})
	}
	return docs, nil
}

func kindOf(n ast.Node) string {
	for _, v := range pairs(n) {
		if keyName(v) == "kind" {
			if s, ok := v.Value.(*ast.StringNode); ok {
				return s.Value
			}
		}
	}
	return ""
}

func pairs(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

func keyName(v *ast.MappingValueNode) string { return v.Key.GetToken().Value }

// Decode reads the document into the struct that into points to. The YAML
// library panics at a tag before a value of another kind ("domains: !x y",
// v1.19.2); a file must not stop a running gateway.
func (d Document) Decode(into any) (found Mistakes) {
	defer func() {
		if recover() != nil {
			found = Mistakes{d.Place("the document cannot be read", "write it without tags and anchors")}
		}
	}()
	w := &walk{file: d.File}
	defer func() { // after a panic too
		for _, undo := range w.undo {
			undo()
		}
	}()
	if !w.value(d.body, reflect.TypeOf(into).Elem(), "") {
		return w.found
	}
	if err := yaml.NodeToValue(d.body, into); err != nil {
		w.found = append(w.found, fromYAML(d.File, err))
	}
	return w.found
}

// KeyPath splits a key as mistakes name it: "roles[1].may" is roles, 1, may.
func KeyPath(key string) (path []string) {
	return strings.FieldsFunc(key, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

// Place returns a Mistake at the value with this path of keys. A number is a
// place in a list.
func (d Document) Place(text, suggestion string, path ...string) Mistake {
	m := Mistake{File: d.File, Text: text, Suggestion: suggestion, Line: d.Line(), Column: 1}
	if len(path) > 0 {
		m.Text = strings.Join(path, ".") + ": " + text
	}
	n := d.body
	for _, key := range path {
		var next ast.Node
		if list, ok := n.(*ast.SequenceNode); ok {
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(list.Values) {
				return m
			}
			n = list.Values[i]
			if first := pairs(n); len(first) > 0 { // of single words, the list is the place
				at := first[0].Key.GetToken().Position
				m.Line, m.Column = at.Line, at.Column
			}
			continue
		}
		for _, v := range pairs(n) {
			if keyName(v) == key {
				next = v.Value
				at := v.Key.GetToken().Position
				m.Line, m.Column = at.Line, at.Column
			}
		}
		if next == nil {
			return m
		}
		n = next
	}
	return m
}

// Read decodes a file of one document.
func Read(file string, text []byte, into any) Mistakes {
	docs, bad := Split(file, text)
	if len(bad) > 0 {
		return bad
	}
	switch len(docs) {
	case 0:
		return nil
	case 1:
		return docs[0].Decode(into)
	}
	return Mistakes{{File: file, Line: docs[1].Line(), Column: 1, Text: "a second document stands in this file"}}
}

func fromYAML(file string, err error) Mistake {
	m := Mistake{File: file, Text: strings.TrimSpace(err.Error())}
	var ye yaml.Error
	if asYAML(err, &ye) {
		m.Text = ye.GetMessage()
		if t := ye.GetToken(); t != nil && t.Position != nil {
			m.Line, m.Column = t.Position.Line, t.Position.Column
		}
	}
	m.Text, _, _ = strings.Cut(m.Text, "\n")
	return m
}

func asYAML(err error, target *yaml.Error) bool {
	for err != nil {
		if ye, ok := err.(yaml.Error); ok {
			*target = ye
			return true
		}
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			return false
		}
		err = u.Unwrap()
	}
	return false
}

// Nearest suggests the known name that was probably meant.
func Nearest(name string, known []string) string {
	best, least := "", len(name)/2+2
	for _, k := range known {
		if d := Distance(strings.ToLower(name), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return "known here: " + strings.Join(known, ", ")
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// Distance is the Levenshtein distance of two words; a long a is far from
// everything, because nobody mistyped it.
func Distance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			up := row[j]
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j]+1, row[j-1]+1, diagonal+cost)
			diagonal = up
		}
	}
	return row[len(b)]
}

// Resolve returns the value that s names: "file:PATH" is read from a file
// (relative to the folder dir), "env:NAME" from the environment; anything
// else is the value itself. A trailing line end of a file is cut off.
func Resolve(s, dir string) (string, error) {
	if path, ok := strings.CutPrefix(s, "file:"); ok {
		b, err := os.ReadFile(Path(path, dir))
		if err != nil {
			return "", fmt.Errorf("cannot read %s: %w", path, err)
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	}
	if name, ok := strings.CutPrefix(s, "env:"); ok {
		v, ok := os.LookupEnv(name)
		if !ok {
			return "", fmt.Errorf("the environment has no %s", name)
		}
		return v, nil
	}
	return s, nil
}

// Path makes a path of a file absolute to the folder of the file that names it.
func Path(path, dir string) string {
	path = strings.TrimPrefix(path, "file:")
	if dir == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// Bytes is a size in a file: "200MiB", "1KiB", or octets.
type Bytes int64

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	units := []struct {
		suffix string
		size   int64
	}{
		{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
		{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}, {"", 1},
	}
	for _, u := range units {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > (1<<62)/u.size {
			break
		}
		*b = Bytes(n * u.size)
		return nil
	}
	return fmt.Errorf("%q is not a size; write for example 200MiB", s)
}
