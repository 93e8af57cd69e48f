package number

// france are the numbers of France and Monaco.
var france = []kind{
	// INSEE, décret 82-103: NIR, 97 minus the remainder; Corsica's 2A and 2B count as 19 and 18.
	{name: "FR_NIR", check: frenchSocial},
	// DGFiP: numéro fiscal (SPI), ten digits modulus 511.
	{name: "FR_NIF", check: func(b []byte) bool {
		return digits(b, 13) && b[0] <= '3' && value(b[:10])%511 == value(b[10:])
	}},
	// INSEE, décret 73-314: SIREN, Luhn.
	{name: "FR_SIREN", check: func(b []byte) bool { return digits(b, 9) && luhn(b) }},
	// INSEE: SIRET, Luhn; the offices of La Poste add up to a multiple of five.
	{name: "FR_SIRET", check: func(b []byte) bool {
		if !digits(b, 14) || !luhn(b[:9]) {
			return false
		}
		if string(b[:9]) == "356000000" && string(b[9:]) != "00048" {
			sum := 0
			for _, c := range b {
				sum += int(c - '0')
			}
			return sum%5 == 0
		}
		return luhn(b)
	}},
	// DGFiP, BOI-TVA-DECLA: key modulus 97, or two characters modulus 11.
	{name: "FR_TVA", lead: "FR ", check: frenchVAT},
	// Monaco has French numbers whose SIREN begins with 000.
	{name: "MC_TVA", lead: "FR ", check: func(b []byte) bool {
		return len(b) == 11 && string(b[2:5]) == "000" && frenchVAT(b)
	}},
	// Greffes des tribunaux: RCS, town, A or B, SIREN.
	{name: "FR_RCS", check: func(b []byte) bool {
		n := len(b) - 9
		return n > 5 && string(b[:3]) == "RCS" && (b[n-1] == 'A' || b[n-1] == 'B') && digits(b[n:], 9) && luhn(b[n:])
	}, exact: frenchRegister},
	// Direction générale des douanes: numéro d'accise.
	{name: "FR_ACCISE", check: frenchExcise},
	// France Titres: carte nationale d'identité, twelve digits (before 2021) or nine characters.
	{name: "FR_CNI", check: func(b []byte) bool {
		return digits(b, 12) && value(b[2:4]) >= 1 && value(b[2:4]) <= 12 || len(b) == 9 && within(b, "0123456789BCDFGHJKLMNPRSTVWXYZ")
	}},
}

func frenchSocial(b []byte) bool {
	if len(b) != 15 || !oneOf(b[0], "123478") || !every(b[1:5], digit) || !every(b[7:], digit) || !digit(b[5]) {
		return false
	}
	n := 0
	switch {
	case digit(b[6]):
		n = value(b[:13])
	case string(b[5:7]) == "2A":
		n = value(b[:5])*100000000 + 19*1000000 + value(b[7:13])
	case string(b[5:7]) == "2B":
		n = value(b[:5])*100000000 + 18*1000000 + value(b[7:13])
	default:
		return false
	}
	month := value(b[3:5])
	if month == 0 || month > 12 && month < 20 || month > 42 && month < 50 {
		return false
	}
	return 97-n%97 == value(b[13:])
}

func frenchVAT(b []byte) bool {
	const letters = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	if len(b) != 11 || !every(b[2:], digit) || !within(b[:2], letters) {
		return false
	}
	siren := value(b[2:])
	if string(b[2:5]) != "000" && !luhn(b[2:]) {
		return false
	}
	if every(b[:2], digit) {
		return (siren*100+12)%97 == value(b[:2])
	}
	first, second := place(b[0], letters), place(b[1], letters)
	n := first*34 + second - 100
	if digit(b[0]) {
		n = first*24 + second - 10
	}
	return (siren+1+n/11)%11 == n%11
}

func frenchExcise(b []byte) bool {
	return len(b) == 13 && string(b[:3]) == "FR0" && every(b[3:8], digit) && oneOf(b[8], "ENCB") && every(b[9:], digit)
}

// frenchRegister wants a town that stands alone.
func frenchRegister(s string) bool {
	var room [longest]byte
	b, ok := compact(room[:0], s, "")
	if !ok || len(b) < 16 || string(b[:4]) != "RCS " {
		return false
	}
	for i := len(b) - 2; i > 5; i-- {
		if (b[i] == 'A' || b[i] == 'B') && b[i-1] == ' ' && b[i+1] == ' ' {
			var rest [longest]byte
			n := 0
			for _, c := range b[i+1:] {
				if c != ' ' {
					rest[n] = c
					n++
				}
			}
			return digits(rest[:n], 9) && luhn(rest[:n])
		}
	}
	return false
}
