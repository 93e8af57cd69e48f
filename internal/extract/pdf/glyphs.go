package pdf

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// accents are the ends of names of letters with accents, the longer before
// those that they end with.
var accents = []struct{ name, marks string }{
	{"circumflexbelow", "\u032d"}, {"dieresistonos", "\u0308\u0301"}, {"invertedbreve", "\u0311"},
	{"dieresisbelow", "\u0324"}, {"hungarumlaut", "\u030b"}, {"commaaccent", "\u0327"}, {"tildebelow", "\u0330"},
	{"brevebelow", "\u032e"}, {"circumflex", "\u0302"}, {"ringbelow", "\u0325"}, {"linebelow", "\u0331"},
	{"hookabove", "\u0309"}, {"dotaccent", "\u0307"}, {"dotbelow", "\u0323"}, {"dblgrave", "\u030f"},
	{"dieresis", "\u0308"}, {"cedilla", "\u0327"}, {"macron", "\u0304"}, {"ogonek", "\u0328"}, {"acute", "\u0301"},
	{"grave", "\u0300"}, {"tilde", "\u0303"}, {"caron", "\u030c"}, {"breve", "\u0306"}, {"tonos", "\u0301"},
	{"horn", "\u031b"}, {"ring", "\u030a"},
}

// variants are the ends of names of another drawing of the same letter.
var variants = []string{"oldstyle", "monospace", "superior", "inferior", "small"}

// glyphText is what a glyph of this name means (Adobe Glyph List
// Specification, section 2); "" when the name says nothing.
func glyphText(glyph string) string {
	if i := strings.IndexByte(glyph, '.'); i >= 0 {
		glyph = glyph[:i]
	}
	if len(glyph) == 0 || len(glyph) > maxGlyphName {
		return ""
	}
	if s := simpleGlyph(glyph); s != "" {
		return s
	}
	if !strings.Contains(glyph, "_") {
		return ""
	}
	var b strings.Builder
	for part := range strings.SplitSeq(glyph, "_") {
		s := simpleGlyph(part)
		if s == "" {
			return ""
		}
		b.WriteString(s)
	}
	return b.String()
}

// maxGlyphName is how long the name of a glyph may be.
const maxGlyphName = 128

func simpleGlyph(glyph string) string {
	if len(glyph) == 1 && (glyph[0]|0x20 >= 'a' && glyph[0]|0x20 <= 'z') {
		return glyph
	}
	i, ok := slices.BinarySearchFunc(glyphRows, glyph, func(row struct {
		name string
		rune rune
	}, s string,
	) int {
		return strings.Compare(row.name, s)
	})
	if ok {
		return string(glyphRows[i].rune)
	}
	if s := codedGlyph(glyph); s != "" {
		return s
	}
	for _, a := range accents {
		if base, ok := strings.CutSuffix(glyph, a.name); ok && base != "" {
			if s := simpleGlyph(base); s != "" {
				return norm.NFC.String(s + a.marks)
			}
			return ""
		}
	}
	for _, v := range variants {
		if base, ok := strings.CutSuffix(glyph, v); ok && base != "" {
			return simpleGlyph(base)
		}
	}
	return ""
}

// codedGlyph reads "uni0041", "uni00410042" and "u1F600".
func codedGlyph(glyph string) string {
	if hex, ok := strings.CutPrefix(glyph, "uni"); ok && len(hex) >= 4 && len(hex)%4 == 0 {
		var b strings.Builder
		for ; hex != ""; hex = hex[4:] {
			n, err := strconv.ParseUint(hex[:4], 16, 16)
			if err != nil {
				return ""
			}
			b.WriteRune(rune(n))
		}
		return b.String()
	}
	if hex, ok := strings.CutPrefix(glyph, "u"); ok && len(hex) >= 4 && len(hex) <= 6 {
		if n, err := strconv.ParseUint(hex, 16, 21); err == nil {
			return string(rune(n))
		}
	}
	return ""
}

// numberedGlyph guesses a glyph whose name is a number only, as some programs
// write: "c65", "g41", "a65" for the code of the letter. The number must be
// the code of the letter, decimal or hexadecimal.
func numberedGlyph(glyph string, code int) bool {
	i := 0
	for i < len(glyph) && i < 4 && (glyph[i]|0x20 >= 'a' && glyph[i]|0x20 <= 'z') {
		i++
	}
	if i == 0 || i == len(glyph) {
		return false
	}
	if n, err := strconv.Atoi(glyph[i:]); err == nil && n == code {
		return true
	}
	for j := 1; j <= i; j++ {
		if n, err := strconv.ParseUint(glyph[j:], 16, 16); err == nil && int(n) == code {
			return true
		}
	}
	return false
}
