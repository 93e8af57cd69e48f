package number

// securities are instruments and those who issue them.
var securities = []kind{
	// ISO 6166: country, nine characters, Luhn over letters as two digits.
	{name: "ISIN", check: func(b []byte) bool {
		return len(b) == 12 && every(b[:2], letter) && (country(b[:2]) || listed(b[:2], securityCountries)) &&
			every(b[2:11], alphanumeric) && digit(b[11]) && luhnLetters(b)%10 == 0
	}},
	// CUSIP Global Services (ANSI X9.6): modulus 10 double-add-double.
	{name: "CUSIP", check: func(b []byte) bool {
		sum := 0
		if len(b) != 9 || !digit(b[8]) {
			return false
		}
		for i, c := range b[:8] {
			n := place(c, alphabet36+"*@#")
			if n < 0 {
				return false
			}
			sum += cross(n * (1 + i%2))
		}
		return is(b[8], (10-sum%10)%10)
	}},
	// London Stock Exchange, SEDOL masterfile: weights 1, 3, 1, 7, 3, 9, 1; no vowels; old ones are digits only.
	{name: "SEDOL", check: func(b []byte) bool {
		if len(b) != 7 || !within(b, noVowels) || !digit(b[6]) || digit(b[0]) && !every(b, digit) {
			return false
		}
		sum := 0
		for i, w := range [7]int{1, 3, 1, 7, 3, 9, 1} {
			sum += place(b[i], alphabet36) * w
		}
		return sum%10 == 0
	}},
	// ISO 17442: legal entity identifier, MOD 97-10.
	{name: "LEI", check: func(b []byte) bool { return len(b) == 20 && digits(b[18:], 2) && mod97(b) }},
	// ANSI X9.145: Financial Instrument Global Identifier.
	{name: "FIGI", check: instrument},
	// ISO 10962: classification of financial instruments.
	{name: "CFI", check: classification},
	// WM Datenservice: Wertpapierkennnummer, without I and O.
	{name: "DE_WKN", check: func(b []byte) bool {
		return len(b) == 6 && within(b, "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ")
	}},
	// ISO 4914: unique product identifier, "QZ", no vowels, ISO/IEC 7064 MOD 31,30.
	{name: "UPI", check: func(b []byte) bool {
		return len(b) == 12 && string(b[:2]) == "QZ" && hybrid(b, noVowelsNorY)
	}},
}

// securityCountries are the codes of ISO 6166 beside the countries.
const securityCountries = "AN CS DD EU EZ QS QT QW QX QY QZ SU XA XB XC XD XF XK XS XT YU ZR "

func instrument(b []byte) bool {
	if len(b) != 12 || b[2] != 'G' || !digit(b[11]) || !within(b[:11], noVowels) || digit(b[0]) || digit(b[1]) ||
		listed(b[:2], "BS BM GG GB GH KY VG ") {
		return false
	}
	sum := 0
	for i, c := range b[:11] {
		sum += cross(place(c, alphabet36) * (1 + i%2))
	}
	return is(b[11], (10-sum%10)%10)
}

// classes are category and group of ISO 10962, each with the letters that its
// four attributes may have; X is always allowed.
var classes = []struct{ group, a, b, c, d string }{
	{"ES", "VNRE", "TU", "FOP", "BRNM"}, {"EP", "VNRE", "REGANTC", "FCPQAU", "BRNM"},
	{"EC", "VNRE", "TU", "FOP", "BRNM"}, {"EF", "VNRE", "REGANTC", "FCPQAU", "BRNM"},
	{"EL", "VNRE", "TU", "FOP", "BRNM"}, {"ED", "SPCFLM", "RNBDX", "FCPQAU", "BRNM"},
	{"EY", "ABCDEM", "DYM", "FVEM", "BSCTGIDNM"}, {"EM", "", "", "", "BRNM"},
	{"CI", "CGOM", "GIJ", "RBEVLCDFKM", "SQUY"}, {"CH", "DRSEANLM", "", "", ""},
	{"CB", "CGOM", "GIJ", "", "SQUY"}, {"CE", "CGOM", "GIJ", "RBEVLCDFKM", "SUY"},
	{"CS", "CGOM", "GIJ", "RBM", "SU"}, {"CF", "CGOM", "GIJ", "IHBEPM", "SQUY"},
	{"CP", "CGOM", "GIJ", "RBEVLCDFKM", "SQUY"}, {"CM", "", "", "", "SQUY"},
	{"DB", "FZVCK", "TGSUPNOQJC", "FGCDABTLPQRE", "BRNM"}, {"DC", "FZVK", "TGSUPNOQJC", "FGCDABTLPQRE", "BRNM"},
	{"DW", "FZVK", "TGSUPNOQJC", "FGCDABTLPQRE", "BRNM"}, {"DT", "FZVK", "TGSUPNOQJC", "FGCDABTLPQRE", "BRNM"},
	{"DY", "FZVK", "TGSUPNOQJC", "FGCDABTLPQRE", "BRNM"}, {"DS", "ABCDM", "FDVYM", "FVM", "BSCTGIDNM"},
	{"DE", "ABCDEM", "FDVYM", "RSCTM", "BSCTGIDNM"}, {"DG", "FZVK", "TGSUPNOQJC", "FGCDABTLPQRE", "BRNM"},
	{"DA", "FZV", "TGSUPNOQJC", "FGCDABTLPQRE", "BRNM"}, {"DN", "FZV", "TGSUPNOQJC", "FGCDABTLPQRE", "BRNM"},
	{"DD", "BCWTYGQNM", "FDVYCM", "FVM", "BRSCTGIDNM"}, {"DM", "BPM", "", "", "BRNM"},
	{"RA", "", "", "", "BRNM"}, {"RS", "SPCFBIM", "", "", "BRNM"}, {"RP", "SPCFBIM", "", "", "BRNM"},
	{"RW", "BSDTCIM", "TNC", "CPB", "AEBM"}, {"RF", "BSDTCIM", "TNM", "CPM", "AEBM"},
	{"RD", "ASPWM", "", "", "BRNM"}, {"RM", "", "", "", ""},
	{"OC", "AEB", "BSDTCIOFWNM", "PCNE", "SN"}, {"OP", "AEB", "BSDTCIOFWNM", "PCNE", "SN"}, {"OM", "", "", "", ""},
	{"FF", "BSDCIOFWNVM", "PCN", "SN", ""}, {"FC", "EAISNPHM", "PCN", "SN", ""},
	{"SR", "ACDGHZM", "CIDY", "SC", "DNCPE"}, {"ST", "JKANGPSTIQM", "PDVLTCM", "", "CPE"},
	{"SE", "SIBM", "PDVLTCM", "", "CPE"}, {"SC", "UVIBM", "CTM", "CSLM", "CPA"}, {"SF", "ACM", "", "", "PN"},
	{"SM", "PM", "", "", "CP"}, {"HR", "ACDGHORFM", "ABCDEFGHI", "VADBGLPM", "CPE"},
	{"HT", "JKANGPSTIQORFWM", "ABCDEFGHI", "VADBGLPM", "CPE"}, {"HE", "SIBORFM", "ABCDEFGHI", "VADBGLPM", "CPE"},
	{"HC", "UVIWM", "ABCDEFGHI", "VADBGLPM", "CPE"}, {"HF", "RFTVM", "ABCDEFGHI", "VADBGLPM", "CPEN"},
	{"HM", "PUM", "ABCDEFGHI", "VADBGLPM", "CPENA"}, {"IF", "", "", "", "P"}, {"IT", "AJKNPSTM", "", "", ""},
	{"JE", "SIBOFM", "", "CSF", "CP"}, {"JF", "TROFM", "", "CSF", "CPN"}, {"JC", "AIBCDGOFM", "", "CSF", "CP"},
	{"JR", "IOM", "", "CSF", "CP"}, {"JT", "ABGIJKNPSTM", "", "CF", "CP"},
	{"KR", "", "", "", ""}, {"KT", "", "", "", ""}, {"KE", "", "", "", ""}, {"KC", "", "", "", ""}, {"KF", "", "", "", ""},
	{"KY", "", "", "", ""}, {"KM", "", "", "", ""}, {"LL", "ABJKNPSTM", "", "", "CPD"},
	{"LR", "GSC", "NOT", "", "DHT"}, {"LS", "CGPTELDWKM", "NOT", "", "DFHT"},
	{"TC", "NLCM", "", "", ""}, {"TT", "EAISNPHM", "", "", ""}, {"TR", "NVFRM", "DWNQSAM", "", ""},
	{"TI", "EDFRTNCOM", "PCEFNM", "PNGM", ""}, {"TB", "EDFITC", "", "", ""}, {"TD", "SPCFKLM", "", "", ""}, {"TM", "", "", "", ""},
	{"MC", "SBHAWUM", "TU", "", "BRNM"}, {"MM", "RIETNPSM", "", "", ""},
}

func classification(b []byte) bool {
	if len(b) != 6 || !every(b, letter) {
		return false
	}
	for _, k := range classes {
		if k.group == string(b[:2]) {
			for i, set := range [4]string{k.a, k.b, k.c, k.d} {
				if b[2+i] != 'X' && !oneOf(b[2+i], set) {
					return false
				}
			}
			return true
		}
	}
	return false
}
