package number

// southEastAsia are the numbers of South East Asia.
var southEastAsia = []kind{
	// ACRA: unique entity number, three forms with their check letters modulus 11.
	{name: "SG_UEN", check: singaporeEntity},
	// ICA: NRIC and FIN, S, T, F, G, M, weights 2, 7 to 2 modulus 11.
	{name: "SG_NRIC", check: func(b []byte) bool {
		if !shaped(b, "A9999999A") {
			return false
		}
		n := weigh(b[1:], 2, 7, 6, 5, 4, 3, 2)
		switch b[0] {
		case 'S':
			return b[8] == "JZIHGFEDCBA"[n%11]
		case 'T':
			return b[8] == "JZIHGFEDCBA"[(n+4)%11]
		case 'F':
			return b[8] == "XWUTRQPNMLK"[n%11]
		case 'G':
			return b[8] == "XWUTRQPNMLK"[(n+4)%11]
		case 'M':
			return b[8] == "KLJNPQRTUWX"[10-(n+3)%11]
		}
		return false
	}},
	// Jabatan Pendaftaran Negara: MyKad, birth date, place of birth.
	{name: "MY_NRIC", check: func(b []byte) bool {
		if !digits(b, 12) || !someYear(value(b[:2]), value(b[2:4]), value(b[4:6])) {
			return false
		}
		p := value(b[6:8])
		return p >= 1 && p <= 16 || p >= 21 && p <= 68 && p != 69 || p >= 71 && p <= 72 || p >= 74 && p <= 79 || p >= 82 && p <= 93 ||
			p == 98 || p == 99
	}},
	// Department of Provincial Administration: PIN, modulus 11.
	{name: "TH_PIN", check: func(b []byte) bool { return thai(b) && b[0] >= '1' && b[0] <= '8' }},
	// The same with the codes of the provinces.
	{name: "TH_PIN_PLACE", check: func(b []byte) bool {
		if !thai(b) || b[0] < '1' || b[0] > '8' {
			return false
		}
		n := value(b[1:3])
		return n >= 10 && n <= 27 || n >= 30 && n <= 58 || n >= 60 && n <= 67 || n >= 70 && n <= 77 || n >= 80 && n <= 86 ||
			n >= 90 && n <= 96
	}},
	{name: "TH_IDNR", check: func(b []byte) bool { return thai(b) && b[0] >= '1' && b[0] <= '8' }},
	// Department of Business Development: number of a company, begins with 0.
	{name: "TH_MOA", check: func(b []byte) bool { return thai(b) && b[0] == '0' }},
	// Revenue Department: tax number, either of them.
	{name: "TH_TIN", check: func(b []byte) bool { return thai(b) && b[0] <= '8' }},
	// Direktorat Jenderal Kependudukan: NIK, region, birth date (day + 40 for women), serial.
	{name: "ID_NIK", check: indonesianPerson},
	// Direktorat Jenderal Pajak: NPWP of fifteen digits, Luhn over nine, or the NIK, or a 0 in front.
	{name: "ID_NPWP", check: func(b []byte) bool {
		if digits(b, 16) {
			if b[0] != '0' {
				return indonesianPerson(b)
			}
			b = b[1:]
		}
		return digits(b, 15) && luhn(b[:9])
	}},
	// Tổng cục Thuế: mã số thuế, primes as weights modulus 11, branch.
	{name: "VN_MST", check: func(b []byte) bool {
		if digits(b, 13) {
			if value(b[10:]) == 0 {
				return false
			}
			b = b[:10]
		}
		return digits(b, 10) && value(b[2:9]) > 0 && is(b[9], 10-weigh(b, 31, 29, 23, 19, 17, 13, 7, 5, 3)%11)
	}},
	// Bộ Công an: căn cước công dân, province, century and sex, year.
	{name: "VN_CCCD", check: func(b []byte) bool {
		return digits(b, 12) && b[0] == '0' && value(b[:3]) >= 1 && value(b[:3]) <= 96 && b[3] <= '3'
	}},
	// Bureau of Internal Revenue: TIN, weights 9 to 2 modulus 11, branch of three or five digits.
	{name: "PH_TIN", check: func(b []byte) bool {
		return digits(b, 9, 12, 14) && value(b[:9]) > 0 && is(b[8], falling(b[:8], 9)%11)
	}},
}

func singaporeEntity(b []byte) bool {
	switch len(b) {
	case 9: // businesses registered with ACRA
		return shaped(b, "99999999A") && b[8] == "XMKECAWLJDB"[weigh(b, 10, 4, 9, 3, 8, 2, 7, 1)%11]
	case 10:
		if digit(b[0]) { // companies registered with ACRA
			return shaped(b, "999999999A") && value(b[:4]) <= lastBirth &&
				b[9] == "ZKCMDNERGWH"[weigh(b, 10, 8, 6, 4, 9, 7, 5, 3, 1)%11]
		}
	default:
		return false
	}
	const letters = "ABCDEFGHJKLMNPQRSTUVWX0123456789"
	if !oneOf(b[0], "RST") || !every(b[1:3], digit) || !every(b[3:5], letter) || !every(b[5:9], digit) || !letter(b[9]) ||
		!listed(b[3:5], singaporeKinds) || b[0] == 'T' && 2000+value(b[1:3]) > lastBirth {
		return false
	}
	sum := 0
	for i, w := range [9]int{4, 3, 5, 3, 10, 2, 2, 5, 7} {
		n := place(b[i], letters)
		if n < 0 {
			return false
		}
		sum += n * w
	}
	return b[9] == letters[((sum-5)%11+11)%11]
}

// singaporeKinds are the kinds of entities behind the year.
const singaporeKinds = "CC CD CH CL CM CP CS CX DP FB FC FM FN GA GB GS HS LL LP MB MC MD MH MM MQ NB NR PA PB PF RF RP SM SS TC TU VH XL "

func thai(b []byte) bool { return digits(b, 13) && is(b[12], (11-falling(b[:12], 13)%11)%10) }

const indonesianProvinces = "11 12 13 14 15 16 17 18 19 21 31 32 33 34 35 36 51 52 53 61 62 63 64 65 71 72 73 74 75 76 81 82 " +
	"91 92 93 94 95 96 97 "

func indonesianPerson(b []byte) bool {
	if !digits(b, 16) || !listed(b[:2], indonesianProvinces) {
		return false
	}
	day := value(b[6:8])
	if day > 40 {
		day -= 40
	}
	return value(b[2:4]) > 0 && someYear(value(b[10:12]), value(b[8:10]), day) && value(b[12:]) > 0
}
