package number

// centralAmerica are the numbers of Central America and the Caribbean.
var centralAmerica = []kind{
	// Registro Civil: cédula física, class, volume, entry.
	{name: "CR_CPF", check: func(b []byte) bool {
		return digits(b, 9) && b[0] != '0' || digits(b, 10) && b[0] == '0' && b[1] != '0'
	}, exact: costaRican},
	// Registro Nacional: cédula jurídica, class, kind, number.
	{name: "CR_CPJ", check: func(b []byte) bool {
		if !digits(b, 10) {
			return false
		}
		switch b[0] {
		case '2':
			return listed(b[1:4], "100 200 300 400 ")
		case '3':
			n := value(b[1:4])
			return n >= 2 && n <= 14 || n >= 101 && n <= 110
		case '4':
			return string(b[1:4]) == "000"
		case '5':
			return string(b[1:4]) == "001"
		}
		return false
	}},
	// Dirección General de Migración: DIMEX, eleven or twelve digits from 1.
	{name: "CR_CR", check: func(b []byte) bool { return digits(b, 11, 12) && b[0] == '1' }},
	// Ministerio del Interior: carné de identidad, birth date, century.
	{name: "CU_NI", check: func(b []byte) bool {
		if !digits(b, 11) {
			return false
		}
		year := 1900
		if b[6] == '9' {
			year = 1800
		} else if b[6] > '5' {
			year = 2000
		}
		return date(year+value(b[:2]), value(b[2:4]), value(b[4:6]))
	}},
	// DGII: RNC, weights 7, 9, 8, 6, 5, 4, 3, 2 modulus 11.
	{name: "DO_RNC", check: func(b []byte) bool {
		return digits(b, 9) && is(b[8], (10-weigh(b, 7, 9, 8, 6, 5, 4, 3, 2)%11+9)%9+1)
	}},
	// DGII, norma 05-19: número de comprobante fiscal, series B, E and older ones.
	{name: "DO_NCF", check: func(b []byte) bool {
		switch len(b) {
		case 11:
			return b[0] == 'B' && every(b[1:], digit) && listed(b[1:3], "01 02 03 04 11 12 13 14 15 16 17 ")
		case 13:
			return b[0] == 'E' && every(b[1:], digit) && listed(b[1:3], "31 32 33 34 41 43 44 45 46 47 ")
		case 19:
			return (b[0] >= 'A' && b[0] <= 'U' || b[0] == 'P') && every(b[1:], digit) && listed(b[9:11], "01 02 03 04 11 12 13 14 15 ")
		}
		return false
	}},
	// SAT: NIT, weights from the right modulus 11.
	{name: "GT_NIT", lead: "GT ", check: func(b []byte) bool {
		n := len(b) - 1
		if n < 1 || n > 11 || !every(b[:n], digit) {
			return false
		}
		return b[n] == "0123456789K"[(11-falling(b[:n], n+1)%11)%11]
	}},
	// RENAP: CUI, weights 2 to 9 modulus 11, department and municipality.
	{name: "GT_CUI", check: func(b []byte) bool {
		return digits(b, 13) && is(b[8], weigh(b, 2, 3, 4, 5, 6, 7, 8, 9)%11) && value(b[9:11]) >= 1 && value(b[9:11]) <= 22 && value(b[11:]) >= 1
	}},
	// Ministerio de Hacienda: NIT, place, date, serial, two ways of modulus 11.
	{name: "SV_NIT", lead: "SV ", check: func(b []byte) bool {
		if !digits(b, 14) || !oneOf(b[0], "019") {
			return false
		}
		if value(b[10:13]) <= 100 {
			return is(b[13], falling(b[:13], 14)%11%10)
		}
		return is(b[13], ((11-weigh(b, 2, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11)%10)
	}},
	// Registro Nacional de las Personas: DUI, weights 9 to 2 modulus 10.
	{name: "SV_DUI", check: func(b []byte) bool { return digits(b, 9) && !same(b) && is(b[8], (10-falling(b[:8], 9)%10)%10) }},
	// Registro Nacional de las Personas: DNI, municipality, year, serial.
	{name: "HN_DNI", check: func(b []byte) bool {
		return digits(b, 13) && value(b[:2]) >= 1 && value(b[:2]) <= 18 && value(b[2:4]) >= 1 && value(b[2:4]) <= 28 &&
			value(b[4:8]) >= 1900 && value(b[4:8]) <= lastBirth
	}},
	// Inland Revenue Department of Anguilla: TIN, 1 for persons, 2 for others.
	{name: "AI_TIN", check: func(b []byte) bool { return digits(b, 10) && (b[0] == '1' || b[0] == '2') }},
	// Belize Tax Service: TIN, serial and 10 to 13 or 66.
	{name: "BZ_TIN", check: func(b []byte) bool {
		return digits(b, 8) && listed(b[6:], "10 13 66 ")
	}},
}

// costaRican reads class, volume and entry, of which the last two may be
// written without their zeros in front.
func costaRican(s string) bool {
	var room [longest]byte
	b, ok := compact(room[:0], s, " ")
	if !ok {
		return false
	}
	part, n := 0, 0
	for _, c := range b {
		switch {
		case c == '-':
			if n == 0 {
				return false
			}
			part, n = part+1, 0
		case digit(c):
			n++
		default:
			return false
		}
		if n > 4 && part > 0 || n > 2 && part == 0 && len(b) != 9 && len(b) != 10 {
			return false
		}
	}
	if part == 0 {
		return digits(b, 9) && b[0] != '0' || digits(b, 10) && b[0] == '0' && b[1] != '0'
	}
	return part == 2 && n > 0 && (b[1] == '-' && b[0] != '0' || b[0] == '0' && b[2] == '-' && b[1] != '0')
}
