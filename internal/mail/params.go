package mail

import (
	"slices"
	"sort"
	"strconv"
	"strings"
)

// param is one parameter as written.
type param struct {
	name   string // lower case, with the marks of RFC 2231
	value  string // without quotes
	quoted bool
}

// structured is a value with parameters (RFC 2045 §5.1, RFC 2183 §2).
type structured struct {
	value  string // lower case
	params []param
	odd    []string // what a stricter or laxer reader would read differently
}

// maxParams bounds the parameters of one field.
const maxParams = 1000

// parseStructured reads "value; name=value …" as most mail programs do.
func parseStructured(s string) structured {
	p := paramReader{s: s}
	out := structured{value: strings.ToLower(p.head())}
	for len(out.params) < maxParams {
		name, value, quoted, ok := p.param()
		if !ok {
			break
		}
		out.params = append(out.params, param{strings.ToLower(name), value, quoted})
	}
	out.odd = p.odd
	if len(out.params) == maxParams {
		out.odd = append(out.odd, "there are too many parameters, and the others are not read")
	}
	return out
}

// all lists the different values of one parameter: the one to use first.
// RFC 2231 forms win over plain ones; continuations are joined in the order
// of their numbers, wherever they stand.
func (t structured) all(name string) []string {
	var ext, plain []string
	var pieces []piece
	for _, p := range t.params {
		rest, ok := strings.CutPrefix(p.name, name)
		switch {
		case !ok:
		case rest == "":
			plain = append(plain, p.value)
		case rest == "*":
			ext = append(ext, extended(p.value))
		case rest[0] == '*':
			number, star := strings.CutSuffix(rest[1:], "*")
			if n, err := strconv.Atoi(number); err == nil && n >= 0 {
				pieces = append(pieces, piece{n, p.value, star})
			}
		}
	}
	if len(pieces) > 0 {
		ext = append(ext, join(pieces)...)
	}
	return distinct(append(ext, plain...))
}

func (t structured) get(name string) string {
	if list := t.all(name); len(list) > 0 {
		return list[0]
	}
	return ""
}

// names lists the names of the parameters without the marks of RFC 2231.
func (t structured) names() []string {
	var list []string
	for _, p := range t.params {
		base, _, _ := strings.Cut(p.name, "*")
		list = append(list, base)
	}
	return distinct(list)
}

type piece struct {
	n       int
	value   string
	encoded bool
}

// join puts continuations together (RFC 2231 §3 and §4.1). Pieces of the
// same number but another value give further readings.
func join(pieces []piece) []string {
	sort.SliceStable(pieces, func(i, j int) bool { return pieces[i].n < pieces[j].n })
	first, twice := pieces[:0:0], false
	for _, p := range pieces {
		if n := len(first); n > 0 && first[n-1].n == p.n {
			twice = twice || first[n-1].value != p.value
			continue
		}
		first = append(first, p)
	}
	charset := ""
	var b strings.Builder
	for i, p := range first {
		if !p.encoded {
			b.WriteString(p.value)
			continue
		}
		value := p.value
		if i == 0 {
			charset, value = splitCharset(value)
		}
		b.WriteString(unpercent(value))
	}
	list := []string{decodeLabelled(charset, b.String())}
	if twice {
		var all strings.Builder
		for _, p := range pieces {
			all.WriteString(p.value)
		}
		list = append(list, all.String())
	}
	return list
}

// extended decodes charset'language'value (RFC 2231 §4).
func extended(s string) string {
	charset, value := splitCharset(s)
	return decodeLabelled(charset, unpercent(value))
}

func splitCharset(s string) (charset, value string) {
	charset, rest, ok := strings.Cut(s, "'")
	if !ok {
		return "", s
	}
	_, value, ok = strings.Cut(rest, "'")
	if !ok {
		return "", s
	}
	return charset, value
}

func unpercent(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && unhex(s[i+1]) < 16 && unhex(s[i+2]) < 16 {
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}

func distinct(list []string) []string {
	out := list[:0]
	if len(list) <= few {
		for _, s := range list {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
		return out
	}
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// few is how many strings are compared one by one sooner than by a map.
const few = 8

// paramReader walks over a structured value.
type paramReader struct {
	s   string
	at  int
	odd []string
}

func (p *paramReader) note(what string) {
	for _, have := range p.odd {
		if have == what {
			return
		}
	}
	p.odd = append(p.odd, what)
}

// head reads the value before the first ";", without comments.
func (p *paramReader) head() string {
	if i := strings.IndexAny(p.s, ";(\"\x00"); i < 0 || p.s[i] == ';' { // as a rule
		if i < 0 {
			i = len(p.s)
		}
		p.at = i
		return strings.Trim(p.s[:i], " \t\r\n")
	}
	var b strings.Builder
	for p.at < len(p.s) && p.s[p.at] != ';' {
		switch c := p.s[p.at]; c {
		case '(':
			p.comment()
			b.WriteByte(' ')
		case '"':
			v, _ := p.quoted()
			b.WriteString(v)
		case 0:
			p.at++
		default:
			b.WriteByte(c)
			p.at++
		}
	}
	return strings.Trim(b.String(), " \t\r\n")
}

// comment skips a comment (RFC 5322 §3.2.2), which may be nested.
func (p *paramReader) comment() {
	depth, start := 0, p.at
	for ; p.at < len(p.s); p.at++ {
		switch p.s[p.at] {
		case '\\':
			p.at++
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			p.at++
			break
		}
	}
	p.at = min(p.at, len(p.s))
	if depth > 0 {
		p.note("a comment is not closed")
	}
	if strings.Contains(p.s[start:p.at], "=") {
		p.note("a parameter stands in a comment")
	}
}

func (p *paramReader) quoted() (value string, closed bool) {
	if i := strings.IndexAny(p.s[p.at+1:], "\"\\\x00"); i >= 0 && p.s[p.at+1+i] == '"' { // as a rule
		value = p.s[p.at+1 : p.at+1+i]
		p.at += i + len(`""`)
		return value, true
	}
	var b strings.Builder
	for p.at++; p.at < len(p.s); p.at++ {
		switch c := p.s[p.at]; c {
		case '\\':
			if p.at+1 < len(p.s) {
				p.at++
				// Windows paths are written without doubling the backslash;
				// name.go cuts paths, so keep it.
				if n := p.s[p.at]; n != '"' && n != '\\' {
					b.WriteByte('\\')
				}
				b.WriteByte(p.s[p.at])
			}
		case '"':
			p.at++
			return b.String(), true
		case 0:
		default:
			b.WriteByte(c)
		}
	}
	p.note("a quoted parameter is not closed")
	return b.String(), false
}

// param reads the next name=value.
func (p *paramReader) param() (name, value string, quoted, ok bool) {
	for {
		p.skip(";")
		start := p.at
		for p.at < len(p.s) && strings.IndexByte("=;( \t\r\n", p.s[p.at]) < 0 {
			p.at++
		}
		name = strings.ReplaceAll(p.s[start:p.at], "\x00", "")
		p.skip("")
		if p.at >= len(p.s) {
			return "", "", false, false
		}
		if p.s[p.at] != '=' {
			if p.at == start { // a character that begins no name
				p.at++
			}
			continue
		}
		p.at++
		p.skip("")
		if p.at < len(p.s) && p.s[p.at] == '"' {
			value, _ = p.quoted()
			p.after()
			return name, value, true, true
		}
		return name, p.bareValue(), false, true
	}
}

// after skips what follows a quoted value up to the next parameter.
func (p *paramReader) after() {
	p.skip("")
	if p.at < len(p.s) && p.s[p.at] != ';' && strings.Contains(p.s[p.at:], "=") {
		p.note("no semicolon stands between two parameters")
	}
}

// bareValue reads an unquoted value. It ends at ";"; a space ends it only
// where another parameter follows, because names of files are often written
// with spaces and without quotes.
func (p *paramReader) bareValue() string {
	rest := p.s[p.at:]
	if i := strings.IndexByte(rest, ';'); i >= 0 {
		rest = rest[:i]
	}
	if i := strings.IndexAny(rest, " \t"); i >= 0 {
		tail := strings.TrimLeft(rest[i:], " \t")
		word := strings.TrimLeft(tail, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-*0123456789")
		switch {
		case strings.HasPrefix(tail, "("):
			start := p.at
			p.at += i + strings.IndexByte(rest[i:], '(')
			p.comment()
			return strings.ReplaceAll(p.s[start:start+i], "\x00", "")
		case len(word) < len(tail) && strings.HasPrefix(word, "="):
			p.note("no semicolon stands between two parameters")
			rest = rest[:i]
		}
	}
	p.at += len(rest)
	rest = strings.ReplaceAll(rest, "\x00", "")
	return strings.Trim(rest, " \t\r\n\"")
}

// skip passes white space, comments and the characters of extra.
func (p *paramReader) skip(extra string) {
	for p.at < len(p.s) {
		c := p.s[p.at]
		switch {
		case c == '(':
			p.comment()
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0 || strings.IndexByte(extra, c) >= 0:
			p.at++
		default:
			return
		}
	}
}
