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
func (s *pass) neighbors(c *claim) {
	r := &s.rules[c.pack]
	class := r.classes[c.form]
	var n company
	for k := c.row - 1; k >= max(0, c.row-maxNeighbors) && s.meet(c, r, k, &n); k-- {
	}
	for k := c.row + 1; k < min(int32(len(s.rows)), c.row+maxNeighbors) && s.meet(c, r, k, &n); k++ {
	}
	if r.beside != nil && !n.close {
		n.close = s.scanned(c, r)
	}
	switch {
	case n.close:
		c.add(wordBits, "beside what it belongs to")
	case n.others && class != ClassD:
		c.add(1, "another identifier nearby")
	}
	if r.checks[c.form] == nil || class == ClassA {
		return
	}
	switch {
	case n.foes >= 4 && n.foes >= 3*(n.friends+1):
		c.add(-4, "most numbers around it fail the checksum")
	case n.foes > n.friends+1:
		c.add(-2, "numbers nearby fail the checksum")
	case n.foes == 0 && n.friends >= 4 && class != ClassD:
		c.add(2.5, "all numbers around it pass the checksum")
	}
}

// meet looks at the token k around a claim; false: it is too far away.
func (s *pass) meet(c *claim, r *rule, k int32, n *company) bool {
	t, mine := &s.rows[k], &s.rows[c.row]
	gap := max(t.start-c.end, c.start-t.end)
	if gap > inColumn {
		return false
	}
	if gap < 0 {
		return true // another reading of the same text
	}
	near := gap <= inText
	if t.col == mine.col && (near || t.col > 0) && s.layoutOf(t) == s.layoutOf(mine) &&
		string(s.text[t.start:t.end]) != string(s.text[c.start:c.end]) {
		if t.passed[c.pack/64]>>(c.pack%64)&1 != 0 {
			n.friends++
		} else {
			n.foes++
		}
	}
	if !near {
		return true
	}
	for _, o := range s.list[t.first : t.first+t.claims] {
		if o.pack == c.pack || o.alone < atMedium {
			continue
		}
		n.others = true
		n.close = n.close || gap <= justBefore && r.beside[s.packs[o.pack].Type]
	}
	return true
}

// scanned reports whether a scanner in Go found one of the types that a claim
// belongs to, within 40 characters.
func (s *pass) scanned(c *claim, r *rule) bool {
	return seenIn(s.w).near(int(c.start), int(c.end), justBefore, func(kind string) bool { return r.beside[kind] })
}
