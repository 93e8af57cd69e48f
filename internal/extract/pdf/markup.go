package pdf

import (
	"strconv"
	"strings"
)

// markupText is the text of a piece of XML or XHTML, forgiving what is no
// XML. With names, an element that holds text only is written as "name: text":
// in the data of a form, the name says what a number is.
func markupText(s string, names bool) string {
	var b strings.Builder
	element := ""
	for s != "" {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			i = len(s)
		}
		if piece := s[:i]; strings.TrimSpace(piece) != "" {
			if names && element != "" {
				b.WriteString(element + ": ")
			}
			b.WriteString(strings.TrimSpace(unescaped(piece)))
			if names {
				b.WriteByte('\n')
			} else {
				b.WriteByte(' ')
			}
		}
		element = ""
		s = s[i:]
		if s == "" {
			break
		}
		if rest, ok := strings.CutPrefix(s, "<![CDATA["); ok {
			text, after, _ := strings.Cut(rest, "]]>")
			b.WriteString(text + "\n")
			s = after
			continue
		}
		if rest, ok := strings.CutPrefix(s, "<!--"); ok {
			_, s, _ = strings.Cut(rest, "-->")
			continue
		}
		tag, after, _ := strings.Cut(s[1:], ">")
		s = after
		switch {
		case strings.HasPrefix(tag, "/"), strings.HasSuffix(tag, "/"), strings.HasPrefix(tag, "?"):
			if isBreak(tag) {
				b.WriteByte('\n')
			}
		default:
			element, _, _ = strings.Cut(tag, " ")
			if k := strings.IndexAny(element, "\r\n\t"); k >= 0 {
				element = element[:k]
			}
			if _, local, ok := strings.Cut(element, ":"); ok {
				element = local
			}
		}
	}
	return b.String()
}

func isBreak(tag string) bool {
	tag = strings.Trim(tag, "/ ")
	return tag == "p" || tag == "br" || tag == "div" || tag == "li"
}

// unescaped replaces the references of XML.
func unescaped(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "&")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		end := strings.IndexByte(after[:min(len(after), 12)], ';')
		if end < 0 {
			b.WriteByte('&')
			s = after
			continue
		}
		b.WriteString(reference(after[:end]))
		s = after[end+1:]
	}
}

func reference(n string) string {
	switch n {
	case "lt":
		return "<"
	case "gt":
		return ">"
	case "amp":
		return "&"
	case "quot":
		return `"`
	case "apos":
		return "'"
	case "nbsp":
		return " "
	}
	if digits, ok := strings.CutPrefix(n, "#x"); ok {
		if v, err := strconv.ParseUint(digits, 16, 21); err == nil {
			return string(rune(v))
		}
	}
	if digits, ok := strings.CutPrefix(n, "#"); ok {
		if v, err := strconv.ParseUint(digits, 10, 21); err == nil {
			return string(rune(v))
		}
	}
	return "&" + n + ";"
}
