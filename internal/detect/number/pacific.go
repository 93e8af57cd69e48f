package number

// pacific are the numbers of Australia and New Zealand.
var pacific = []kind{
	// Australian Business Register: ABN, first digit less 1, odd weights modulus 89.
	{name: "AU_ABN", check: australianBusiness},
	{name: "AU_VAT", check: func(b []byte) bool { return australianBusiness(b) }, lead: "AU "},
	// ASIC: ACN, weights 8 to 1 modulus 10.
	{name: "AU_ACN", check: func(b []byte) bool { return digits(b, 9) && is(b[8], (10-falling(b[:8], 8)%10)%10) }},
	// Australian Taxation Office: TFN of nine or eight digits, modulus 11.
	{name: "AU_TFN", check: func(b []byte) bool {
		return digits(b, 9) && value(b) > 0 && weigh(b, 1, 4, 3, 7, 5, 8, 6, 9, 10)%11 == 0 ||
			digits(b, 8) && value(b) > 0 && weigh(b, 10, 7, 8, 4, 6, 3, 5, 1)%11 == 0
	}},
	// Services Australia: Medicare card, weights 1, 3, 7, 9 modulus 10, issue, person.
	{name: "AU_MEDICARE", check: func(b []byte) bool {
		return digits(b, 10, 11) && b[0] >= '2' && b[0] <= '6' && is(b[8], weigh(b, 1, 3, 7, 9, 1, 3, 7, 9)%10) && b[9] != '0'
	}},
	// Inland Revenue: IRD number, two passes modulus 11, range.
	{name: "NZ_IRD", lead: "NZ ", check: func(b []byte) bool {
		if !digits(b, 8, 9) || value(b) < 10000000 || value(b) > 150000000 {
			return false
		}
		room := [9]byte{'0'}
		copy(room[9-len(b):], b)
		n := (11 - weigh(room[:], 3, 2, 7, 6, 5, 4, 3, 2)%11) % 11
		if n == 10 {
			n = (11 - weigh(room[:], 7, 4, 3, 2, 5, 2, 7, 6)%11) % 11
		}
		return is(room[8], n)
	}},
	// Health Information Standards Organisation, HISO 10046: NHI, modulus 11, since 2022 a letter modulus 23.
	{name: "NZ_NHI", check: zealandHealth},
}

func australianBusiness(b []byte) bool {
	return digits(b, 11) && b[0] != '0' && (weigh(b, 10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)-10)%89 == 0
}

func zealandHealth(b []byte) bool {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	if len(b) != 7 || !within(b[:3], letters) {
		return false
	}
	sum := 0
	for i, c := range b[:6] {
		n := int(c - '0')
		if !digit(c) {
			if n = place(c, letters) + 1; n == 0 || i > 2 && i != 5 {
				return false
			}
		}
		sum += n * (7 - i)
	}
	if every(b[3:], digit) {
		return sum%11 != 0 && is(b[6], (11-sum%11)%10)
	}
	return every(b[3:5], digit) && letter(b[5]) && b[6] == letters[23-sum%23-0]
}
