package number

// media are the numbers of goods, books, music and libraries.
var media = []kind{
	// GS1 General Specifications §7.9: GTIN of 8, 12, 13 or 14 digits.
	{name: "EAN", check: barcode},
	{name: "GEN_EAN", check: barcode},
	// GS1 General Specifications §3: application identifiers and their contents.
	{name: "GS1_128", drop: " ", check: applications},
	// ISO 2108.
	{name: "ISBN", check: bookNumber},
	// ISO 3297: weights 8 to 2 modulus 11.
	{name: "ISSN", check: func(b []byte) bool {
		return len(b) == 8 && every(b[:7], digit) && b[7] == "0X987654321"[falling(b[:7], 8)%11]
	}},
	// ISO 10957: "M" or 979-0.
	{name: "ISMN", check: func(b []byte) bool {
		if len(b) == 10 && b[0] == 'M' {
			var room [longest]byte
			b = append(append(room[:0], "9790"...), b[1:]...)
		}
		return digits(b, 13) && string(b[:4]) == "9790" && ean(b)
	}},
	// ISO 27729: ISO/IEC 7064 MOD 11-2.
	{name: "ISNI", check: func(b []byte) bool { return len(b) == 16 && pure(b, alphabet11) }},
	// ISO 15706: 16 hexadecimal digits, version of 8, check characters MOD 37,36.
	{name: "ISAN", check: audiovisual},
	// ISO 3901: country, registrant, year, designation.
	{name: "ISRC", check: func(b []byte) bool {
		return shaped(b, "AAXXX9999999") && (country(b[:2]) || listed(b[:2], "QM QZ QT QN UK TC CP DG ZZ CS YU BX FX KS ZB ZS DD SU "))
	}},
	// ISO 15511: prefix of a country or an agency, hyphen, up to eleven characters.
	{name: "ISIL", drop: " ", check: never, exact: library},
	// IFPI, Global Release Identifier: ISO/IEC 7064 MOD 37,36.
	{name: "GRID", lead: "GRID: GRID ", check: func(b []byte) bool {
		return len(b) == 18 && string(b[:2]) == "A1" && hybrid(b, alphabet36)
	}},
}

func barcode(b []byte) bool { return digits(b, 8, 12, 13, 14) && ean(b) }

func bookNumber(b []byte) bool {
	if digits(b, 13) {
		return (string(b[:3]) == "978" || string(b[:3]) == "979") && ean(b)
	}
	top := 10
	if len(b) == 9 {
		top = 9 // a standard book number of before 1970
	}
	if len(b) != top || !every(b[:top-1], digit) {
		return false
	}
	return b[top-1] == "0X987654321"[falling(b[:top-1], top)%11]
}

func audiovisual(b []byte) bool {
	root, version := b, []byte(nil)
	switch len(b) {
	case 16, 17:
	case 24:
		root, version = b[:16], b[16:]
	case 26:
		root, version = b[:17], b[17:]
	default:
		return false
	}
	if !every(root[:16], hexadecimal) || len(root) == 17 && !hybrid(root, alphabet36) {
		return false
	}
	if version == nil {
		return true
	}
	if !every(version[:8], hexadecimal) {
		return false
	}
	if len(version) == 8 {
		return true
	}
	var room [longest]byte
	return hybrid(append(append(room[:0], root[:16]...), version...), alphabet36)
}

// library keeps the case of letters, which counts in an ISIL.
func library(s string) bool {
	if len(s) > 16 {
		return false
	}
	at := -1
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '-' && at < 0:
			at = i
		case digit(c) || letter(c&^0x20) || c == '-' || c == '/' || c == ':':
		default:
			return false
		}
	}
	if at < 1 || at > 4 || len(s)-at < 2 || len(s)-at > 12 {
		return false
	}
	prefix := [4]byte{}
	for i := 0; i < at; i++ {
		prefix[i] = s[i] &^ 0x20
	}
	p := prefix[:at]
	return country(p) || listed(p, "EUR GTB M O OCLC ZDB ")
}

// application is a GS1 application identifier: its digits, the form of its
// contents (n digits, x characters, d a date) with least and most lengths.
type application struct {
	id          string
	form        byte
	least, most int
}

var identifiers = []application{
	{"00", 'n', 18, 18}, {"01", 'n', 14, 14}, {"02", 'n', 14, 14}, {"10", 'x', 1, 20}, {"11", 'd', 6, 6}, {"12", 'd', 6, 6},
	{"13", 'd', 6, 6}, {"15", 'd', 6, 6}, {"16", 'd', 6, 6}, {"17", 'd', 6, 6}, {"20", 'n', 2, 2}, {"21", 'x', 1, 20},
	{"22", 'x', 1, 20}, {"235", 'x', 1, 28}, {"240", 'x', 1, 30}, {"241", 'x', 1, 30}, {"242", 'n', 1, 6}, {"243", 'x', 1, 20},
	{"250", 'x', 1, 30}, {"251", 'x', 1, 30}, {"253", 'x', 13, 30}, {"254", 'x', 1, 20}, {"255", 'n', 13, 25},
	{"30", 'n', 1, 8}, {"31", 'm', 6, 6}, {"32", 'm', 6, 6}, {"33", 'm', 6, 6}, {"34", 'm', 6, 6}, {"35", 'm', 6, 6},
	{"36", 'm', 6, 6}, {"37", 'n', 1, 8}, {"390", 'm', 1, 15}, {"391", 'm', 4, 18}, {"392", 'm', 1, 15}, {"393", 'm', 4, 18},
	{"394", 'm', 4, 4}, {"395", 'm', 6, 6}, {"400", 'x', 1, 30}, {"401", 'x', 1, 30}, {"402", 'n', 17, 17}, {"403", 'x', 1, 30},
	{"410", 'n', 13, 13}, {"411", 'n', 13, 13}, {"412", 'n', 13, 13}, {"413", 'n', 13, 13}, {"414", 'n', 13, 13},
	{"415", 'n', 13, 13}, {"416", 'n', 13, 13}, {"417", 'n', 13, 13}, {"420", 'x', 1, 20}, {"421", 'x', 4, 12},
	{"422", 'n', 3, 3}, {"423", 'n', 3, 15}, {"424", 'n', 3, 3}, {"425", 'n', 3, 15}, {"426", 'n', 3, 3}, {"427", 'x', 1, 3},
	{"7001", 'n', 13, 13}, {"7002", 'x', 1, 30}, {"7003", 'n', 10, 10}, {"7004", 'n', 1, 4}, {"7006", 'd', 6, 6},
	{"8001", 'n', 14, 14}, {"8002", 'x', 1, 20}, {"8003", 'x', 14, 30}, {"8004", 'x', 1, 30}, {"8005", 'n', 6, 6},
	{"8006", 'n', 18, 18}, {"8007", 'x', 1, 34}, {"8008", 'n', 8, 12}, {"8010", 'x', 1, 30}, {"8017", 'n', 18, 18},
	{"8018", 'n', 18, 18}, {"8019", 'n', 1, 10}, {"8020", 'x', 1, 25}, {"90", 'x', 1, 30}, {"91", 'x', 1, 90}, {"92", 'x', 1, 90},
	{"93", 'x', 1, 90}, {"94", 'x', 1, 90}, {"95", 'x', 1, 90}, {"96", 'x', 1, 90}, {"97", 'x', 1, 90}, {"98", 'x', 1, 90},
	{"99", 'x', 1, 90},
}

// applications reads a row of identifiers, in brackets or not, each with its
// contents.
func applications(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	for len(b) > 0 {
		bracket := b[0] == '('
		if bracket {
			b = b[1:]
		}
		k, rest := identifier(b)
		if k == nil {
			return false
		}
		b = rest
		if bracket {
			if len(b) == 0 || b[0] != ')' {
				return false
			}
			b = b[1:]
		}
		n := k.reach(b)
		if n < k.least {
			return false
		}
		if !k.holds(b[:n]) {
			return false
		}
		if b = b[n:]; len(b) > 0 && b[0] == 0x1d {
			b = b[1:]
		}
	}
	return true
}

func identifier(b []byte) (*application, []byte) {
	for i := range identifiers {
		k := &identifiers[i]
		n := len(k.id)
		if len(b) < n || string(b[:n]) != k.id {
			continue
		}
		if k.form == 'm' { // the last digit says where the decimal point is
			for n < 4 {
				if n++; len(b) < n || !digit(b[n-1]) {
					return nil, nil
				}
			}
		}
		return k, b[n:]
	}
	return nil, nil
}

// reach is how far the contents of an identifier go.
func (k *application) reach(b []byte) int {
	n := 0
	for n < len(b) && n < k.most && b[n] != '(' && b[n] != 0x1d {
		n++
	}
	return n
}

func (k *application) holds(b []byte) bool {
	switch k.form {
	case 'x':
		for _, c := range b {
			if c <= ' ' || c > '~' {
				return false
			}
		}
		return true
	case 'd':
		return every(b, digit) && (string(b[4:]) == "00" && calendar(2000, value(b[2:4]), 1) ||
			calendar(2000+value(b[:2]), value(b[2:4]), value(b[4:])))
	}
	return every(b, digit) && (k.most < 14 || k.least != k.most || k.id == "402" || ean(b))
}
