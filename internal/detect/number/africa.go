package number

// africa are the numbers of Africa.
var africa = []kind{
	// Direction générale des impôts: NIF of fifteen or twenty digits.
	{name: "DZ_NIF", check: func(b []byte) bool { return digits(b, 15, 20) }},
	// Egyptian Tax Authority: registration number of nine digits.
	{name: "EG_TN", drop: slash, check: func(b []byte) bool { return digits(b, 9) }},
	// Ministry of Interior, Civil Status: century, birth date, governorate, serial.
	{name: "EG_NATIONAL_ID", check: func(b []byte) bool {
		if !digits(b, 14) || b[0] != '2' && b[0] != '3' {
			return false
		}
		g := value(b[7:9])
		return date(1700+int(b[0]-'0')*100+value(b[1:3]), value(b[3:5]), value(b[5:7])) && (g >= 1 && g <= 35 || g == 88)
	}},
	// Ghana Revenue Authority: TIN, kind, weights 1 to 9 modulus 11.
	{name: "GH_TIN", check: func(b []byte) bool {
		return len(b) == 11 && oneOf(b[0], "PCGQV") && string(b[1:3]) == "00" && every(b[1:10], digit) &&
			b[10] == alphabet11[weigh(b[1:], 1, 2, 3, 4, 5, 6, 7, 8, 9)%11]
	}},
	// Direction nationale des impôts: NIFp, Luhn.
	{name: "GN_NIFP", check: func(b []byte) bool { return digits(b, 9) && value(b) > 0 && luhn(b) }},
	// Kenya Revenue Authority: PIN, A for persons, P for others.
	{name: "KE_PIN", check: func(b []byte) bool { return shaped(b, "A999999999A") && (b[0] == 'A' || b[0] == 'P') }},
	// Identifiant commun de l'entreprise: MOD 97 leaves 0.
	{name: "MA_ICE", lead: "MA ", check: func(b []byte) bool { return digits(b, 15) && value(b) > 0 && value(b)%97 == 0 }},
	{name: "MA_ICE9", lead: "MA ", check: func(b []byte) bool { return digits(b, 9) }},
	// Civil Status Division of Mauritius: initial, birth date, serial, modulus 17.
	{name: "MU_NID", check: mauritian},
	// Autoridade Tributária de Moçambique: NUIT, weights 8, 9, 4 to 9 modulus 11.
	{name: "MZ_NUIT", check: func(b []byte) bool {
		return digits(b, 9) && b[8] == "01234567891"[weigh(b, 8, 9, 4, 5, 6, 7, 8, 9)%11]
	}},
	// Direcção Nacional de Identificação Civil: bilhete de identidade, twelve digits and a letter.
	{name: "MZ_BI", check: func(b []byte) bool { return shaped(b, "999999999999A") }},
	// Direction générale des impôts du Sénégal: NINEA with COFI.
	{name: "SN_NINEA", drop: slash + ",", check: senegalese},
	// Direction générale des impôts: matricule fiscal, letter, régime, catégorie, établissement.
	{name: "TN_MF", drop: slash, check: tunisian},
	// Ministère de l'Intérieur: carte d'identité nationale, eight digits.
	{name: "TN_ID", check: func(b []byte) bool { return digits(b, 8) }},
	// Department of Home Affairs: birth date, sex, citizenship, Luhn.
	{name: "ZA_ID", check: func(b []byte) bool {
		return digits(b, 13) && b[10] <= '2' && someYear(value(b[:2]), value(b[2:4]), value(b[4:6])) && luhn(b)
	}},
	// SARS: tax reference number, Luhn.
	{name: "ZA_TIN", drop: slash, check: func(b []byte) bool { return digits(b, 10) && oneOf(b[0], "01239") && luhn(b) }},
	// SARS: VAT number, begins with 4.
	{name: "ZA_VAT", lead: "ZA ", check: func(b []byte) bool { return digits(b, 10) && b[0] == '4' }},
	// Ministério da Justiça: bilhete de identidade, nine digits, province, three digits.
	{name: "AO_BI", check: angolan},
	// Administração Geral Tributária: NIF of ten digits, or the bilhete.
	{name: "AO_NIF", check: func(b []byte) bool { return digits(b, 10) || angolan(b) }},
	// Civil Registration Authority: national number, sex, year of birth, serial.
	{name: "LY_ID", check: func(b []byte) bool {
		return digits(b, 12) && (b[0] == '1' || b[0] == '2') && value(b[1:5]) >= 1900 && value(b[1:5]) <= lastBirth
	}},
	// National Identity Management Commission: NIN, eleven digits.
	{name: "NG_NIN", check: func(b []byte) bool { return digits(b, 11) && b[0] != '0' && !same(b) }},
	// Central Bank of Nigeria: bank verification number, begins with 22.
	{name: "NG_BVN", check: func(b []byte) bool { return digits(b, 11) && string(b[:2]) == "22" }},
	// National Identification Authority: Ghana card, country, nine digits and one.
	{name: "GH_CARD", check: func(b []byte) bool {
		return len(b) == 13 && string(b[:3]) == "GHA" && digits(b[3:], 10)
	}},
}

func mauritian(b []byte) bool {
	if len(b) != 14 || !letter(b[0]) || !every(b[1:7], digit) || !every(b[7:13], alphanumeric) || !alphanumeric(b[13]) ||
		!someYear(value(b[5:7]), value(b[3:5]), value(b[1:3])) {
		return false
	}
	sum := 0
	for i, c := range b[:13] {
		sum += place(c, alphabet36) * (14 - i)
	}
	return b[13] == alphabet36[(17-sum%17)%17]
}

// senegalese reads a register number of seven or nine digits and, when it is
// there, regime, centre and legal form.
func senegalese(b []byte) bool {
	n := len(b)
	if n > 3 && letter(b[n-2]) {
		cofi := b[n-3:]
		if !oneOf(cofi[0], "012") || !oneOf(cofi[1], "BCDEFGHJKLMNPQRSTUVWZ") || !digit(cofi[2]) {
			return false
		}
		b = b[:n-3]
	}
	return digits(b, 7, 9)
}

func tunisian(b []byte) bool {
	n := 0
	for n < len(b) && digit(b[n]) {
		n++
	}
	if n < 1 || n > 7 || n == len(b) || !letter(b[n]) || oneOf(b[n], "IOU") {
		return false
	}
	switch rest := b[n+1:]; len(rest) {
	case 0:
		return true
	case 5:
		if !oneOf(rest[0], "ABPDN") || !oneOf(rest[1], "MPCNE") || !every(rest[2:], digit) {
			return false
		}
		return (rest[1] == 'E') == (string(rest[2:]) != "000")
	}
	return false
}

func angolan(b []byte) bool {
	return shaped(b, "999999999AA999") &&
		listed(b[9:11], "BO BA BE BI CC CN CA CE CU HA HO LA LN LS MA MO ME NE UE UI ZA ZE KN KS OE BG IB ")
}
