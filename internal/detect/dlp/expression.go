package dlp

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/number"
)

// expression finds what a tenant's regular expression matches. Package regexp
// takes time linear to the text; nevertheless it is much slower than all
// other detectors together, so it only meets the text around what every match
// must have: a piece of text that stands in the expression, found by an
// automaton. An expression without such a piece meets all of the text.
type expression struct {
	id, kind string
	match    *regexp.Regexp
	group    int        // of the value
	part     *automaton // nil: there is no piece that every match has
	near     *lexicon   // nil: no words are asked for
	window   int
	check    string
	level    detect.Confidence
}

func newExpression(p detect.PatternRule, l *letters) (*expression, error) {
	re, err := regexp.Compile(p.Pattern)
	if err != nil {
		return nil, err
	}
	made := &expression{id: p.ID, kind: detect.TypeOf(p.ID), match: re, window: p.Window, check: p.Check, level: p.Level()}
	if re.NumSubexp() > 0 {
		made.group = 1
	}
	if tree, err := syntax.Parse(p.Pattern, syntax.Perl); err == nil {
		if piece, folded := needed(tree.Simplify()); len(piece) >= 2 {
			fold := l
			if !folded {
				fold = nil
			}
			made.part = newAutomaton([]string{piece}, fold)
		}
	}
	if len(p.Near) > 0 {
		made.near = newLexicon(p.Near, l)
	}
	if made.window == 0 {
		made.window = reach
	}
	return made, nil
}

// needed is the longest piece of text that every match has, and whether its
// case makes no difference.
func needed(t *syntax.Regexp) (piece string, folded bool) {
	switch t.Op {
	case syntax.OpLiteral:
		piece = string(t.Rune)
		if strings.ContainsAny(piece, " \t\r\n") {
			piece = piece[:strings.IndexAny(piece, " \t\r\n")] // the automaton takes white space together
		}
		return piece, t.Flags&syntax.FoldCase != 0
	case syntax.OpCapture, syntax.OpPlus:
		return needed(t.Sub[0])
	case syntax.OpRepeat:
		if t.Min > 0 {
			return needed(t.Sub[0])
		}
	case syntax.OpConcat:
		for _, sub := range t.Sub {
			if p, f := needed(sub); len(p) > len(piece) {
				piece, folded = p, f
			}
		}
	}
	return piece, folded
}

func (p *expression) ID() string { return p.id }

func (p *expression) Scan(w *detect.Window, found func(detect.Hit)) {
	if p.part == nil {
		p.over(w.Text, 0, len(w.Text), found)
		return
	}
	from, to := -1, -1 // the region that was asked for and not read yet
	p.part.scan(w.Text, 0, len(w.Text), func(_, start, end int) {
		start, end = max(0, start-detect.MaxMatch), min(len(w.Text), end+detect.MaxMatch)
		if from >= 0 && start > to {
			p.over(w.Text, from, to, found)
			from = -1
		}
		if from < 0 {
			from = start
		}
		to = end
	})
	if from >= 0 {
		p.over(w.Text, from, to, found)
	}
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
		Type: p.kind, Start: start, End: end, Confidence: p.level, Score: atHigh, Value: value,
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
