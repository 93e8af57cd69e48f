package number

// baltic are the numbers of Estonia, Latvia and Lithuania.
var baltic = []kind{
	// EVS 585: isikukood, two passes modulus 11 and birth date.
	{name: "EE_IK", check: balticPerson},
	// Maksu- ja Tolliamet: KMKR, weights 3, 7, 1 modulus 10.
	{name: "EE_KMKR", lead: "EE ", check: estonianVAT},
	// Registrite ja Infosüsteemide Keskus: registrikood, two passes modulus 11.
	{name: "EE_REGISTRIKOOD", check: func(b []byte) bool {
		if !digits(b, 8) || !oneOf(b[0], "1789") {
			return false
		}
		n := weigh(b, 1, 2, 3, 4, 5, 6, 7) % 11
		if n == 10 {
			n = weigh(b, 3, 4, 5, 6, 7, 8, 9) % 11 % 10
		}
		return is(b[7], n)
	}},
	// Registrų centras: asmens kodas, as in Estonia; 9 for persons whose birth date is not known.
	{name: "LT_ASMENS", check: func(b []byte) bool {
		return balticPerson(b) || digits(b, 11) && b[0] == '9' && is(b[10], balticSum(b))
	}},
	// Valstybinė mokesčių inspekcija: PVM, two passes modulus 11.
	{name: "LT_PVM", lead: "LT ", check: lithuanianVAT},
	// PMLP: personas kods, birth date or 32, modulus 11 for the old ones.
	{name: "LV_PK", check: func(b []byte) bool { return digits(b, 11) && latvianPerson(b) }},
	// Valsts ieņēmumu dienests: PVN, modulus 11 to 3, or a person's code.
	{name: "LV_PVN", lead: "LV ", check: latvianVAT},
}

func balticPerson(b []byte) bool {
	if !digits(b, 11) || b[0] < '1' || b[0] > '8' {
		return false
	}
	year := 1800 + int(b[0]-'1')/2*100 + value(b[1:3])
	return date(year, value(b[3:5]), value(b[5:7])) && is(b[10], balticSum(b))
}

func balticSum(b []byte) int {
	n := weigh(b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1) % 11
	if n == 10 {
		n = weigh(b, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3) % 11 % 10
	}
	return n
}

func estonianVAT(b []byte) bool { return digits(b, 9) && weigh(b, 3, 7, 1, 3, 7, 1, 3, 7, 1)%10 == 0 }

// lithuanianVAT has a 1 before its check digit; that of a short-lived payer
// has twelve digits.
func lithuanianVAT(b []byte) bool {
	n := len(b)
	if !digits(b, 9, 12) || b[n-2] != '1' {
		return false
	}
	pass := func(from int) int {
		sum := 0
		for i, c := range b[:n-1] {
			sum += int(c-'0') * ((from-1+i)%9 + 1)
		}
		return sum % 11
	}
	check := pass(1)
	if check == 10 {
		check = pass(3) % 10
	}
	return is(b[n-1], check)
}

func latvianPerson(b []byte) bool {
	if string(b[:2]) == "32" {
		return true
	}
	if !oneOf(b[6], "012") || !date(1800+int(b[6]-'0')*100+value(b[4:6]), value(b[2:4]), value(b[:2])) {
		return false
	}
	return is(b[10], (1+weigh(b, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9))%11%10)
}

func latvianVAT(b []byte) bool {
	if !digits(b, 11) {
		return false
	}
	if b[0] > '3' {
		return weigh(b, 9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1)%11 == 3
	}
	return latvianPerson(b)
}
