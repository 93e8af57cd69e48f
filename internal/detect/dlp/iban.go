package dlp

import (
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/number"
)

// iban finds international bank account numbers.
type iban struct {
	words *vocabulary
	of    topic
}

func (*iban) ID() string { return "iban" }

// fits is the length of the national part at the head of s that follows the
// structure, or -1.
func fits(structure string, s []byte) int {
	at := 0
	for i := 0; i < len(structure); i++ {
		n := 0
		for ; structure[i] <= '9'; i++ {
			n = n*10 + int(structure[i]-'0')
		}
		if at+n > len(s) {
			return -1
		}
		for _, c := range s[at : at+n] {
			digit, letter := isDigit(rune(c)), 'A' <= c && c <= 'Z'
			if structure[i] == 'n' && !digit || structure[i] == 'a' && !letter || !digit && !letter {
				return -1
			}
		}
		at += n
	}
	return at
}

// mod97 is the checksum of ISO 7064 over an IBAN in capitals.
func mod97(s []byte) bool {
	rest := 0
	for i := range s {
		c := s[(i+4)%len(s)]
		if c <= '9' {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return rest == 1
}

func (d *iban) Scan(w *detect.Window, found func(detect.Hit)) {
	near := d.words.over(w)
	text := w.Text
	for _, r := range w.Digits() {
		start := countryBefore(text, int(r.Start))
		if start < 0 {
			continue
		}
		var buf [34]byte
		e, end, n := d.read(text, start, int(r.Start), buf[:])
		if n == 0 {
			continue
		}
		if left, right := near.near(d.of, start, end); min(left, right) <= reach {
			e.add(3, "a word for accounts nearby")
		}
		if inURL(text, start) {
			e.add(-3, "inside a URL")
		}
		if h, ok := e.hit("IBAN", start, end, string(buf[:n])); ok {
			found(h)
		}
	}
}

// countryBefore is where the two letters stand that lead to the check digits
// at i, or -1.
func countryBefore(text []byte, i int) int {
	if i+2 > len(text) || !isDigit(after(text, i+1)) {
		return -1
	}
	at := i
	if at > 0 && text[at-1] == ' ' {
		at--
	}
	at -= 2
	if at < 0 || !isLetter(text[at]) || !isLetter(text[at+1]) || isWord(before(text, at)) {
		return -1
	}
	return at
}

// read reads the number that begins with a country at start and check
// digits at i. n is 0 when there is none.
func (d *iban) read(text []byte, start, i int, to []byte) (e evidence, end, n int) {
	structure := number.AccountForm(upper(text[start]), upper(text[start+1]))
	if structure == "" {
		return e, 0, 0
	}
	length := 4 + size(structure)
	to[0], to[1] = upper(text[start]), upper(text[start+1])
	lower, capital := 0, 0
	count := func(c byte) {
		if 'a' <= c && c <= 'z' {
			lower++
		} else if 'A' <= c && c <= 'Z' {
			capital++
		}
	}
	count(text[start])
	count(text[start+1])
	n, gap := 2, i > start+2
	spaced := gap
	for ; i < len(text) && n < length; i++ {
		c := text[i]
		switch {
		case isDigit(rune(c)) || isLetter(c):
			count(c)
			to[n] = upper(c)
			n, gap = n+1, false
		case (c == ' ' || c == '-' || c == '.') && !gap:
			gap = true
		default:
			return e, 0, 0
		}
	}
	if n < length || isWord(after(text, i)) || fits(structure, to[4:n]) != n-4 || !mod97(to[:n]) {
		return e, 0, 0
	}
	e.add(6.6, "checksum")
	e.add(3, "structure of "+string(to[:2]))
	if lower > 0 {
		e.add(-2, "small letters")
		if capital > 0 {
			e.add(-2, "mixed letters")
		}
	}
	if spaced {
		e.add(-1, "country apart")
	}
	return e, i, n
}

// size is the number of characters that a structure describes.
func size(structure string) int {
	sum, n := 0, 0
	for i := 0; i < len(structure); i++ {
		if c := structure[i]; c <= '9' {
			n = n*10 + int(c-'0')
		} else {
			sum, n = sum+n, 0
		}
	}
	return sum
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - ('a' - 'A')
	}
	return c
}
