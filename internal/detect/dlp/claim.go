package dlp

import "strconv"

// claim is a candidate that passed its check.
type claim struct {
	use
	start, end int32
	first, n   int32 // in the list of notes
	sum        float64
}

// shownNotes is how many notes of a claim become words.
const shownNotes = 8

// note is a piece of evidence; its words are written only for a finding.
type note struct {
	bits float64
	why  string
	word int32 // -1: none
	away int32
}

// put adds a note to the claim at hand, the last that has some.
func (s *pass) put(c *claim, n note) {
	c.sum += n.bits
	s.notes = longer(s.notes, n)
	c.n++
}

func (s *pass) add(c *claim, bits float64, why string) { s.put(c, note{bits, why, -1, 0}) }

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
	c := claim{use: u, start: int32(start), end: int32(end), first: int32(len(s.notes))}
	what := "form"
	if r.checks[u.form] != nil {
		what = "form and checksum"
	}
	s.add(&c, class.bits(), what)
	for _, n := range shared {
		s.put(&c, n)
	}
	switch {
	case s.made != 0 && (class == ClassC || s.made == ascending): // still low: real ones look like that, too
		s.add(&c, -1, "repeated or ascending digits")
	case s.made == repeated && class == ClassB:
		s.add(&c, -2.5, "one digit repeated")
	case s.made == repeated:
		s.add(&c, -3, "one digit repeated")
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
		s.put(&c, note{wordBits, "the word", word, int32(min(left, right))})
	case class == ClassD:
		if r.beside == nil {
			s.notes = s.notes[:c.first]
			return
		}
	case min(left, right) <= reach:
		s.put(&c, note{3, "the word", word, int32(min(left, right))})
	}
	if other := s.others(r, start, end); other <= justBefore && other < left {
		s.add(&c, -3, "a word for other numbers before")
	}
	if c.sum+neighborBits < atLow && r.beside == nil {
		s.notes = s.notes[:c.first]
		return
	}
	if s.list = longer(s.list, c); c.sum >= atMedium {
		s.sure = append(s.sure, c.pack)
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

// reasons writes the evidence of a claim, and of what stands around it.
func (s *pass) reasons(c *claim, more []note) []string {
	why := make([]string, 0, int(c.n)+len(more))
	for _, list := range [2][]note{s.notes[c.first : c.first+c.n], more} {
		for _, n := range list {
			switch {
			case len(why) == shownNotes:
			case n.word < 0:
				why = append(why, n.why)
			default:
				why = append(why, n.why+` "`+s.words.words[n.word]+`" `+strconv.Itoa(int(n.away))+" away")
			}
		}
	}
	return why
}
