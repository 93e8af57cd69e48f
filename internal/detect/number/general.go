package number

// general are the checksums themselves and numbers of no country.
var general = []kind{
	// ISO/IEC 7812-1 annex B.
	{name: "LUHN", check: func(b []byte) bool { return every(b, digit) && luhn(b) }},
	// J. Verhoeff 1969.
	{name: "VERHOEFF", check: func(b []byte) bool { return len(b) > 1 && every(b, digit) && verhoeff(b) }},
	// M. Damm 2004.
	{name: "DAMM", check: func(b []byte) bool { return len(b) > 1 && every(b, digit) && damm(b) }},
	// ISO/IEC 7064: the hybrid and the pure systems.
	{name: "ISO7064_MOD_11_10", check: func(b []byte) bool { return len(b) > 1 && hybrid(b, decimals) }},
	{name: "ISO7064_MOD_37_36", check: func(b []byte) bool { return len(b) > 1 && hybrid(b, alphabet36) }},
	{name: "ISO7064_MOD_11_2", check: func(b []byte) bool { return pure(b, alphabet11) }},
	{name: "ISO7064_MOD_37_2", drop: usual, check: func(b []byte) bool { return pure(b, alphabet37) }},
	{name: "ISO7064_MOD_97_10", check: func(b []byte) bool { return len(b) > 2 && mod97(b) }},
	// ISO 11649: creditor reference "RF", two check digits, up to 21 characters.
	{name: "ISO11649", check: func(b []byte) bool {
		return len(b) >= 5 && len(b) <= 25 && string(b[:2]) == "RF" && digits(b[2:4], 2) && rotated97(b)
	}},
	// Chemical Abstracts Service: registry number, modulus 10 with weights from the right.
	{name: "CASRN", drop: "-", check: casNumber, exact: func(s string) bool {
		var room [longest]byte
		b, ok := compact(room[:0], s, " ")
		if n := len(b); ok && n > 5 && b[n-2] == '-' && b[n-5] == '-' {
			b = append(append(b[:n-5], b[n-4:n-2]...), b[n-1])
		}
		return casNumber(b)
	}},
}

func casNumber(b []byte) bool {
	if !between(b, 5, 10) || b[0] == '0' {
		return false
	}
	sum := 0
	for i, c := range b[:len(b)-1] {
		sum += int(c-'0') * (len(b) - 1 - i)
	}
	return is(b[len(b)-1], sum%10)
}

// rotated97 is MOD 97-10 with the first four characters moved to the end, as
// ISO 13616 and ISO 11649 have it.
func rotated97(b []byte) bool {
	if len(b) < 5 || !every(b, alphanumeric) {
		return false
	}
	n := 0
	for i := range b {
		c := b[(i+4)%len(b)]
		if digit(c) {
			n = (n*10 + int(c-'0')) % 97
		} else {
			n = (n*100 + int(c-'A') + 10) % 97
		}
	}
	return n == 1
}
