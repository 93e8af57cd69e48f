package dlp

import "strconv"

// claim is a candidate that passed its check.
type claim struct {
	use
	start, end int32
	row        int32 // of its token
	sum        float64
	alone      float64 // sum without neighbors
	n          int8    // of notes
	notes      [8]note
}

// note is a piece of evidence; its words are written only for a finding.
type note struct {
	bits float64
	why  string
	word int32 // -1: none
	away int32
}

func (c *claim) add(bits float64, why string) { c.put(note{bits, why, -1, 0}) }

func (c *claim) put(n note) {
	c.sum += n.bits
	if int(c.n) < len(c.notes) {
		c.notes[c.n] = n
		c.n++
	}
}

// near marks the distances at which a word counts most: before a number and
// behind it.
const (
	justBefore = 40
	justBehind = 20
)

// claim weighs one reading of a token.
func (s *pass) claim(u use, start, end int, shared []note) {
	p, r := &s.packs[u.pack], &s.rules[u.pack]
	class := p.Forms[u.form].Class
	strong := holds(s.tight, r.speaks)
	if class == ClassD && !strong && r.beside == nil {
		return
	}
	c := claim{use: u, start: int32(start), end: int32(end), row: int32(len(s.rows) - 1)}
	what := "form"
	if r.checks[u.form] != nil {
		what = "form and checksum"
	}
	c.add(class.bits(), what)
	for _, n := range shared {
		c.put(n)
	}
	switch {
	case s.made != 0 && (class == ClassC || s.made == ascending): // still low: real ones look like that, too
		c.add(-1, "repeated or ascending digits")
	case s.made == repeated && class == ClassB:
		c.add(-2.5, "one digit repeated")
	case s.made == repeated:
		c.add(-3, "one digit repeated")
	}
	left, right, word := reach+1, reach+1, int32(-1)
	if holds(s.wide, r.speaks) {
		left, right, word = s.near.closest(r.speaks, start, end)
	}
	if strong && class == ClassD && end-start <= 4 {
		strong = left <= justBefore && !hasDigit(s.text[start-left:start])
	}
	switch {
	case strong:
		c.put(note{wordBits, "the word", word, int32(min(left, right))})
	case class == ClassD:
		if r.beside == nil {
			return
		}
	case min(left, right) <= reach:
		c.put(note{3, "the word", word, int32(min(left, right))})
	}
	if other := s.others(r, start, end); other <= justBefore && other < left {
		c.add(-3, "a word for other numbers before")
	}
	if c.alone = c.sum; c.sum+neighborBits >= atLow || r.beside != nil {
		s.list = append(s.list, c)
	}
}

// others is how far before a number a word stands that speaks against it.
func (s *pass) others(r *rule, start, end int) int {
	other := reach + 1
	if holds(s.tight, ofOther) {
		other, _ = s.near.near(ofOther, start, end)
	}
	if r.against != ofOther && holds(s.tight, r.against) {
		against, _ := s.near.near(r.against, start, end)
		other = min(other, against)
	}
	return other
}

// What words and neighbors are worth.
const (
	wordBits     = 5
	neighborBits = 2
)

// bits is what a form of this class is worth alone.
func (c Class) bits() float64 {
	switch c {
	case ClassA:
		return 10
	case ClassB:
		return 6.5
	case ClassC:
		return 4
	}
	return 1
}

// reasons writes the evidence of a claim.
func (s *pass) reasons(c *claim) []string {
	why := make([]string, 0, c.n)
	for _, n := range c.notes[:c.n] {
		if n.word < 0 {
			why = append(why, n.why)
			continue
		}
		why = append(why, n.why+` "`+s.words.words[n.word]+`" `+strconv.Itoa(int(n.away))+" away")
	}
	return why
}
