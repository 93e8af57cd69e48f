package dlp

import "postern.dev/postern/internal/detect"

// How far the company of a number is looked for: in running text, and in a
// column of a table, whose cells stand further apart. What a detector says may
// depend on the text within detect.Margin only.
const (
	inText       = reach
	inColumn     = detect.Margin / 2
	maxNeighbors = 64 // tokens on each side
)

// company is what stands around a claim.
type company struct {
	friends, foes int  // other numbers of its form that pass its check, and that fail
	others        bool // other identifiers
	close         bool // one that it belongs to, beside it
}

// neighbors weighs what stands around a claim: numbers of the same form, as
// in a column, and other identifiers.
func (s *pass) neighbors(list []note, c *claim, n company) []note {
	add := func(bits float64, why string) { list = append(list, note{bits, why, -1, 0}) }
	r := &s.rules[c.pack]
	class := r.classes[c.form]
	if r.beside != nil && !n.close {
		n.close = s.scanned(c, r)
	}
	switch {
	case n.close:
		add(wordBits, "beside what it belongs to")
	case n.others && class != ClassD:
		add(1, "another identifier nearby")
	}
	if r.checks[c.form] == nil || class == ClassA {
		return list
	}
	switch {
	case n.foes >= 4 && n.foes >= 3*(n.friends+1):
		add(-4, "most numbers around it fail the checksum")
	case n.foes > n.friends+1:
		add(-2, "numbers nearby fail the checksum")
	case n.foes == 0 && n.friends >= 4 && class != ClassD:
		add(2.5, "all numbers around it pass the checksum")
	}
	return list
}

// meet finds the company of all claims of a token, in one walk.
func (s *pass) meet(row int32, claims []claim) {
	s.met = append(s.met[:0], make([]company, len(claims))...)
	for k := row - 1; k >= max(0, row-maxNeighbors) && s.meetOne(row, k, claims); k-- {
	}
	for k := row + 1; k < min(int32(len(s.rows)), row+maxNeighbors) && s.meetOne(row, k, claims); k++ {
	}
}

// meetOne looks at the token k around a token; false: it is too far away.
func (s *pass) meetOne(row, k int32, claims []claim) bool {
	t, mine := &s.rows[k], &s.rows[row]
	gap := max(t.start-mine.end, mine.start-t.end)
	if gap > inColumn {
		return false
	}
	if gap < 0 {
		return true // another reading of the same text
	}
	near := gap <= inText
	if t.col == mine.col && (near || t.col > 0) && s.layoutOf(t) == s.layoutOf(mine) &&
		string(s.text[t.start:t.end]) != string(s.text[mine.start:mine.end]) {
		for i := range claims {
			if pack := claims[i].pack; t.passed[pack/64]>>(pack%64)&1 != 0 {
				s.met[i].friends++
			} else {
				s.met[i].foes++
			}
		}
	}
	if !near {
		return true
	}
	for _, pack := range s.sure[t.told : t.told+t.tells] {
		for i := range claims {
			if c := &claims[i]; pack != c.pack {
				n := &s.met[i]
				n.others = true
				n.close = n.close || gap <= justBefore && s.rules[c.pack].beside[s.packs[pack].Type]
			}
		}
	}
	return true
}

// scanned reports whether a scanner in Go found one of the types that a claim
// belongs to, within 40 characters.
func (s *pass) scanned(c *claim, r *rule) bool {
	return seenIn(s.w).near(int(c.start), int(c.end), justBefore, func(kind string) bool { return r.beside[kind] })
}
