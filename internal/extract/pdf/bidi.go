package pdf

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// logical turns a line that was read from left to right into the order of
// reading, when it holds letters that are read from right to left (Unicode
// Annex 9, in its simplest form).
func logical(line []byte) []byte {
	if !hasRightToLeft(line) {
		return line
	}
	runes := []rune(string(line))
	slices.Reverse(runes)
	for i := 0; i < len(runes); {
		if !leftToRight(runes[i]) {
			runes[i] = mirrored(runes[i])
			i++
			continue
		}
		// A word or a number stays as it is; what stands between two of them
		// belongs to them.
		end := i + 1
		for k := i + 1; k < len(runes) && !rightToLeft(runes[k]); k++ {
			if leftToRight(runes[k]) {
				end = k + 1
			}
		}
		slices.Reverse(runes[i:end])
		i = end
	}
	return []byte(string(runes))
}

// firstOctet is the least one that begins such a letter in UTF-8.
const firstOctet = 0xD6

func hasRightToLeft(b []byte) bool {
	for i := 0; i < len(b); {
		if b[i] < firstOctet {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if rightToLeft(r) {
			return true
		}
		i += n
	}
	return false
}

func rightToLeft(r rune) bool {
	return r >= 0x590 && r < 0x660 || r >= 0x66D && r < 0x6F0 || r >= 0x6FA && r < 0x8FF || r >= 0xFB1D && r < 0xFDFF ||
		r >= 0xFE70 && r < 0xFEFF
}

func leftToRight(r rune) bool { return !rightToLeft(r) && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

func mirrored(r rune) rune {
	switch r {
	case '(':
		return ')'
	case ')':
		return '('
	case '[':
		return ']'
	case ']':
		return '['
	case '<':
		return '>'
	case '>':
		return '<'
	}
	return r
}
