package number

// vatForms are the ways in which tax numbers are written on invoices: form
// only, for a first look. Where a check digit is known, another kind has it
// (AT_UID, PL_NIP, GR_VAT and so on). Source: European Commission, VIES, and
// the tax authorities. In a form 9 is a digit, A a letter, X either, anything
// else itself; the country stands directly in front or is left out.
var vatForms = []kind{
	vat("AL", "999999999A"), vat("AR", "99999999999"), vat("AT", "U99999999"), vat("BO", "9999999"),
	vat("BR", "99.999.999/9999-99", "999.999.999-99"), vat("CA", "999999999"), vat("CL", "99999999-9"), vat("CO", "9999999999"),
	vat("CR", "999999999", "9999999999", "99999999999", "999999999999"), vat("CZ", "99999999", "999999999", "9999999999"),
	vat("DK", "99999999"), vat("DO", "99999999999", "999-9999999-9", "999999999", "9-99-99999-9"), vat("EC", "9999999999999"),
	vat("EE", "999999999"), vat("EL", "999999999"), vat("ES", "A9999999A", "A99999999", "99999999A"), vat("FI", "99999999"),
	vat("FR", "XX999999999"), vat("GT", "9999999-9"), vat("HR", "99999999999"), vat("HU", "99999999"),
	vat("ID", "999999999999999", "99.999.999.9-999.999"), vat("IL", "999999999"), vat("IN", "999999999999999"),
	vat("IS", "99999", "999999"), vat("KZ", "999999999999"), vat("LT", "999999999", "9999999999", "99999999999", "999999999999"),
	vat("LU", "99999999"), vat("LV", "99999999999"), vat("MK", "9999999999999"), vat("MX", "AAA999999XXX", "AAAA999999XXX"),
	vat("NG", "999999999999", "99999999-9999"), vat("NL", "999999999B99"), vat("NO", "999999999MVA"), vat("NZ", "999999999"),
	vat("PE", "99999999999"), vat("PH", "999999999999", "999 999 999 999"),
	vat("PL", "9999999999", "999-999-99-99", "999-99-99-999"), vat("PY", "99999999-9", "9999999-9"),
	vat("RO", "99", "999", "9999", "99999", "999999", "9999999", "99999999", "999999999", "9999999999"), vat("RS", "999999999"),
	vat("RU", "9999999999", "999999999999"), vat("SA", "999999999999999"), vat("SI", "99999999"), vat("SK", "9999999999"),
	vat("SM", "99999"), vat("SV", "9999-999999-999-9"), vat("TR", "9999999999"), vat("UA", "999999999999"),
	vat("UY", "999999999999"), vat("UZ", "999999999"), vat("VE", "A-999999999", "A-99999999-9"),
	// Autoridade Tributária: nine digits, not from 0.
	{name: "PT_VAT", check: func(b []byte) bool { return digits(b, 9) && b[0] != '0' }, exact: func(s string) bool {
		form := "999999999"
		return written(s, "PT", form) && s[len(s)-len(form)] != '0'
	}},
	// Инспекция МНС: УНП and nine digits.
	{name: "BY_VAT", lead: "\u0423\u041d\u041f ", drop: " ", check: func(b []byte) bool { return digits(b, 9) }},
}

// vat makes the kind of a country whose numbers have one of the forms.
func vat(country string, forms ...string) kind {
	return kind{name: country + "_VAT", lead: country + " ", check: func(b []byte) bool {
		for _, form := range forms {
			if loosely(b, form) {
				return true
			}
		}
		return false
	}, exact: func(s string) bool {
		for _, form := range forms {
			if written(s, country, form) {
				return true
			}
		}
		return false
	}}
}

// written compares a value as it stands with a form, with or without the
// country.
func written(s, country, form string) bool {
	var room [longest]byte
	b, ok := compact(room[:0], s, "")
	if ok && len(b) == len(country)+len(form) && string(b[:len(country)]) == country {
		b = b[len(country):]
	}
	if ok && len(b) == len(form) && form[0] == 'X' && string(b[:len(country)]) == country {
		return false // the key is missing
	}
	return ok && shaped(b, form)
}

// loosely compares a compact number with a form whose separators do not
// count.
func loosely(b []byte, form string) bool {
	i := 0
	for k := 0; k < len(form); k++ {
		if !alphanumeric(form[k]) {
			continue
		}
		if i == len(b) || !shaped(b[i:i+1], form[k:k+1]) {
			return false
		}
		i++
	}
	return i == len(b)
}
