package number

import "strings"

// germany are the numbers of Germany.
var germany = []kind{
	// § 139b AO: Identifikationsnummer, ISO/IEC 7064 MOD 11,10, one digit may repeat.
	{name: "DE_TAX_ID", drop: " ./", check: germanTax},
	// ELSTER, Prüfung der Steuer- und Steueridentifikationsnummer: forms of the states and of the federation.
	{name: "DE_TAX_NUMBER", drop: " /", check: func(b []byte) bool {
		return digits(b, 10, 11) || digits(b, 13) && b[4] == '0' && germanState(b)
	}},
	// Bundeszentralamt für Steuern: USt-IdNr., ISO/IEC 7064 MOD 11,10.
	{name: "DE_VAT", lead: "DE ", check: germanVAT},
	// VKVV §§ 2 and 4: Versicherungsnummer, area, birth date, initial, serial, weights 2, 1, 2, 5, 7, 1, 2, 1.
	{name: "DE_SOCIAL_SECURITY", check: germanSocial},
	{name: "DE_SVNR", check: germanSocial},
	// § 290 SGB V: Krankenversichertennummer, letter and nine digits, weights 1 and 2.
	{name: "DE_HEALTH_INSURANCE", check: func(b []byte) bool {
		if !shaped(b, "A999999999") {
			return false
		}
		n := int(b[0]-'A') + 1
		room := [10]byte{byte('0' + n/10), byte('0' + n%10)}
		copy(room[2:], b[1:9])
		return is(b[9], crossed(room[:], 1, 2, 1, 2, 1, 2, 1, 2, 1, 2)%10)
	}},
	// KBV, Richtlinie nach § 75 Abs. 7 SGB V: Arztnummer, weights 4 and 9, field of medicine.
	{name: "DE_LANR", check: func(b []byte) bool {
		return digits(b, 9) && value(b) > 0 && is(b[6], (10-weigh(b, 4, 9, 4, 9, 4, 9)%10)%10)
	}},
	// KBV: Betriebsstättennummer, region of the association in front.
	{name: "DE_BSNR", check: func(b []byte) bool { return digits(b, 9) && value(b[:2]) > 0 && value(b[2:]) > 0 }},
	// PAuswV and ICAO Doc 9303: eight characters and their check digit.
	{name: "DE_ID_CARD", check: func(b []byte) bool { return germanDocument(b, germanLetters) && letter(b[0]) }},
	// PassV and ICAO Doc 9303: serial of nine characters, perhaps with its check digit.
	{name: "DE_PASSPORT", check: func(b []byte) bool {
		return len(b) == 9 && oneOf(b[0], "CFGHJKLMNPRTVWXYZ") && within(b, germanLetters) ||
			len(b) == 10 && within(b[:9], germanLetters) && is(b[9], travel(b[:9]))
	}},
	// PAuswV: the row of numbers on cards until 2010 and in the machine readable zone.
	{name: "DE_PWNR", drop: " -<", check: germanCard},
	// FeV annex 8: licensing office, serial, check character, issue.
	{name: "DE_DRIVER_LICENCE", check: func(b []byte) bool {
		return len(b) == 11 && alphanumeric(b[0]) && every(b[1:3], digit) && within(b[3:], alphabet36) && every(b[9:10], alphanumeric)
	}},
	// Registergerichte: court, register, number.
	{name: "DE_HANDELSREGISTER", check: never, exact: germanRegister},
	// KoSIT, Formatspezifikation Leitweg-ID: coarse, fine and check part, MOD 97-10.
	{name: "DE_LEITWEG", check: never, exact: germanRoute},
}

const germanLetters = "0123456789CFGHJKLMNPRTVWXYZ"

func germanTax(b []byte) bool {
	if !digits(b, 11) || b[0] == '0' || !hybrid(b, decimals) {
		return false
	}
	var times [10]int
	repeated := 0
	for _, c := range b[:10] {
		times[c-'0']++
		switch times[c-'0'] {
		case 2:
			repeated++
		case 4:
			return false
		}
	}
	return repeated <= 1
}

// germanState knows the first digits of the federation's form.
func germanState(b []byte) bool {
	switch {
	case listed(b[:2], "10 11 21 22 23 24 26 27 28 30 31 32 40 41 "):
		return true
	}
	return b[0] == '5' || b[0] == '9' || b[0] == '1' || b[0] == '2' || b[0] == '3' || b[0] == '4'
}

func germanVAT(b []byte) bool { return digits(b, 9) && b[0] != '0' && hybrid(b, decimals) }

func germanSocial(b []byte) bool {
	if len(b) != 12 || !every(b[:8], digit) || !letter(b[8]) || !every(b[9:], digit) || !germanArea(value(b[:2])) {
		return false
	}
	day, month := value(b[2:4]), value(b[4:6])
	if day > 50 {
		day -= 50 // the serials of that day were used up
	}
	if !someYear(value(b[6:8]), month, day) && !(day <= 31 && month == 0) {
		return false
	}
	n := int(b[8]-'A') + 1
	room := [12]byte{8: byte('0' + n/10), 9: byte('0' + n%10), 10: b[9], 11: b[10]}
	copy(room[:], b[:8])
	return is(b[11], crossed(room[:], 2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)%10)
}

// germanArea are the areas of the pension insurances, and 40 more.
func germanArea(n int) bool {
	if n >= 80 {
		return n <= 82 || n == 89
	}
	if n > 40 {
		n -= 40
	}
	switch {
	case n >= 2 && n <= 4, n >= 8 && n <= 21, n >= 23 && n <= 26, n == 28, n == 29, n >= 38 && n <= 40:
		return true
	}
	return false
}

func germanDocument(b []byte, alphabet string) bool {
	return len(b) == 9 && within(b[:8], alphabet) && is(b[8], travel(b[:8]))
}

// germanCard is a serial with its check digit, alone or followed by birth
// date and expiry with theirs and one over all.
func germanCard(b []byte) bool {
	n := len(b)
	if n < 10 || !within(b[:9], alphabet36) || !is(b[9], travel(b[:9])) {
		return false
	}
	var room [26]byte
	rest := b[10:]
	if len(rest) > 0 && rest[0] == 'D' {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return true
	}
	if len(rest) != 15 && len(rest) != 16 || !every(rest[:14], digit) {
		return false
	}
	last := rest[len(rest)-1]
	if len(rest) == 16 && rest[14] != 'D' {
		return false
	}
	copy(room[:], b[:10])
	copy(room[10:], rest[:14])
	return is(rest[6], travel(rest[:6])) && is(rest[13], travel(rest[7:13])) && is(last, travel(room[:24]))
}

// germanRegister finds register and number; the rest is the court.
func germanRegister(s string) bool {
	court, register := 0, false
	number := 0
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == '\u00a0' }) {
		switch {
		case !register && (word == "HRA" || word == "HRB" || word == "PR" || word == "GnR" || word == "VR" || word == "SSR" || word == "GsR"):
			register = true
		case register && number == 0:
			n := len(word)
			for n > 0 && letter(word[n-1]) {
				n--
			}
			if n < 1 || n > 7 || len(word)-n > 3 || !every([]byte(word[:n]), digit) {
				return false
			}
			number = 1
		case number == 1 && every([]byte(word), letter):
			if number = 2; len(word) > 3 {
				return false
			}
		default:
			if digit(word[0]) || len(word) < 2 || number == 2 && court > 0 {
				return false
			}
			court++
		}
	}
	return register && number > 0 && court > 0 && court <= 6
}

func germanRoute(s string) bool {
	var room [longest]byte
	b, ok := compact(room[:0], s, " ")
	n := len(b)
	if !ok || n < 5 || n > 46 || b[n-3] != '-' || !digits(b[n-2:], 2) || b[0] == '-' {
		return false
	}
	coarse := 0
	for coarse < n && b[coarse] != '-' {
		coarse++
	}
	if !between(b[:coarse], 2, 12) {
		return false
	}
	if state := value(b[:2]); state != 99 && (state < 1 || state > 16) {
		return false
	}
	m := 0
	for _, c := range b {
		if c != '-' {
			room[m] = c
			m++
		}
	}
	return m-2-coarse <= 30 && mod97(room[:m])
}
