package policy

import (
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
)

// methodIn lets people write recipient.in("list"), although "in" is a keyword
// of CEL: outside of strings and comments, a method ".in(" becomes ".IN(",
// which has the same length, so that every place stays where it was.
func methodIn(source string) string {
	out := []byte(source)
	for i := 0; i < len(out); {
		switch c := out[i]; {
		case c == '"' || c == '\'':
			i = stringEnd(source, i)
		case c == '/' && strings.HasPrefix(source[i:], "//"):
			if n := strings.IndexByte(source[i:], '\n'); n >= 0 {
				i += n
			} else {
				i = len(out)
			}
		case c == '.':
			j := i + 1 + spaces(source[i+1:])
			if strings.HasPrefix(source[j:], "in") && strings.HasPrefix(source[j+2+spaces(source[j+2:]):], "(") {
				copy(out[j:], "IN")
			}
			i = j
		default:
			i++
		}
	}
	return string(out)
}

func spaces(s string) int { return len(s) - len(strings.TrimLeft(s, " \t\r\n")) }

// stringEnd returns the offset after the string literal that begins at i.
// A raw literal (r"…") has no escapes.
func stringEnd(s string, i int) int {
	raw := i > 0 && (s[i-1] == 'r' || s[i-1] == 'R')
	quote := s[i : i+1]
	if strings.HasPrefix(s[i:], strings.Repeat(quote, 3)) {
		quote = s[i : i+3]
	}
	for i += len(quote); i < len(s); i++ {
		switch {
		case s[i] == '\\' && !raw:
			i++
		case strings.HasPrefix(s[i:], quote):
			return i + len(quote)
		case len(quote) == 1 && s[i] == '\n':
			return i
		}
	}
	return len(s)
}

// place finds where in the file a place inside the text of a node is. It
// walks the file from the node on and meets the characters of the text in
// their order, so that plain, quoted, literal and folded texts all work.
func (r *reader) place(n ast.Node, value string, line, column int) (int, int) {
	start := n.GetToken().Position
	atLine, atColumn := start.Line, start.Column
	if _, ok := n.(*ast.LiteralNode); ok {
		atLine, atColumn = start.Line+1, 1 // the text of a block begins below its "|"
	}
	p := cursor{lines: r.lines, line: atLine, column: atColumn}
	want := offsetOf(value, line, column)
	at := 0
	for _, c := range value {
		if unicode.IsSpace(c) {
			if at++; at > want {
				break
			}
			continue
		}
		if !p.seek(c) {
			return start.Line, start.Column
		}
		if at >= want {
			return p.line, p.column
		}
		p.column++
		at++
	}
	return p.line, p.column
}

// offsetOf counts the characters before a place in a text.
func offsetOf(text string, line, column int) int {
	offset := 0
	for l := range strings.Lines(text) {
		if line <= 1 {
			break
		}
		offset += len([]rune(l))
		line--
	}
	return offset + max(column, 0)
}

// cursor walks over the characters of a file.
type cursor struct {
	lines        []string
	line, column int // from 1
}

// seek goes on to the next c.
func (p *cursor) seek(c rune) bool {
	for ; p.line >= 1 && p.line <= len(p.lines); p.line, p.column = p.line+1, 1 {
		for i, r := range []rune(p.lines[p.line-1]) {
			if i+1 >= p.column && r == c {
				p.column = i + 1
				return true
			}
		}
	}
	return false
}
