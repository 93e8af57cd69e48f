package senderauth

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of one Authentication-Results field.
const (
	maxResults    = 100      // methods
	maxProperties = 50       // of one method
	maxResultText = 64 << 10 // octets
	maxComments   = 16       // inside each other
)

// ErrResults is returned for an Authentication-Results field that cannot be
// read: nothing of it counts.
var ErrResults = errors.New("senderauth: malformed Authentication-Results")

// Results is the value of an Authentication-Results field (RFC 8601 §2.2).
type Results struct {
	// Service is the authserv-id, lower case; Exchange Online writes none.
	Service string
	// Methods are the results, in their order.
	Methods []Method
}

// Method is the result of one method.
type Method struct {
	// Name is "spf", "dkim", "dmarc", "arc", "compauth" or another one.
	Name string
	// Result is what it came to, lower case.
	Result Result
	// Properties are what the result is about: "header.d" and the like, and
	// the bare words "reason" and "action", lower case.
	Properties []Property
}

// Property is a name and a value.
type Property struct{ Name, Value string }

// Get is the value of a property, or "".
func (m Method) Get(name string) string {
	for _, p := range m.Properties {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// Find lists the results of a method.
func (r Results) Find(name string) (list []Method) {
	for _, m := range r.Methods {
		if m.Name == name {
			list = append(list, m)
		}
	}
	return list
}

// ParseResults reads the value of an Authentication-Results field. Exchange
// Online leaves the service out and writes domains between the results; both
// are taken (docs/peers.md).
func ParseResults(value string) (Results, error) {
	if len(value) > maxResultText {
		return Results{}, fmt.Errorf("%w: it is longer than %d octets", ErrResults, maxResultText)
	}
	items, err := splitResults(value)
	if err != nil {
		return Results{}, err
	}
	var r Results
	for i, words := range items {
		if len(words) == 0 {
			continue
		}
		name, result, ok := strings.Cut(words[0].text, "=")
		if !ok {
			if i == 0 && !words[0].quoted {
				r.Service = strings.ToLower(words[0].text)
			}
			continue // "none", or a domain that Exchange Online writes here
		}
		if len(r.Methods) == maxResults {
			return Results{}, fmt.Errorf("%w: more than %d results", ErrResults, maxResults)
		}
		name, _, _ = strings.Cut(strings.ToLower(name), "/") // the version of the method
		m := Method{Name: name, Result: Result(strings.ToLower(result))}
		if m.Name == "" || m.Result == "" {
			return Results{}, fmt.Errorf("%w: a method without a result", ErrResults)
		}
		for _, w := range words[1:] {
			key, v, ok := strings.Cut(w.text, "=")
			if ok && len(m.Properties) < maxProperties {
				m.Properties = append(m.Properties, Property{strings.ToLower(key), v})
			}
		}
		r.Methods = append(r.Methods, m)
	}
	return r, nil
}

// word is a word of a result; "a = b" with space or comments around the sign
// is one word.
type word struct {
	text   string
	quoted bool
}

// splitResults cuts a value at semicolons into items, and these into words,
// without comments.
func splitResults(s string) (items [][]word, err error) {
	var item []word
	glue := false // the next word belongs to the last
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case white(c):
			i++
		case c == ';':
			items, item, glue = append(items, item), nil, false
			i++
		case c == '(':
			n := comment(s[i:])
			if n == 0 {
				return nil, fmt.Errorf("%w: a comment without end", ErrResults)
			}
			i += n
		case c < ' ' || c == 0x7f:
			return nil, fmt.Errorf("%w: a control character", ErrResults)
		default:
			text, n, quoted, ok := readWord(s[i:])
			if !ok {
				return nil, fmt.Errorf("%w: a quoted string without end", ErrResults)
			}
			i += n
			first, last := text[:min(len(text), 1)], len(item)-1
			if last >= 0 && (glue || !quoted && (first == "=" || first == "/")) {
				item[last].text += text
			} else {
				item = append(item, word{text, quoted})
			}
			glue = !quoted && (strings.IndexByte(text, '=') == len(text)-1 || text == "/")
		}
	}
	return append(items, item), nil
}

// readWord reads a word that may hold a quoted string: header.b="x".
func readWord(s string) (text string, n int, quoted, ok bool) {
	var b strings.Builder
	quoted = s[0] == '"'
	for n < len(s) {
		c := s[n]
		if white(c) || c == ';' || c == '(' || c < ' ' || c == 0x7f {
			break
		}
		n++
		if c != '"' {
			b.WriteByte(c)
			continue
		}
		for closed := false; !closed; n++ {
			if n >= len(s) {
				return "", 0, false, false
			}
			switch c := s[n]; {
			case c == '"':
				closed = true
			case c == '\\' && n+1 < len(s):
				n++
				b.WriteByte(s[n])
			case c == '\r' || c == '\n':
			default:
				b.WriteByte(c)
			}
		}
	}
	return b.String(), n, quoted, true
}

// comment is the length of the comment at the beginning of s; 0 when it has
// no end or too many inside each other.
func comment(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			if depth++; depth > maxComments {
				return 0
			}
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}
