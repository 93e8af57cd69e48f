package dlp

import (
	"strings"

	"postern.dev/postern/internal/detect"
)

// iban finds international bank account numbers.
type iban struct {
	words     *vocabulary
	of        topic
	countries *countries
}

func (*iban) ID() string { return "iban" }

// structures are the national parts behind country code and check digits, in
// the notation of the IBAN registry: n digits, a capital letters, c both.
const structures = "AD4n4n12c AE3n16n AL8n16c AO21n AT5n11n AZ4a20c BA16n BE12n BG4a6n8c BH4a14c BI5n5n11n2n BR8n5n10n1a1c " +
	"BY4c4n16c CH5n12c CR18n CY8n16c CZ20n DE18n DJ5n5n11n2n DK14n DO4c20n DZ22n EE16n EG25n ES20n FI14n FK2a12n " +
	"FO14n FR10n11c2n GB4a14n GE2a16n GI4a15c GL14n GR7n16c GT4c20c HN4a20n HR17n HU24n IE4a14n IL19n IQ4a15n IR22n " +
	"IS22n IT1a10n12c JO4a4n18c KW4a22c KZ3n13c LB4n20c LC4a24c LI5n12c LT16n LU3n13c LV4a13c LY21n MC10n11c2n " +
	"MD2c18c ME18n MK3n10c2n MN16n MR23n MT4a5n18c MU4a19n3a MZ21n NI4a20n NL4a10n NO11n OM3n16c PK4a16c PL24n " +
	"PS4a21c PT21n QA4a21c RO4a16c RS18n RU14n15c SA2n18c SC4a20n3a SD14n SE20n SI15n SK20n SM1a10n12c SO19n ST21n " +
	"SV4a20n TL19n TN20n TR5n1n16c UA6n19c VA18n VG4a16n XK16n YE4a4n18c"

// countries leads from two capital letters to a structure.
type countries [26 * 26]string

func newCountries() *countries {
	c := new(countries)
	for _, s := range strings.Fields(structures) {
		c[int(s[0]-'A')*26+int(s[1]-'A')] = s[2:]
	}
	return c
}

// structure is that of a country; "" for none.
func (c *countries) structure(a, b byte) string {
	return c[int(a-'A')*26+int(b-'A')]
}

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
	structure := d.countries.structure(upper(text[start]), upper(text[start+1]))
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
