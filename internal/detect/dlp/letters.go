package dlp

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// letters folds case and accents of what follows ASCII, for comparing words.
type letters struct {
	low  [0x600]string // what a rune becomes; "" for nothing
	high [0x100]string // U+1E00 to U+1EFF
}

func newLetters() *letters {
	l := new(letters)
	for r := rune(0x80); r < rune(len(l.low)); r++ {
		l.low[r] = foldLetter(r)
	}
	for i := range l.high {
		l.high[i] = foldLetter(rune(0x1E00 + i))
	}
	return l
}

// foldLetter lowers r and takes its accents away.
func foldLetter(r rune) string {
	switch r {
	case 'ß', 'ẞ':
		return "ss"
	case 'æ', 'Æ':
		return "ae"
	case 'œ', 'Œ':
		return "oe"
	case 'ø', 'Ø':
		return "o"
	case 'đ', 'Đ', 'ð', 'Ð':
		return "d"
	case 'ł', 'Ł':
		return "l"
	case 'þ', 'Þ':
		return "th"
	case 'ı':
		return "i"
	}
	out := ""
	for _, d := range norm.NFD.String(string(unicode.ToLower(r))) {
		if !unicode.Is(unicode.Mn, d) {
			out += string(d)
		}
	}
	return out
}

// ascii holds every character of ASCII, to be cut from.
var ascii = func() string {
	b := make([]byte, 0x80)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}()

// fold is what r becomes in a folded word.
func (l *letters) fold(r rune) string {
	switch {
	case r < 0x80:
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return ascii[r : r+1]
	case r < rune(len(l.low)):
		return l.low[r]
	case r >= 0x1E00 && r < 0x1F00:
		return l.high[r-0x1E00]
	}
	return string(unicode.ToLower(r))
}

// isWord reports whether r continues a word. The scripts that write without
// spaces never do, so that their words are found inside a sentence.
func isWord(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return r == '_' || '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z'
	case r == utf8.RuneError:
		return false
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai):
		return false
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// before is the rune that ends at i, 0 at the beginning.
func before(text []byte, i int) rune {
	if i <= 0 {
		return 0
	}
	if c := text[i-1]; c < utf8.RuneSelf {
		return rune(c)
	}
	r, _ := utf8.DecodeLastRune(text[:i])
	return r
}

// after is the rune that begins at i, 0 at the end.
func after(text []byte, i int) rune {
	if i >= len(text) {
		return 0
	}
	if c := text[i]; c < utf8.RuneSelf {
		return rune(c)
	}
	r, _ := utf8.DecodeRune(text[i:])
	return r
}

func isDigit(c rune) bool { return '0' <= c && c <= '9' }

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// latin reports whether r is a letter of ASCII.
func latin(r rune) bool { return r < utf8.RuneSelf && isLetter(byte(r)) }
