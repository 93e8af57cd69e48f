package mail

import (
	"strings"
)

// describe reads the MIME fields of a part's header into p and returns the
// boundary of a multipart ("" and guess when it must be guessed).
func (x *indexer) describe(p *Part, parent *Part) (boundary string, guess bool) {
	types := x.values(p, "content-type")
	ctype := x.declaredType(p, parent, types)
	x.transferEncoding(p)
	disposition := x.disposition(p)

	p.Params = map[string]string{}
	for _, name := range ctype.names() {
		list := ctype.all(name)
		if len(list) == 0 {
			continue
		}
		p.Params[name] = list[0]
		if len(list) > 1 && name == "charset" && !equalFold(list) {
			x.note(p, Ambiguous, "several charsets are declared")
		}
	}
	p.Charset = cleanLabel(p.Params["charset"])
	name, contradict := bestName(disposition, ctype)
	p.Name = name
	if contradict {
		x.note(p, Ambiguous, "the names of the file contradict each other")
	}
	switch p.Type {
	case "message/partial":
		x.note(p, Ambiguous, "a fragment of a message; the others travel separately")
	case "message/external-body":
		x.note(p, Unsupported, "the content is not in the message but elsewhere")
	case "application/mac-binhex40":
		x.note(p, Unsupported, "a BinHex file")
	}
	if !p.multipart() {
		return "", false
	}
	return x.boundary(p, ctype)
}

// values reads the fields of one name from a part's header.
func (x *indexer) values(p *Part, name string) []string {
	var list []string
	for _, f := range p.Header.fields {
		if len(f.Name) < len(name) || !strings.EqualFold(f.Name, name) &&
			(strings.IndexByte(f.Name, 0) < 0 || !strings.EqualFold(strings.ReplaceAll(f.Name, "\x00", ""), name)) {
			continue
		}
		if f.Value.Len() > maxMIMEValue {
			x.note(p, Malformed, "a MIME field is longer than 64 KiB")
			f.Value.End = f.Value.Start + maxMIMEValue
		}
		if list = append(list, p.Header.Value(f)); len(list) == 100 {
			break
		}
	}
	return list
}

// maxMIMEValue is how much of a MIME field is read.
const maxMIMEValue = 64 << 10

// declaredType sets p.Type (RFC 2045 §5.2 and RFC 2046 §5.1.5 for the
// default).
func (x *indexer) declaredType(p, parent *Part, types []string) structured {
	p.Type = "text/plain"
	if parent != nil && parent.Type == "multipart/digest" {
		p.Type = "message/rfc822"
	}
	if len(types) == 0 {
		return structured{}
	}
	list := make([]structured, 0, len(types))
	for _, s := range types {
		list = append(list, parseStructured(s))
	}
	if contradicts(types, list) {
		x.note(p, Ambiguous, "several Content-Type fields contradict each other")
	}
	// The first one that makes a container wins: its parts are looked at,
	// and what another reading would show is flagged.
	ctype := list[0]
	for _, t := range list {
		if strings.HasPrefix(t.value, "multipart/") && !strings.HasPrefix(ctype.value, "multipart/") {
			ctype = t
		}
	}
	for _, odd := range ctype.odd {
		if strings.HasPrefix(ctype.value, "multipart/") {
			x.note(p, Ambiguous, "Content-Type: "+odd)
		}
	}
	x.mediaType(p, &ctype)
	return ctype
}

// mediaType takes type/subtype; what is none stays the default, except that
// a boundary shows what was meant.
func (x *indexer) mediaType(p *Part, ctype *structured) {
	main, sub, ok := strings.Cut(ctype.value, "/")
	main, sub = strings.TrimSpace(main), strings.TrimSpace(sub)
	if ok && isToken(main) && isToken(sub) {
		p.Type = main + "/" + sub
		return
	}
	word := ""
	if fields := strings.Fields(sub); len(fields) > 0 {
		word = fields[0]
	}
	boundary := ctype.get("boundary") != ""
	switch {
	case boundary:
		p.Type = "multipart/mixed"
		x.note(p, Malformed, "Content-Type names no media type but a boundary")
	case ok && isToken(main) && isToken(word): // "text/html charset=utf-8"
		p.Type = main + "/" + word
		if main == "multipart" || main == "message" {
			x.note(p, Malformed, "Content-Type is no media type")
		} else if i := strings.Index(ctype.value, "charset="); i >= 0 && ctype.get("charset") == "" {
			ctype.params = append(ctype.params, param{name: "charset", value: cleanLabel(ctype.value[i:])})
		}
	case strings.Contains(ctype.value, "multipart"):
		x.note(p, Malformed, "Content-Type is no media type")
	}
}

func isToken(s string) bool {
	return s != "" && !strings.ContainsAny(s, " \t\r\n()<>@,;:\\\"/[]?=\x00")
}

// contradicts reports whether fields of one name say different things.
func contradicts(raw []string, list []structured) bool {
	for i := range list[1:] {
		if !strings.EqualFold(raw[i+1], raw[0]) && !same(list[i+1], list[0]) {
			return true
		}
	}
	return false
}

// same compares what matters for finding the parts and reading them.
func same(a, b structured) bool {
	return a.value == b.value && a.get("boundary") == b.get("boundary") &&
		strings.EqualFold(a.get("charset"), b.get("charset"))
}

func equalFold(list []string) bool {
	for _, s := range list[1:] {
		if !strings.EqualFold(s, list[0]) {
			return false
		}
	}
	return true
}

// transferEncoding sets p.Encoding. Only values that some program decodes
// count; every other value means "as it stands".
func (x *indexer) transferEncoding(p *Part) {
	fields := x.values(p, "content-transfer-encoding")
	if len(fields) == 0 {
		return
	}
	first := ""
	for i, s := range fields {
		name, sure := encodingName(s)
		if !sure {
			x.note(p, Ambiguous, "Content-Transfer-Encoding is not one that all programs read alike")
		}
		if i == 0 {
			first = name
		} else if name != first && (machineFor(name) != nil || machineFor(first) != nil) {
			x.note(p, Ambiguous, "several Content-Transfer-Encoding fields contradict each other")
			if machineFor(first) == nil {
				first = name
			}
		}
	}
	p.Encoding = first
	if p.Encoding == "x-binhex" {
		x.note(p, Unsupported, "a BinHex file")
	}
}

// encodingName reads a Content-Transfer-Encoding. sure is false when
// programs disagree on it.
func encodingName(s string) (name string, sure bool) {
	sure = true
	if strings.ContainsRune(s, 0) {
		s, sure = strings.ReplaceAll(s, "\x00", ""), false
	}
	if strings.Contains(s, "=?") {
		s, sure = DecodeWords(s), false
	}
	t := parseStructured(s)
	words := strings.FieldsFunc(t.value, func(c rune) bool { return c == ' ' || c == '\t' || c == ',' || c == '"' })
	if len(words) == 0 {
		return "", sure && len(t.odd) == 0
	}
	switch w := words[0]; w {
	case "base64", "quoted-printable":
		for _, other := range words[1:] {
			sure = sure && other == w
		}
		return w, sure
	case "7bit", "8bit", "binary", "7-bit", "8-bit", "8bits", "7bits", "none", "plain":
		for _, w := range words[1:] {
			if machineFor(w) != nil {
				return w, false
			}
		}
		return w, sure
	case "x-uuencode", "x-uue", "uuencode", "uue", "x-uu", "uu":
		return "x-uuencode", sure
	case "binhex", "binhex40", "x-binhex", "x-binhex40", "mac-binhex40":
		return "x-binhex", sure
	}
	letters := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, t.value)
	switch w := letters; {
	case strings.Contains(w, "base64"), w == "b64", w == "b":
		return "base64", false
	case strings.Contains(w, "quoted"), strings.Contains(w, "printable"):
		return "quoted-printable", false
	case strings.Contains(w, "uu"):
		return "x-uuencode", false
	}
	// A charset or a broken word: nobody decodes it, the text is as it is.
	return words[0], sure
}

func (x *indexer) disposition(p *Part) structured {
	fields := x.values(p, "content-disposition")
	if len(fields) == 0 {
		return structured{}
	}
	first := parseStructured(fields[0])
	p.Disposition = first.value
	if i := strings.IndexAny(p.Disposition, " \t="); i >= 0 {
		p.Disposition = p.Disposition[:i]
	}
	for _, s := range fields[1:] {
		t := parseStructured(s)
		if t.value != first.value || cleanName(t.get("filename")) != cleanName(first.get("filename")) {
			x.note(p, Ambiguous, "several Content-Disposition fields contradict each other")
			break
		}
	}
	return first
}

// boundary finds the boundary of a multipart.
func (x *indexer) boundary(p *Part, ctype structured) (boundary string, guess bool) {
	list := ctype.all("boundary")
	if len(list) == 0 {
		x.note(p, Malformed, "a multipart without a boundary")
		return "", true
	}
	if len(list) > 1 {
		x.note(p, Ambiguous, "several boundaries are declared")
	}
	b := list[0]
	trimmed := strings.TrimRight(b, " \t")
	switch {
	case trimmed == "":
		x.note(p, Malformed, "the boundary is empty")
		return "", true
	case trimmed != b:
		x.note(p, Ambiguous, "the boundary ends with a space")
	case strings.ContainsAny(b, "\x00\r\n"):
		x.note(p, Malformed, "the boundary holds a control character")
	case len(b) > 70:
		x.note(p, Ambiguous, "the boundary is longer than 70 octets")
	}
	for _, q := range ctype.params {
		if q.name == "boundary" && !q.quoted && strings.ContainsAny(q.value, " \t\"()<>,") {
			x.note(p, Ambiguous, "the boundary needs quotes and has none")
		}
	}
	if len(trimmed) > prefixSize-10 {
		x.note(p, Malformed, "the boundary is too long")
		return "", true
	}
	return trimmed, false
}
