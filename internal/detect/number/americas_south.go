package number

// southAmerica are the numbers of South America.
var southAmerica = []kind{
	// AFIP: CUIT, kind of person, weights 5, 4, 3, 2, 7 to 2 modulus 11.
	{name: "AR_CUIT", drop: " -", check: func(b []byte) bool {
		return digits(b, 11) && listed(b[:2], "20 23 24 25 26 27 30 33 34 50 51 55 ") &&
			is(b[10], (11-weigh(b, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11%10) && weigh(b, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11 != 1
	}},
	// RENAPER: DNI, seven or eight digits.
	{name: "AR_DNI", check: func(b []byte) bool { return digits(b, 7, 8) }},
	// SEGIP: cédula de identidad, complement, department.
	{name: "BO_CI", check: bolivian},
	// Receita Federal: CPF, two digits modulus 11.
	{name: "BR_CPF", check: brazilianPerson},
	// Receita Federal, IN RFB 2229/2024: CNPJ with letters, two digits modulus 11.
	{name: "BR_CNPJ", drop: slash, check: brazilianCompany},
	{name: "BR_CPF_OR_CNPJ", drop: slash, check: func(b []byte) bool { return brazilianPerson(b) || brazilianCompany(b) }},
	// Caixa Econômica Federal: PIS/PASEP, weights 3, 2, 9 to 2 modulus 11.
	{name: "BR_PIS", check: func(b []byte) bool {
		return digits(b, 11) && !same(b) && is(b[10], (11-weigh(b, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)%11)%11%10)
	}},
	// Senatran: CNH, two digits modulus 11 of which the second depends on the first.
	{name: "BR_CNH", check: func(b []byte) bool {
		if !digits(b, 11) || same(b) {
			return false
		}
		first, less := falling(b[:9], 9)%11, 0
		if first > 9 {
			first, less = 0, 2
		}
		second := weigh(b, 1, 2, 3, 4, 5, 6, 7, 8, 9)%11 - less
		if second < 0 {
			second += 11
		}
		return is(b[9], first) && is(b[10], second%11%10)
	}},
	// Tribunal Superior Eleitoral: título de eleitor, state, two digits modulus 11.
	{name: "BR_TITULO", check: func(b []byte) bool {
		if !digits(b, 12) || value(b[8:10]) < 1 || value(b[8:10]) > 28 {
			return false
		}
		first := weigh(b, 2, 3, 4, 5, 6, 7, 8, 9) % 11 % 10
		return is(b[10], first) && is(b[11], (weigh(b[8:], 7, 8)+first*9)%11%10)
	}},
	// Ministério da Saúde: cartão nacional de saúde, weights 15 to 1 modulus 11.
	{name: "BR_CNS", check: func(b []byte) bool { return digits(b, 15) && oneOf(b[0], "12789") && falling(b, 15)%11 == 0 }},
	// Secretaria de Segurança Pública de São Paulo: RG, weights 2 to 9 and 100 modulus 11.
	{name: "BR_RG", check: func(b []byte) bool {
		return len(b) == 9 && every(b[:8], digit) && b[8] == "0X987654321"[weigh(b, 2, 3, 4, 5, 6, 7, 8, 9)%11]
	}},
	// Servicio de Registro Civil: RUT and RUN, modulus 11.
	{name: "CL_RUT", lead: "CL ", check: func(b []byte) bool {
		n := len(b) - 1
		if n != 7 && n != 8 || !every(b[:n], digit) || value(b[:n]) == 0 {
			return false
		}
		sum, weight := 0, 2
		for i := n - 1; i >= 0; i-- {
			sum += int(b[i]-'0') * weight
			if weight++; weight > 7 {
				weight = 2
			}
		}
		return b[n] == "0K987654321"[sum%11]
	}},
	// DIAN: NIT, primes as weights modulus 11.
	{name: "CO_NIT", drop: usual + ",", check: func(b []byte) bool {
		n := len(b) - 1
		if !between(b, 8, 16) {
			return false
		}
		sum := 0
		for i := n - 1; i >= 0; i-- {
			sum += int(b[i]-'0') * [15]int{3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71}[n-1-i]
		}
		return b[n] == "01987654321"[sum%11]
	}},
	// Registro Civil: cédula, province, modulus 10.
	{name: "EC_CI", check: ecuadorian},
	// SRI: RUC of a person, of a company (modulus 11) and of the state (modulus 11).
	{name: "EC_RUC", check: func(b []byte) bool {
		if !digits(b, 13) || !ecuadorProvince(b) {
			return false
		}
		if b[2] < '6' {
			return ecuadorian(b[:10]) && value(b[10:]) > 0
		}
		return b[2] == '6' && (weigh(b, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0 && value(b[9:]) > 0 || ecuadorSum(b[:10]) && value(b[10:]) > 0) ||
			b[2] == '9' && weigh(b, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0 && value(b[10:]) > 0
	}},
	// RENIEC: CUI, eight digits and a digit or letter modulus 11.
	{name: "PE_CUI", check: func(b []byte) bool {
		if digits(b, 8) {
			return true
		}
		if len(b) != 9 || !every(b[:8], digit) {
			return false
		}
		n := weigh(b, 3, 2, 7, 6, 5, 4, 3, 2) % 11
		return b[8] == "65432110987"[n] || b[8] == "KJIHGFEDCBA"[n]
	}},
	// SUNAT: RUC, kind of payer, weights 5, 4, 3, 2, 7 to 2 modulus 11.
	{name: "PE_RUC", check: func(b []byte) bool {
		return digits(b, 11) && listed(b[:2], "10 15 16 17 20 ") && is(b[10], (11-weigh(b, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%10)
	}},
	// Superintendencia Nacional de Migraciones: carné de extranjería, nine digits.
	{name: "PE_CE", check: func(b []byte) bool { return digits(b, 9) }},
	// SET: RUC, weights from the right modulus 11.
	{name: "PY_RUC", check: func(b []byte) bool {
		n := len(b) - 1
		if !between(b, 5, 9) {
			return false
		}
		return is(b[n], (11-falling(b[:n], n+1)%11)%11%10)
	}},
	// Departamento de Identificaciones: cédula, five to seven digits.
	{name: "PY_CEDULA", check: func(b []byte) bool { return between(b, 5, 7) }},
	// DGI: RUT, kind, serial, 001, weights 4, 3, 2, 9 to 2 modulus 11.
	{name: "UY_RUT", lead: "UY ", check: func(b []byte) bool {
		return digits(b, 12) && value(b[:2]) >= 1 && value(b[:2]) <= 22 && value(b[2:8]) > 0 && string(b[8:11]) == "001" &&
			is(b[11], (11-weigh(b, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)%11)%11)
	}},
	// Dirección Nacional de Identificación Civil: cédula, weights 2, 9, 8, 7, 6, 3, 4 modulus 10.
	{name: "UY_CEDULA", check: uruguayan},
	// DGI: NIE, a 9, weights 8, 2, 9, 8, 7, 6, 3, 4 modulus 10.
	{name: "UY_NIE", check: func(b []byte) bool {
		return digits(b, 9) && b[0] == '9' && is(b[8], (10-weigh(b, 8, 2, 9, 8, 7, 6, 3, 4)%10)%10)
	}},
	// SENIAT: RIF, letter and nine digits, weights 3, 2, 7 to 2 modulus 11.
	{name: "VE_RIF", check: func(b []byte) bool {
		if len(b) != 10 || !every(b[1:], digit) {
			return false
		}
		first := place(b[0], "VEJPG")
		return first >= 0 && b[9] == "00987654321"[((first+1)*4+weigh(b[1:], 3, 2, 7, 6, 5, 4, 3, 2))%11]
	}},
}

// bolivian reads seven or eight digits, perhaps a complement, and the
// department, in either order.
func bolivian(b []byte) bool {
	n := 0
	for n < len(b) && digit(b[n]) {
		n++
	}
	if n < 7 || n > 8 {
		return false
	}
	const departments = "LP SC CB OR PT TJ CH BE PD "
	rest := b[n:]
	for at := 0; at+2 <= len(rest); at += max(1, len(rest)-2) {
		if listed(rest[at:at+2], departments) {
			return len(rest) <= 4 && every(rest, alphanumeric)
		}
	}
	return false
}

func brazilianPerson(b []byte) bool {
	return digits(b, 11) && !same(b) && brazilianDigit(falling(b[:9], 10), b[9]) && brazilianDigit(falling(b[:10], 11), b[10])
}

func brazilianDigit(sum int, c byte) bool {
	n := 11 - sum%11
	if n > 9 {
		n = 0
	}
	return is(c, n)
}

func brazilianCompany(b []byte) bool {
	if len(b) != 14 || !every(b[:12], alphanumeric) || !every(b[12:], digit) || same(b) {
		return false
	}
	if every(b[:12], digit) && value(b[:12]) == 0 {
		return false
	}
	sum := func(n int) int {
		s := 0
		for i, c := range b[:n] {
			s += int(c-'0') * ((n-1-i)%8 + 2)
		}
		return s
	}
	return brazilianDigit(sum(12), b[12]) && brazilianDigit(sum(13), b[13])
}

func ecuadorProvince(b []byte) bool {
	n := value(b[:2])
	return n >= 1 && n <= 24 || n == 30 || n == 50
}

func ecuadorian(b []byte) bool {
	return digits(b, 10) && ecuadorProvince(b) && b[2] <= '6' && ecuadorSum(b)
}

func ecuadorSum(b []byte) bool {
	sum := 0
	for i, c := range b[:10] {
		n := int(c - '0')
		if i%2 == 0 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

func uruguayan(b []byte) bool {
	return digits(b, 8) && is(b[7], (10-weigh(b, 2, 9, 8, 7, 6, 3, 4)%10)%10)
}
