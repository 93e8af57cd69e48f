package secret

import "postern.dev/postern/internal/detect"

// dense reads a token without white space whose eight bytes at i were seen.
func (s *scan) dense(i int) {
	t := s.t
	from := i
	for from > s.long && t[from-1] > ' ' {
		from--
	}
	to := from
	all := set(0)
	for to < len(t) && t[to] > ' ' {
		all |= classOf[t[to]]
		to++
	}
	s.long = to // once, whatever it is: it may be a megabyte long
	if to-from < leastLong || all&(digits|under|other) == 0 {
		return // a long word, or several with hyphens and stops between
	}
	s.token(from, to)
}

// token compares every place of a token with the beginnings of the rules,
// and every piece of it with the forms.
func (s *scan) token(from, to int) {
	t, h := s.t[:to], &s.d.heads
	before := set(0)
	for p := from; p+2 < len(t); p++ {
		if m := h.mark[headHash(t[p], t[p+1], t[p+2])]; m != 0 {
			for _, o := range h.list[m] {
				if starts(t[p:], o.prefix) {
					s.rule(o, p)
				}
			}
		}
		class := classOf[t[p]]
		if class&(base64std|base64url) != 0 && before&(base64std|base64url) == 0 {
			s.piece(p, to)
		} else if class&alnum != 0 && before&base64url == 0 {
			s.forms(p, run(t, p, base64url, 64))
		}
		before = class
	}
}

// piece looks at what may be base64 from p on.
func (s *scan) piece(p, to int) {
	s.forms(p, run(s.t, p, base64url, 64))
	if s.depth >= 2 || s.t[p] == '/' || to-p < 40 {
		return
	}
	if end := run(s.t, p, base64std, reach); end-p >= 40 {
		s.decode(p, end)
	}
}

// forms compares a piece with the rules that have no prefix.
func (s *scan) forms(p, end int) {
	n := end - p
	if n < 18 || n > 50 {
		return
	}
	for _, r := range s.d.forms {
		if n < r.min || n > r.max || !r.form(s.t[p:end]) {
			continue
		}
		if r.id == "discord" {
			var ok bool
			if end, ok = discordEnd(s.t, end); !ok {
				continue
			}
		}
		s.emit(r.kind, p, end, orHigh(r.level), 20, s.t[p:end], r.name)
	}
}

func orHigh(c detect.Confidence) detect.Confidence {
	if c == 0 {
		return detect.High
	}
	return c
}

// discordEnd reads the second and third part of a bot's token.
func discordEnd(t []byte, i int) (int, bool) {
	if at(t, i) != '.' {
		return i, false
	}
	second := run(t, i+1, base64url, 8)
	if second-i-1 < 5 || at(t, second) != '.' {
		return i, false
	}
	third := run(t, second+1, base64url, 60)
	return third, third-second-1 >= 27
}

// rule looks closer at a place where a prefix stands.
func (s *scan) rule(o headOf, p int) {
	r, t := o.rule, s.t
	if !r.loose && !begins(t, p) {
		return
	}
	m := match{rule: r, start: p, body: p + len(o.prefix), level: orHigh(r.level), why: r.name}
	most := reach
	if r.max > 0 {
		most = r.max
	}
	m.end = run(t, m.body, r.body, most)
	if m.end-m.body < r.min || r.max > 0 && is(at(t, m.end), r.body&(alnum|under|dash)) {
		return
	}
	for m.end > m.body && t[m.end-1] == '.' {
		m.end--
	}
	if !r.raw {
		m.weak = !likely(t[m.body:m.end])
		if m.weak && r.check == nil {
			return
		}
	}
	if r.check != nil {
		var ok bool
		if m, ok = r.check(s, m); !ok || m.end <= m.start || m.end > len(t) {
			return
		}
	}
	s.emit(r.kind, m.start, m.end, m.level, 20, t[m.start:min(m.end, m.start+maxValue)], m.why)
}

// begins reports whether a token can begin at p: behind a sign, or behind an
// escape such as \n, %3D, \u0022 or the end of a color.
func begins(t []byte, p int) bool {
	if p == 0 || !is(t[p-1], alnum) {
		// A sign of base 64 in the middle of much of it is no beginning.
		return p == 0 || !is(t[p-1], slashPlus) || p-back(t, p, base64std, 40) < 40
	}
	if p >= 2 && t[p-2] == '\\' {
		return true
	}
	if p >= 3 && t[p-3] == '%' && is(t[p-1], hexAny) && is(t[p-2], hexAny) {
		return true
	}
	if p >= 4 && t[p-4] == '\\' && t[p-3] == 'x' {
		return true
	}
	if p >= 6 && t[p-6] == '\\' && t[p-5] == 'u' {
		return true
	}
	if t[p-1] == 'm' {
		i := back(t, p-1, digits, 6)
		return i < p-1 && (at(t, i-1) == '[' || at(t, i-1) == ';')
	}
	return false
}

// likely reports whether the body of a token may be one of a real token.
func likely(b []byte) bool {
	b = b[:min(len(b), maxValue)]
	n := shapeOf(b)
	least := 6
	if n.n < 16 {
		least = 5
	}
	if n.distinct < least || n.bits < 2.5 || n.n >= 24 && n.bits < 2.8 {
		return false
	}
	for _, w := range [...]string{
		"example", "placeholder", "changeme", "redacted", "xxxx", "your_", "yourt", "yoursecret", "insert", "dummy", "todo_",
		"replace", "fakesig", "goeshere", "-here", "_here", "test-test",
	} {
		if has(b, w) {
			return false
		}
	}
	return len(b) > 140 || !anyRow(b)
}

// anyRow reports whether five bytes on end are equal or follow one another,
// as in 12345, abcde and 00000.
func anyRow(b []byte) bool {
	up, down, same := 1, 1, 1
	for i := 1; i < len(b); i++ {
		up, down, same = next(up, b[i] == b[i-1]+1), next(down, b[i]+1 == b[i-1]), next(same, b[i] == b[i-1])
		if up >= 5 || down >= 5 || same >= 5 {
			return true
		}
	}
	return false
}

func next(n int, more bool) int {
	if more {
		return n + 1
	}
	return 1
}

// decode looks into base64 whose beginning is text.
func (s *scan) decode(p, end int) {
	var head [24]byte
	if n, ok := plainText(head[:], s.t[p:p+32]); !ok || n < 20 {
		return
	}
	if at(s.t, end) == '.' && starts(s.t[p:], "eyJ") {
		return // a JSON Web Token is read by its rule
	}
	room := make([]byte, reach)
	n, ok := plainText(room, s.t[p:end])
	if !ok {
		return
	}
	inner := scan{Window: s.Window, d: s.d, t: room[:n], found: s.found, depth: s.depth + 1, from: p, to: end}
	if s.depth > 0 {
		inner.from, inner.to = s.from, s.to
	}
	inner.run()
}
