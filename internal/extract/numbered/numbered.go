// Package numbered counts the paragraphs of lists as Word does.
//
// It upholds one law: before a paragraph stands the number that a person sees
// there.
//
// It does not know how a file says what a list is.
//
// Standards: MS-OSHARED §2.2.1.3 (kinds of numbers), ECMA-376 part 1 §17.9.
package numbered

import (
	"strconv"
	"strings"
)

// Levels is how many levels a list has.
const Levels = 9

// Kinds of numbers (MS-OSHARED §2.2.1.3); the others are plain.
const (
	Plain       = 0
	UpperRoman  = 1
	LowerRoman  = 2
	UpperLetter = 3
	LowerLetter = 4
	Ordinal     = 5
	TwoDigits   = 22
	Bullet      = 23
	None        = 255
)

// Level is how a list numbers one of its levels.
type Level struct {
	Start int
	Kind  int
	// Again is the level before which it begins anew; Levels for each above it.
	Again int
}

// Counter is how far a list has counted.
type Counter struct {
	counts [Levels]int
	begun  [Levels]bool
}

// Restart lets a level begin anew.
func (c *Counter) Restart(level int) { c.begun[level] = false }

// Next counts a paragraph at a level; at is the form of each.
func (c *Counter) Next(level int, at func(int) Level) {
	for i := range level {
		if !c.begun[i] {
			c.counts[i], c.begun[i] = at(i).Start, true
		}
	}
	if c.begun[level] {
		c.counts[level]++
	} else {
		c.counts[level], c.begun[level] = at(level).Start, true
	}
	for i := level + 1; i < Levels; i++ {
		c.begun[i] = c.begun[i] && level >= at(i).Again
	}
}

// Count is how far a level is.
func (c *Counter) Count(level int) int { return c.counts[level] }

// Write writes a number in one of the kinds.
func Write(n, kind int) string {
	switch kind {
	case UpperRoman:
		return roman(n)
	case LowerRoman:
		return strings.ToLower(roman(n))
	case UpperLetter, LowerLetter:
		if n < 1 || n > 26*30 {
			break
		}
		c := 'A' + rune((n-1)%26)
		if kind == LowerLetter {
			c += 'a' - 'A'
		}
		return strings.Repeat(string(c), (n-1)/26+1)
	case Ordinal:
		end := "th"
		if n/10%10 != 1 {
			switch n % 10 {
			case 1:
				end = "st"
			case 2:
				end = "nd"
			case 3:
				end = "rd"
			}
		}
		return strconv.Itoa(n) + end
	case TwoDigits:
		if n >= 0 && n < 10 {
			return "0" + strconv.Itoa(n)
		}
	case None, Bullet:
		return ""
	}
	return strconv.Itoa(n)
}

func roman(n int) string {
	if n < 1 || n > 4999 {
		return strconv.Itoa(n)
	}
	var b strings.Builder
	for _, r := range []struct {
		value int
		sign  string
	}{
		{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"},
		{5, "V"}, {4, "IV"}, {1, "I"},
	} {
		for ; n >= r.value; n -= r.value {
			b.WriteString(r.sign)
		}
	}
	return b.String()
}
