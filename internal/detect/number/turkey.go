package number

// turkey are the numbers of Türkiye.
var turkey = []kind{
	// 5490 sayılı Kanun: T.C. kimlik numarası, two check digits.
	{name: "TR_TCKN", check: func(b []byte) bool {
		if !digits(b, 11) || b[0] == '0' {
			return false
		}
		odd, even := weigh(b, 1, 0, 1, 0, 1, 0, 1, 0, 1), weigh(b, 0, 1, 0, 1, 0, 1, 0, 1)
		return is(b[9], ((odd*7-even)%10+10)%10) && is(b[10], (odd+even+int(b[9]-'0'))%10)
	}},
	// Gelir İdaresi Başkanlığı: vergi kimlik numarası.
	{name: "TR_VKN", lead: "TR ", check: func(b []byte) bool {
		if !digits(b, 10) {
			return false
		}
		sum := 0
		for i, c := range b[:9] {
			n := (int(c-'0') + 9 - i) % 10
			if n == 0 {
				continue
			}
			if n = n << (9 - i) % 9; n == 0 {
				n = 9
			}
			sum += n
		}
		return is(b[9], (10-sum%10)%10)
	}},
}
