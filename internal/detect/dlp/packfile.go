package dlp

import (
	"fmt"
	"strings"
)

// The files of packs are read by a reader of their own: a small part of YAML,
// in a few microseconds a file, because every process that looks reads some
// hundred of them when it starts. A test holds it against the YAML library:
// what both read is the same.
//
// The part: "key: value", "key:" with lines that are indented below it,
// "- item" lists, [a, b] and {k: v} on one or more lines, plain, 'single' and
// "double" quoted scalars, "|" and ">-" blocks, and comments.

// node is a scalar, a list or a mapping.
type node struct {
	line   int
	text   string
	list   []node
	keys   []string // of a mapping, in order, for values in list
	form   byte     // 's', 'l' or 'm'; 0 for nothing
	quoted bool
}

// get is the value of a key; its form is 0 when there is none.
func (n node) get(key string) node {
	for i, k := range n.keys {
		if k == key {
			return n.list[i]
		}
	}
	return node{line: n.line}
}

// fileReader reads lines with their indentation.
type fileReader struct {
	lines []string
	at    int
	err   error
}

// readFile reads a pack's text into a mapping.
func readFile(text string) (node, error) {
	r := &fileReader{lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")}
	n := r.mapping(0)
	if r.skip(); r.err == nil && r.at < len(r.lines) {
		r.fail("this line belongs to nothing")
	}
	return n, r.err
}

func (r *fileReader) fail(format string, a ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("line %d: %s", r.at+1, fmt.Sprintf(format, a...))
	}
	r.at = len(r.lines)
}

// skip passes empty lines and comments.
func (r *fileReader) skip() {
	for r.at < len(r.lines) {
		s := strings.TrimLeft(r.lines[r.at], " ")
		if s != "" && s[0] != '#' && s != "---" {
			return
		}
		r.at++
	}
}

func indent(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }

func (r *fileReader) mapping(depth int) node {
	n := node{line: r.at + 1, form: 'm'}
	for r.skip(); r.at < len(r.lines) && indent(r.lines[r.at]) == depth; r.skip() {
		line := r.lines[r.at][depth:]
		if strings.HasPrefix(line, "- ") {
			break
		}
		key, rest, ok := strings.Cut(line, ":")
		if !ok || rest != "" && rest[0] != ' ' || strings.ContainsAny(key, " \t\"'[{") {
			r.fail("a key and a colon are expected")
			return n
		}
		for _, k := range n.keys {
			if k == key {
				r.fail("the key %q stands twice", key)
				return n
			}
		}
		n.keys = append(n.keys, key)
		n.list = append(n.list, r.value(strings.TrimSpace(rest), depth))
	}
	return n
}

// value reads what stands behind a key or a dash of a line; depth is that of
// the line.
func (r *fileReader) value(s string, depth int) node {
	if s == "" || s[0] == '#' {
		return r.below(depth)
	}
	if s[0] == '|' || s[0] == '>' {
		return r.block(s[0], depth)
	}
	if s[0] == '[' || s[0] == '{' {
		return r.flow(s)
	}
	n := node{line: r.at + 1, form: 's'}
	rest := ""
	n.text, rest, n.quoted = r.scalar(s, false)
	if rest = strings.TrimSpace(rest); rest != "" && rest[0] != '#' {
		r.fail("nothing may stand behind the value: %q", rest)
	}
	r.at++
	return n
}

// below reads the lines that are indented under a key.
func (r *fileReader) below(depth int) node {
	n := node{line: r.at + 1}
	r.at++
	r.skip()
	if r.at >= len(r.lines) {
		return n
	}
	inner := indent(r.lines[r.at])
	dash := strings.HasPrefix(r.lines[r.at][inner:], "- ")
	switch {
	case dash && inner >= depth:
		return r.items(inner)
	case inner > depth:
		return r.mapping(inner)
	}
	return n
}

func (r *fileReader) items(depth int) node {
	n := node{line: r.at + 1, form: 'l'}
	for r.skip(); r.at < len(r.lines) && indent(r.lines[r.at]) == depth; r.skip() {
		item, ok := strings.CutPrefix(r.lines[r.at][depth:], "- ")
		if !ok {
			break
		}
		n.list = append(n.list, r.value(strings.TrimSpace(item), depth))
	}
	return n
}

// block reads a "|" or ">" text.
func (r *fileReader) block(kind byte, depth int) node {
	n := node{line: r.at + 1, form: 's', quoted: true}
	var lines []string
	for r.at++; r.at < len(r.lines); r.at++ {
		line := r.lines[r.at]
		if strings.TrimSpace(line) == "" {
			break
		}
		if indent(line) <= depth {
			break
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	sep := " "
	if kind == '|' {
		sep = "\n"
	}
	n.text = strings.Join(lines, sep)
	return n
}

// flow reads [a, b] or {k: v}, over as many lines as it takes.
func (r *fileReader) flow(s string) node {
	line := r.at + 1
	n, rest := r.inline(&s)
	if rest = strings.TrimSpace(rest); rest != "" && rest[0] != '#' {
		r.fail("nothing may stand behind the bracket: %q", rest)
	}
	n.line = line
	r.at++
	return n
}

// more gives the rest of the text inside brackets, from the next lines when
// this one is used up.
func (r *fileReader) more(s string) string {
	s = strings.TrimLeft(s, " ")
	for s == "" || s[0] == '#' {
		if r.at++; r.at >= len(r.lines) {
			r.fail("a bracket is not closed")
			return ""
		}
		s = strings.TrimLeft(r.lines[r.at], " ")
	}
	return s
}

func (r *fileReader) inline(from *string) (n node, rest string) {
	s := *from
	n.line = r.at + 1
	switch s[0] {
	case '[':
		n.form = 'l'
	case '{':
		n.form = 'm'
	default:
		n.form = 's'
		n.text, rest, n.quoted = r.scalar(s, true)
		return n, rest
	}
	closing := s[0] + 2 // ']' and '}'
	for s = r.more(s[1:]); s != "" && s[0] != closing; s = r.more(s) {
		if n.form == 'm' {
			key, after, ok := strings.Cut(s, ":")
			if !ok {
				r.fail("a key and a colon are expected in braces")
				return n, ""
			}
			n.keys = append(n.keys, strings.TrimSpace(key))
			s = r.more(after)
		}
		if s == "" {
			return n, ""
		}
		item, after := r.inline(&s)
		n.list = append(n.list, item)
		if s = r.more(after); s == "" {
			return n, ""
		}
		if s[0] == ',' {
			s = s[1:]
		} else if s[0] != closing {
			r.fail("a comma is missing before %q", s)
			return n, ""
		}
	}
	if s == "" {
		return n, ""
	}
	return n, s[1:]
}

// scalar reads a plain or quoted text; inside brackets a comma ends it.
func (r *fileReader) scalar(s string, inside bool) (text, rest string, quoted bool) {
	switch s[0] {
	case '\'':
		for i := 1; i < len(s); i++ {
			if s[i] != '\'' {
				continue
			}
			if i+1 < len(s) && s[i+1] == '\'' {
				i++
				continue
			}
			return strings.ReplaceAll(s[1:i], "''", "'"), s[i+1:], true
		}
		r.fail("a quote is not closed")
		return "", "", true
	case '"':
		return r.double(s)
	case '&', '*', '!', '%', '@', '`':
		r.fail("a value that begins with %q needs quotes", s[:1])
		return "", "", false
	}
	end := len(s)
	for i := 0; i < len(s); i++ {
		if inside && strings.IndexByte(",]}[{", s[i]) >= 0 || s[i] == '#' && i > 0 && s[i-1] == ' ' {
			end = i
			break
		}
		if s[i] == ':' && (i+1 == len(s) || s[i+1] == ' ') {
			r.fail("a value with a colon needs quotes: %q", s)
			return "", "", false
		}
	}
	return strings.TrimSpace(s[:end]), s[end:], false
}

func (r *fileReader) double(s string) (text, rest string, quoted bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i < len(s) {
				switch s[i] {
				case 'n':
					b.WriteByte('\n')
				case 't':
					b.WriteByte('\t')
				case 'r':
					b.WriteByte('\r')
				case '"', '\\', '/':
					b.WriteByte(s[i])
				default:
					r.fail("\\%c is not known here", s[i])
					return "", "", true
				}
			}
		default:
			b.WriteByte(s[i])
		}
	}
	r.fail("a quote is not closed")
	return "", "", true
}
