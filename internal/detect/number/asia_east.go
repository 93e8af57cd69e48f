package number

// eastAsia are the numbers of China, Hong Kong, Taiwan, Japan and Korea.
var eastAsia = []kind{
	// GB 11643-1999: province, birth date, ISO/IEC 7064 MOD 11-2; fifteen digits before.
	{name: "CN_RIC", check: chinese},
	// GB 32100-2015: unified social credit identifier, powers of 3 modulus 31.
	{name: "CN_USCC", check: func(b []byte) bool {
		const letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
		if len(b) != 18 || !every(b[:8], digit) {
			return false
		}
		sum, weight := 0, 1
		for _, c := range b[:17] {
			n := place(c, letters)
			if n < 0 {
				return false
			}
			sum += n * weight
			weight = weight * 3 % 31
		}
		return b[17] == letters[(31-sum%31)%31]
	}},
	// Immigration Department: HKID, one or two letters, six digits, modulus 11.
	{name: "HK_ID", drop: usual + "()[]", check: hongKong}, {name: "HK_HKID", drop: usual + "()", check: hongKong},
	// Ministry of the Interior: identity and resident certificate, place as two digits, modulus 10.
	{name: "TW_ID", check: func(b []byte) bool { return taiwanese(b, "1289") || taiwanese(b, "ABCD") }},
	{name: "TW_NATID", check: func(b []byte) bool { return taiwanese(b, "12") }},
	{name: "TW_UI", check: func(b []byte) bool { return taiwanese(b, "89") || taiwanese(b, "ABCD") }},
	// Ministry of Finance: unified business number, weights 1, 2, 1, 2, 1, 2, 4, 1, divisible by 5.
	{name: "TW_UBN", check: taiwanBusiness}, {name: "TW_BAN", check: taiwanBusiness},
	// Ministry of Finance: tax code of foreigners, birth date and letters, or 9 and a short date.
	{name: "TW_TAX_CODE", check: func(b []byte) bool {
		if len(b) == 10 {
			return shaped(b, "99999999AA") && date(value(b[:4]), value(b[4:6]), value(b[6:8]))
		}
		return digits(b, 7) && b[0] == '9' && calendar(2000, value(b[3:5]), value(b[5:7])) || taiwanese(b, "1289") || taiwanese(b, "ABCD")
	}},
	// National Tax Agency: corporate number, weights 1 and 2 modulus 9 in front.
	{name: "JP_CN", check: func(b []byte) bool {
		return digits(b, 13) && is(b[0], 9-weigh(b[1:], 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1)%9)
	}},
	// Order of the Ministry of Internal Affairs 85/2014: individual number, weights 6 to 2, 7 to 2 modulus 11.
	{name: "JP_IN_", check: japanese}, {name: "JP_MY_NUMBER", check: japanese},
	// National Tax Service: business registration, weights 1, 3, 7, 1, 3, 7, 1, 3, 5.
	{name: "KR_BRN", check: func(b []byte) bool {
		return digits(b, 10) && value(b[:3]) >= 101 && value(b[3:5]) > 0 && value(b[5:9]) > 0 &&
			(weigh(b, 1, 3, 7, 1, 3, 7, 1, 3, 5, 1)+int(b[8]-'0')*5/10)%10 == 0
	}},
	// Resident Registration Act: birth date, sex and century, place, weights 2 to 9, 2 to 5 modulus 11 (until October 2020).
	{name: "KR_RRN", check: func(b []byte) bool { return koreanPerson(b) && value(b[7:9]) <= 96 && koreanSum(b, 11) }},
	// Immigration Act: foreigner registration, the same with 13.
	{name: "KR_FRN", check: func(b []byte) bool { return koreanPerson(b) && b[6] >= '5' && b[6] <= '8' && koreanSum(b, 13) }},
	// Resident Registration Act since October 2020: date and sex only.
	{name: "KR_RRN_NEW", check: koreanPerson},
	// Korea National Police Agency: licence, region, year, serial.
	{name: "KR_DRIVER_LICENCE", check: func(b []byte) bool { return digits(b, 12) && value(b[:2]) >= 11 && value(b[:2]) <= 28 }},
}

const chineseProvinces = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83 91 "

func chinese(b []byte) bool {
	if digits(b, 15) {
		return listed(b[:2], chineseProvinces) && date(1900+value(b[6:8]), value(b[8:10]), value(b[10:12]))
	}
	return len(b) == 18 && every(b[:17], digit) && listed(b[:2], chineseProvinces) && value(b[6:10]) >= 1900 &&
		date(value(b[6:10]), value(b[10:12]), value(b[12:14])) && pure(b, alphabet11)
}

func hongKong(b []byte) bool {
	var room [9]byte
	if len(b) == 8 {
		room[0] = '$' // a space, which counts 36
		copy(room[1:], b)
		b = room[:]
	}
	if len(b) != 9 || !letter(b[1]) || !every(b[2:8], digit) || b[0] != '$' && !letter(b[0]) {
		return false
	}
	sum := 0
	for i, c := range b[:8] {
		n := 36
		if c != '$' {
			n = place(c, alphabet36)
		}
		sum += n * (9 - i)
	}
	return b[8] == "0123456789A"[(11-sum%11)%11]
}

// taiwanese checks a letter of a place, a second character of those allowed
// and eight digits.
func taiwanese(b []byte, second string) bool {
	if len(b) != 10 || !letter(b[0]) || !oneOf(b[1], second) || !every(b[2:], digit) {
		return false
	}
	n := place(b[0], "ABCDEFGHJKLMNPQRSTUVXYWZIO") + 10
	s := int(b[1] - '0')
	if letter(b[1]) {
		s = place(b[1], "ABCDEFGHJKLMNPQRSTUVXYWZIO") % 10
	}
	return (n/10+n%10*9+s*8+weigh(b[2:], 7, 6, 5, 4, 3, 2, 1, 1))%10 == 0
}

func taiwanBusiness(b []byte) bool {
	if !digits(b, 8) || value(b) == 0 {
		return false
	}
	n := crossed(b, 1, 2, 1, 2, 1, 2, 4, 1)
	return n%5 == 0 || b[6] == '7' && (n+1)%5 == 0
}

func japanese(b []byte) bool {
	if !digits(b, 12) || same(b) {
		return false
	}
	n := weigh(b, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2) % 11
	if n <= 1 {
		return b[11] == '0'
	}
	return is(b[11], 11-n)
}

func koreanPerson(b []byte) bool {
	if !digits(b, 13) {
		return false
	}
	century := [10]int{1800, 1900, 1900, 2000, 2000, 1900, 1900, 2000, 2000, 1800}[b[6]-'0']
	return calendar(century+value(b[:2]), value(b[2:4]), value(b[4:6]))
}

func koreanSum(b []byte, from int) bool {
	return is(b[12], (from-weigh(b, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)%11)%10)
}
