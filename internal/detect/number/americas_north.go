package number

// northAmerica are the numbers of the United States, Canada and Mexico.
var northAmerica = []kind{
	// Social Security Administration, POMS RM 10201: area, group, serial; numbers printed in advertisements.
	{name: "US_SSN", check: americanSocial, exact: func(s string) bool { return grouped(s, americanSocial, 3, 2, 4) }},
	// IRS Publication 1915: ITIN, begins with 9, groups 50 to 65, 70 to 88, 90 to 92, 94 to 99.
	{name: "US_ITIN", check: americanITIN, exact: func(s string) bool { return grouped(s, americanITIN, 3, 2, 4) }},
	// IRS: ATIN, written as a social security number.
	{name: "US_ATIN", check: func(b []byte) bool { return digits(b, 9) },
		exact: func(s string) bool { return grouped(s, func(b []byte) bool { return digits(b, 9) }, 3, 2, 4) }},
	// IRS Publication 1635: EIN, prefixes of the campuses.
	{name: "US_EIN", check: americanEIN, exact: func(s string) bool { return grouped(s, americanEIN, 2, 7) }},
	// IRS: PTIN, P and eight digits.
	{name: "US_PTIN", check: func(b []byte) bool { return shaped(b, "P99999999") }},
	// Any of the above.
	{name: "US_TIN", check: americanTax, exact: func(s string) bool {
		return grouped(s, americanTax, 3, 2, 4) || grouped(s, americanEIN, 2, 7)
	}},
	// CMS, 45 CFR 162.406: NPI, Luhn behind 80840.
	{name: "US_NPI", check: func(b []byte) bool {
		return digits(b, 10) && (b[0] == '1' || b[0] == '2') && !same(b[1:]) && (luhnSum(b, 1)+24)%10 == 0
	}},
	// DEA, 21 CFR 1301: registrant, initial, six digits and a check digit.
	{name: "US_DEA", check: func(b []byte) bool {
		if len(b) != 9 || !oneOf(b[0], "ABCDEFGHJKLMPRSTUX") || !letter(b[1]) && b[1] != '9' || !every(b[2:], digit) || same(b[2:]) {
			return false
		}
		return is(b[8], (weigh(b[2:], 1, 2, 1, 2, 1, 2))%10)
	}},
	// CMS, Understanding the MBI: letters and digits by place, without S, L, O, I, B, Z.
	{name: "US_MBI", check: func(b []byte) bool {
		if len(b) != 11 || b[0] == '0' {
			return false
		}
		const letters = "ACDEFGHJKMNPQRTUVWXY"
		for i, c := range b {
			ok := false
			switch i {
			case 0, 3, 6, 9, 10:
				ok = digit(c)
			case 1, 4, 7, 8:
				ok = oneOf(c, letters)
			case 2, 5:
				ok = digit(c) || oneOf(c, letters)
			}
			if !ok {
				return false
			}
		}
		return true
	}},
	// Canada Revenue Agency: SIN, Luhn; 8 is not given out, 0 are temporary tax numbers.
	{name: "CA_SIN", check: func(b []byte) bool { return digits(b, 9) && value(b) > 0 && b[0] != '8' && luhn(b) }},
	// Canada Revenue Agency: business number, Luhn, with an account of a program.
	{name: "CA_BN", check: canadianBusiness},
	{name: "CA_GST", check: func(b []byte) bool { return len(b) == 15 && string(b[9:11]) == "RT" && canadianBusiness(b) }},
	// Revenu Québec: TVQ, ten digits modulus 11, TQ and four digits.
	{name: "CA_QST", check: func(b []byte) bool {
		if len(b) == 16 {
			if string(b[10:12]) != "TQ" || !every(b[12:], digit) || value(b[12:]) == 0 {
				return false
			}
			b = b[:10]
		}
		return digits(b, 10) && is(b[9], (11-weigh(b, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11)
	}},
	// Government of British Columbia: PST number.
	{name: "CA_PST", check: func(b []byte) bool { return shaped(b, "PST99999999") }},
	// British Columbia Ministry of Health: personal health number, begins with 9, modulus 11.
	{name: "CA_BC_PHN", check: columbianHealth}, {name: "CA_BC_BHN", check: columbianHealth},
	// Ontario Ministry of Health: health number, Luhn, with its version.
	{name: "CA_ON_HEALTH", check: func(b []byte) bool {
		if len(b) == 12 && letter(b[10]) && letter(b[11]) {
			b = b[:10]
		}
		return digits(b, 10) && b[0] != '0' && !same(b) && luhn(b)
	}},
	// Régie de l'assurance maladie du Québec: four letters, birth date (month + 50 for women), two characters.
	{name: "CA_QC_HEALTH", check: func(b []byte) bool {
		if !shaped(b, "AAAA99999999") {
			return false
		}
		month := value(b[6:8])
		if month > 50 {
			month -= 50
		}
		return someYear(value(b[4:6]), month, value(b[8:10]))
	}},
	// SAT, anexo 1: RFC, initials, date, homoclave; without unbecoming words.
	{name: "MX_RFC", check: mexicanTax},
	// SAT, IFAI: RFC whose check character modulus 11 is right, as of nearly all that were given out.
	{name: "MX_RFC_MOD11", check: func(b []byte) bool { return mexicanTax(b) && mexicanCheck(b) }},
	// RENAPO, Instructivo normativo: CURP, initials, date, sex, state, modulus 10.
	{name: "MX_CURP", check: mexicanCURP},
	// IMSS: número de seguridad social, Luhn.
	{name: "MX_NSS", check: func(b []byte) bool { return digits(b, 11) && value(b[:2]) > 0 && luhn(b) }},
}

// grouped reads digits in groups with one and the same hyphen or space
// between all of them, or none.
func grouped(s string, check func([]byte) bool, groups ...int) bool {
	var room [longest]byte
	b, ok := compact(room[:0], s, "")
	if !ok {
		return false
	}
	var plain [longest]byte
	n, sep := 0, byte(0)
	for i, size := range groups {
		if i > 0 && len(b) > 0 && (b[0] == '-' || b[0] == ' ') && (i == 1 || sep == b[0]) {
			sep, b = b[0], b[1:]
		} else if i > 1 && sep != 0 {
			return false
		}
		if len(b) < size {
			return false
		}
		copy(plain[n:], b[:size])
		n, b = n+size, b[size:]
	}
	return len(b) == 0 && check(plain[:n])
}

func americanSocial(b []byte) bool {
	if !digits(b, 9) {
		return false
	}
	area, group, serial := value(b[:3]), value(b[3:5]), value(b[5:])
	if area == 0 || area == 666 || area >= 900 || group == 0 || serial == 0 {
		return false
	}
	return !listed(b, "078051120 457555462 219099999 189092294 ")
}

func americanITIN(b []byte) bool {
	if !digits(b, 9) || b[0] != '9' {
		return false
	}
	g := value(b[3:5])
	return g >= 50 && g <= 65 || g >= 70 && g <= 99 && g != 89 && g != 93
}

func americanEIN(b []byte) bool {
	return digits(b, 9) && listed(b[:2], "01 02 03 04 05 06 10 11 12 13 14 15 16 20 21 22 23 24 25 26 27 30 31 32 33 34 35 36 "+
		"37 38 39 40 41 42 43 44 45 46 47 48 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 71 72 73 74 75 76 77 80 "+
		"81 82 83 84 85 86 87 88 90 91 92 93 94 95 98 99 ")
}

func americanTax(b []byte) bool {
	return americanSocial(b) || americanITIN(b) || americanEIN(b) || shaped(b, "P99999999") ||
		digits(b, 9) && b[0] == '9' && string(b[3:5]) == "93"
}

func canadianBusiness(b []byte) bool {
	if len(b) == 15 {
		if !listed(b[9:11], "RC RM RP RT RR RZ ") || !every(b[11:], digit) {
			return false
		}
		b = b[:9]
	}
	return digits(b, 9) && luhn(b)
}

func columbianHealth(b []byte) bool {
	return digits(b, 10) && b[0] == '9' && is(b[9], (11-weigh(b[1:], 2, 4, 8, 5, 10, 9, 7, 3)%11)%11)
}

// unbecoming are the words that RENAPO and SAT replace.
const unbecoming = "BACA BAKA BUEI BUEY CACA CACO CAGA CAGO CAKA CAKO COGE COGI COJA COJE COJI COJO COLA CULO FALO FETO GETA GUEI " +
	"GUEY JETA JOTO KACA KACO KAGA KAGO KAKA KAKO KOGE KOGI KOJA KOJE KOJI KOJO KOLA KULO LILO LOCA LOCO LOKA LOKO MAME " +
	"MAMO MEAR MEAS MEON MIAR MION MOCO MOKO MULA MULO NACA NACO PEDA PEDO PENE PIPI PITO POPO PUTA PUTO QULO RATA ROBA " +
	"ROBE ROBO RUIN SENO TETA VACA VAGA VAGO VAKA VUEI VUEY WUEI WUEY "

// mexicanLetter is a letter of a name: A to Z, Ñ or &. It returns its place in
// SAT's alphabet and how many octets it takes.
func mexicanLetter(b []byte) (n, size int) {
	const alphabet = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ"
	if len(b) > 1 && b[0] == 0xc3 && b[1] == 0x91 {
		return 38, 2
	}
	if len(b) == 0 || digit(b[0]) {
		return -1, 1
	}
	return place(b[0], alphabet), 1
}

// mexicanParts splits the initials from the rest; letters is 3 for companies
// and 4 for persons.
func mexicanParts(b []byte) (letters int, rest []byte) {
	for at := 0; at < len(b); {
		n, size := mexicanLetter(b[at:])
		if n < 0 {
			return letters, b[at:]
		}
		letters++
		at += size
	}
	return letters, nil
}

func mexicanTax(b []byte) bool {
	letters, rest := mexicanParts(b)
	if letters != 3 && letters != 4 || len(rest) != 6 && len(rest) != 9 || !every(rest[:6], digit) ||
		!someYear(value(rest[:2]), value(rest[2:4]), value(rest[4:6])) {
		return false
	}
	if letters == 4 && len(b) >= 4 && listed(b[:4], unbecoming) {
		return false
	}
	if len(rest) == 6 {
		return letters == 4
	}
	return alphanumeric(rest[6]) && alphanumeric(rest[7]) && (digit(rest[8]) || rest[8] == 'A')
}

func mexicanCheck(b []byte) bool {
	letters, rest := mexicanParts(b)
	if len(rest) != 9 {
		return false
	}
	const alphabet = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ"
	sum, weight := 0, 13
	if letters == 3 {
		sum, weight = 37*13, 12
	}
	for at := 0; at < len(b)-len(rest); weight-- {
		n, size := mexicanLetter(b[at:])
		sum += n * weight
		at += size
	}
	for _, c := range rest[:8] {
		sum += place(c, alphabet) * weight
		weight--
	}
	return rest[8] == "0A987654321"[sum%11]
}

func mexicanCURP(b []byte) bool {
	if len(b) != 18 || !every(b[:4], letter) || !every(b[4:10], digit) || !oneOf(b[10], "HMX") || !every(b[11:16], letter) ||
		!alphanumeric(b[16]) || !digit(b[17]) || listed(b[:4], unbecoming) {
		return false
	}
	if !listed(b[11:13], "AS BC BS CC CL CM CS CH DF DG GT GR HG JC MC MN MS NT NL OC PL QT QR SP SL SR TC TS TL VZ YN ZS NE ") {
		return false
	}
	year := 1900
	if letter(b[16]) {
		year = 2000
	}
	if !date(year+value(b[4:6]), value(b[6:8]), value(b[8:10])) {
		return false
	}
	sum := 0
	for i, c := range b[:17] {
		n := place(c, alphabet36)
		if c > 'N' {
			n++ // after the Ñ
		}
		sum += n * (18 - i)
	}
	return is(b[17], (10-sum%10)%10)
}
