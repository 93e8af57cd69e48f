package number

// passports are the forms of passport numbers, which ICAO Doc 9303 leaves to
// each country. Most have no check digit outside the machine readable zone.
// Source: PRADO, the register of the Council of the European Union, and the
// issuing authorities.
var passports = []kind{
	// PassV: nine characters of which the last checks the others by weights 7, 3, 1.
	{name: "PASSPORT_DE", check: func(b []byte) bool {
		return germanDocument(b, germanLetters) && letter(b[0])
	}},
	passport("AR", "AAA999999"), passport("AT", "A9999999", "AA9999999"), passport("AU", "A9999999", "AA9999999"),
	passport("AZ", "A99999999"), passport("BE", "AA999999"), passport("BG", "999999999", "AA9999999"),
	passport("BR", "AA999999"), passport("BY", "AA9999999"), passport("CA", "AA999999", "A999999AA"),
	passport("CH", "A9999999"), passport("CL", "A99999999", "999999999"), passport("CO", "AA999999", "AA9999999"),
	passport("CY", "A999999", "A9999999", "A99999999"), passport("CZ", "99999999"), passport("DK", "999999999"),
	passport("DZ", "999999999"), passport("EE", "A9999999", "AA9999999"), passport("ES", "AA999999", "AAA999999"),
	passport("FI", "AA9999999", "AAA999999"), passport("FR", "99AA99999"), passport("GR", "AA9999999"),
	passport("HR", "999999999"), passport("HU", "AA999999", "AA9999999"), passport("ID", "A9999999"),
	passport("IE", "AA9999999", "A99999999"), passport("IL", "99999999", "9999999"), passport("IN", "A9999999"),
	passport("IR", "A99999999"), passport("IS", "A9999999"), passport("IT", "AA9999999"), passport("JP", "AA9999999"),
	passport("KZ", "A9999999", "A99999999"), passport("LI", "A99999"), passport("LT", "99999999", "AA999999"),
	passport("LU", "XXXXXXXX"), passport("LV", "XX9999999"), passport("LY", "XXXXXXXX"), passport("MT", "9999999"),
	passport("MX", "A99999999"), passport("MZ", "AA9999999", "99AA99999"), passport("NG", "A99999999"),
	passport("NL", "AAXXXXXX9"), passport("NO", "99999999", "AAA999999"),
	passport("PH", "A999999", "AA999999", "AA9999999", "A9999999A"), passport("PK", "AA9999999"), passport("PL", "AA9999999"),
	passport("PT", "A999999", "AA999999"), passport("RO", "99999999", "999999999"), passport("RU", "999999999"),
	passport("SE", "99999999", "AA9999999"), passport("SG", "A9999999A"), passport("SI", "AA9999999"),
	passport("SK", "X9999999", "AA9999999"),
	passport("TH", "A999999", "A9999999", "AA9999999"), passport("TR", "A99999999"), passport("TW", "999999999"),
	passport("UA", "AA999999"), passport("UK", "999999999"), passport("US", "999999999", "A99999999"),
	// National Immigration Administration: E with a letter that is neither I nor O, and the older series.
	{name: "PASSPORT_CN", check: func(b []byte) bool {
		return shaped(b, "A99999999") && oneOf(b[0], "DEGPS") || shaped(b, "EA9999999") && b[1] != 'I' && b[1] != 'O'
	}},
	// Passport, Immigration and Citizenship Agency of Jamaica.
	{name: "PASSPORT_JM", check: func(b []byte) bool { return shaped(b, "A9999999") && b[0] == 'A' }},
	// Ministry of Foreign Affairs of Korea: since 2021 a letter in the fifth place.
	{name: "PASSPORT_KR", check: func(b []byte) bool {
		return (shaped(b, "A99999999") || shaped(b, "A999A9999")) && oneOf(b[0], "MSRGDT")
	}},
	// Jabatan Imigresen Malaysia: A, H and K by the part of the country.
	{name: "PASSPORT_MY", check: func(b []byte) bool { return shaped(b, "A99999999") && oneOf(b[0], "AHK") }},
	// Department of Internal Affairs of New Zealand: series.
	{name: "PASSPORT_NZ", check: func(b []byte) bool {
		return shaped(b, "A999999") && b[0] == 'N' || shaped(b, "AA999999") && listed(b[:2], "LA LD LF LH LK LL LM LN EA EP RA RB ")
	}},
	// Sierra Leone Immigration Department: P, a letter, seven digits.
	{name: "PASSPORT_SL", check: func(b []byte) bool { return shaped(b, "AA9999999") && b[0] == 'P' }},
	// Department of Home Affairs of South Africa: A, D, M, T.
	{name: "PASSPORT_ZA", check: func(b []byte) bool { return shaped(b, "A99999999") && oneOf(b[0], "ADMT") }},
}

// passport makes the kind of a country whose numbers have one of the forms.
func passport(country string, forms ...string) kind {
	return kind{name: "PASSPORT_" + country, check: func(b []byte) bool {
		for _, form := range forms {
			if shaped(b, form) {
				return true
			}
		}
		return false
	}}
}
