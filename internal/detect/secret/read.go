package secret

// link says what stands between a name and its value.
type link uint8

const (
	noValue    link = iota
	assigned        // = : => :=
	inTag           // <name>value</name>
	inCall          // f(name, "value")
	afterSpace      // --name value, name "value"
	inProse         // the name is value, name for somebody: value
)

// value is where a value stands.
type value struct {
	start, end int
	quoted     bool
	kind       link
}

// value reads what stands behind the name at [from, to).
func (s *scan) value(from, to int, of family) (v value) {
	t := s.t
	if opening := at(t, from-1); opening == '<' || opening == ':' && at(t, back(t, from-1, letters, 20)-1) == '<' {
		if v := s.tag(to); v.kind != noValue {
			return v
		}
	}
	i, closed := closeName(t, to)
	spaces := i
	for i < len(t) && (t[i] == ' ' || t[i] == '\t') && i-spaces < 40 {
		i++
	}
	switch c := at(t, i); c {
	case '=', ':':
		return s.behindSign(i)
	case '-':
		if at(t, i+1) == '>' {
			return v
		}
	case ',':
		if closed || run(t, from, uppers|under|digits, to-from) == to {
			if v := s.literal(skipSpace(t, i+1)); v.quoted {
				v.kind = inCall
				return v
			}
		}
		if !closed {
			return s.prose(from, i, of)
		}
	case '"', '\'':
		if i > to && !closed {
			if v := s.literal(i); v.quoted {
				v.kind = afterSpace
				return v
			}
		}
	case '(':
		if v := s.literal(i + 1); v.quoted && at(t, v.end+1) == ')' {
			v.kind = inCall
			return v
		}
		if i > to && !closed { // a method of Gradle or Groovy: password (expression)
			end := i + 1
			for end < len(t) && t[end] > ' ' && end-i < 80 {
				end++
			}
			return value{start: i, end: end, kind: assigned}
		}
	}
	if i < len(t) && (t[i] == '\n' || t[i] == '\r') && !closed {
		return s.nextLine(i)
	}
	if i == to || closed {
		return v
	}
	if from > 0 && t[from-1] == '-' || t[from] == '-' {
		if v := s.bare(i); at(t, i) != '-' {
			v.kind = afterSpace
			return v
		}
		return value{}
	}
	return s.prose(from, i, of)
}

// closeName steps over what closes a name: quotes, also escaped ones, and
// brackets.
func closeName(t []byte, i int) (int, bool) {
	from := i
	for i < len(t) && i-from < 8 {
		switch {
		case signsIn(t[i:i+1], "\"'`])") > 0 || t[i] == '\\' && i+1 < len(t) && t[i+1] != 'n':
			i++
			continue
		case t[i] == '&' && (starts(t[i:], "&quot;") || starts(t[i:], "&apos;")):
			i += 6
			continue
		}
		break
	}
	return i, i > from
}

// nextLine reads a value that stands alone in the line behind its name.
func (s *scan) nextLine(i int) (v value) {
	t := s.t
	if t[i] == '\r' {
		i++
	}
	if at(t, i) != '\n' {
		return v
	}
	v = value{start: i + 1, end: i + 1, kind: inProse}
	for v.end < len(t) && t[v.end] > ' ' && v.end-v.start < maxValue {
		v.end++
	}
	if b := at(t, v.end); v.end-v.start < 8 || b != 0 && b != '\n' && b != '\r' || signsIn(t[v.start:v.end], ",;|") > 0 {
		v.kind = noValue
	}
	return v
}

func skipSpace(t []byte, i int) int {
	from := i
	for i < len(t) && i-from < 40 && (t[i] == ' ' || t[i] == '\t' || t[i] == '\n' || t[i] == '\r') {
		i++
	}
	return i
}

// behindSign reads the value behind the sign at i. A comparison is no
// assignment, and a type may stand between the two.
func (s *scan) behindSign(i int) (v value) {
	t := s.t
	sign := t[i]
	i++
	switch c := at(t, i); {
	case c == '=' && sign == '=', c == '~':
		return v
	case c == '=' || c == '>' || c == ':':
		i++
		if at(t, i) == '=' || at(t, i) == ':' {
			return v
		}
	case c == '/' && at(t, i+1) == '/':
		return v
	}
	for i < len(t) && (t[i] == ' ' || t[i] == '\t') {
		i++
	}
	if sign == ':' {
		if end := run(t, i, wordSet|dot, 40); end > i && is(t[i], letters) {
			for at(t, end) == '?' || at(t, end) == ' ' && end-i < 50 {
				end++
			}
			if at(t, end) == '=' {
				next := skipSpace(t, end+1)
				if quote(at(t, next)) || is(at(t, next), letters) && quote(at(t, next+1)) {
					i = next // a type stood there: password: String = "…"
				}
			}
		}
	}
	v = s.bare(i)
	v.kind = assigned
	if v.end == v.start {
		v.kind = noValue
	}
	return v
}

// literal reads a quoted value at i, with the letters that a language puts
// before the quote, escapes in front of it, and entities for it. Without a
// quote its end is its start.
func (s *scan) literal(i int) (v value) {
	t := s.t
	for k := 0; k < 2 && i+1 < len(t) && (is(t[i], letters) || t[i] == '@'); k++ {
		if n := t[i+1]; n != '"' && n != '\'' && n != '\\' && (k > 0 || !is(n, letters)) {
			break
		}
		if !isPrefix(t[i]) {
			break
		}
		i++
	}
	open := i
	for i < len(t) && t[i] == '\\' && i-open < 4 {
		i++
	}
	v.start, v.end = open, open
	var q string
	switch {
	case starts(t[min(i, len(t)):], "&quot;"):
		q = "&quot;"
	case i < len(t) && (t[i] == '"' || t[i] == '\'' || t[i] == '`'):
		q = string1(t[i])
		for k := 0; k < 2 && at(t, i+1) == t[i]; k++ {
			i++ // the three quotes of Python
		}
	default:
		return v
	}
	escaped := i > open && t[open] == '\\'
	start := i + len(q)
	for j := start; j < len(t) && j-start < 800; j++ {
		if t[j] == '\n' {
			if j-start >= 20 && len(q) == 1 && run(t, start, base64std, j-start) == j {
				return value{start: start, end: j, quoted: true} // it goes on in the next line
			}
			break
		}
		if starts(t[j:], q) && (escaped || at(t, j-1) != '\\' || j == start) {
			end := j
			for escaped && end > start && t[end-1] == '\\' {
				end--
			}
			return value{start: start, end: end, quoted: true}
		}
	}
	return v
}

func quote(b byte) bool { return b == '"' || b == '\'' }

// string1 gives a string of one byte that is not allocated.
func string1(b byte) string {
	switch b {
	case '"':
		return `"`
	case '\'':
		return `'`
	}
	return "`"
}

func isPrefix(b byte) bool {
	switch b {
	case 'b', 'u', 'r', 'f', 'L', 'N', '@', 'B', 'R', 'U':
		return true
	}
	return false
}

// bare reads a value at i with quotes or without.
func (s *scan) bare(i int) value {
	t := s.t
	if v := s.literal(i); v.quoted {
		return v
	}
	end := i
	for end < len(t) && end-i < 1024 {
		switch b := t[end]; {
		case b <= ' ', b == '"', b == '\'', b == '`', b == '<', b == '>', b == ',', b == ')' && !openIn(t[i:end]),
			b == ';', b == '|', b == '}' && !openIn(t[i:end]), b == ']':
		case b == '&' && (end == i || is(t[end-1], alnum|equal) && is(at(t, end+1), letters) && assignsLater(t, end+1)):
		case b == '\\' && (at(t, end+1) == 'n' || at(t, end+1) == 'r' || at(t, end+1) == '"' || at(t, end+1) == '\''):
		default:
			end++
			continue
		}
		break
	}
	v := value{start: i, end: end}
	for v.end > v.start && (t[v.end-1] == '.' && v.end-v.start > 1 || t[v.end-1] == ':') {
		v.end--
	}
	return v
}

// openIn reports whether a bracket was opened before.
func openIn(t []byte) bool { return signsIn(t, "({") > 0 }

// assignsLater reports whether another parameter of a query begins at i.
func assignsLater(t []byte, i int) bool {
	return at(t, run(t, i, wordSet|dash|dot|percent, 60)) == '='
}

// tag reads the text behind the name of an element of XML or HTML.
func (s *scan) tag(i int) (v value) {
	t := s.t
	stop := min(len(t), i+160)
	for i < stop && t[i] != '>' {
		if t[i] == '<' || t[i] == '/' && at(t, i+1) == '>' {
			return v
		}
		i++
	}
	if i >= stop {
		return v
	}
	i = skipSpace(t, i+1)
	if starts(t[i:], "<![CDATA[") {
		i += len("<![CDATA[")
	}
	if at(t, i) == '"' {
		i++
	}
	end := i
	for end < len(t) && end-i < 1024 && t[end] != '<' && t[end] > ' ' && t[end] != ']' && t[end] != '"' {
		end++
	}
	if end == i {
		return v
	}
	return value{start: i, end: end, quoted: true, kind: inTag}
}

// linkWords stand between the word for a password and the password.
var linkWords = [...]string{
	"is", "are", "was", "will be", "lautet", "ist", "luidt", "est", "es", "e'", "\xc3\xa8", "\xc3\xa9", "to", "je", "jest",
	"er", "\xc3\xa4r", "on", "has been set to", "has been reset to", "set to", "wurde auf", "wordt",
}

// prose reads a sentence: the password is …, password for … : …, and a word
// with its value behind a space where a line of .netrc or SQL says so.
func (s *scan) prose(from, i int, of family) (v value) {
	t := s.t
	if of != ofPassword {
		return v
	}
	for _, w := range linkWords {
		if !folds(t[i:], w) || at(t, i+len(w)) != ' ' && at(t, i+len(w)) != ':' {
			continue
		}
		j := i + len(w)
		for j < len(t) && (t[j] == ' ' || t[j] == ':') && j-i < len(w)+4 {
			j++
		}
		v = s.bare(j)
		v.end = trimEnd(t, v)
		v.kind = inProse
		return v
	}
	if v = s.bare(i); anyOf(t[v.start:v.end], digits) && s.loginLine(from) {
		v.kind, v.quoted = afterSpace, true
		return v
	}
	v = value{}
	for j := i; j < len(t) && j-i < 32; j++ {
		switch b := t[j]; {
		case b == ':' || b == '=':
			if at(t, j+1) == '/' || at(t, j+1) == '=' {
				return v
			}
			v = s.behindSign(j)
			v.end = trimEnd(t, v)
			if v.kind != noValue {
				v.kind = inProse
			}
			return v
		case is(b, wordSet) || b == ' ' || b == '(' || b == ')' || b == '/' || b == '\'' || b == ',' || b >= 0x80:
		default:
			return v
		}
	}
	return v
}

// loginLine reports whether what stands before from on its line is .netrc or
// SQL, where a password follows the word without a sign.
func (s *scan) loginLine(from int) bool {
	t := s.t
	line := from
	for line > 0 && from-line < behind && t[line-1] != '\n' && t[line-1] != ';' {
		line--
	}
	before := t[line:from]
	return has(before, "login ") && (has(before, "machine ") || has(before, "default ")) || has(before, "create ") ||
		has(before, "alter ")
}

// trimEnd takes the full stop of a sentence off a value.
func trimEnd(t []byte, v value) int {
	end := v.end
	for !v.quoted && end > v.start && (t[end-1] == '.' || t[end-1] == ',') {
		end--
	}
	return end
}
