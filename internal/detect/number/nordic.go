package number

// nordic are the numbers of Denmark, Finland, Iceland, Norway, Sweden and the
// Faroe Islands.
var nordic = []kind{
	// CPR-kontoret: birth date; modulus 11 is not kept since 2007.
	{name: "DK_CPR", check: func(b []byte) bool {
		return digits(b, 10) && date(danishYear(b), value(b[2:4]), value(b[:2]))
	}},
	// CPR-kontoret: with the modulus 11 of numbers given out until 2007.
	{name: "DK_CPR_MOD11", check: func(b []byte) bool {
		return digits(b, 10) && date(danishYear(b), value(b[2:4]), value(b[:2])) && weigh(b, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
	}},
	// Erhvervsstyrelsen: CVR, weights 2, 7 to 1 modulus 11.
	{name: "DK_CVR", lead: "DK ", check: danishVAT},
	// Digi- ja väestötietovirasto: henkilötunnus, sign of the century, modulus 31; decree 690/2022.
	{name: "FI_HETU", check: func(b []byte) bool { return finnishPerson(b, 899) }, exact: func(s string) bool {
		return finnishWritten(s, 899)
	}},
	// The same with the serials from 900, which are for a time or for tests.
	{name: "FI_HETU_ANY", check: func(b []byte) bool { return finnishPerson(b, 999) }, exact: func(s string) bool {
		return finnishWritten(s, 999)
	}},
	// Patentti- ja rekisterihallitus: Y-tunnus, weights 7, 9, 10, 5, 8, 4, 2 modulus 11.
	{name: "FI_YTUNNUS", lead: "FI ", check: finnishVAT},
	{name: "FI_ALV", lead: "FI ", check: finnishVAT},
	// Patentti- ja rekisterihallitus: association register, two to six digits.
	{name: "FI_ASSOCIATIONID", check: func(b []byte) bool { return between(b, 2, 6) }},
	// Verohallinto: veronumero, twelve digits.
	{name: "FI_VERONUMERO", check: func(b []byte) bool { return digits(b, 12) }},
	// Þjóðskrá: kennitala, weights 3, 2, 7 to 2 modulus 11, date (day + 40 for companies), century.
	{name: "IS_KENNITALA", check: icelandic},
	// Skatturinn: virðisaukaskattsnúmer, five or six digits.
	{name: "IS_VSK", lead: "IS ", check: func(b []byte) bool { return digits(b, 5, 6) }},
	// Skatteetaten: fødselsnummer and D-nummer, two digits modulus 11.
	{name: "NO_FODSELSNUMMER", check: norwegianPerson},
	// Brønnøysundregistrene: organisasjonsnummer, weights 3, 2, 7 to 2 modulus 11.
	{name: "NO_ORGNR", check: norwegianCompany},
	{name: "NO_MVA", lead: "NO ", check: func(b []byte) bool {
		n := len(b) - 3
		return n == 9 && string(b[n:]) == "MVA" && norwegianCompany(b[:n])
	}},
	// Skatteverket SKV 704: personnummer and samordningsnummer, Luhn.
	{name: "SE_PERSONNUMMER", drop: " -+", check: swedishPerson},
	// Bolagsverket: organisationsnummer, Luhn.
	{name: "SE_ORGNR", check: func(b []byte) bool {
		return digits(b, 10) && luhn(b)
	}},
	// Skatteverket: VAT number, the organisation and "01".
	{name: "SE_VAT", lead: "SE ", check: swedishVAT},
	// PostNord: five digits.
	{name: "SE_POSTNUMMER", lead: "SE ", check: func(b []byte) bool { return digits(b, 5) && b[0] != '0' }},
	// TAKS: V-tal, six digits.
	{name: "FO_VN", lead: "FO ", check: func(b []byte) bool { return digits(b, 6) }},
}

func danishYear(b []byte) int {
	yy := value(b[4:6])
	switch c := b[6]; {
	case c <= '3':
		return 1900 + yy
	case (c == '4' || c == '9') && yy >= 37:
		return 1900 + yy
	case c >= '5' && c <= '8' && yy >= 58:
		return 1800 + yy
	}
	return 2000 + yy
}

func danishVAT(b []byte) bool {
	return digits(b, 8) && b[0] != '0' && weigh(b, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

const (
	finnishCheck = "0123456789ABCDEFHJKLMNPRSTUVWXY"
	finnishSigns = "+-ABCDEFYXWVU"
)

// finnishWritten wants the sign of the century.
func finnishWritten(s string, last int) bool {
	var room [longest]byte
	b, ok := compact(room[:0], s, "")
	if !ok || len(b) != 11 || !oneOf(b[6], finnishSigns) {
		return false
	}
	century := 1900
	switch {
	case b[6] == '+':
		century = 1800
	case oneOf(b[6], "ABCDEF"):
		century = 2000
	}
	return every(b[:6], digit) && calendar(century+value(b[4:6]), value(b[2:4]), value(b[:2])) && finnishSum(b[:6], b[7:], last)
}

// finnishPerson takes the compact form, in which the signs + and - are left
// out.
func finnishPerson(b []byte, last int) bool {
	switch {
	case len(b) == 11:
		return oneOf(b[6], finnishSigns[2:]) && every(b[:6], digit) &&
			someYear(value(b[4:6]), value(b[2:4]), value(b[:2])) && finnishSum(b[:6], b[7:], last)
	case len(b) == 10:
		return every(b[:6], digit) && date(1900+value(b[4:6]), value(b[2:4]), value(b[:2])) && finnishSum(b[:6], b[6:], last)
	}
	return false
}

// finnishSum checks a serial between 002 and last and the check character.
func finnishSum(birth, rest []byte, last int) bool {
	if len(rest) != 4 || !every(rest[:3], digit) {
		return false
	}
	serial := value(rest[:3])
	return serial >= 2 && serial <= last && rest[3] == finnishCheck[(value(birth)*1000+serial)%31]
}

func finnishVAT(b []byte) bool { return digits(b, 8) && weigh(b, 7, 9, 10, 5, 8, 4, 2, 1)%11 == 0 }

func icelandic(b []byte) bool {
	if !digits(b, 10) || !oneOf(b[9], "890") || weigh(b, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 != 0 {
		return false
	}
	year := [10]int{0: 2000, 8: 1800, 9: 1900}[b[9]-'0'] + value(b[4:6])
	day := value(b[:2])
	if day > 40 {
		day -= 40
	}
	return date(year, value(b[2:4]), day)
}

func norwegianPerson(b []byte) bool {
	if !digits(b, 11) || weigh(b, 3, 7, 6, 1, 8, 9, 4, 5, 2, 1)%11 != 0 || weigh(b, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 != 0 {
		return false
	}
	day, month, yy, serial := value(b[:2]), value(b[2:4]), value(b[4:6]), value(b[6:9])
	if day > 40 {
		day -= 40 // D-nummer
	}
	switch {
	case month > 80:
		month -= 80 // made for tests
	case month > 40:
		month -= 40 // H-nummer, and made for tests
	}
	switch {
	case serial < 500:
		return date(1900+yy, month, day)
	case serial < 750 && yy >= 54:
		return date(1800+yy, month, day)
	case yy < 40:
		return date(2000+yy, month, day)
	case serial >= 900:
		return date(1900+yy, month, day)
	}
	return false
}

func norwegianCompany(b []byte) bool {
	return digits(b, 9) && weigh(b, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

func swedishPerson(b []byte) bool {
	if !digits(b, 10, 12) {
		return false
	}
	short := b[len(b)-10:]
	month, day := value(short[2:4]), value(short[4:6])
	if day > 60 {
		day -= 60 // samordningsnummer
	}
	if !luhn(short) {
		return false
	}
	if len(b) == 12 {
		return date(value(b[:4]), month, day)
	}
	return someYear(value(short[:2]), month, day)
}

func swedishVAT(b []byte) bool { return digits(b, 12) && string(b[10:]) == "01" && luhn(b[:10]) }
