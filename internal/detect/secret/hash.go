package secret

// Hashes of passwords, as crypt(5) and its relatives write them.

// cryptSet are the digits of crypt's base 64.
const cryptSet = alnum | slashPlus | dot

// saltedHash reads $id$[rounds=n$]salt$hash.
func saltedHash(s *scan, m match) (match, bool) {
	t, i := s.t, m.body
	want := 22
	switch t[m.start+1] {
	case '5':
		want = 43
	case '6':
		want = 86
	}
	if starts(t[i:], "rounds=") {
		if i = run(t, i+7, digits, 9); at(t, i) != '$' {
			return m, false
		}
		i++
	}
	salt := run(t, i, cryptSet|equal, 17)
	if at(t, salt) != '$' || salt-i > 16 || want == 22 && salt-i > 8 {
		return m, false
	}
	return hashed(t, m, salt+1, want, want)
}

// hashed takes the hash at i, of least to most digits.
func hashed(t []byte, m match, i, least, most int) (match, bool) {
	m.end = run(t, i, cryptSet, most+1)
	return m, m.end-i >= least && m.end-i <= most && shapeOf(t[i:m.end]).distinct >= 8
}

// bcrypt reads the cost, and salt and hash together.
func bcrypt(s *scan, m match) (match, bool) {
	i := run(s.t, m.body, digits, 2)
	if i-m.body != 2 || at(s.t, i) != '$' {
		return m, false
	}
	return hashed(s.t, m, i+1, 53, 53)
}

func yescrypt(s *scan, m match) (match, bool) {
	t := s.t
	i := run(t, m.body, cryptSet, 20)
	if at(t, i) != '$' || i == m.body {
		return m, false
	}
	salt := run(t, i+1, cryptSet, 90)
	if at(t, salt) != '$' {
		return m, false
	}
	return hashed(t, m, salt+1, 43, 43)
}

// argon reads parameters, salt and hash between dollar signs.
func argon(s *scan, m match) (match, bool) {
	m.end = run(s.t, m.body, base64std|base64url|dot, 0)
	dollars := 1
	for m.end < len(s.t) && m.end-m.start < 400 {
		b := s.t[m.end]
		if !is(b, base64std|base64url|dot) && b != ',' && b != '$' {
			break
		}
		if b == '$' {
			dollars++
		}
		m.end++
	}
	last := back(s.t, m.end, base64std|base64url|dot, 200)
	return m, dollars >= 2 && m.end-last >= 22 && shapeOf(s.t[last:m.end]).distinct >= 8
}

// sunHash reads $md5,rounds=n$salt$$hash.
func sunHash(s *scan, m match) (match, bool) {
	t, i := s.t, m.body
	if starts(t[i:], "rounds=") {
		if i = run(t, i+7, digits, 9); at(t, i) != '$' {
			return m, false
		}
		i++
	}
	salt := run(t, i, cryptSet, 17)
	for salt < len(t) && t[salt] == '$' {
		salt++
	}
	return hashed(t, m, salt, 22, 22)
}

func cisco(s *scan, m match) (match, bool) {
	salt := run(s.t, m.body, cryptSet, 15)
	if salt-m.body != 14 || at(s.t, salt) != '$' {
		return m, false
	}
	return hashed(s.t, m, salt+1, 43, 43)
}

// pgPass reads a line host:port:database:user:password; i is the first
// colon.
func (s *scan) pgPass(i int) {
	t := s.t
	line := i
	for line > 0 && t[line-1] != '\n' && i-line < 80 {
		if t[line-1] <= ' ' || t[line-1] == '/' || t[line-1] == ':' {
			return
		}
		line--
	}
	port := run(t, i+1, digits, 6)
	if i == line || port-i < 4 || at(t, port) != ':' {
		return
	}
	field, colons := port+1, 0
	end := field
	for ; end < len(t) && t[end] > ' ' && end-field < 200; end++ {
		if t[end] != ':' || colons == 2 || end > 0 && t[end-1] == '\\' {
			continue
		}
		if colons++; end == field {
			return
		}
		field = end + 1
	}
	v, last := t[field:end], at(t, end)
	if colons == 2 && len(v) > 3 && !reference(v) && (last == 0 || last == '\n' || last == '\r') {
		s.emit(Password, field, end, mediumOr(shapeOf(v).classes() > 2), 8, v, "a line of a .pgpass file")
	}
}
