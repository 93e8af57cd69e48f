package number

// benelux are the numbers of Belgium, the Netherlands and Luxembourg.
var benelux = []kind{
	// Rijksregister, KB 3 april 1984: birth date, serial, 97 minus the remainder; a 2 in front since 2000.
	{name: "BE_NN", check: func(b []byte) bool { return digits(b, 11) && belgianDate(b) && belgianRegister(b) }},
	// Kruispuntbank: bis number, 20 or 40 more in the month.
	{name: "BE_BIS", check: func(b []byte) bool { return digits(b, 11) && belgianMonth(b) && belgianRegister(b) }},
	{name: "BE_SSN", check: belgianSocial},
	{name: "BE_INSZ", check: belgianSocial},
	// FOD Binnenlandse Zaken: identity card, ten digits modulus 97.
	{name: "BE_EID", check: func(b []byte) bool { return digits(b, 12) && belgian97(b[:10], b[10:]) }},
	// KBO: enterprise and VAT number, 97 minus the remainder.
	{name: "BE_VAT", lead: "BE ", drop: slash + "()", check: belgianVAT},
	// Rijksdienst voor Identiteitsgegevens: burgerservicenummer, the eleven test with -1.
	{name: "NL_BSN", check: func(b []byte) bool { return digits(b, 8, 9) && dutchEleven(b) == 0 && value(b) > 0 }},
	// DUO: onderwijsnummer, begins with 10, the eleven test leaves 5.
	{name: "NL_ONDERWIJSNUMMER", check: func(b []byte) bool {
		return digits(b, 9) && string(b[:2]) == "10" && dutchEleven(b) == 5
	}},
	// Belastingdienst: btw-nummer, a BSN or RSIN, or since 2020 MOD 97-10 over all.
	{name: "NL_BTW", check: dutchVAT},
	// Regeling aanvraag en afgifte rijdocumenten: nine characters, no letter O.
	{name: "NL_IDENTITEITSKAARTNUMMER", check: func(b []byte) bool {
		return len(b) == 9 && letter(b[0]) && letter(b[1]) && within(b, "0123456789ABCDEFGHIJKLMNPQRSTUVWXYZ") && digit(b[8])
	}},
	// RDW: rijbewijsnummer, ten digits, the first 3 to 9.
	{name: "NL_DRIVER_LICENCE", check: func(b []byte) bool { return digits(b, 10) && b[0] >= '3' }},
	// DUO: BRIN of a school, and of its place.
	{name: "NL_BRIN", check: func(b []byte) bool { return shaped(b, "99AA") || shaped(b, "99AA99") }},
	// PostNL: four digits and two letters; not SA, SD, SS.
	{name: "NL_POSTCODE", lead: "NL ", check: func(b []byte) bool {
		return shaped(b, "9999AA") && b[0] != '0' && !listed(b[4:], "SA SD SS ")
	}},
	// CTIE: matricule, birth date, Luhn over the twelve, Verhoeff over the eleven digits.
	{name: "LU_TIN", check: luxembourgPerson},
	// Administration de l'enregistrement: TVA, six digits modulus 89.
	{name: "LU_TVA", lead: "LU ", check: luxembourgVAT},
}

// belgianDate takes a date, or a year with month and day unknown.
func belgianDate(b []byte) bool {
	yy, month, day := value(b[:2]), value(b[2:4]), value(b[4:6])
	return month == 0 && day <= 31 || month <= 12 && day == 0 || someYear(yy, month, day) && belgianCentury(b, month, day)
}

// belgianCentury is the date in the century that the check digits mean.
func belgianCentury(b []byte, month, day int) bool {
	n, check := value(b[:9]), value(b[9:])
	return 97-n%97 == check && date(1900+value(b[:2]), month, day) ||
		97-(2000000000+n)%97 == check && date(2000+value(b[:2]), month, day)
}

func belgianRegister(b []byte) bool {
	n, check := value(b[:9]), value(b[9:])
	return 97-n%97 == check || 97-(2000000000+n)%97 == check && 2000+value(b[:2]) <= lastBirth
}

func belgianMonth(b []byte) bool {
	month := value(b[2:4])
	return month >= 20 && month <= 32 || month >= 40 && month <= 52
}

func belgianSocial(b []byte) bool {
	return digits(b, 11) && (belgianDate(b) || belgianMonth(b)) && belgianRegister(b)
}

func belgianVAT(b []byte) bool {
	var room [10]byte
	if len(b) == 9 {
		room[0] = '0'
		copy(room[1:], b)
		b = room[:]
	}
	return digits(b, 10) && b[0] <= '1' && value(b[:8]) > 0 && 97-value(b[:8])%97 == value(b[8:])
}

// dutchEleven is what the eleven test leaves.
func dutchEleven(b []byte) int {
	n := len(b) - 1
	return ((falling(b[:n], n+1)-int(b[n]-'0'))%11 + 11) % 11
}

func dutchVAT(b []byte) bool {
	if len(b) > 2 && string(b[:2]) == "NL" {
		b = b[2:]
	}
	if len(b) < 10 || len(b) > 12 {
		return false
	}
	whole := [14]byte{'N', 'L', '0', '0'} // zeros in front may be left out
	copy(whole[14-len(b):], b)
	b = whole[2:]
	if !shaped(b, "999999999B99") || string(b[10:]) == "00" || value(b[:9]) == 0 {
		return false
	}
	return dutchEleven(b[:9]) == 0 || mod97(whole[:])
}

func luxembourgPerson(b []byte) bool {
	if !digits(b, 13) || !date(value(b[:4]), value(b[4:6]), value(b[6:8])) || !luhn(b[:12]) {
		return false
	}
	var room [12]byte
	return verhoeff(append(append(room[:0], b[:11]...), b[12]))
}

func luxembourgVAT(b []byte) bool { return digits(b, 8) && value(b[:6])%89 == value(b[6:]) }
