package xmlread

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// referenceSize is how long a reference may be: "&#x0000010FFFF;" has some
// room.
const referenceSize = 32

// Attr is the value of the tag's attribute of that local name, references
// replaced; nil when there is none. It is valid until the next call of Attr,
// Attrs or Next.
func (z *Reader) Attr(name string) []byte {
	var found []byte
	z.walk(func(prefix, local, raw []byte) bool {
		if string(local) == name && !isXMLNS(prefix) {
			found = raw
			return false
		}
		return true
	})
	return z.plain(found)
}

// Attrs calls f for each attribute of the tag, in order, namespaces left out.
func (z *Reader) Attrs(f func(local, value []byte)) {
	z.walk(func(prefix, local, raw []byte) bool {
		if !isXMLNS(prefix) && string(local) != "xmlns" {
			f(local, z.plain(raw))
		}
		return true
	})
}

// HasAttrs reports whether the tag has any.
func (z *Reader) HasAttrs() bool { return len(z.attrs) > 2 }

func isXMLNS(prefix []byte) bool { return string(prefix) == "xmlns" }

func (z *Reader) plain(raw []byte) []byte {
	if bytes.IndexByte(raw, '&') < 0 {
		return raw
	}
	z.value = replace(z.value[:0], raw)
	return z.value
}

// walk goes through the raw attributes; it forgives a missing quote.
func (z *Reader) walk(f func(prefix, local, raw []byte) bool) {
	b := z.attrs
	for {
		i := bytes.IndexByte(b, '=')
		if i < 0 {
			return
		}
		name := bytes.TrimSpace(b[:i])
		if j := bytes.LastIndexAny(name, " \t\r\n"); j >= 0 {
			name = name[j+1:]
		}
		b = bytes.TrimLeft(b[i+1:], " \t\r\n")
		if len(b) == 0 {
			return
		}
		var raw []byte
		if q := b[0]; q == '"' || q == '\'' {
			end := bytes.IndexByte(b[1:], q)
			if end < 0 {
				raw, b = b[1:], nil
			} else {
				raw, b = b[1:1+end], b[2+end:]
			}
		} else {
			end := bytes.IndexAny(b, " \t\r\n")
			if end < 0 {
				end = len(b)
			}
			raw, b = b[:end], b[end:]
		}
		var prefix []byte
		if j := bytes.IndexByte(name, ':'); j >= 0 {
			prefix, name = name[:j], name[j+1:]
		}
		if !f(prefix, name, raw) {
			return
		}
	}
}

// replace appends b to dst with its references replaced: characters and the
// five names of XML. Another name stays as it is written.
func replace(dst, b []byte) []byte {
	for {
		i := bytes.IndexByte(b, '&')
		if i < 0 {
			return append(dst, b...)
		}
		dst = append(dst, b[:i]...)
		b = b[i:]
		semi := bytes.IndexByte(b[:min(len(b), referenceSize)], ';')
		if semi < 0 {
			dst = append(dst, '&')
			b = b[1:]
			continue
		}
		r, ok := reference(b[1:semi])
		if !ok {
			dst = append(dst, b[:semi+1]...)
		} else {
			dst = utf8.AppendRune(dst, r)
		}
		b = b[semi+1:]
	}
}

func reference(name []byte) (rune, bool) {
	switch string(name) {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	case "nbsp":
		return ' ', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' || digits[0] == 'X' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(string(digits), base, 32)
	if err != nil || n > utf8.MaxRune {
		return utf8.RuneError, err == nil
	}
	return rune(n), true
}

// Prefixed is the value of the tag's attribute of that local name that has a
// prefix (r:id beside id); nil when there is none.
func (z *Reader) Prefixed(name string) []byte {
	var found []byte
	z.walk(func(prefix, local, raw []byte) bool {
		if string(local) == name && len(prefix) > 0 && !isXMLNS(prefix) {
			found = raw
			return false
		}
		return true
	})
	return z.plain(found)
}
