package pdf

import (
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// An encoding is what the codes of a simple font mean; 0 for nothing.
type encoding [256]rune

// standardUpper are the codes from 0xA1 on of StandardEncoding (ISO 32000-1
// Annex D.2); a space stands for nothing.
const standardUpper = "¡¢£⁄¥ƒ§¤'“«‹›ﬁﬂ –†‡· ¶•‚„”»…‰ ¿ `´ˆ˜¯˘˙¨ ˚¸ ˝˛ˇ—                Æ ª    ŁØŒº     æ   ı  łøœß"

// symbolLower and symbolUpper are the codes from 0x20 and from 0xA0 on of the
// font Symbol (Annex D.5).
const (
	symbolLower = " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
	symbolUpper = "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪ 〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"
)

// docUpper are the codes from 0x80 on of PDFDocEncoding (Annex D.3), docLower
// those from 0x18 on.
const (
	docUpper = "•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž\uFFFD€"
	docLower = "˘ˇˆ˙˝˛˚˜"
)

func filled(parts map[int]string) *encoding {
	var e encoding
	for i := range e {
		if i >= 0x20 && i < 0x7f {
			e[i] = rune(i)
		}
	}
	for at, s := range parts {
		for _, r := range s {
			if r != ' ' {
				e[at] = r
			} else if at != 0x20 {
				e[at] = 0
			}
			at++
		}
	}
	return &e
}

// baseEncoding gives one of the encodings that have a name; nil for others.
func baseEncoding(n name) *encoding {
	switch n {
	case "WinAnsiEncoding":
		e := fromCharmap(charmap.Windows1252)
		// Annex D.2, footnotes: unused codes are bullets, and there are two
		// more of the hyphen and the space.
		for i := range e {
			if i > 0x7e && (e[i] == 0 || e[i] == utf8.RuneError) {
				e[i] = '•'
			}
		}
		e[0xA0], e[0xAD] = ' ', '-'
		return e
	case "MacRomanEncoding":
		e := fromCharmap(charmap.Macintosh)
		e[0xCA] = ' '
		return e
	case "StandardEncoding":
		e := filled(map[int]string{0xA1: standardUpper})
		e['\''], e['`'] = '’', '‘'
		return e
	case "PDFDocEncoding":
		var e encoding
		for i := range e {
			e[i] = docRune(byte(i))
		}
		return &e
	}
	return nil
}

func fromCharmap(m *charmap.Charmap) *encoding {
	var e encoding
	for i := 0x20; i < 256; i++ {
		if r := m.DecodeByte(byte(i)); r != utf8.RuneError && r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f) {
			e[i] = r
		}
	}
	return &e
}

// symbolEncoding and dingbatEncoding are those of two fonts that have their
// own.
func symbolEncoding() *encoding { return filled(map[int]string{0x20: symbolLower, 0xA0: symbolUpper}) }

func dingbatEncoding() *encoding {
	var e encoding
	e[0x20] = ' '
	for i := 0x21; i < 0x7f; i++ {
		e[i] = 0x2700 + rune(i-0x20)
	}
	for i := 0xA1; i < 0xFF; i++ {
		switch {
		case i < 0xA8:
			e[i] = 0x2761 + rune(i-0xA1)
		case i < 0xAC:
			e[i] = []rune("♣♦♥♠")[i-0xA8]
		case i < 0xB6:
			e[i] = 0x2460 + rune(i-0xAC)
		default:
			e[i] = 0x2776 + rune(i-0xB6)
		}
	}
	return &e
}

// docRune is a code of PDFDocEncoding.
func docRune(c byte) rune {
	switch {
	case c >= 0x18 && c < 0x20:
		return []rune(docLower)[c-0x18]
	case c >= 0x80 && c <= 0xA0:
		return []rune(docUpper)[c-0x80]
	}
	return rune(c)
}

// decodeText reads a text string: UTF-16 with a mark, UTF-8 with a mark, or
// PDFDocEncoding (ISO 32000-2 §7.9.2.2).
func decodeText(b []byte) string {
	switch {
	case len(b) >= 2 && b[0] == 0xFE && b[1] == 0xFF:
		return fromUTF16(b[2:], true)
	case len(b) >= 2 && b[0] == 0xFF && b[1] == 0xFE:
		return fromUTF16(b[2:], false)
	case len(b) >= 3 && b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF:
		return string(b[3:])
	}
	out := make([]byte, 0, len(b)+8)
	upper := false
	for _, c := range b {
		upper = upper || c >= 0x80
	}
	if upper && utf8.Valid(b) {
		return string(b) // UTF-8 without its mark: PDFDocEncoding looks different
	}
	for _, c := range b {
		out = utf8.AppendRune(out, docRune(c))
	}
	return string(out)
}

func fromUTF16(b []byte, big bool) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		u := uint16(b[0])<<8 | uint16(b[1])
		if !big {
			u = u<<8 | u>>8
		}
		units = append(units, u)
	}
	runes := utf16.Decode(units)
	// Escapes that name a language stand between two U+001B.
	out := make([]byte, 0, len(runes))
	escape := false
	for _, r := range runes {
		if r == 0x1B {
			escape = !escape
			continue
		}
		if !escape {
			out = utf8.AppendRune(out, r)
		}
	}
	return string(out)
}
