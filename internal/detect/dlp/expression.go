package dlp

import (
	"regexp"
	"regexp/syntax"
	"unicode/utf8"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/number"
)

// expressions finds what a tenant's regular expressions match. Package regexp
// takes time linear to the text; nevertheless it is much slower than all
// other detectors together, so an expression only meets the text around what
// every match must have (demand): pieces of text, which one automaton finds
// for all expressions, or else a digit. An expression that asks for neither
// meets all of the text.
type expressions struct {
	list   []*expression
	pieces *automaton // nil for none
	asks   []ask      // by word of the automaton
	digits []int      // expressions around digits, in list
	all    []int      // expressions that meet all of the text
}

// ask is a piece of text, and the expression that it leads to.
type ask struct {
	piece
	of int
}

// expression is one of them.
type expression struct {
	id, kind string
	match    *regexp.Regexp
	group    int      // of the value
	around   int      // how far from what it asks for the text is read
	digits   int      // so many in a row are what it asks for
	near     *lexicon // nil: no words are asked for
	window   int
	check    string
	level    detect.Confidence
}

// newExpressions makes the detector of these rules; those that regexp does
// not understand are left out: Check has told.
func newExpressions(rules []detect.PatternRule, l *letters) *expressions {
	made := &expressions{}
	var words []string
	for _, r := range rules {
		e, tree, err := newExpression(r, l)
		if err != nil {
			continue
		}
		of := len(made.list)
		made.list = append(made.list, e)
		list, digits := demand(tree)
		e.digits = digits
		switch {
		case len(list) > 0:
			for _, p := range list {
				words = append(words, p.text)
				made.asks = append(made.asks, ask{p, of})
			}
		case digits > 0:
			made.digits = append(made.digits, of)
		default:
			made.all = append(made.all, of)
		}
	}
	if len(words) > 0 {
		made.pieces = newAutomaton(words, l)
	}
	return made
}

func newExpression(p detect.PatternRule, l *letters) (*expression, *syntax.Regexp, error) {
	re, err := regexp.Compile(p.Pattern)
	if err != nil {
		return nil, nil, err
	}
	tree, err := syntax.Parse(p.Pattern, syntax.Perl)
	if err != nil {
		return nil, nil, err
	}
	made := &expression{id: p.ID, kind: detect.TypeOf(p.ID), match: re, window: p.Window, check: p.Check, level: p.Level()}
	if re.NumSubexp() > 0 {
		made.group = 1
	}
	// Twice the longest match: one that is cut at the edge does not reach
	// into one that holds what is asked for.
	made.around = min(2*longest(tree)+utf8.UTFMax, detect.MaxMatch)
	if len(p.Near) > 0 {
		made.near = newLexicon(p.Near, l)
	}
	if made.window == 0 {
		made.window = reach
	}
	return made, tree, nil
}

// ID is that of no expression: every hit says which one it is of.
func (x *expressions) ID() string { return "patterns" }

// region is text that an expression was asked to read and has not read yet.
type region struct{ from, to int }

func (x *expressions) Scan(w *detect.Window, found func(detect.Hit)) {
	var open [detect.MaxPatterns]region
	if x.pieces != nil {
		x.pieces.scan(w.Text, 0, len(w.Text), func(word, start, end int) {
			if a := &x.asks[word]; a.folded || string(w.Text[start:end]) == a.text {
				x.list[a.of].read(w.Text, &open[a.of], start, end, found)
			}
		})
	}
	if len(x.digits) > 0 {
		for _, run := range w.Digits() {
			for _, of := range x.digits {
				if e := x.list[of]; run.Len() >= e.digits {
					e.read(w.Text, &open[of], int(run.Start), int(run.End), found)
				}
			}
		}
	}
	for of, e := range x.list {
		if r := open[of]; r.to > 0 {
			e.over(w.Text, r.from, r.to, found)
		}
	}
	for _, of := range x.all {
		x.list[of].over(w.Text, 0, len(w.Text), found)
	}
}

// read adds the text around text[start:end] to the open region, or reads that
// and begins another. Pieces end in order, and may begin out of it.
func (p *expression) read(text []byte, r *region, start, end int, found func(detect.Hit)) {
	from, to := max(0, start-p.around), min(len(text), end+p.around)
	switch {
	case r.to == 0:
	case from <= r.to:
		from, to = min(from, r.from), max(to, r.to)
	default:
		p.over(text, r.from, r.to, found)
	}
	*r = region{from, to}
}

// over reports the matches in text[from:to]. One that touches the edge of the
// region may be cut, and one that is longer than MaxMatch is none.
func (p *expression) over(text []byte, from, to int, found func(detect.Hit)) {
	for _, m := range p.match.FindAllSubmatchIndex(text[from:to], -1) {
		start, end := from+m[0], from+m[1]
		if end-start > detect.MaxMatch || start == from && from > 0 || end == to && to < len(text) {
			continue
		}
		if m[2*p.group] < 0 || m[2*p.group] == m[2*p.group+1] {
			continue
		}
		p.hit(text, from+m[2*p.group], from+m[2*p.group+1], found)
	}
}

func (p *expression) hit(text []byte, start, end int, found func(detect.Hit)) {
	value := string(text[start:end])
	h := detect.Hit{
		Type: p.kind, Detector: p.id, Start: start, End: end, Confidence: p.level, Score: atHigh, Value: value,
		Why: []string{"the pattern"}, Aside: true,
	}
	if p.check != "" {
		if valid, known := number.Valid(p.check, value); known && !valid {
			return
		}
		h.Why = append(h.Why, "the rules of "+p.check)
	}
	if p.near != nil {
		if !p.spoken(text, start, end) {
			h.Confidence, h.Score = detect.Low, 0
		} else {
			h.Why = append(h.Why, "a word nearby")
		}
	}
	found(h)
}

// spoken reports whether one of the words stands near a value.
func (p *expression) spoken(text []byte, start, end int) bool {
	from, to := max(0, start-p.window), min(len(text), end+p.window)
	ok := false
	p.near.scan(text[from:to], func(_, a, b int) {
		whole := from == 0 || a > 0 // not the end of a longer word
		ok = ok || whole && (to == len(text) || from+b < to)
	})
	return ok
}
