package policy

import (
	"regexp"
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

// CEL's own messages that name something which nobody knows.
var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	noField    = regexp.MustCompile(`^undefined field '([^']*)'`)
	unexpected = regexp.MustCompile(`^(?:Syntax error: )?(?:mismatched|extraneous) input '((?s:.*?))' expecting`)
	overload   = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '([^']*)'`)
	listField  = regexp.MustCompile(`^type 'list\((.*)\)' does not support field selection`)
	noRange    = regexp.MustCompile(`^expression of type '([^']*)' cannot be range of a comprehension`)
	listMethod = regexp.MustCompile(`^list\((.*)\)\.\(`)
)

// explain turns a message of CEL into one for a person, with the nearest
// known name.
func (l *language) explain(message string) string {
	message = strings.ReplaceAll(message, "'"+funIn+"'", "'in'")
	if m := undeclared.FindStringSubmatch(message); m != nil {
		name := m[1]
		if contains(quantifierNames(), name) {
			return name + " needs a list, a name for one of it, and a condition: " + name + "(attachments, a, a.size > 0)"
		}
		for _, f := range []string{"in", "lower", "matches", "contains", "startsWith", "endsWith", "exists",
			"any", "all", "none", "member"} {
			if nearest(name, []string{f}) != "" && nearest(name, topNames()) == "" {
				return "the name " + quoted(name) + " is not known" + didYouMean(name, []string{f})
			}
		}
		return "the name " + quoted(name) + " is not known" + didYouMean(name, topNames())
	}
	if m := noField.FindStringSubmatch(message); m != nil {
		return "there is no field or detector " + quoted(m[1]) + didYouMean(m[1], l.fieldNames())
	}
	if m := listField.FindStringSubmatch(message); m != nil {
		return several(m[1])
	}
	if m := noRange.FindStringSubmatch(message); m != nil {
		return "any, all and none are for lists; this is a " + m[1]
	}
	if m := overload.FindStringSubmatch(message); m != nil {
		if list := listMethod.FindStringSubmatch(m[2]); list != nil {
			return several(list[1])
		}
		if strings.Contains(m[2], typeCounts) {
			return "say how sure it must be: .high, .medium, .low or .total behind the name"
		}
		return "types do not fit: " + quoted(strings.Trim(m[1], "_@")) + " cannot be used with " + m[2]
	}
	if m := unexpected.FindStringSubmatch(message); m != nil {
		if m[1] == "<EOF>" {
			return "the condition ends too early"
		}
		return quoted(m[1]) + " is not expected here"
	}
	return strings.TrimPrefix(message, "Syntax error: ")
}

// several says that a list is not one thing.
func several(one string) string {
	return "this is a list of " + one + ": say whether any, all or none of it is meant, e.g. any(list, x, x." +
		exampleOf(one) + ")"
}

// exampleOf is a condition on one thing of a list.
func exampleOf(one string) string {
	switch one {
	case typeRecipient, typeParty:
		return "outside"
	case typeLabel:
		return `name == "Secret"`
	case typeUnseen:
		return `reason == "encrypted"`
	case typeFinding:
		return "count > 3"
	}
	return `extension == "exe"`
}

func quantifierNames() []string { return []string{"any", "all", "none"} }

func quoted(s string) string { return `"` + s + `"` }

// fieldNames are all names that may stand after a dot.
func (l *language) fieldNames() []string {
	list := append([]string(nil), l.detectors...)
	for _, fields := range objectTypes() {
		list = append(list, keys(fields)...)
	}
	return sortedUnique(list)
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
