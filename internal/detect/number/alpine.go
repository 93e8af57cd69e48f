package number

// alpine are the numbers of Austria, Switzerland and Liechtenstein.
var alpine = []kind{
	// Dachverband der Sozialversicherungsträger: weights 3, 7, 9, 5, 8, 4, 2, 1, 6 modulus 11, birth date (month 13 to 15 too).
	{name: "AT_VNR", check: func(b []byte) bool {
		if !digits(b, 10) || b[0] == '0' || value(b[4:6]) < 1 || value(b[4:6]) > 31 || value(b[6:8]) < 1 || value(b[6:8]) > 15 {
			return false
		}
		return is(b[3], weigh(b, 3, 7, 9, 0, 5, 8, 4, 2, 1, 6)%11)
	}},
	// BMF: Abgabenkontonummer, tax office, Luhn.
	{name: "AT_TIN", drop: slash, check: func(b []byte) bool {
		return digits(b, 9) && listed(b[:2], austrianOffices) && luhn(b)
	}},
	// BMF: UID, Luhn plus 4.
	{name: "AT_UID", lead: "AT ", check: austrianVAT},
	// Firmenbuchgesetz: six digits and a letter modulus 17.
	{name: "AT_BUSINESSID", lead: "FN ", check: func(b []byte) bool {
		n := len(b) - 1
		if n < 1 || n > 6 || !every(b[:n], digit) {
			return false
		}
		weights := [6]int{6, 4, 14, 15, 10, 1}
		return b[n] == "ABDFGHIKMPSTVWXYZ"[weigh(b, weights[6-n:]...)%17]
	}},
	// Zentrale Ausgleichsstelle: AHV number, 756 and EAN-13.
	{name: "CH_SSN", check: func(b []byte) bool { return digits(b, 13) && string(b[:3]) == "756" && ean(b) }},
	// Bundesamt für Statistik: UID, weights 5, 4, 3, 2, 7, 6, 5, 4 modulus 11.
	{name: "CH_UID", check: func(b []byte) bool { return len(b) == 12 && string(b[:3]) == "CHE" && swissUID(b[3:]) }},
	// Eidgenössische Steuerverwaltung: the UID with MWST, TVA, IVA or TPV.
	{name: "CH_VAT", lead: "CHE ", check: func(b []byte) bool {
		if n := len(b); n > 9 {
			if s := b[9:]; !listed(s, "MWST TVA IVA TPV ") {
				return false
			}
			b = b[:9]
		}
		return swissUID(b)
	}},
	// Amt für Statistik: PEID, four to twelve digits.
	{name: "LI_PEID", check: func(b []byte) bool {
		for len(b) > 0 && b[0] == '0' {
			b = b[1:]
		}
		return between(b, 4, 12)
	}},
}

// austrianOffices are the numbers of tax offices, past ones included.
const austrianOffices = "03 04 06 07 08 09 10 12 15 16 18 22 23 29 33 38 41 46 51 52 53 54 57 59 61 65 67 68 69 71 72 81 82 83 84 " +
	"90 91 93 97 98 "

func austrianVAT(b []byte) bool {
	return len(b) == 9 && b[0] == 'U' && every(b[1:], digit) && is(b[8], (96-crossed(b[1:], 1, 2, 1, 2, 1, 2, 1))%10)
}

func swissUID(b []byte) bool { return digits(b, 9) && weigh(b, 5, 4, 3, 2, 7, 6, 5, 4, 1)%11 == 0 }
