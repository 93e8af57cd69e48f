package number

// southAsia are the numbers of India, Pakistan and Sri Lanka.
var southAsia = []kind{
	// UIDAI: Aadhaar, from 2, Verhoeff; no palindrome.
	{name: "IN_AADHAAR", check: func(b []byte) bool { return indianVerhoeff(b, 12) }},
	// UIDAI: virtual id of an Aadhaar, sixteen digits, Verhoeff.
	{name: "IN_VID", check: func(b []byte) bool { return indianVerhoeff(b, 16) }},
	// Income Tax Department, rule 114: PAN, kind of holder in the fourth place.
	{name: "IN_PAN", check: func(b []byte) bool {
		return shaped(b, "AAAAA9999A") && oneOf(b[3], "ABCFGHJKLPTE") && string(b[5:9]) != "0000"
	}},
	// GSTN: GSTIN, state, PAN, registration, Z, modulus 36.
	{name: "IN_GSTIN", check: func(b []byte) bool {
		if !indianTax(b) {
			return false
		}
		sum := 0
		for i, c := range b[:14] {
			n := place(c, alphabet36) * (1 + i%2)
			sum += n/36 + n%36
		}
		return b[14] == alphabet36[(36-sum%36)%36]
	}},
	// GSTN: the form of a GSTIN, without its check character.
	{name: "IN_GSTIN_FORM", check: indianTax},
	// National Health Authority: ABHA number, fourteen digits, Verhoeff.
	{name: "IN_ABHA", check: func(b []byte) bool { return digits(b, 14) && value(b) > 0 && verhoeff(b) }},
	// Election Commission: EPIC, three letters and seven digits, Luhn.
	{name: "IN_VOTER", check: func(b []byte) bool { return shaped(b, "AAA9999999") && luhn(b[3:]) }},
	// Ministry of Road Transport, Sarathi: state, office, year, serial.
	{name: "IN_DRIVER_LICENCE", drop: slash, check: func(b []byte) bool {
		return shaped(b, "AA9999999999999") && listed(b[:2], indianStates) && value(b[4:8]) >= 1950 && value(b[4:8]) <= lastBirth
	}},
	// NADRA: CNIC, province, the last digit is the sex.
	{name: "PK_CNIC", drop: " -", check: func(b []byte) bool {
		return digits(b, 13) && b[0] >= '1' && b[0] <= '7' && b[12] != '0'
	}},
	// Federal Board of Revenue: NTN, seven digits, perhaps a check digit.
	{name: "PK_NTN", check: func(b []byte) bool { return digits(b, 7, 8) }},
	// Department for Registration of Persons: NIC, year, day of the year (+ 500 for women), serial.
	{name: "LK_NIC", check: func(b []byte) bool {
		day := 0
		switch {
		case len(b) == 10 && every(b[:9], digit) && (b[9] == 'V' || b[9] == 'X'):
			day = value(b[2:5])
		case digits(b, 12) && value(b[:4]) >= 1900 && value(b[:4]) <= lastBirth:
			day = value(b[4:7])
		default:
			return false
		}
		if day > 500 {
			day -= 500
		}
		return b[0] != '0' && day >= 1 && day <= 366
	}},
	// Election Commission of Bangladesh: national identity, 10, 13 or 17 digits.
	{name: "BD_NID", check: func(b []byte) bool {
		return digits(b, 10) && b[0] != '0' || digits(b, 13) || digits(b, 17) && value(b[:4]) >= 1900 && value(b[:4]) <= lastBirth
	}},
}

// indianStates are the codes of the registers of vehicles.
const indianStates = "AN AP AR AS BR CG CH DD DL DN GA GJ HP HR JH JK KA KL LA LD MH ML MN MP MZ NL OD OR PB PY RJ SK TG TN TR TS UK UP WB "

func indianVerhoeff(b []byte, n int) bool {
	if !digits(b, n) || b[0] < '2' || !verhoeff(b) {
		return false
	}
	for i := 0; i < n/2; i++ {
		if b[i] != b[n-1-i] {
			return true
		}
	}
	return false
}

func indianTax(b []byte) bool {
	if !shaped(b, "99AAAAA9999AXXX") || b[13] != 'Z' || b[12] == '0' {
		return false
	}
	n := value(b[:2])
	return n >= 1 && n <= 38 || n == 97 || n == 99
}
