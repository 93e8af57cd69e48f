package number

// central are the numbers of Poland, Czechia, Slovakia and Hungary.
var central = []kind{
	// Ministerstwo Spraw Wewnętrznych: PESEL, birth date with the century in the month, weights 1, 3, 7, 9.
	{name: "PL_PESEL", drop: " ", check: polishPESEL},
	// Ministerstwo Finansów: NIP, weights 6, 5, 7, 2, 3, 4, 5, 6, 7 modulus 11.
	{name: "PL_NIP", lead: "PL ", check: polishNIP},
	{name: "PL_NIP_OR_PESEL", check: func(b []byte) bool { return polishPESEL(b) || polishNIP(b) }},
	// GUS: REGON of nine or fourteen digits, modulus 11.
	{name: "PL_REGON", check: func(b []byte) bool {
		short := func(b []byte) bool { return is(b[8], weigh(b, 8, 9, 2, 3, 4, 5, 6, 7)%11%10) }
		return digits(b, 9) && short(b) ||
			digits(b, 14) && short(b) && is(b[13], weigh(b, 2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8)%11%10)
	}},
	// Rozporządzenie MSWiA: dowód osobisty, three letters and six digits, weights 7, 3, 1.
	{name: "PL_ID_CARD", check: func(b []byte) bool {
		if !shaped(b, "AAA999999") {
			return false
		}
		sum := 0
		for i, w := range [9]int{7, 3, 1, 9, 7, 3, 1, 7, 3} {
			sum += place(b[i], alphabet36) * w
		}
		return sum%10 == 0
	}},
	// Zákon 133/2000 Sb.: rodné číslo, birth date, modulus 11 since 1954.
	{name: "CZ_RC", drop: " /", check: czechBirth},
	{name: "SK_RC", drop: " /", check: slovakBirth},
	// Český statistický úřad: IČO, weights 8 to 2 modulus 11.
	{name: "CZ_ICO", check: func(b []byte) bool { return digits(b, 8) && czechCompany(b) }},
	// Finanční správa: DIČ, IČO, rodné číslo or a number of its own.
	{name: "CZ_DIC", lead: "CZ ", drop: slash, check: czechVAT},
	// Finančná správa: IČ DPH, divisible by 11.
	{name: "SK_DPH", lead: "SK ", check: slovakVAT},
	// NAV: adószám, weights 9, 7, 3, 1 modulus 10, perhaps with the kind of tax and the county.
	{name: "HU_ANUM", lead: "HU ", check: func(b []byte) bool {
		return hungarianVAT(b) || digits(b, 11) && hungarianVAT(b[:8]) && b[8] >= '1' && b[8] <= '5'
	}},
	// NAV: adóazonosító jel, begins with 8, weights 1 to 9 modulus 11.
	{name: "HU_TIN", check: func(b []byte) bool {
		return digits(b, 10) && b[0] == '8' && is(b[9], weigh(b, 1, 2, 3, 4, 5, 6, 7, 8, 9)%11)
	}},
	// 1996. évi XX. törvény: TAJ szám, weights 3 and 7 modulus 10.
	{name: "HU_TAJ", check: func(b []byte) bool { return digits(b, 9) && !same(b) && is(b[8], weigh(b, 3, 7, 3, 7, 3, 7, 3, 7)%10) }},
	// 1996. évi XX. törvény: személyi azonosító, sex and century, birth date, modulus 11.
	{name: "HU_PERSONAL_ID", check: func(b []byte) bool {
		if !digits(b, 11) || b[0] < '1' || b[0] > '8' || !someYear(value(b[1:3]), value(b[3:5]), value(b[5:7])) {
			return false
		}
		return is(b[10], weigh(b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)%11) || is(b[10], weigh(b, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)%11)
	}},
}

func polishPESEL(b []byte) bool {
	if !digits(b, 11) || weigh(b, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)%10 != 0 {
		return false
	}
	month := value(b[2:4])
	century := [5]int{1900, 2000, 2100, 2200, 1800}[month/20]
	return calendar(century+value(b[:2]), month%20, value(b[4:6])) && (century != 2000 || century+value(b[:2]) <= 2099)
}

func polishNIP(b []byte) bool {
	return digits(b, 10) && value(b[:3]) > 0 && is(b[9], weigh(b, 6, 5, 7, 2, 3, 4, 5, 6, 7)%11)
}

func czechBirth(b []byte) bool {
	if !digits(b, 9, 10) {
		return false
	}
	year, month, day := 1900+value(b[:2]), value(b[2:4]), value(b[4:6])
	if month > 50 {
		month -= 50
	}
	if len(b) == 9 {
		if year > 1953 {
			year -= 100
		}
		return date(year, month, day)
	}
	if year+100 <= lastBirth {
		year += 100
	}
	if month > 20 && year > 2003 {
		month -= 20
	}
	return date(year, month, day) && is(b[9], value(b[:9])%11%10)
}

// slovakBirth takes old numbers as they come, of which there were some that
// are not divisible.
func slovakBirth(b []byte) bool {
	if !digits(b, 9, 10) {
		return false
	}
	return czechBirth(b)
}

func czechCompany(b []byte) bool { return is(b[7], (11-falling(b[:7], 8)%11)%10) }

func czechVAT(b []byte) bool {
	switch len(b) {
	case 8:
		return every(b, digit) && b[0] != '9' && czechCompany(b)
	case 9:
		if every(b, digit) && b[0] == '6' && czechSpecial(b) {
			return true
		}
	}
	return czechBirth(b)
}

// czechSpecial are payers without a birth number.
func czechSpecial(b []byte) bool {
	n := falling(b[1:8], 8) % 11
	return b[8] == "87654321098"[(10-n+11)%11]
}

func slovakVAT(b []byte) bool {
	return digits(b, 10) && b[0] != '0' && oneOf(b[2], "234789") && value(b)%11 == 0
}

func hungarianVAT(b []byte) bool { return digits(b, 8) && weigh(b, 9, 7, 3, 1, 9, 7, 3, 1)%10 == 0 }
