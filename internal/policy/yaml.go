package policy

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a policy file: what a person writes is far smaller.
const (
	maxFile  = 4 << 20
	maxDepth = 20
	// The parser's time grows with the square of the keys of a mapping
	// (20,000 keys: 5 s), so the colons of a document are counted first.
	maxColons = 5000
)

// reader reads one file and collects what is wrong in it.
type reader struct {
	file     string
	lines    []string
	mistakes Mistakes
	// later is what waits for the calendars of all files.
	later []func(calendars map[string]*Calendar)
}

// documents parses the file. A parser that fails in an unforeseen way is a
// mistake of the file like any other: a policy must not end the process.
func (r *reader) documents(data []byte) (docs []ast.Node) {
	if len(data) > maxFile {
		r.wrong(nil, "the file is larger than %d bytes", maxFile)
		return nil
	}
	if !utf8.Valid(data) {
		r.wrong(nil, "the file is not UTF-8")
		return nil
	}
	text := strings.TrimPrefix(string(data), "\uFEFF")
	r.lines = strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	if nesting(text) > maxDepth*4 {
		r.wrong(nil, "the file is nested too deeply")
		return nil
	}
	for _, doc := range strings.Split(text, "\n---") {
		if strings.Count(doc, ":") > maxColons {
			r.wrong(nil, "a document holds more than %d keys; put long lists of terms into a file", maxColons)
			return nil
		}
	}
	defer func() {
		if p := recover(); p != nil {
			docs = nil
			r.wrong(nil, "this is not YAML that can be read")
		}
	}()
	f, err := parser.ParseBytes([]byte(strings.Join(r.lines, "\n")), 0)
	if err != nil {
		var known yaml.Error
		if errors.As(err, &known) {
			r.wrongAt(known.GetToken(), known.GetMessage())
		} else {
			r.wrong(nil, "this is not YAML: %v", err)
		}
		return nil
	}
	for _, d := range f.Docs {
		if d.Body != nil && d.Body.Type() != ast.CommentType && d.Body.Type() != ast.NullType {
			docs = append(docs, d.Body)
		}
	}
	return docs
}

// nesting is an upper bound of how deep brackets and indentation go.
func nesting(text string) int {
	depth, deepest := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ']', '}':
			depth = max(depth-1, 0)
		}
	}
	for line := range strings.Lines(text) {
		lead := len(line) - len(strings.TrimLeft(line, " -?:"))
		deepest = max(deepest, lead/2)
	}
	return deepest
}

func (r *reader) wrong(n ast.Node, format string, args ...any) {
	var t *token.Token
	if n != nil {
		t = first(n).GetToken()
	}
	r.wrongAt(t, fmt.Sprintf(format, args...))
}

// first is where a person sees n begin: the token of a mapping without braces
// is its first colon.
func first(n ast.Node) ast.Node {
	if m, ok := n.(*ast.MappingNode); ok && m.IsFlowStyle {
		return n
	}
	if values, ok := pairs(n); ok && len(values) > 0 {
		return values[0].Key
	}
	return n
}

func (r *reader) wrongAt(t *token.Token, text string) {
	line, column := 0, 0
	if t != nil && t.Position != nil {
		line, column = t.Position.Line, t.Position.Column
	}
	r.add(line, column, text)
}

func (r *reader) add(line, column int, text string) {
	m := Mistake{File: r.file, Line: line, Column: column, Text: text}
	if line > 0 && line <= len(r.lines) {
		m.Excerpt = strings.ReplaceAll(r.lines[line-1], "\t", " ")
		if utf8.RuneCountInString(m.Excerpt) > 160 {
			m.Excerpt = ""
		}
	}
	r.mistakes = append(r.mistakes, m)
}

// mapping is a YAML mapping whose keys are all known.
type mapping struct {
	r    *reader
	node ast.Node
	keys map[string]ast.Node
	at   map[string]ast.Node // the key itself
}

// mapping reads n; other keys than known are mistakes. With no known keys any
// key is taken. ok is false when n is not a mapping.
func (r *reader) mapping(n ast.Node, what string, known ...string) (m mapping, ok bool) {
	m = mapping{r: r, node: n, keys: map[string]ast.Node{}, at: map[string]ast.Node{}}
	values, ok := pairs(n)
	if !ok {
		if n != nil {
			r.wrong(n, "%s must be a mapping (key: value)", what)
		}
		return m, false
	}
	for _, v := range values {
		if v.Key.Type() == ast.MergeKeyType {
			r.wrong(v.Key, "merge keys are not used here; write the values out")
			continue
		}
		key, isText := text(v.Key)
		if !isText {
			r.wrong(v.Key, "a key must be a text")
			continue
		}
		if len(known) > 0 && !contains(known, key) {
			r.wrong(v.Key, "%s has no key %q%s", what, key, meantKey(key, known))
			continue
		}
		if _, twice := m.keys[key]; twice {
			r.wrong(v.Key, "the key %q stands here twice", key)
			continue
		}
		m.keys[key], m.at[key] = v.Value, v.Key
	}
	return m, true
}

func pairs(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// has reports whether the key stands there with a value.
func (m mapping) has(key string) bool {
	n, ok := m.keys[key]
	return ok && n != nil && n.Type() != ast.NullType
}

// text returns a text value; "" when it is absent.
func (m mapping) text(key string) string {
	if !m.has(key) {
		return ""
	}
	s, ok := text(m.keys[key])
	if !ok {
		m.r.wrong(m.keys[key], "%s must be a text", key)
	}
	return s
}

// needText is text for a key that must be there.
func (m mapping) needText(key, what string) string {
	if !m.has(key) {
		m.r.wrong(m.node, "%s needs %q", what, key)
		return ""
	}
	return m.text(key)
}

func (m mapping) flag(key string) bool {
	if !m.has(key) {
		return false
	}
	b, ok := m.keys[key].(*ast.BoolNode)
	if !ok {
		m.r.wrong(m.keys[key], "%s must be true or false", key)
		return false
	}
	return b.Value
}

func (m mapping) number(key string, otherwise int) int {
	if !m.has(key) {
		return otherwise
	}
	n, ok := m.keys[key].(*ast.IntegerNode)
	if ok {
		switch v := n.Value.(type) {
		case int64:
			if v >= math.MinInt32 && v <= math.MaxInt32 {
				return int(v)
			}
		case uint64:
			if v <= math.MaxInt32 {
				return int(v)
			}
		}
	}
	m.r.wrong(m.keys[key], "%s must be a whole number", key)
	return otherwise
}

// duration reads 90s, 15m, 48h or 7d.
func (m mapping) duration(key string, otherwise time.Duration) time.Duration {
	if !m.has(key) {
		return otherwise
	}
	s, _ := text(m.keys[key])
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok && err != nil {
		var n int
		if n, err = strconv.Atoi(days); err == nil && n < 10000 {
			d = time.Duration(n) * 24 * time.Hour
		}
	}
	if err != nil || d <= 0 {
		m.r.wrong(m.keys[key], "%s must be a time span such as 30m, 48h or 7d", key)
		return otherwise
	}
	return d
}

// bytes reads a size such as 500, 20KiB, 10MB.
func (m mapping) bytes(key string) int64 {
	if !m.has(key) {
		return 0
	}
	s, _ := text(m.keys[key])
	for _, u := range []struct {
		unit string
		n    int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"", 1}} {
		digits, ok := strings.CutSuffix(s, u.unit)
		if !ok {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64); err == nil && n >= 0 && n < math.MaxInt64/u.n {
			return n * u.n
		}
	}
	m.r.wrong(m.keys[key], "%s must be a size such as 500kB or 20MiB", key)
	return 0
}

// texts reads one text or a list of texts.
func (m mapping) texts(key string) (list []placed) {
	if !m.has(key) {
		return nil
	}
	n := m.keys[key]
	if s, ok := text(n); ok {
		return []placed{{s, n}}
	}
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		m.r.wrong(n, "%s must be a text or a list of texts", key)
		return nil
	}
	for _, v := range seq.Values {
		s, ok := text(v)
		if !ok {
			m.r.wrong(v, "%s must hold texts only", key)
			continue
		}
		list = append(list, placed{s, v})
	}
	return list
}

// placed is a text with its place.
type placed struct {
	text string
	node ast.Node
}

func plain(list []placed) (texts []string) {
	for _, p := range list {
		texts = append(texts, p.text)
	}
	return texts
}

// text returns the text of a scalar as it was written: 0042 and yes stay what
// they are.
func text(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return strings.TrimSpace(n.GetToken().Value), true
	}
	return "", false
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// meantKey suggests a key: the one that is written alike, or the one that is
// called so elsewhere.
func meantKey(key string, known []string) string {
	other := map[string]string{
		"if": "when", "condition": "when", "conditions": "when", "match": "when", "except": "unless", "not": "unless",
		"action": "then", "actions": "then", "do": "then", "enabled": "mode", "disabled": "mode", "order": "priority",
		"test": "tests", "cases": "tests", "tenant": "tenants", "entries": "members", "items": "members", "addresses": "members",
		"deadline": "for", "until": "for", "within": "for", "timeout": "for", "k": "of", "quorum": "of", "deputies": "deputy",
	}[key]
	if contains(known, other) {
		return "; did you mean " + quoted(other) + "?"
	}
	if meant := didYouMean(key, known); meant != "" {
		return meant
	}
	return "; it may have " + strings.Join(slices.Sorted(slices.Values(known)), ", ")
}
