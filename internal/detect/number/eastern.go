package number

// eastern are the numbers of Russia, Ukraine, Belarus, Moldova, Kazakhstan
// and Azerbaijan.
var eastern = []kind{
	// ФНС: ИНН of companies (10) and persons (12), modulus 11.
	{name: "RU_INN", lead: "RU ", check: func(b []byte) bool {
		if digits(b, 10) {
			return is(b[9], weigh(b, 2, 4, 10, 3, 5, 9, 4, 6, 8)%11%10)
		}
		return digits(b, 12) && is(b[10], weigh(b, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)%11%10) &&
			is(b[11], weigh(b, 3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)%11%10)
	}},
	// ФНС: ОГРН, modulus 11, and ОГРНИП, modulus 13; kind and region.
	{name: "RU_OGRN", check: func(b []byte) bool {
		if len(b) < 13 || !every(b, digit) || b[0] == '0' || value(b[3:5]) == 0 {
			return false
		}
		n := len(b) - 1
		return n == 12 && b[0] != '3' && is(b[12], value(b[:12])%11%10) || n == 14 && b[0] == '3' && is(b[14], value(b[:14])%13%10)
	}},
	// Социальный фонд: СНИЛС, weights 9 to 1 modulus 101.
	{name: "RU_SNILS", check: func(b []byte) bool {
		return digits(b, 11) && value(b[:9]) > 1001998 && falling(b[:9], 9)%101%100 == value(b[9:])
	}},
	// Державна податкова служба: РНОКПП, days since 1899-12-31, weights -1, 5, 7, 9, 4, 6, 10, 5, 7 modulus 11.
	{name: "UA_RNTRC", check: func(b []byte) bool {
		return digits(b, 10) && is(b[9], (weigh(b, -1, 5, 7, 9, 4, 6, 10, 5, 7)%11+11)%11%10)
	}},
	// Держстат: ЄДРПОУ, two passes modulus 11, weights by the range.
	{name: "UA_EDRPOU", check: func(b []byte) bool {
		if !digits(b, 8) {
			return false
		}
		n := weigh(b, 1, 2, 3, 4, 5, 6, 7) % 11
		if b[0] >= '3' && b[0] <= '5' {
			n = weigh(b, 7, 1, 2, 3, 4, 5, 6) % 11
		}
		if n == 10 {
			n = weigh(b, 3, 4, 5, 6, 7, 8, 9) % 11
			if b[0] >= '3' && b[0] <= '5' {
				n = weigh(b, 9, 3, 4, 5, 6, 7, 8) % 11
			}
			n %= 10
		}
		return is(b[7], n)
	}},
	// Министерство по налогам и сборам: УНП, weights 29, 23, 19, 17, 13, 7, 5, 3 modulus 11.
	{name: "BY_UNP", lead: "BY UNP \u0423\u041d\u041f \u0443\u043d\u043f ", check: belarusian},
	// Agenția Servicii Publice: IDNO and IDNP, weights 7, 3, 1 modulus 10.
	{name: "MD_IDNO", check: func(b []byte) bool {
		return digits(b, 13) && is(b[12], weigh(b, 7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1)%10)
	}},
	// Закон РК о национальных реестрах: ИИН, birth date, two passes modulus 11.
	{name: "KZ_IIN", check: func(b []byte) bool {
		return digits(b, 12) && b[6] >= '1' && b[6] <= '6' && someYear(value(b[:2]), value(b[2:4]), value(b[4:6])) && kazakh(b)
	}},
	// Закон РК о национальных реестрах: БИН, month of registration, two passes modulus 11.
	{name: "KZ_BIN", check: func(b []byte) bool {
		return digits(b, 12) && value(b[2:4]) >= 1 && value(b[2:4]) <= 12 && oneOf(b[4], "456") && kazakh(b)
	}},
	// Dövlət Vergi Xidməti: VÖEN, region, 1 for companies and 2 for persons.
	{name: "AZ_VOEN", lead: "AZ ", check: azerbaijani},
	{name: "AZ_TIN", check: func(b []byte) bool { return digits(b, 10) }},
}

func belarusian(b []byte) bool {
	const letters = "ABCEHKM"
	if len(b) != 9 || !every(b[2:], digit) || value(b[2:]) == 0 {
		return false
	}
	first, second := int(b[0]-'0'), int(b[1]-'0')
	if !digit(b[0]) {
		first, second = place(b[0], letters)+10, place(b[1], "ABCEHKMOPT")
		if first < 10 || second < 0 {
			return false
		}
	} else if !digit(b[1]) || b[0] == '0' {
		return false
	}
	return is(b[8], (29*first+23*second+weigh(b[2:], 19, 17, 13, 7, 5, 3))%11)
}

func kazakh(b []byte) bool {
	n := weigh(b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11) % 11
	if n == 10 {
		n = weigh(b, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2) % 11
	}
	return is(b[11], n)
}

func azerbaijani(b []byte) bool {
	var room [10]byte
	if len(b) == 9 {
		room[0] = '0'
		copy(room[1:], b)
		b = room[:]
	}
	return digits(b, 10) && (b[9] == '1' || b[9] == '2') && is(b[8], weigh(b, 4, 1, 8, 6, 2, 7, 5, 3)%11)
}
