package number

// southern are the numbers of Italy, San Marino, Malta, Greece and Cyprus.
var southern = []kind{
	// D.M. 23 dicembre 1976 n. 13813: codice fiscale; a company's is its partita IVA.
	{name: "IT_FISCAL_CODE", check: func(b []byte) bool { return fiscalCode(b) || italianVAT(b) }},
	// D.M. 23 dicembre 1976 n. 13813: the form of a codice fiscale, without its last letter.
	{name: "IT_FISCAL_CODE_FORM", check: func(b []byte) bool { _, ok := fiscalForm(b); return ok }},
	// D.P.R. 633/1972 art. 35: partita IVA, Luhn, number of the office.
	{name: "IT_VAT", lead: "IT ", check: italianVAT},
	// D.M. 2 agosto 2001: AIC code of medicines, in base 10 or 32.
	{name: "IT_AIC", check: italianMedicine},
	// Ministero dell'Interno: carta d'identità, on paper and electronic.
	{name: "IT_ID_CARD", check: func(b []byte) bool {
		return shaped(b, "AA99999AA") || shaped(b, "AA9999999") || shaped(b, "9999999AA")
	}},
	// D.M. 30 settembre 2003: driving licence, "U1" or the province in front.
	{name: "IT_DRIVER_LICENCE", check: func(b []byte) bool {
		return shaped(b, "AA9999999A") || shaped(b, "U1XXXXXXXA") && within(b[2:9], "0123456789BCDFGHLJKMNPRSTUWYXZ")
	}},
	// Ufficio Tributario di San Marino: COE, up to five digits.
	{name: "SM_COE", lead: "SM ", check: func(b []byte) bool {
		for len(b) > 0 && b[0] == '0' {
			b = b[1:]
		}
		return between(b, 1, 5)
	}},
	// Office of the Commissioner for Revenue: VAT, weights 3, 4, 6, 7, 8, 9 modulus 37.
	{name: "MT_VAT", lead: "MT ", check: malteseVAT},
	// Identità Malta: identity card number and letter; income tax numbers of companies.
	{name: "MT_TIN", check: malteseTIN},
	// AADE: ΑΦΜ, powers of two modulus 11.
	{name: "GR_VAT", lead: "EL GR ", check: greekVAT},
	// IDIKA: ΑΜΚΑ, birth date and Luhn.
	{name: "GR_AMKA", check: func(b []byte) bool {
		return digits(b, 11) && someYear(value(b[4:6]), value(b[2:4]), value(b[:2])) && luhn(b)
	}},
	// Υπουργείο Προστασίας του Πολίτη: δελτίο ταυτότητας, two letters common to both scripts and six digits.
	{name: "GR_ID_CARD", check: func(b []byte) bool {
		return shaped(b, "AA999999") && within(b[:2], "ABEZHIKMNOPTYX")
	}},
	// Tax Department of Cyprus: TIC, odd places by a table, modulus 26.
	{name: "CY_VAT", lead: "CY ", check: cypriot},
	{name: "CY_TIN", check: func(b []byte) bool { return cypriot(b) && (b[0] == '0' || b[0] == '9') }},
}

// fiscalCode checks the form and the letter at the end.
func fiscalCode(b []byte) bool {
	sum, ok := fiscalForm(b)
	return ok && b[15] == byte('A'+sum%26)
}

// fiscalForm checks the names' shape, the date and the place, and gives the
// sum of the rest. Of two persons with the same code one has letters in place
// of digits.
func fiscalForm(b []byte) (sum int, ok bool) {
	if len(b) != 16 || !every(b[:6], letter) || !letter(b[8]) || !letter(b[11]) || !letter(b[15]) {
		return 0, false
	}
	var d [16]byte
	for i, c := range b {
		switch i {
		case 6, 7, 9, 10, 12, 13, 14:
			if letter(c) {
				p := place(c, "LMNPQRSTUV")
				if p < 0 {
					return 0, false
				}
				c = byte('0' + p)
			} else if !digit(c) {
				return 0, false
			}
		}
		d[i] = c
	}
	month := place(d[8], "ABCDEHLMPRST") + 1
	day := value(d[9:11])
	if day > 40 {
		day -= 40
	}
	if !someYear(value(d[6:8]), month, day) || !nameCode(b[:3]) || !nameCode(b[3:6]) {
		return 0, false
	}
	for i, c := range b[:15] {
		n := place(c, alphabet36)
		if n >= 10 {
			n -= 10
		}
		if i%2 == 0 {
			n = [26]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}[n]
		}
		sum += n
	}
	return sum, true
}

// nameCode is consonants, then vowels, then X for what is missing.
func nameCode(b []byte) bool {
	const vowels = "AEIOU"
	if !oneOf(b[0], vowels) {
		return !oneOf(b[1], vowels) || oneOf(b[2], vowels) || b[2] == 'X'
	}
	return oneOf(b[1], vowels) && (oneOf(b[2], vowels) || b[2] == 'X') || b[1] == 'X' && b[2] == 'X'
}

func italianVAT(b []byte) bool {
	if !digits(b, 11) || value(b[:7]) == 0 || !luhn(b) {
		return false
	}
	office := value(b[7:10])
	return office >= 1 && office <= 100 || office == 120 || office == 121 || office == 888 || office == 999
}

func italianMedicine(b []byte) bool {
	var room [9]byte
	if len(b) == 6 {
		n := 0
		for _, c := range b {
			p := place(c, "0123456789BCDFGHJKLMNPQRSTUVWXYZ")
			if p < 0 {
				return false
			}
			n = n*32 + p
		}
		if n >= 1000000000 {
			return false
		}
		for i := range room {
			room[8-i] = byte('0' + n%10)
			n /= 10
		}
		b = room[:]
	}
	return digits(b, 9) && b[0] == '0' && is(b[8], crossed(b, 1, 2, 1, 2, 1, 2, 1, 2)%10)
}

func malteseVAT(b []byte) bool {
	return digits(b, 8) && b[0] != '0' && (weigh(b, 3, 4, 6, 7, 8, 9)+value(b[6:]))%37 == 0
}

// malteseTIN takes the forms of the OECD's description: an identity card with
// its letter (leading zeros may be left out) or nine digits.
func malteseTIN(b []byte) bool {
	if digits(b, 9) {
		p := value(b[:2])
		return p == 11 || p == 22 || p == 33 || p == 44 || p == 55 || p == 66 || p == 77 || p == 88
	}
	n := len(b)
	if n < 2 || n > 8 || !oneOf(b[n-1], "APGLHBZM") || !between(b[:n-1], 1, 7) {
		return false
	}
	number := value(b[:n-1])
	if b[n-1] == 'A' || b[n-1] == 'P' {
		return number%10 != 0
	}
	return number/100 > 0 && number%100 > 0 || number < 1000 && number > 100
}

func greekVAT(b []byte) bool {
	var room [9]byte
	if len(b) == 8 { // before the ninth digit
		room[0] = '0'
		copy(room[1:], b)
		b = room[:]
	}
	if !digits(b, 9) || value(b) == 0 {
		return false
	}
	n := 0
	for _, c := range b[:8] {
		n = n*2 + int(c-'0')
	}
	return is(b[8], n*2%11%10)
}

func cypriot(b []byte) bool {
	if !shaped(b, "99999999A") || string(b[:2]) == "12" {
		return false
	}
	sum := 0
	for i, c := range b[:8] {
		n := int(c - '0')
		if i%2 == 0 {
			n = [10]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21}[n]
		}
		sum += n
	}
	return b[8] == byte('A'+sum%26)
}
