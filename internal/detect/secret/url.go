package secret

import "postern.dev/postern/internal/detect"

// userInfo reads user:password@ behind the scheme of an address.
func userInfo(s *scan, m match) (match, bool) {
	t := s.t
	scheme := back(t, m.start, alnum|dash|dot|slashPlus, 24)
	if m.start-scheme < 2 {
		return m, false
	}
	stop := min(len(t), m.body+200)
	colon, sign := -1, -1
	for i := m.body; i < stop; i++ {
		b := t[i]
		if b <= ' ' || b == '"' || b == '\'' || b == '<' || b == '>' || b == '`' || b == '|' || b == '\\' ||
			(b == '/' || b == '?') && sign < 0 && colon < 0 {
			break
		}
		if b == ':' && colon < 0 {
			colon = i
		}
		if b == '@' {
			sign = i
		}
		if sign >= 0 && (b == '/' || b == '?' || b == ',') {
			break
		}
		if b == '/' && colon >= 0 && i == run(t, colon+1, digits, 6) {
			break // a port
		}
	}
	if colon < 0 || sign < colon+4 || sign+3 > len(t) || !is(at(t, sign+1), alnum) && t[sign+1] != '[' {
		return m, false
	}
	v := t[colon+1 : sign]
	if placeholder(v) || reference(v) || colon > m.body && placeholder(t[m.body:colon]) || exampleHost(t[sign+1:]) {
		return m, false
	}
	n := shapeOf(v)
	if n.lower+n.upper+n.high == 0 || n.digit == 0 && n.classes() < 3 || n.distinct < 4 || n.n < 5 {
		return m, false
	}
	m.start, m.end = colon+1, sign
	if trailing(v, n) && n.upper*n.lower == 0 {
		m.level = detect.Medium
	}
	return m, true
}

// exampleHost reports whether an address belongs to nobody.
func exampleHost(t []byte) bool {
	host := t[:run(t, 0, alnum|dash|dot, 80)]
	return has(host, "example.") || has(host, "yourdomain") || has(host, "domain.com") || has(host, "company.com")
}

// oneTime reads the address in a QR code for one-time passwords.
func oneTime(s *scan, m match) (match, bool) {
	stop := min(len(s.t), m.body+300)
	for i := m.body; i+7 < stop && s.t[i] > ' ' && s.t[i] != '"'; i++ {
		if folds(s.t[i:], "secret=") {
			m.start = i + 7
			m.end = run(s.t, m.start, upNum|lowers, 130)
			return m, m.end-m.start >= 16 && likely(s.t[m.start:m.end])
		}
	}
	return m, false
}
