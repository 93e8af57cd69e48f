package dlp

import (
	"slices"
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
	checks   []func([]byte) bool // by form; nil for none
	speaks   topic
	against  topic // ofOther when there is none
	classes  []Class
	prefixes []int // literal letters in front, by form
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
		r := rule{
			wanted: len(p.Forms) > 0 && c.Wants(p.ID), speaks: b.words.speaks[p.ID], against: b.words.against[p.ID],
		}
		if r.wanted {
			any = true
			r.fill(p)
		}
		e.rules = append(e.rules, r)
	}
	if !any {
		return nil
	}
	if len(b.packs) > maxPacks {
		panic("dlp: more packs than there is room for")
	}
	return e
}

func (r *rule) fill(p *Pack) {
	for _, f := range p.Forms {
		var check func([]byte) bool
		if name := p.checkName(f); name != "" {
			check = checkOf(name)
		}
		r.checks = append(r.checks, check)
		r.prefixes = append(r.prefixes, literal(f.elements))
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
	notes []note  // of the claims
	sure  []int32 // packs of which a token surely is, whatever stands around it
	met   []company
	rows  []token
	fits  []use    // what the token at hand may be
	wide  []uint64 // topics of the words near the token at hand
	tight []uint64 // of those just beside it
	made  int      // the pattern of the digits at hand
	buf   [maxShape]byte
}

// token is a row of characters that has certain forms, whether a check passed
// or not.
type token struct {
	start, end    int32
	layout        uint32 // the same for numbers that are written alike; 0: nobody has asked
	col           int32  // of a table, 0 outside
	first, claims int32  // in the list
	told, tells   int32  // in the list of sure packs
	passed        [maxPacks / 64]uint64
}

// layoutOf is the layout of a token.
func (s *pass) layoutOf(t *token) uint32 {
	if t.layout == 0 {
		t.layout = layout(s.text[t.start:t.end])
	}
	return t.layout
}

// layout is a hash of where digits, letters and signs stand (FNV-1a).
func layout(text []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range text {
		switch {
		case isDigit(rune(c)):
			c = '0'
		case isLetter(c):
			c = 'A'
		}
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

// maxPacks is how many packs there can be.
const maxPacks = 512

func (e *engine) newPass() *pass {
	return &pass{engine: e, wide: make([]uint64, e.words.stride), tight: make([]uint64, e.words.stride)}
}

// Renew forgets the window before.
func (s *pass) Renew(w *detect.Window) {
	s.list, s.notes, s.sure, s.rows, s.near = s.list[:0], s.notes[:0], s.sure[:0], s.rows[:0], nil
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
	state := d.first
	for i := start; i < len(text); i++ {
		if state = d.step(state, text[i]); len(state.positions) == 0 {
			return
		}
		if len(state.uses) == 0 {
			continue
		}
		if joinsAfter(text, i+1) {
			continue
		}
		s.accepted(start, i+1, state.uses)
	}
}

// accepted asks the packs whose form text[start:end] has.
func (s *pass) accepted(start, end int, uses []use) {
	_, col := s.w.Cell(start)
	s.rows = longer(s.rows, token{
		start: int32(start), end: int32(end), col: int32(col), first: int32(len(s.list)), told: int32(len(s.sure)),
	})
	row := &s.rows[len(s.rows)-1]
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
	narrow, idle := true, true
	for _, u := range uses {
		r := &s.rules[u.pack]
		if !r.wanted || lower && s.packs[u.pack].Capitals || !r.passes(compact, int(u.form)) {
			continue
		}
		s.fits = append(s.fits, u)
		row.passed[u.pack/64] |= 1 << (u.pack % 64)
		narrow = narrow && r.classes[u.form] == ClassD
		idle = idle && r.beside == nil
	}
	if len(s.fits) == 0 {
		return
	}
	if s.near == nil {
		s.near = s.words.over(s.w)
	}
	if narrow && idle && !s.spoken(start, end) {
		return
	}
	var room [8]note
	shared, ok := s.around(room[:0], start, end, lower, upper)
	if !ok {
		return
	}
	s.made = pattern(compact)
	s.near.about(start, end, narrow, s.wide, s.tight)
	for _, u := range s.fits {
		s.claim(u, start, end, shared)
	}
	row.claims, row.tells = int32(len(s.list))-row.first, int32(len(s.sure))-row.told
}

// longer appends to a list. One that is full gets twice its room: text in full
// of numbers makes long ones, and append would copy those four times as often.
func longer[T any](list []T, more T) []T {
	if len(list) == cap(list) {
		list = slices.Grow(list, len(list)+1)
	}
	return append(list, more)
}

// spoken reports whether a word just before or behind a number speaks of
// something that it may be: without one nothing else matters to forms of the
// weakest class.
func (s *pass) spoken(start, end int) bool {
	longest := 0
	for _, u := range s.fits {
		longest = max(longest, s.words.longest[s.rules[u.pack].speaks])
	}
	first, last := s.near.around(start, end, justBefore, justBehind, longest)
	for b := first; b <= last; b++ {
		for _, m := range s.near.marksOf(b) {
			left, right := start-m.end, m.start-end
			if left < 0 && right < 0 || left > justBefore || right > justBehind {
				continue
			}
			for _, u := range s.fits {
				if s.words.has(m.word, s.rules[u.pack].speaks) {
					return true
				}
			}
		}
	}
	return false
}

// passes asks the check, with the letters that the form begins with and
// without them.
func (r *rule) passes(compact []byte, form int) bool {
	if r.reject != nil && r.reject[string(compact)] {
		return false
	}
	check := r.checks[form]
	if check == nil || check(compact) {
		return true
	}
	n := r.prefixes[form]
	return n > 0 && check(compact[n:])
}

// report weighs the claims against each other and gives out what is left.
func (s *pass) report(found func(detect.Hit)) {
	for k := range s.rows {
		t := &s.rows[k]
		if t.claims == 0 {
			continue
		}
		claims := s.list[t.first : t.first+t.claims]
		s.meet(int32(k), claims)
		for i := range claims {
			c := &claims[i]
			var room [2]note
			more := s.neighbors(room[:0], c, s.met[i])
			for _, n := range more {
				c.sum += n.bits
			}
			level := confidenceOf(c.sum)
			if level == 0 {
				continue
			}
			p := &s.packs[c.pack]
			found(detect.Hit{
				Type: p.Type, Detector: p.ID, Start: int(c.start), End: int(c.end), Confidence: level, Score: c.sum,
				Value: compacted(s.text[c.start:c.end]), Why: s.reasons(c, more),
			})
		}
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
