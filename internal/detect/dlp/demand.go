package dlp

import (
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"postern.dev/postern/internal/detect"
)

// piece is text that a match has; folded says that case makes no difference.
type piece struct {
	text   string
	folded bool
}

// Bounds of what is asked for: how many pieces of which every match has one,
// and how short one may be.
const (
	maxPieces = 16
	minPiece  = 2
)

// demand is what every match of an expression has: one of these pieces, or
// else so many ASCII digits in a row; 0 says nothing. Pieces of one character
// are none: they would lead everywhere.
func demand(t *syntax.Regexp) (pieces []piece, digits int) {
	t = t.Simplify()
	if list := piecesOf(t); least(list) >= minPiece && len(list) <= maxPieces {
		return list, 0
	}
	digits, _ = digitsOf(t)
	return nil, digits
}

// piecesOf are pieces of which every match has one, the longest that there
// are; none when nothing can be said.
func piecesOf(t *syntax.Regexp) []piece {
	switch t.Op {
	case syntax.OpLiteral:
		text := string(t.Rune)
		if at := strings.IndexAny(text, " \t\r\n"); at >= 0 {
			text = text[:at] // the automaton takes white space together
		}
		if text == "" || strings.ContainsRune(text, utf8.RuneError) {
			return nil
		}
		return []piece{{text, t.Flags&syntax.FoldCase != 0}}
	case syntax.OpCapture, syntax.OpPlus:
		return piecesOf(t.Sub[0])
	case syntax.OpRepeat:
		if t.Min > 0 {
			return piecesOf(t.Sub[0])
		}
	case syntax.OpConcat:
		var best []piece
		for _, sub := range t.Sub {
			if list := piecesOf(sub); least(list) > least(best) && len(list) <= maxPieces {
				best = list
			}
		}
		return best
	case syntax.OpAlternate:
		var all []piece
		for _, sub := range t.Sub {
			list := piecesOf(sub)
			if len(list) == 0 {
				return nil
			}
			all = append(all, list...)
		}
		return all
	}
	return nil
}

// least is the length of the shortest piece.
func least(list []piece) int {
	n := 0
	for i, p := range list {
		if i == 0 || len(p.text) < n {
			n = len(p.text)
		}
	}
	return n
}

// digitsOf is how many ASCII digits every match has in a row; alone says that
// it has nothing else.
func digitsOf(t *syntax.Regexp) (row int, alone bool) {
	switch t.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return 0, true
	case syntax.OpLiteral:
		return digitsIn(t.Rune)
	case syntax.OpCharClass:
		for i := 0; i+1 < len(t.Rune); i += 2 {
			if t.Rune[i] < '0' || t.Rune[i+1] > '9' {
				return 0, false
			}
		}
		return 1, true
	case syntax.OpCapture, syntax.OpPlus:
		return digitsOf(t.Sub[0])
	case syntax.OpStar, syntax.OpQuest:
		_, alone = digitsOf(t.Sub[0])
		return 0, alone
	case syntax.OpRepeat:
		if row, alone = digitsOf(t.Sub[0]); t.Min == 0 {
			row = 0
		}
		return row, alone
	case syntax.OpConcat:
		now := 0
		alone = true
		for _, sub := range t.Sub {
			n, only := digitsOf(sub)
			if now += n; !only {
				alone, now = false, 0
				row = max(row, n)
			}
			row = max(row, now)
		}
		return row, alone
	case syntax.OpAlternate:
		alone = true
		for i, sub := range t.Sub {
			n, only := digitsOf(sub)
			if alone = alone && only; i == 0 || n < row {
				row = n
			}
		}
		return row, alone
	}
	return 0, false
}

func digitsIn(text []rune) (row int, alone bool) {
	now := 0
	alone = true
	for _, r := range text {
		if now++; r < '0' || r > '9' {
			alone, now = false, 0
		}
		row = max(row, now)
	}
	return row, alone
}

// longest is how long a match may be in octets, at most MaxMatch.
func longest(t *syntax.Regexp) int {
	n := 0
	switch t.Op {
	case syntax.OpLiteral:
		n = utf8.UTFMax * len(t.Rune) // the case of a letter may change its length
		if t.Flags&syntax.FoldCase == 0 {
			n = len(string(t.Rune))
		}
	case syntax.OpCharClass:
		for i := 1; i < len(t.Rune); i += 2 {
			n = max(n, utf8.RuneLen(t.Rune[i]), 1)
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		n = utf8.UTFMax
	case syntax.OpStar, syntax.OpPlus:
		n = detect.MaxMatch
	case syntax.OpCapture, syntax.OpQuest:
		n = longest(t.Sub[0])
	case syntax.OpRepeat:
		n = detect.MaxMatch
		if t.Max >= 0 {
			n = min(n, t.Max*longest(t.Sub[0]))
		}
	case syntax.OpConcat:
		for _, sub := range t.Sub {
			n += longest(sub)
		}
	case syntax.OpAlternate:
		for _, sub := range t.Sub {
			n = max(n, longest(sub))
		}
	}
	return min(n, detect.MaxMatch)
}
