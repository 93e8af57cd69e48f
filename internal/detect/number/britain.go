package number

// britain are the numbers of the United Kingdom and Ireland.
var britain = []kind{
	// NHS Data Dictionary: NHS number, weights 10 to 2 modulus 11.
	{name: "UK_NHS", check: func(b []byte) bool { return digits(b, 10) && !same(b) && elevens(b, 10) }},
	// NHS Scotland: CHI, birth date and the same modulus 11.
	{name: "SCOTLAND_CHI", check: func(b []byte) bool {
		return digits(b, 10) && someYear(value(b[4:6]), value(b[2:4]), value(b[:2])) && elevens(b, 10)
	}},
	// HM Revenue & Customs, NIM39110: two letters, six digits, A to D.
	{name: "UK_NINO", check: func(b []byte) bool {
		return (shaped(b, "AA999999A") && b[8] <= 'D' || shaped(b, "AA999999")) && britishPrefix(b)
	}},
	// HM Revenue & Customs: unique taxpayer reference, the first digit checks the others, modulus 11.
	{name: "UK_UTR", check: func(b []byte) bool {
		if len(b) == 11 && b[10] == 'K' {
			b = b[:10]
		}
		return digits(b, 10) && b[0] == "21987654321"[weigh(b[1:], 6, 7, 8, 9, 10, 5, 4, 3, 2)%11]
	}},
	// HM Revenue & Customs: VAT, modulus 97 or 97-55; government departments and health authorities.
	{name: "UK_VAT", lead: "GB XI ", check: britishVAT},
	// Department for Education: unique pupil number, weights 2 to 13 modulus 23.
	{name: "UK_UPN", check: pupil},
	// DVLA: driver number, surname, birth date in its second part, initials.
	{name: "UK_DRIVER_LICENCE", check: britishDriver},
	// Royal Mail, Postcode Address File: outward and inward code.
	{name: "UK_POSTCODE", check: postcode},
	// Department of Social Protection: PPSN, weights 8 to 2 and 9 modulus 23.
	{name: "IE_PPS", check: func(b []byte) bool {
		return shaped(b, "9999999A") && irish(b[:7], 0) == b[7] ||
			shaped(b, "9999999AA") && irishSecond(b[8]) >= 0 && irish(b[:7], irishSecond(b[8])) == b[7]
	}},
	// Revenue Commissioners: VAT, as the PPSN, or an older form.
	{name: "IE_VAT", lead: "IE ", check: irishVAT},
}

// elevens is a check digit of falling weights modulus 11, where 10 is none.
func elevens(b []byte, from int) bool {
	n := len(b) - 1
	return is(b[n], (11-falling(b[:n], from)%11)%11)
}

func britishPrefix(b []byte) bool {
	if oneOf(b[0], "DFIQUV") || oneOf(b[1], "DFIOQUV") {
		return false
	}
	return !listed(b[:2], "BG GB KN NK NT TN ZZ ")
}

func britishVAT(b []byte) bool {
	switch {
	case len(b) == 5 && every(b[2:], digit):
		n := value(b[2:])
		return string(b[:2]) == "GD" && n < 500 || string(b[:2]) == "HA" && n >= 500
	case len(b) == 11 && every(b[2:], digit) && string(b[2:6]) == "8888":
		n := value(b[6:9])
		return (string(b[:2]) == "GD" && n < 500 || string(b[:2]) == "HA" && n >= 500) && n%97 == value(b[9:])
	case digits(b, 9, 12):
		n := (falling(b[:7], 8) + value(b[7:9])) % 97
		return value(b[:9]) > 0 && (n == 0 || n == 42 && value(b[:3]) >= 100)
	}
	return false
}

// pupil checks the letter in front; the last character is a digit, or a
// letter for a number that was given for a time.
func pupil(b []byte) bool {
	const letters = "ABCDEFGHJKLMNPQRTUVWXYZ"
	if len(b) != 13 || !every(b[1:12], digit) || !digit(b[12]) && !oneOf(b[12], letters) {
		return false
	}
	sum := 0
	for i, c := range b[1:] {
		n := int(c - '0')
		if letter(c) {
			n = place(c, letters)
		}
		sum += n * (i + 2)
	}
	authority := value(b[1:4])
	return b[0] == letters[sum%23] && authority >= 201
}

func britishDriver(b []byte) bool {
	if len(b) == 18 {
		b = b[:16] // with the number of the issue
	}
	if len(b) != 16 {
		return false
	}
	for i := 1; i < 5; i++ {
		if !letter(b[i]) && b[i] != '9' || letter(b[i]) && b[i-1] == '9' {
			return false
		}
	}
	if !letter(b[0]) || !every(b[5:11], digit) || !letter(b[11]) || !alphanumeric(b[12]) || !digit(b[13]) || !letter(b[14]) ||
		!letter(b[15]) || digit(b[12]) && b[12] != '9' {
		return false
	}
	month := value(b[6:8])
	if month > 50 {
		month -= 50
	}
	return someYear(int(b[5]-'0')*10+int(b[10]-'0'), month, value(b[8:10]))
}

func postcode(b []byte) bool {
	n := len(b) - 3
	if n < 2 || n > 4 || !digit(b[n]) || !within(b[n+1:], "ABDEFGHJLNPQRSTUWXYZ") {
		return false
	}
	if string(b) == "GIR0AA" {
		return true
	}
	out := b[:n]
	if !letter(out[0]) || oneOf(out[0], "QVX") {
		return false
	}
	switch {
	case shaped(out, "A9"), shaped(out, "A99"), shaped(out, "A9A") && oneOf(out[2], "ABCDEFGHJKPSTUW"):
		return true
	case shaped(out, "AA9"), shaped(out, "AA99"), shaped(out, "AA9A") && oneOf(out[3], "ABEHMNPRVWXY"):
		return !oneOf(out[1], "IJZ")
	}
	return false
}

// irish is the check letter of seven digits and what the second letter adds.
func irish(b []byte, more int) byte { return "WABCDEFGHIJKLMNOPQRSTUV"[(falling(b, 8)+9*more)%23] }

// irishSecond is the value of a second letter, or -1: A to I since 2013, W, T
// and X before.
func irishSecond(c byte) int {
	switch {
	case 'A' <= c && c <= 'I':
		return int(c-'A') + 1
	case oneOf(c, "WTX"):
		return 0
	}
	return -1
}

func irishVAT(b []byte) bool {
	switch {
	case shaped(b, "9999999A"):
		return irish(b[:7], 0) == b[7]
	case shaped(b, "9999999AA"):
		return irishSecond(b[8]) >= 0 && irish(b[:7], irishSecond(b[8])) == b[7]
	case len(b) == 8 && digit(b[0]) && (letter(b[1]) || b[1] == '+' || b[1] == '*') && every(b[2:7], digit) && letter(b[7]):
		old := [7]byte{'0', b[2], b[3], b[4], b[5], b[6], b[0]}
		return irish(old[:], 0) == b[7]
	}
	return false
}
