package dlp

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"postern.dev/postern/internal/detect"
)

// engine runs all packs that have forms, in one pass: the digits of the
// window lead to tokens, one walk over a token gives the forms that it fits,
// the check of each is asked, and only for what is left the words nearby are
// read.
type engine struct {
	packs  []Pack
	shapes *shapes
	words  *vocabulary
	rules  []rule // of packs
}

// rule is what the engine needs of a pack.
type rule struct {
	wanted   bool
	check    func([]byte) bool
	speaks   topic
	against  topic // ofOther when there is none
	classes  []Class
	prefixes []int // literal letters in front, by form; -1: unchecked
	reject   map[string]bool
	beside   map[string]bool
}

// newEngine makes the detector for the packs that c wants; nil when it wants
// none.
func (b *Base) newEngine(c detect.Catalogue) *engine {
	e := &engine{packs: b.packs, shapes: b.shapes, words: b.words}
	any := false
	for i := range b.packs {
		p := &b.packs[i]
		r := rule{wanted: len(p.Forms) > 0 && c.Wants(p.ID), speaks: b.words.speaks[p.ID], against: b.words.against[p.ID]}
		if r.wanted {
			any = true
			r.fill(p)
		}
		e.rules = append(e.rules, r)
	}
	if !any {
		return nil
	}
	return e
}

func (r *rule) fill(p *Pack) {
	if p.Check != "" {
		r.check = checkOf(p.Check)
	}
	for _, f := range p.Forms {
		n := literal(f.elements)
		if f.Unchecked {
			n = -1
		}
		r.prefixes = append(r.prefixes, n)
		r.classes = append(r.classes, f.Class)
	}
	if len(p.Reject) > 0 {
		r.reject = map[string]bool{}
		for _, v := range p.Reject {
			r.reject[v] = true
		}
	}
	if len(p.Beside) > 0 {
		r.beside = map[string]bool{}
		for _, t := range p.Beside {
			r.beside[t] = true
		}
	}
}

// literal is the number of letters that a shape begins with literally.
func literal(elements []element) int {
	n := 0
	for _, e := range elements {
		c := byte('A')
		for c <= 'Z' && !e.set.only(c) {
			c++
		}
		if c > 'Z' || e.min != 1 || e.max != 1 {
			break
		}
		n++
	}
	return n
}

func (*engine) ID() string { return "identifiers" }

// maxToken is the longest row of letters and digits that is looked at:
// longer ones are encoded data.
const maxToken = 40

// Scan finds the identifiers of all packs.
func (e *engine) Scan(w *detect.Window, found func(detect.Hit)) {
	s := w.Shared(e, func() detect.Renewed { return e.newPass() }).(*pass)
	s.w, s.text = w, w.Text
	tokenEnd := 0
	for _, r := range w.Digits() {
		if int(r.Start) < tokenEnd {
			continue
		}
		start, end := tokenAround(s.text, int(r.Start), int(r.End), tokenEnd)
		tokenEnd = end
		if end-start > maxToken {
			continue
		}
		s.from(start)
		for range 2 { // letters apart: "CHE-116.281.710", "B AB 1234"
			at := wordBefore(s.text, start)
			if at < 0 {
				break
			}
			start = at
			s.from(start)
		}
	}
	s.report(found)
}

// tokenAround is the row of letters and digits around the digits at from; it
// does not begin before least.
func tokenAround(text []byte, from, to, least int) (start, end int) {
	for start = from; start > least && isLetter(text[start-1]) && from-start <= maxToken; start-- {
	}
	for end = to; end < len(text) && (isLetter(text[end]) || isDigit(rune(text[end]))); end++ {
	}
	return start, end
}

// wordBefore is where up to four letters begin that stand before start, with
// one sign between; -1 when there are none.
func wordBefore(text []byte, start int) int {
	i := start - 2
	if i < 0 || text[i+1] != ' ' && text[i+1] != '-' && text[i+1] != '.' && text[i+1] != '/' {
		return -1
	}
	n := 0
	for ; i >= 0 && n <= 4 && isLetter(text[i]); i-- {
		n++
	}
	if n == 0 || n > 4 {
		return -1
	}
	return i + 1
}

// pass is the work on one window.
type pass struct {
	*engine
	w     *detect.Window
	text  []byte
	near  *nearby
	list  []claim
	alike []alike
	fits  []use    // what the token at hand may be
	first int      // of alike that may be near the claim at hand
	wide  []uint64 // topics of the words near the token at hand
	tight []uint64 // of those just beside it
	buf   [maxShape]byte
}

// alike is a token that has a certain form, whether its check passed or not.
type alike struct{ start, end, uses int32 }

// claim is a candidate that passed its check.
type claim struct {
	use
	start, end, uses int32
	sum              float64
	alone            float64 // sum without neighbors
	n                int8    // of notes
	notes            [8]note
}

// note is a piece of evidence; its words are written only for a finding.
type note struct {
	bits float64
	why  string
	word int32 // -1: none
	away int32
}

func (e *engine) newPass() *pass {
	return &pass{engine: e, wide: make([]uint64, e.words.stride), tight: make([]uint64, e.words.stride)}
}

// Renew forgets the window before.
func (s *pass) Renew(w *detect.Window) {
	s.list, s.alike, s.first, s.near = s.list[:0], s.alike[:0], 0, nil
}

// joinsBefore reports whether the character before i makes a longer word of
// what begins there.
func joinsBefore(text []byte, i int) bool {
	if i == 0 {
		return false
	}
	if c := text[i-1]; c < utf8.RuneSelf {
		return kinds[c] != 0
	}
	return isWord(before(text, i))
}

// joinsAfter is joinsBefore for what ends at i.
func joinsAfter(text []byte, i int) bool {
	if i == len(text) {
		return false
	}
	if c := text[i]; c < utf8.RuneSelf {
		return kinds[c] != 0
	}
	return isWord(after(text, i))
}

// from walks the shapes from a token's beginning.
func (s *pass) from(start int) {
	d, text := s.shapes, s.text
	if joinsBefore(text, start) {
		return
	}
	state := int32(firstState)
	for i := start; i < len(text); i++ {
		state = d.next[int(state)*d.width+int(d.class[text[i]])]
		if state == 0 {
			return
		}
		if d.accept[state] == 0 {
			continue
		}
		if joinsAfter(text, i+1) {
			continue
		}
		s.accepted(start, i+1, d.accept[state])
	}
}

// accepted asks the packs whose form text[start:end] has.
func (s *pass) accepted(start, end int, uses int32) {
	s.alike = append(s.alike, alike{int32(start), int32(end), uses})
	n := 0
	lower, upper := false, false
	var value [maxShape]byte
	for _, c := range s.text[start:end] {
		switch {
		case isDigit(rune(c)), 'A' <= c && c <= 'Z':
			upper = upper || c >= 'A'
		case 'a' <= c && c <= 'z':
			lower = true
			c -= 'a' - 'A'
		default:
			continue
		}
		value[n] = c
		n++
	}
	s.buf = value
	compact := s.buf[:n]
	s.fits = s.fits[:0]
	narrow := true
	for _, u := range s.shapes.uses[uses] {
		r := &s.rules[u.pack]
		if !r.wanted || lower && s.packs[u.pack].Capitals || !r.passes(compact, int(u.form)) {
			continue
		}
		s.fits = append(s.fits, u)
		narrow = narrow && r.classes[u.form] == ClassD
	}
	if len(s.fits) == 0 {
		return
	}
	var room [8]note
	shared, ok := s.around(room[:0], start, end, compact, lower, upper)
	if !ok {
		return
	}
	if s.near == nil {
		s.near = s.words.over(s.w)
	}
	s.near.about(start, end, narrow, s.wide, s.tight)
	for _, u := range s.fits {
		s.claim(u, start, end, uses, shared)
	}
}

// passes asks the check, with the letters that the form begins with and
// without them.
func (r *rule) passes(compact []byte, form int) bool {
	if r.reject != nil && r.reject[string(compact)] {
		return false
	}
	n := r.prefixes[form]
	if r.check == nil || n < 0 || r.check(compact) {
		return true
	}
	return n > 0 && r.check(compact[n:])
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
func (s *pass) claim(u use, start, end int, uses int32, shared []note) {
	p, r := &s.packs[u.pack], &s.rules[u.pack]
	class := p.Forms[u.form].Class
	strong := within(s.tight, r.speaks)
	if class == ClassD && !strong && r.beside == nil {
		return
	}
	c := claim{use: u, start: int32(start), end: int32(end), uses: uses}
	what := "form"
	if r.check != nil && r.prefixes[u.form] >= 0 {
		what = "form and checksum"
	}
	c.add(class.bits(), what)
	for _, n := range shared {
		c.put(n)
	}
	left, right, word := reach+1, reach+1, int32(-1)
	if within(s.wide, r.speaks) {
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
	if within(s.tight, ofOther) {
		other, _ = s.near.near(ofOther, start, end)
	}
	if r.against != ofOther && within(s.tight, r.against) {
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

// around looks at what speaks against a number, whatever it may be. ok is
// false when it is part of something longer.
func (s *pass) around(list []note, start, end int, compact []byte, lower, upper bool) ([]note, bool) {
	text := s.text
	add := func(bits float64, why string) { list = append(list, note{bits, why, -1, 0}) }
	prev, next := before(text, start), after(text, end)
	if decimal(text, prev, start-2) || decimalAfter(text, next, end+1) {
		return nil, false
	}
	switch prev {
	case '+':
		add(-3, "a plus sign in front")
	case '$', '€', '£', '¥':
		add(-3, "an amount of money")
	case '_', '-', '/', '\\', '%', '&', '=', '.', '@', '#':
		if isWord(before(text, start-1)) || prev == '#' && before(text, start-1) == '&' {
			add(-2, "part of a longer token")
		}
	}
	switch next {
	case '_', '-', '/', '\\', '%', '@', '&':
		if isWord(after(text, end+1)) {
			add(-2, "part of a longer token")
		}
	}
	if inRow(text, start, end) {
		add(-2, "inside a row of numbers")
	}
	if inURL(text, start) {
		add(-4, "inside a URL")
	}
	if lower {
		if upper {
			add(-2, "mixed letters")
		} else {
			add(-1, "small letters")
		}
	}
	switch pattern(compact) {
	case repeated:
		add(-3, "one digit repeated")
	case ascending:
		add(-1, "ascending digits")
	}
	return list, true
}

// inRow reports whether a number is one of a row of groups: another group of
// digits follows or precedes behind the sign that separates its own.
func inRow(text []byte, start, end int) bool {
	sign := byte(0)
	for _, c := range text[start:end] {
		if c == ' ' || c == '-' || c == '.' || c == '/' || c == ':' {
			sign = c
			break
		}
	}
	if sign == 0 {
		return false
	}
	return start >= 2 && text[start-1] == sign && isDigit(rune(text[start-2])) ||
		end+1 < len(text) && text[end] == sign && isDigit(rune(text[end+1]))
}

// The patterns of numbers that were made up.
const (
	repeated = iota + 1
	ascending
)

// pattern finds numbers like 000000000, 123456789 and 987654321.
func pattern(compact []byte) int {
	same, up, down, digits := 0, 0, 0, 0
	var last byte
	for _, c := range compact {
		if !isDigit(rune(c)) {
			continue
		}
		if digits++; digits > 1 {
			switch {
			case c == last:
				same++
			case c == last+1 || last == '9' && c == '0':
				up++
			case c+1 == last || last == '0' && c == '9':
				down++
			}
		}
		last = c
	}
	switch {
	case digits < 6:
		return 0
	case same == digits-1:
		return repeated
	case up == digits-1 || down == digits-1:
		return ascending
	}
	return 0
}

func hasDigit(text []byte) bool {
	for _, c := range text {
		if isDigit(rune(c)) {
			return true
		}
	}
	return false
}

// report weighs the claims against each other and gives out what is left.
func (s *pass) report(found func(detect.Hit)) {
	for i := range s.list {
		c := &s.list[i]
		p := &s.packs[c.pack]
		s.neighbors(i)
		e := evidence{sum: c.sum}
		level := e.confidence()
		if level == 0 {
			continue
		}
		found(detect.Hit{
			Type: p.Type, Detector: p.ID, Start: int(c.start), End: int(c.end), Confidence: level, Score: c.sum,
			Value: compacted(s.text[c.start:c.end]), Why: s.reasons(c),
		})
	}
}

func compacted(text []byte) string {
	b := make([]byte, 0, len(text))
	for _, c := range text {
		if isLetter(c) || isDigit(rune(c)) {
			b = append(b, upper(c))
		}
	}
	return string(b)
}

// maxNeighbors bounds the work on a column of numbers that much could be.
const maxNeighbors = 100

// neighbors weighs what stands around a claim: tokens of the same form that
// fail the check, as in a column of ids, and other identifiers.
func (s *pass) neighbors(i int) {
	c := &s.list[i]
	p, r := &s.packs[c.pack], &s.rules[c.pack]
	friends, others, close := 0, false, false
	weigh := func(k int) bool {
		o := &s.list[k]
		if o.start > c.end+reach || o.end < c.start-reach {
			return false
		}
		switch {
		case o.start < c.end && c.start < o.end:
		case o.pack == c.pack:
			friends++
		case o.alone >= atMedium:
			others = true
			gap := max(o.start-c.end, c.start-o.end)
			close = close || gap <= justBefore && r.beside[s.packs[o.pack].Type]
		}
		return true
	}
	for k := i - 1; k >= max(0, i-maxNeighbors) && weigh(k); k-- {
	}
	for k := i + 1; k < min(len(s.list), i+maxNeighbors) && weigh(k); k++ {
	}
	class := p.Forms[c.form].Class
	if r.beside != nil && !close {
		close = s.scanned(c, r)
	}
	switch {
	case close:
		c.add(wordBits, "beside what it belongs to")
	case others && class != ClassD:
		c.add(1, "another identifier nearby")
	}
	if r.check != nil && class != ClassA {
		if foes := s.foes(c) - friends; foes > friends+1 {
			c.add(-2, "numbers nearby fail the checksum")
		}
	}
}

// foes counts the tokens nearby that have the same form.
func (s *pass) foes(c *claim) int {
	n := 0
	for s.first < len(s.alike) && s.alike[s.first].start < c.start-2*reach {
		s.first++
	}
	for _, a := range s.alike[s.first:] {
		if a.start > c.end+2*reach {
			break
		}
		if a.start <= c.end+reach && a.uses == c.uses && a.end >= c.start-reach && a.start != c.start {
			n++
		}
	}
	return n
}

// scanned reports whether a scanner in Go found one of the types that a claim
// belongs to, within 40 characters.
func (s *pass) scanned(c *claim, r *rule) bool {
	return seenIn(s.w).near(int(c.start), int(c.end), justBefore, func(kind string) bool { return r.beside[kind] })
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

// seen are the hits of the scanners in Go that others may lean on: those of
// cards and accounts.
type seen struct {
	list   []detect.Hit
	sorted bool
	found  func(detect.Hit)
	take   func(detect.Hit)
}

// Renew forgets the window before.
func (s *seen) Renew(*detect.Window) { s.list = s.list[:0] }

// note keeps a hit and passes it on.
func (s *seen) note(h detect.Hit) {
	if h.Confidence >= detect.Medium && (h.Type == "CREDIT_CARD" || h.Type == "IBAN") {
		s.list, s.sorted = append(s.list, h), false
	}
	s.found(h)
}

// longestSeen is how long such a hit is at most, with its separators.
const longestSeen = 200

// near reports whether a hit of some type stands within reach of [start, end).
func (s *seen) near(start, end, reach int, wanted func(kind string) bool) bool {
	if !s.sorted {
		slices.SortFunc(s.list, func(a, b detect.Hit) int { return a.Start - b.Start })
		s.sorted = true
	}
	from, _ := slices.BinarySearchFunc(s.list, start-reach-longestSeen, func(h detect.Hit, at int) int { return h.Start - at })
	for _, h := range s.list[from:] {
		if h.Start > end+reach {
			return false
		}
		if max(h.Start-end, start-h.End) <= reach && wanted(h.Type) {
			return true
		}
	}
	return false
}

// seenKey is what the hits are shared under.
type seenKey struct{}

func seenIn(w *detect.Window) *seen {
	return w.Shared(seenKey{}, func() detect.Renewed {
		s := &seen{}
		s.take = s.note
		return s
	}).(*seen)
}

// watched lets the engine see what a scanner finds.
type watched struct{ detect.Detector }

func (d watched) Scan(w *detect.Window, found func(detect.Hit)) {
	s := seenIn(w)
	s.found = found
	d.Detector.Scan(w, s.take)
}
