package senderauth

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of a list of tags. Real signatures have a dozen tags and 2 KiB.
const (
	maxTags    = 64
	maxTagList = 64 << 10
)

var errTags = errors.New("malformed list of tags")

// tag is one "name=value" with the place of the value in the list.
type tag struct {
	name, value string
	start, end  int // of the value with the white space around it
}

// tagList is a list of tags (RFC 6376 §3.2).
type tagList []tag

// parseTags reads a list of tags; the white space around a value is not part
// of it, the white space inside stays.
func parseTags(s string) (tagList, error) {
	if len(s) > maxTagList {
		return nil, fmt.Errorf("%w: it is longer than %d octets", errTags, maxTagList)
	}
	var list tagList
	for at := 0; at < len(s); {
		end := strings.IndexByte(s[at:], ';')
		if end < 0 {
			end = len(s)
		} else {
			end += at
		}
		one := s[at:end]
		if blank(one) && end == len(s) {
			break // nothing behind the last semicolon
		}
		name, value, ok := strings.Cut(one, "=")
		start := at + len(name) + 1
		name, value = trim(name), trim(value)
		switch {
		case !ok || !tagName(name):
			return nil, fmt.Errorf("%w: no name and value", errTags)
		case !tagValue(value):
			return nil, fmt.Errorf("%w: a value holds a control character", errTags)
		case list.has(name):
			return nil, fmt.Errorf("%w: %s stands twice", errTags, name)
		case len(list) == maxTags:
			return nil, fmt.Errorf("%w: more than %d tags", errTags, maxTags)
		}
		list = append(list, tag{name, value, start, end})
		at = end + 1
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: it is empty", errTags)
	}
	return list, nil
}

func (l tagList) find(name string) (tag, bool) {
	for _, t := range l {
		if t.name == name {
			return t, true
		}
	}
	return tag{}, false
}

func (l tagList) has(name string) bool {
	_, ok := l.find(name)
	return ok
}

// get is the value of a tag without any white space, "" if there is none.
func (l tagList) get(name string) string {
	t, _ := l.find(name)
	return squeeze(t.value)
}

// split is the value of a tag as a list with colons between its items.
func (l tagList) split(name string) []string {
	if v := l.get(name); v != "" {
		return strings.Split(v, ":")
	}
	return nil
}

func tagName(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case i > 0 && (c >= '0' && c <= '9' || c == '_'):
		default:
			return false
		}
	}
	return s != ""
}

func tagValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && !white(c) || c == 0x7f {
			return false
		}
	}
	return true
}

func white(c byte) bool    { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
func blank(s string) bool  { return trim(s) == "" }
func trim(s string) string { return strings.Trim(s, " \t\r\n") }

// squeeze takes out all white space.
func squeeze(s string) string {
	if !strings.ContainsAny(s, " \t\r\n") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if !white(s[i]) {
			out = append(out, s[i])
		}
	}
	return string(out)
}
