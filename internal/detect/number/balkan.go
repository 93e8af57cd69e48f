package number

// balkan are the numbers of Romania, Bulgaria, Slovenia, Croatia, Serbia,
// Montenegro, North Macedonia, Bosnia and Albania.
var balkan = []kind{
	// Legea 105/1996: CNP, sex and century, birth date, county, weights 279146358279 modulus 11.
	{name: "RO_CNP", check: romanianPerson},
	// ANAF: CUI, weights 7, 5, 3, 2, 1, 7, 5, 3, 2 times 10 modulus 11.
	{name: "RO_CUI", lead: "RO ", check: romanianCUI},
	{name: "RO_CF", lead: "RO ", check: func(b []byte) bool { return romanianCUI(b) || romanianPerson(b) }},
	{name: "RO_CIF", lead: "RO ", check: func(b []byte) bool { return romanianCUI(b) || romanianPerson(b) }},
	// Oficiul Național al Registrului Comerțului: kind, county, serial, year; since 2024 in one with a check digit.
	{name: "RO_ONRC", check: romanianNewRegister, exact: romanianRegister},
	// ГРАО: ЕГН, birth date with the century in the month, weights 2, 4, 8, 5, 10, 9, 7, 3, 6 modulus 11.
	{name: "BG_EGN", check: bulgarianPerson},
	// МВР: личен номер на чужденец, weights 21, 19, 17, 13, 11, 9, 7, 3, 1 modulus 10.
	{name: "BG_PNF", check: bulgarianForeigner},
	// НАП and Регистър БУЛСТАТ: nine digits modulus 11 in two passes, or a person's number.
	{name: "BG_VAT", lead: "BG ", check: bulgarianVAT},
	// Zakon o centralnem registru prebivalstva: EMŠO, the Yugoslav JMBG.
	{name: "SI_EMSO", check: yugoslavPerson},
	// Zakon o jedinstvenom matičnom broju građana: JMBG, birth date, region, modulus 11.
	{name: "RS_JMBG", check: yugoslavPerson},
	{name: "BA_JMBG", check: yugoslavPerson}, {name: "ME_JMBG", check: yugoslavPerson}, {name: "MK_EMBG", check: yugoslavPerson},
	// FURS: davčna številka, weights 8 to 2 modulus 11.
	{name: "SI_DDV", lead: "SI ", check: slovenianVAT},
	// AJPES: matična številka, weights 7 to 2 modulus 11.
	{name: "SI_MATICNA", check: func(b []byte) bool {
		if len(b) == 10 {
			if !alphanumeric(b[7]) || !every(b[8:], digit) {
				return false
			}
			b = b[:7]
		}
		return digits(b, 7) && is(b[6], (11-falling(b[:6], 7)%11)%11%10) && falling(b[:6], 7)%11 != 0
	}},
	// Zakon o osobnom identifikacijskom broju: OIB, ISO/IEC 7064 MOD 11,10.
	{name: "HR_OIB", lead: "HR ", check: func(b []byte) bool { return len(b) == 11 && hybrid(b, decimals) }},
	// Poreska uprava: PIB, ISO/IEC 7064 MOD 11,10.
	{name: "RS_PIB", lead: "RS ", check: func(b []byte) bool { return len(b) == 9 && hybrid(b, decimals) }},
	// Poreska uprava Crne Gore: PIB, weights 8 to 2 modulus 11.
	{name: "ME_PIB", lead: "ME ", check: func(b []byte) bool { return digits(b, 8) && is(b[7], (11-falling(b[:7], 8)%11)%11%10) }},
	// Управа за јавни приходи: ЕДБ, weights 7 to 2 twice modulus 11.
	{name: "MK_EDB", lead: "MK \u041c\u041a \u043c\u043a ", check: func(b []byte) bool {
		return digits(b, 13) && is(b[12], (11-weigh(b, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11%10)
	}},
	// Drejtoria e Tatimeve: NIPT, letter of the decade, eight digits, letter.
	{name: "AL_NIPT", lead: "AL ", drop: usual + "()", check: func(b []byte) bool {
		return shaped(b, "A99999999A") && b[0] >= 'J' && b[0] <= 'M'
	}},
	// Gjendja Civile: NID, letter of the decade, birth date (month + 50 for women), serial, letter.
	{name: "AL_NID", check: func(b []byte) bool {
		if !shaped(b, "A99999999A") {
			return false
		}
		month := value(b[2:4])
		if month > 50 {
			month -= 50
		}
		return calendar(2000, month, value(b[4:6]))
	}},
}

func romanianPerson(b []byte) bool {
	if !digits(b, 13) || b[0] == '0' {
		return false
	}
	yy, month, day, county := value(b[1:3]), value(b[3:5]), value(b[5:7]), value(b[7:9])
	switch b[0] {
	case '1', '2':
		yy += 1900
	case '3', '4':
		yy += 1800
	case '5', '6':
		yy += 2000
	default:
		if !someYear(yy, month, day) {
			return false
		}
		yy = 2000
	}
	if !calendar(yy, month, day) || yy > lastBirth || county < 1 || county > 52 && county != 70 && (county < 80 || county > 83) {
		return false
	}
	n := weigh(b, 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9) % 11
	if n == 10 {
		n = 1
	}
	return is(b[12], n)
}

func romanianCUI(b []byte) bool {
	n := len(b)
	if !between(b, 2, 10) || b[0] == '0' {
		return false
	}
	weights := [9]int{7, 5, 3, 2, 1, 7, 5, 3, 2}
	return is(b[n-1], weigh(b, weights[10-n:]...)*10%11%10)
}

// romanianRegister reads a letter, a county, a serial and a year or a day
// between slashes, spaces or hyphens.
func romanianRegister(s string) bool {
	var room [longest]byte
	b, ok := compact(room[:0], s, "")
	if !ok || len(b) < 2 || !oneOf(b[0], "JFC") {
		return false
	}
	var parts [6][]byte
	n := 0
	for at := 1; at < len(b); {
		for at < len(b) && oneOf(b[at], " /-") {
			at++
		}
		from := at
		for at < len(b) && !oneOf(b[at], " /-") {
			at++
		}
		if from == at {
			break
		}
		if n == len(parts) {
			return false
		}
		parts[n] = b[from:at]
		n++
	}
	if n == 1 {
		return romanianNewRegister(b)
	}
	if n != 3 || !between(parts[0], 1, 2) || !between(parts[1], 1, 5) {
		return false
	}
	year := parts[2]
	if len(year) == 10 && year[2] == '.' && year[5] == '.' && every(year[:2], digit) && every(year[3:5], digit) &&
		digits(year[6:], 4) && calendar(value(year[6:]), value(year[3:5]), value(year[:2])) {
		year = year[6:]
	}
	return digits(year, 4) && value(year) >= 1990 && value(year) <= lastBirth && romanianCounty(value(parts[0]))
}

func romanianCounty(n int) bool { return n >= 1 && n <= 40 || n == 51 || n == 52 }

// romanianNewRegister is the form since July 2024: year, serial of six
// digits, county and a check digit whose rule is not public; what is new has
// 00 as its county.
func romanianNewRegister(b []byte) bool {
	if !shaped(b, "A9999999999999") || !oneOf(b[0], "JFC") {
		return false
	}
	year, county := value(b[1:5]), value(b[11:13])
	if year < 1990 || year > lastBirth {
		return false
	}
	return romanianCounty(county) && year <= 2024 || county == 0 && year >= 2024
}

func bulgarianPerson(b []byte) bool {
	if !digits(b, 10) {
		return false
	}
	year, month := 1900+value(b[:2]), value(b[2:4])
	switch {
	case month > 40:
		year, month = year+100, month-40
	case month > 20:
		year, month = year-100, month-20
	}
	return calendar(year, month, value(b[4:6])) && is(b[9], weigh(b, 2, 4, 8, 5, 10, 9, 7, 3, 6)%11%10)
}

func bulgarianForeigner(b []byte) bool {
	return digits(b, 10) && is(b[9], weigh(b, 21, 19, 17, 13, 11, 9, 7, 3, 1)%10)
}

func bulgarianVAT(b []byte) bool {
	if digits(b, 9) {
		n := weigh(b, 1, 2, 3, 4, 5, 6, 7, 8) % 11
		if n == 10 {
			n = weigh(b, 3, 4, 5, 6, 7, 8, 9, 10) % 11 % 10
		}
		return is(b[8], n)
	}
	return bulgarianPerson(b) || bulgarianForeigner(b) ||
		digits(b, 10) && is(b[9], (11-weigh(b, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11)
}

func yugoslavPerson(b []byte) bool {
	if !digits(b, 13) {
		return false
	}
	year := 1000 + value(b[4:7])
	if b[4] < '8' {
		year += 1000
	}
	return date(year, value(b[2:4]), value(b[:2])) &&
		is(b[12], (11-weigh(b, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11%10)
}

func slovenianVAT(b []byte) bool {
	return digits(b, 8) && b[0] != '0' && falling(b[:7], 8)%11 != 0 && is(b[7], (11-falling(b[:7], 8)%11)%10)
}
