package number

// middleEast are the numbers of Western Asia without Türkiye.
var middleEast = []kind{
	// Population and Immigration Authority: identity number, Luhn over nine digits.
	{name: "IL_IDNR", check: func(b []byte) bool { return between(b, 5, 9) && value(b) > 0 && luhn(b) }},
	// Israeli Corporations Authority: company number, begins with 5, Luhn.
	{name: "IL_HP", check: func(b []byte) bool { return digits(b, 9) && b[0] == '5' && luhn(b) }},
	// Sabt-e Ahval: melli code, weights 10 to 2 modulus 11.
	{name: "IR_ID", check: func(b []byte) bool {
		if !digits(b, 10) || same(b) || value(b[:6]) == 0 {
			return false
		}
		n := falling(b[:9], 10) % 11
		if n >= 2 {
			n = 11 - n
		}
		return is(b[9], n)
	}},
	// Federal Authority for Identity: Emirates ID, 784, year of birth, Luhn.
	{name: "AE_ID", check: func(b []byte) bool {
		return digits(b, 15) && string(b[:3]) == "784" && value(b[3:7]) >= 1900 && value(b[3:7]) <= lastBirth && luhn(b)
	}},
	// Absher, Ministry of Interior: national id (1) and iqama (2), Luhn.
	{name: "SA_ID", check: func(b []byte) bool { return digits(b, 10) && (b[0] == '1' || b[0] == '2') && luhn(b) }},
	// Public Authority for Civil Information: civil id, century, birth date, weights 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2.
	{name: "KW_CIVIL_ID", check: func(b []byte) bool {
		return digits(b, 12) && (b[0] == '2' || b[0] == '3') &&
			date(1700+int(b[0]-'0')*100+value(b[1:3]), value(b[3:5]), value(b[5:7])) &&
			is(b[11], 11-weigh(b, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)%11)
	}},
	// Ministry of Interior: QID, century, year, country by ISO 3166-1 numeric, serial.
	{name: "QA_ID", check: func(b []byte) bool {
		return digits(b, 11) && (b[0] == '2' || b[0] == '3') && value(b[3:6]) >= 4 && value(b[3:6]) <= 894
	}},
	// Information & eGovernment Authority: CPR, year and month of birth, weights 9 to 2 modulus 11.
	{name: "BH_CPR", check: func(b []byte) bool {
		return digits(b, 9) && value(b[2:4]) >= 1 && value(b[2:4]) <= 12 && is(b[8], (11-falling(b[:8], 9)%11)%11%10)
	}},
	// Tax Authority of Oman: VATIN, OM11 and eight characters by ISO/IEC 7064 MOD 11-2.
	{name: "OM_VAT", check: func(b []byte) bool {
		return len(b) == 12 && string(b[:4]) == "OM11" && pure(b[4:], alphabet11)
	}},
}
