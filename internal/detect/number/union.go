package number

// union are the numbers of the European Union and its VAT systems.
var union = []kind{
	// Directive 2006/112/EC art. 215: each member state's VAT number with its prefix.
	{name: "EU_VAT", check: unionVAT, drop: " -./:,()"},
	// OECD and VIES: a tax number for VAT purposes with the country in front.
	{name: "VATIN", check: anyVAT, drop: slash},
	// Council Implementing Regulation (EU) 2020/194: EU or IM, member state by ISO 3166-1 numeric, five digits and one.
	{name: "EU_OSS", check: func(b []byte) bool {
		return (len(b) == 11 && string(b[:2]) == "EU" || len(b) == 12 && string(b[:2]) == "IM") && oneStop(b[2:])
	}},
	// European Central Bank: letter and serial, sum modulus 9; the printers of the second series by their letter.
	{name: "EU_BANKNOTE", check: banknote},
	// ECHA: EC number, weights 1 to 6 modulus 11.
	{name: "EU_ECNUMBER", drop: "-", check: func(b []byte) bool {
		return digits(b, 7) && b[0] >= '2' && is(b[6], weigh(b, 1, 2, 3, 4, 5, 6)%11)
	}, exact: func(s string) bool {
		b := []byte(s)
		if len(b) == 9 && b[3] == '-' && b[7] == '-' {
			b = append(append(b[:3:3], b[4:7]...), b[8])
		}
		return digits(b, 7) && b[0] >= '2' && is(b[6], weigh(b, 1, 2, 3, 4, 5, 6)%11)
	}},
	// ENTSO-E: Energy Identification Code, weights 16 to 2 modulus 37 with the hyphen as a character.
	{name: "EU_EIC", drop: " ", check: energy},
	// Council Regulation (EC) 389/2012: member state and eleven characters.
	{name: "EU_EXCISE", check: func(b []byte) bool {
		return len(b) == 13 && listed(b[:2], memberStates+"EL ") && every(b, alphanumeric) &&
			(string(b[:2]) != "FR" || frenchExcise(b))
	}},
	// Regulation (EC) 1893/2006 (NACE Rev. 2): section, division, group, class.
	{name: "EU_NACE", check: activity},
}

const memberStates = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK "

func oneStop(b []byte) bool {
	return every(b, digit) && listed(b[:3], "040 056 100 191 196 203 208 233 246 250 276 300 348 372 380 428 440 442 470 528 616 620 "+
		"642 703 705 724 752 900 ")
}

func unionVAT(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	rest := b[2:]
	switch string(b[:2]) {
	case "AT":
		return austrianVAT(rest)
	case "BE":
		return belgianVAT(rest)
	case "BG":
		return bulgarianVAT(rest)
	case "CY":
		return cypriot(rest)
	case "CZ":
		return czechVAT(rest)
	case "DE":
		return germanVAT(rest)
	case "DK":
		return danishVAT(rest)
	case "EE":
		return estonianVAT(rest)
	case "EL", "GR":
		return greekVAT(rest)
	case "ES":
		return spanishNIF(rest)
	case "EU":
		return len(rest) == 9 && oneStop(rest)
	case "FI":
		return finnishVAT(rest)
	case "FR":
		return frenchVAT(rest)
	case "HR":
		return len(rest) == 11 && hybrid(rest, decimals)
	case "HU":
		return hungarianVAT(rest)
	case "IE":
		return irishVAT(rest)
	}
	return unionVATMore(b)
}

func unionVATMore(b []byte) bool {
	rest := b[2:]
	switch string(b[:2]) {
	case "IT":
		return italianVAT(rest)
	case "LT":
		return lithuanianVAT(rest)
	case "LU":
		return luxembourgVAT(rest)
	case "LV":
		return latvianVAT(rest)
	case "MT":
		return malteseVAT(rest)
	case "NL":
		return dutchVAT(b)
	case "PL":
		return polishNIP(rest)
	case "PT":
		return portugueseNIF(rest)
	case "RO":
		return romanianCUI(rest) || romanianPerson(rest)
	case "SE":
		return swedishVAT(rest)
	case "SI":
		return slovenianVAT(rest)
	case "SK":
		return slovakVAT(rest)
	case "XI":
		return britishVAT(rest)
	}
	return false
}

// anyVAT knows beside the Union's some countries whose tax number has a rule.
func anyVAT(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	if unionVAT(b) {
		return true
	}
	names := [...]struct{ code, kind string }{
		{"AL", "AL_NIPT"}, {"AR", "AR_CUIT"}, {"AU", "AU_ABN"}, {"AZ", "AZ_VOEN"}, {"BR", "BR_CNPJ"}, {"BY", "BY_UNP"},
		{"CH", "CH_VAT"}, {"CL", "CL_RUT"}, {"CN", "CN_USCC"}, {"CO", "CO_NIT"}, {"CR", "CR_CPJ"}, {"DO", "DO_RNC"},
		{"EC", "EC_RUC"}, {"FO", "FO_VN"}, {"GB", "UK_VAT"}, {"GT", "GT_NIT"}, {"ID", "ID_NPWP"}, {"IN", "IN_GSTIN"},
		{"IS", "IS_VSK"}, {"JP", "JP_CN"}, {"KE", "KE_PIN"}, {"KR", "KR_BRN"}, {"LI", "LI_PEID"}, {"MC", "MC_TVA"},
		{"ME", "ME_PIB"}, {"MK", "MK_EDB"}, {"MX", "MX_RFC"}, {"NO", "NO_MVA"}, {"NZ", "NZ_IRD"}, {"PE", "PE_RUC"},
		{"PY", "PY_RUC"}, {"RS", "RS_PIB"}, {"RU", "RU_INN"}, {"SG", "SG_UEN"}, {"SM", "SM_COE"}, {"SV", "SV_NIT"},
		{"TH", "TH_TIN"}, {"TN", "TN_MF"}, {"TR", "TR_VKN"}, {"TW", "TW_UBN"}, {"UA", "UA_EDRPOU"}, {"US", "US_TIN"},
		{"UY", "UY_RUT"}, {"VE", "VE_RIF"}, {"VN", "VN_MST"}, {"ZA", "ZA_TIN"},
	}
	for _, n := range names {
		if n.code == string(b[:2]) {
			return taxNumber(n.kind, b[2:])
		}
	}
	return false
}

func banknote(b []byte) bool {
	if len(b) != 12 || !every(b[2:], digit) || !letter(b[0]) || !alphanumeric(b[1]) {
		return false
	}
	if digit(b[1]) && !oneOf(b[0], "DEFGHJKLMNPRSTUVWXYZ") || letter(b[1]) && !oneOf(b[0], "DEFGHJKMNPRSTUVWXYZ") {
		return false
	}
	sum := 0
	for _, c := range b {
		if digit(c) {
			c -= '0'
		}
		sum += int(c)
	}
	return sum%9 == 0
}

func energy(b []byte) bool {
	if len(b) != 16 || !digit(b[0]) || !digit(b[1]) || !alphanumeric(b[15]) {
		return false
	}
	sum := 0
	for i, c := range b[:15] {
		n := place(c, alphabet36+"-")
		if n < 0 {
			return false
		}
		sum += n * (16 - i)
	}
	return place(b[15], alphabet36+"-") == 36-(sum+36)%37
}

func activity(b []byte) bool {
	if len(b) == 1 {
		return 'A' <= b[0] && b[0] <= 'V'
	}
	if !between(b, 2, 4) {
		return false
	}
	switch n := value(b[:2]); {
	case n < 1 || n == 4 || n == 34 || n == 40 || n == 44 || n == 48 || n == 54 || n == 57 || n == 67 || n == 76 || n == 83 || n == 89:
		return false
	}
	return len(b) < 3 || b[2] != '0'
}

// taxNumber looks a kind up at the time of asking, because the table is made
// of lists that lead here.
func taxNumber(name string, b []byte) bool {
	k := taxKinds(name)
	return k != nil && k.look(b)
}

func taxKinds(name string) *kind {
	for _, list := range [...][]kind{northAmerica, centralAmerica, southAmerica, southAsia, eastAsia, southEastAsia, pacific, africa,
		balkan, eastern, turkey, alpine, britain, nordic, france, southern} {
		for i := range list {
			if list[i].name == name {
				return &list[i]
			}
		}
	}
	return nil
}
