package secret

import "postern.dev/postern/internal/detect"

// keyword goes on from a keyword at [start, end).
func (s *scan) keyword(k *keyword, start, end int) {
	switch k.task {
	case pem:
		s.pem(start)
	case putty:
		s.putty(start)
	case identified:
		s.identified(end)
	case header:
		s.header(end)
	case bearer:
		s.bearer(start, end)
	case secure:
		s.secure(end)
	case curl:
		s.curl(end)
	default:
		s.name(k, start, end)
	}
}

// name reads a name that speaks of a secret, and the value behind it.
func (s *scan) name(k *keyword, start, end int) {
	t := s.t
	if k.whole && start > 0 && is(t[start-1], lowers) && is(t[start], lowers) {
		return
	}
	if k.text[0] == '-' || k.text[0] == '<' {
		start++
	}
	for t[end-1] == ' ' || t[end-1] == '>' {
		end--
	}
	if q := t[end-1]; q == '"' || q == '\'' || q == ':' {
		end = start + run(t[start:end], 0, letters, end-start)
	}
	from := back(t, start, wordSet|dash|dot, 64)
	to := run(t, end, wordSet|dash|dot, 40)
	for to < len(t) && to-end < 40 && (t[to] >= 0x80 || is(t[to], wordSet)) {
		to++ // contraseña
	}
	for to > end && (t[to-1] == '.' || t[to-1] == '-') {
		to--
	}
	if k.of == ofToken && k.text == "secret" && s.manifest(from, to) {
		return
	}
	s.assign(from, to, k.of)
}

// sign looks at the name in front of a colon or an equals sign, when it is
// too short to be found as a keyword.
func (s *scan) sign(i int) {
	t := s.t
	if t[i] == ':' {
		if at(t, i+1) == '/' && at(t, i+2) == '/' {
			return
		}
		if is(at(t, i+1), digits) && is(at(t, i+2), digits) {
			s.pgPass(i)
		}
	}
	end := i
	for end > 0 && i-end < 8 && (t[end-1] == ' ' || t[end-1] == '"' || t[end-1] == '\'' || t[end-1] == '\\' ||
		t[end-1] == ']' || t[end-1] == ')' || t[end-1] == '`') {
		end--
	}
	if end >= 9 && folds(t[end-5:end], "value") && (t[end-6] == '_' || t[end-6] == '-' || t[end-5] == 'V') {
		if end -= 5; !is(t[end-1], alnum) {
			end--
		}
	}
	word := end
	for word > 0 && end-word < 3 && is(t[word-1], digits) {
		word--
	}
	if word < 2 || !lastLetters(lower(t[word-2]), lower(t[word-1])) {
		return
	}
	end = word
	from := back(t, end, wordSet|dash|dot, 64)
	last := lastWord(t, from, end)
	of, ok := shortName(t[last:end], t[from:last])
	if !ok {
		return
	}
	if of == noFamily {
		s.odd(t[last:end], from, i)
		return
	}
	s.assign(from, run(t, end, wordSet, 8), of)
}

// lastLetters reports whether a short name may end with these two.
func lastLetters(a, b byte) bool {
	switch b {
	case 'w', 'd':
		return a == 'p' || a == 'w' || a == 'r' || a == 'e' || a == 's'
	case 's':
		return a == 's' || a == 'd' || a == 'n' || a == 'y'
	case 'n':
		return a == 'e' || a == 'i'
	case 'y':
		return a == 'e' || a == 't'
	case 'e', 'h':
		return a == 'd' || a == 't' || a == 'v'
	case 'a', 'o':
		return a == 'h' || a == 'l' || a == 'k'
	case 'p', 'g', 'i':
		return a == 'd' || a == 'i' || a == 'p'
	}
	return false
}

// lastWord is where the last word of a name begins, in camel case or not.
func lastWord(t []byte, from, end int) int {
	i := end
	for i > from && is(t[i-1], letters) {
		i--
		if is(t[i], uppers) && (i == from || !is(t[i-1], uppers)) && end-i > 1 {
			break
		}
	}
	return i
}

// shortName finds the family of a short name, also when it is written in one
// with the word before, as in dbpass and apikey.
func shortName(last, before []byte) (family, bool) {
	var room [24]byte
	if len(last) > len(room) {
		return 0, false
	}
	for i, b := range last {
		room[i] = lower(b)
	}
	word := room[:len(last)]
	if of, ok := shorts[string(word)]; ok {
		if of == ofKey && keyOf[string(wordBefore(before, room[12:]))] {
			of = ofToken
		}
		return of, true
	}
	for n := 2; n <= 5 && n < len(word); n++ {
		head, tail := word[:len(word)-n], word[len(word)-n:]
		of, ok := shorts[string(tail)]
		switch {
		case !ok || of == noFamily || n == 4 && of == ofToken && string(tail) == "auth":
		case of == ofPassword && (passOf[string(head)] || string(tail) == "pwd"):
			return of, true
		case string(tail) == "token":
			return of, true
		case of == ofKey && keyOf[string(head)]:
			return ofToken, true
		}
	}
	return 0, false
}

// wordBefore folds the last word of a name's beginning into room.
func wordBefore(before, room []byte) []byte {
	end := len(before)
	for end > 0 && !is(before[end-1], letters) {
		end--
	}
	i := lastWord(before, 0, end)
	n := 0
	for ; i < end && n < len(room); i++ {
		room[n] = lower(before[i])
		n++
	}
	return room[:n]
}

// trust says how far a name speaks of a secret: 2 it does, 1 it may, 0 it
// speaks of something else.
func trust(name []byte) int {
	level := 2
	var room [24]byte
	for i := 0; i < len(name); {
		if !is(name[i], letters) {
			i++
			continue
		}
		end := i + 1
		for end < len(name) && (is(name[end], letters) || name[end] >= 0x80) &&
			!(is(name[end], uppers) && is(name[end-1], lowers)) {
			end++
		}
		if end-i <= len(room) {
			for k := i; k < end; k++ {
				room[k-i] = lower(name[k])
			}
			word := room[:end-i]
			switch {
			case unlikely[string(word)]:
				return 0
			case doubtful[string(word)]:
				level = 1
			}
		}
		i = end
	}
	return level
}

// assign reads what stands behind a name at [from, to).
func (s *scan) assign(from, to int, of family) {
	t := s.t
	name := t[from:to]
	sure := trust(name)
	if sure == 0 && !(has(name, "secret_id") || has(name, "secretid")) || len(name) > 100 {
		return
	}
	if from < s.judged && s.nested >= maxNested {
		return
	}
	v := s.value(from, to, of)
	if v.kind == noValue || v.end <= v.start {
		return
	}
	if from >= s.judged {
		s.judged, s.nested = v.end, 0
	} else {
		s.nested++
	}
	if inside, _ := inAddress(t, from); inside && of == ofToken && !bearing(name) {
		return
	}
	strict := v.kind == inProse || sure == 1
	text := t[v.start:v.end]
	level, why := judge(text, of, v.quoted, strict)
	if level == 0 && of == ofToken && v.kind != inProse && sure == 2 && uuid(text) && shapeOf(text).distinct > 6 {
		level, why = detect.Medium, "an id that is a secret"
	}
	if sure == 0 && !uuid(text) {
		return
	}
	if level == 0 {
		s.fallback(v, of)
		return
	}
	if v.kind == inProse || v.kind == afterSpace {
		level = min(level, detect.Medium)
	}
	s.emit(kindOf(of, t, from, v.end), v.start, v.end, level, 8, text, why, "behind the name of a secret")
}

// bearing reports whether the name of a parameter of an address is that of a
// token which opens something; others only count pages.
func bearing(name []byte) bool {
	var room [24]byte
	last := lastWord(name, 0, len(name))
	if len(name) < 5 || !folds(name[len(name)-5:], "token") || len(name) == 5 {
		return true
	}
	if len(name)-last != 5 {
		return false
	}
	switch string(wordBefore(name[:last], room[:])) {
	case "access", "auth", "api", "refresh", "id", "session", "security", "private", "personal", "bot", "user", "client",
		"oauth", "bearer", "secret":
		return true
	}
	return false
}

// kindOf is the type of a value; a connection string has a server before or
// behind it on its line.
func kindOf(of family, t []byte, from, end int) string {
	if of != ofPassword && of != ofLogin && of != ofToken {
		return Generic
	}
	if at(t, end) == ';' || from > 0 && t[from-1] == ';' {
		near := t[max(0, from-behind):min(len(t), end+behind)]
		for _, w := range [...]string{"server=", "data source=", "endpoint=", "accountname=", "host=", "hostname="} {
			if has(near, w) {
				return ConnectionString
			}
		}
	}
	if of == ofPassword {
		return Password
	}
	return Generic
}

// fallback looks, when the value is an expression, for a literal at its end:
// getenv("X") ?: "literal".
func (s *scan) fallback(v value, of family) {
	t := s.t
	if v.quoted && at(t, v.end+1) != ',' && at(t, v.end+1) != ')' {
		return
	}
	stop := min(len(t), v.start+200)
	for i := v.end; i+3 < stop && t[i] != '\n' && t[i] != ';'; i++ {
		q := t[i]
		if q != '"' && q != '\'' {
			continue
		}
		open := i
		if at(t, i-1) == 'b' {
			open--
		}
		before := back(t, open, percent, 0)
		for before > v.start && t[before-1] == ' ' {
			before--
		}
		end := i + 1
		for end < stop && t[end] != q && t[end] != '\n' && t[end] != '\\' {
			end++
		}
		if end >= stop || t[end] != q {
			return
		}
		switch at(t, before-1) {
		case ':', ',', '|', '?', 'r':
			if text := t[i+1 : end]; len(text) >= 6 {
				if level, why := judge(text, of, true, true); level > 0 {
					s.emit(kindOf(of, t, v.start, end), i+1, end, level, 7, text, why, "what an expression falls back to")
					return
				}
			}
		}
		i = end
	}
}
