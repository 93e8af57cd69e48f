package number

// iberia are the numbers of Spain, Portugal and Andorra.
var iberia = []kind{
	// Real Decreto 1553/2005: DNI, eight digits and a letter modulus 23.
	{name: "ES_DNI", check: spanishDNI},
	// Ministerio del Interior, NIE: X, Y, Z count as 0, 1, 2.
	{name: "ES_NIE", check: spanishNIE},
	// Agencia Tributaria, Orden EHA/451/2008: CIF, modulus 10, digit or letter by the kind of company.
	{name: "ES_CIF", check: spanishCIF},
	// Real Decreto 1065/2007: NIF is one of DNI, NIE, CIF or K, L, M.
	{name: "ES_NIF", lead: "ES ", check: func(b []byte) bool {
		return spanishNIF(b) || shaped(b, "99999A") && modulo23(b[:5], b[5])
	}},
	// The same for what people write: zeros in front of a DNI are often left out.
	{name: "ES_NIF_SHORT", check: func(b []byte) bool {
		return spanishDNI(b) || shaped(b, "9999999A") && modulo23(b[:7], b[7]) ||
			shaped(b, "A9999999A") && oneOf(b[0], "KLM") && modulo23(b[1:8], b[8])
	}},
	// Tesorería General de la Seguridad Social: twelve digits modulus 97.
	{name: "ES_NSS", drop: slash, check: spanishSocial},
	// CNMC resolution: CUPS, modulus 529 as two letters.
	{name: "ES_CUPS", check: supplyPoint},
	// Correos: province and three digits.
	{name: "ES_POSTAL_CODE", check: func(b []byte) bool { return digits(b, 5) && province52(b) }},
	// Dirección General del Catastro: twenty characters, two letters modulus 23.
	{name: "ES_REFERENCIACATASTRAL", check: cadastre},
	// Agencia Tributaria, Orden HAC/1271/2019: CAE, office, key of activity, serial and a letter.
	{name: "ES_CAE", check: func(b []byte) bool {
		return shaped(b, "ES00099AX999A") && spanishOffice(b[5:7]) && oneOf(b[7], "ABCDEFHLMORTV")
	}},
	// Autoridade Tributária: NIF, weights 9 to 2 modulus 11.
	{name: "PT_NIF", lead: "PT ", check: portugueseNIF},
	// Segurança Social: NISS, primes as weights modulus 10.
	{name: "PT_NISS", check: func(b []byte) bool {
		return digits(b, 11) && (b[0] == '1' || b[0] == '2') && is(b[10], 9-weigh(b, 29, 23, 19, 17, 13, 11, 7, 5, 3, 2)%10)
	}},
	// Instituto dos Registos: Cartão de Cidadão, Luhn over digits and letters.
	{name: "PT_CC", check: portugueseCard},
	// Govern d'Andorra: NRT, letter, six digits, letter, ranges by letter.
	{name: "AD_NRT", check: func(b []byte) bool {
		if !shaped(b, "A999999A") || !oneOf(b[0], "ACDEFGLOPU") {
			return false
		}
		n := value(b[1:7])
		return (b[0] != 'F' || n <= 699999) && (b[0] != 'A' && b[0] != 'L' || n > 699999 && n < 800000)
	}},
}

func modulo23(b []byte, check byte) bool { return oddLetters23[value(b)%23] == check }

func spanishDNI(b []byte) bool { return shaped(b, "99999999A") && modulo23(b[:8], b[8]) }

func spanishNIE(b []byte) bool {
	if !shaped(b, "A9999999A") || !oneOf(b[0], "XYZ") {
		return false
	}
	n := int(b[0]-'X')*10000000 + value(b[1:8])
	return oddLetters23[n%23] == b[8]
}

func spanishCIF(b []byte) bool {
	if len(b) != 9 || !oneOf(b[0], "ABCDEFGHJNPQRSUVW") || !every(b[1:8], digit) {
		return false
	}
	check := (10 - luhnSum(b[1:8], 2)%10) % 10
	asLetter := b[8] == "JABCDEFGHI"[check]
	switch {
	case oneOf(b[0], "PQSNWR"):
		return asLetter
	case oneOf(b[0], "ABEH"):
		return is(b[8], check)
	}
	return asLetter || is(b[8], check)
}

func spanishNIF(b []byte) bool {
	return spanishDNI(b) || spanishNIE(b) || spanishCIF(b) ||
		shaped(b, "A9999999A") && oneOf(b[0], "KLM") && modulo23(b[1:8], b[8])
}

func spanishSocial(b []byte) bool {
	if !digits(b, 11, 12) || !province52(b) {
		return false
	}
	n := len(b) - 2
	serial := value(b[2:n])
	if serial < 10000000 {
		serial += value(b[:2]) * 10000000
	} else {
		serial = value(b[:n])
	}
	return serial%97 == value(b[n:])
}

func province52(b []byte) bool { n := value(b[:2]); return n >= 1 && n <= 52 }

func spanishOffice(b []byte) bool { n := value(b); return n >= 1 && n <= 56 }

func supplyPoint(b []byte) bool {
	if len(b) != 20 && len(b) != 22 || string(b[:2]) != "ES" || !every(b[2:18], digit) || !within(b[18:20], oddLetters23) {
		return false
	}
	if len(b) == 22 && (!digit(b[20]) || !oneOf(b[21], "FPRCXYZ")) {
		return false
	}
	n := value(b[2:18]) % 529
	return b[18] == oddLetters23[n/23] && b[19] == oddLetters23[n%23]
}

// cadastre compares two letters, each over one half and the number of the
// property. Ñ follows N and is two octets.
func cadastre(b []byte) bool {
	var values [20]int
	n := 0
	for i := 0; i < len(b) && n < 20; i++ {
		switch c := b[i]; {
		case digit(c):
			values[n] = int(c - '0')
		case letter(c):
			values[n] = int(c-'A') + 1
			if c > 'N' {
				values[n]++
			}
		case c == 0xc3 && i+1 < len(b) && b[i+1] == 0x91:
			values[n] = 15
			i++
		default:
			return false
		}
		n++
	}
	extra := 0
	for _, c := range b {
		if c == 0xc3 {
			extra++
		}
	}
	if n != 20 || len(b) != 20+extra || !every(b[len(b)-6:len(b)-2], digit) {
		return false
	}
	sum := func(from int) int {
		s := 0
		for i, w := range [11]int{13, 15, 12, 5, 4, 17, 9, 21, 3, 7, 1} {
			at := from + i
			if i >= 7 {
				at = 14 + i - 7
			}
			s += values[at] * w
		}
		return s % 23
	}
	const letters = "MQWERTYUIOPASDFGHJKLBZX"
	return b[len(b)-2] == letters[sum(0)] && b[len(b)-1] == letters[sum(7)]
}

func portugueseNIF(b []byte) bool {
	return digits(b, 9) && b[0] != '0' && is(b[8], (11-falling(b[:8], 9)%11)%11%10)
}

func portugueseCard(b []byte) bool {
	if !shaped(b, "999999999XX9") {
		return false
	}
	sum := 0
	for i, c := range b {
		n := place(c, alphabet36)
		if i%2 == 0 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}
