package secret

import "postern.dev/postern/internal/detect"

func mediumOr(high bool) detect.Confidence {
	if high {
		return detect.High
	}
	return detect.Medium
}

// identified reads the password of SQL behind IDENTIFIED, or the hash behind
// IDENTIFIED WITH … AS.
func (s *scan) identified(i int) {
	t := s.t
	stop := min(len(t), i+100)
	for ; i+3 < stop && t[i] != '\n' && t[i] != ';'; i++ {
		if t[i] != ' ' || !(folds(t[i+1:], "by ") || folds(t[i+1:], "as ")) {
			continue
		}
		v := s.bare(skipSpace(t, i+4))
		if folds(t[v.start:], "password ") {
			v = s.bare(skipSpace(t, v.start+9))
		}
		text := t[v.start:v.end]
		if level, why := judge(text, ofPassword, true, false); level > 0 {
			s.emit(Password, v.start, v.end, level, 9, text, why, "behind IDENTIFIED BY")
		}
		return
	}
}

// header reads an Authorization field: Basic, Bearer, or a token alone.
func (s *scan) header(i int) {
	t := s.t
	i, _ = closeName(t, i)
	for i < len(t) && signsIn(t[i:i+1], " :=\"',>") > 0 {
		i++
	}
	start := i
	for _, scheme := range [...]string{"basic ", "bearer ", "token ", "apikey ", "digest ", "splunk "} {
		if folds(t[i:], scheme) {
			start = skipSpace(t, i+len(scheme))
			if scheme == "basic " {
				s.basic(start)
				return
			}
			break
		}
	}
	s.token68(start, "an Authorization field")
}

// basic reads user:password in base64 (RFC 7617).
func (s *scan) basic(i int) {
	t := s.t
	end := run(t, i, base64std|base64url, 300)
	if end-i < 8 {
		return
	}
	var room [256]byte
	n := decodeURL(room[:], t[i:end])
	colon := 0
	for colon < n && room[colon] != ':' {
		if room[colon] < ' ' || room[colon] >= 0x7F {
			return
		}
		colon++
	}
	if colon >= n-3 {
		return
	}
	v := room[colon+1 : n]
	if placeholder(v) || reference(v) || shapeOf(v).classes() < 2 {
		return
	}
	s.emit(Authorization, i, end, detect.High, 15, t[i:end], "a user and a password in base64")
}

// token68 reads a token as it stands in a header.
func (s *scan) token68(i int, why string) {
	t := s.t
	end := run(t, i, base64std|base64url|dot|tilde, reach)
	v := t[i:end]
	if len(v) < 16 || placeholder(v) || reference(v) || wordy(v) || !shapeOf(v).random() || !likely(v) {
		return
	}
	s.emit(Authorization, i, end, mediumOr(len(v) >= 24), 9, v, why)
}

// bearer reads a token behind the word, and names that end with it.
func (s *scan) bearer(start, end int) {
	t := s.t
	if at(t, end) == ' ' && !is(at(t, start-1), wordSet|dash) {
		s.token68(skipSpace(t, end), "behind the word Bearer")
		return
	}
	if from := back(t, start, wordSet|dash|dot, 64); from < start {
		s.assign(from, run(t, end, wordSet, 20), ofToken)
	}
}

// secure reads the text that ConvertTo-SecureString of PowerShell is given.
func (s *scan) secure(i int) {
	t := s.t
	for k := 0; k < 5; k++ {
		i = skipSpace(t, i)
		if at(t, i) != '-' {
			break
		}
		i = run(t, i+1, letters, 20)
	}
	v := s.bare(i)
	if i, _ := closeName(t, i); v.end == v.start && i > v.start {
		v = s.bare(i)
	}
	text := t[v.start:v.end]
	if level, why := judge(text, ofPassword, true, false); level > 0 {
		s.emit(Password, v.start, v.end, level, 9, text, why, "a string made secure")
	}
}

// curl reads -u user:password on the line of a command.
func (s *scan) curl(i int) {
	t := s.t
	stop := min(len(t), i+300)
	for ; i < stop && t[i] != '\n'; i++ {
		if at(t, i-1) != '-' || i >= 2 && t[i-2] > ' ' && t[i-2] != '-' {
			continue
		}
		switch {
		case (t[i] == 'u' || t[i] == 'U') && at(t, i+1) == ' ':
			i += 2
		case folds(t[i:], "user "):
			i += 5
		case folds(t[i:], "proxy-user "):
			i += 11
		default:
			continue
		}
		v := s.bare(skipSpace(t, i))
		text := t[v.start:v.end]
		colon := 0
		for colon < len(text) && text[colon] != ':' {
			colon++
		}
		if colon == len(text) || colon+4 > len(text) || reference(text) {
			return
		}
		pass := text[colon+1:]
		if level, why := judge(pass, ofPassword, true, false); level > 0 {
			s.emit(Password, v.start+colon+1, v.end, level, 9, pass, why, "the user of a command")
		}
		return
	}
}

// odd reads the names that are no names of secrets by themselves.
func (s *scan) odd(word []byte, from, sign int) {
	t := s.t
	switch {
	case folds(word, "kty"):
		s.jwk(from, sign)
	case folds(word, "login") && has(t[max(0, from-8):sign], "sonar."):
		v := s.bare(sign + 1)
		if text := t[v.start:v.end]; len(text) == 40 && run(text, 0, hexLow, 40) == 40 {
			s.emit(Token, v.start, v.end, detect.High, 12, text, "SonarQube token")
		}
	}
}

// jwk reads the private part of a JSON Web Key (RFC 7517 §4, RFC 7518 §6):
// "d" of RSA and of curves, "k" of a key that both sides know.
func (s *scan) jwk(from, sign int) {
	t := s.t
	stop := min(len(t), sign+reach/2)
	seen := 0
	for i := max(0, from-behind/2); i+6 < stop && seen < 8; i++ {
		if t[i] != '"' && t[i] != '\'' || t[i+2] != t[i] || t[i+1] != 'd' && t[i+1] != 'k' {
			continue
		}
		if i > sign && starts(t[i+1:], "kty") {
			return
		}
		seen++
		j := skipSpace(t, i+3)
		if at(t, j) != ':' {
			continue
		}
		v := s.literal(skipSpace(t, j+1))
		text := t[v.start:v.end]
		if !v.quoted || len(text) < 22 || run(text, 0, base64url, len(text)) != len(text) || !likely(text) {
			continue
		}
		begin := min(from, i)
		if i > sign && between(t[sign:i], "kty") || i < from && between(t[i:from-1], "kty") {
			continue // of the next key
		}
		s.emit(PrivateKey, begin, max(v.end, sign), detect.High, 20, text, "the private part of a JSON Web Key")
	}
}

// between reports whether a name of JSON stands in t.
func between(t []byte, name string) bool {
	for i := 1; i+len(name) < len(t); i++ {
		if (t[i-1] == '"' || t[i-1] == '\'') && starts(t[i:], name) {
			return true
		}
	}
	return false
}

// manifest reads a Secret of Kubernetes: every value below data is one, in
// base64, and every value below stringData, as it is. It reports whether the
// name at [from, to) says what kind of object this is.
func (s *scan) manifest(from, to int) bool {
	t := s.t
	sign := from
	for sign > 0 && (t[sign-1] == ' ' || t[sign-1] == '"' || t[sign-1] == '\'') && from-sign < 4 {
		sign--
	}
	if at(t, sign-1) != ':' {
		return false
	}
	line := from
	for line > 0 && from-line < 40 && t[line-1] != '\n' {
		line--
	}
	if !folds(t[from:to], "secret") || to-from != len("secret") || !has(t[line:from], "kind:") {
		return false
	}
	first := max(0, line-behind*2)
	for i := line - 1; i > first; i-- {
		if t[i] == '\n' && starts(t[i+1:], "---") {
			first = i + 4
		}
	}
	stop := min(len(t), to+behind*3)
	for i := first; i < stop; {
		end := i
		for end < stop && t[end] != '\n' {
			end++
		}
		if i > to && starts(t[i:end], "---") {
			break
		}
		text := i
		for text < end && (t[text] == ' ' || t[text] == '-') {
			text++
		}
		plain := folds(t[text:end], "stringdata:")
		if (plain || folds(t[text:end], "data:")) && end-text < 14 {
			end = s.entries(end+1, stop, text-i, plain)
		}
		i = end + 1
	}
	return true
}

// entries reads the indented lines of a map and gives the end of the last.
func (s *scan) entries(i, stop, depth int, plain bool) int {
	t := s.t
	last := i - 1
	for i < stop {
		end := i
		for end < stop && t[end] != '\n' {
			end++
		}
		text := i
		for text < end && t[text] == ' ' {
			text++
		}
		if text < end && text-i <= depth && t[text] != '#' && t[text] != '\r' {
			return last
		}
		if text < end && t[text] != '#' {
			s.entry(text, end, plain)
		}
		last = end
		i = end + 1
	}
	return last
}

func (s *scan) entry(i, end int, plain bool) {
	t := s.t
	if key := run(t, i, wordSet|dash|dot, end-i); at(t, key) == ':' {
		i = key + 1
		for i < end && t[i] == ' ' {
			i++
		}
	}
	v := s.bare(i)
	text := t[v.start:min(v.end, end)]
	if len(text) < 8 || reference(text) || placeholder(text) {
		return
	}
	if plain {
		n := shapeOf(text)
		if uuid(text) && n.distinct > 6 || n.n >= 12 && n.random() && !wordy(text) {
			s.emit(Generic, v.start, v.start+len(text), detect.Medium, 6, text, "a value of a Kubernetes Secret")
		}
		return
	}
	var room [maxValue]byte
	if run(text, 0, base64std, len(text)) != len(text) || encodesAny(text, false) {
		return
	}
	if n, ok := plainText(room[:], text); ok && n >= 8 && shapeOf(room[:n]).distinct >= 5 {
		s.emit(Generic, v.start, v.start+len(text), detect.Medium, 6, text, "a value of a Kubernetes Secret")
	}
}
