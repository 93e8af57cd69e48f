package number

import "slices"

// banking are accounts, banks and cards.
var banking = []kind{
	// ISO 13616-1 and the SWIFT IBAN registry.
	{name: "IBAN", check: account},
	{name: "BE_IBAN", check: func(b []byte) bool { return accountOf(b, "BE") }},
	{name: "ES_IBAN", check: func(b []byte) bool { return accountOf(b, "ES") }},
	{name: "NO_IBAN", check: func(b []byte) bool { return accountOf(b, "NO") }},
	{name: "ME_IBAN", check: func(b []byte) bool { return accountOf(b, "ME") }},
	// ISO 9362: four characters, a country, a place and an optional branch.
	{name: "SWIFT_BIC", check: func(b []byte) bool {
		return (len(b) == 8 || len(b) == 11) && every(b[:4], letter) && country(b[4:6]) && every(b[6:], alphanumeric)
	}},
	// American Bankers Association: weights 3, 7, 1; Federal Reserve prefixes.
	{name: "US_ABA_ROUTING", check: func(b []byte) bool {
		if !digits(b, 9) || weigh(b, 3, 7, 1, 3, 7, 1, 3, 7, 1)%10 != 0 {
			return false
		}
		p := value(b[:2])
		return value(b) > 0 && (p <= 12 || p >= 21 && p <= 32 || p >= 61 && p <= 72 || p == 80)
	}},
	// Banco de España: Código Cuenta Cliente, two digits modulus 11.
	{name: "ES_CCC", check: spanishAccount},
	// Banco Central de la República Argentina, Comunicación "A" 2559: Clave Bancaria Uniforme.
	{name: "AR_CBU", check: func(b []byte) bool {
		return digits(b, 22) && is(b[7], (10-weigh(b, 7, 1, 3, 9, 7, 1, 3)%10)%10) &&
			is(b[21], (10-weigh(b[8:], 3, 9, 7, 1, 3, 9, 7, 1, 3, 9, 7, 1, 3)%10)%10)
	}},
	// Asociación de Bancos de México: CLABE, weights 3, 7, 1 with each product modulus 10.
	{name: "MX_CLABE", check: mexicanAccount},
	// Finans Norge, Bankenes standard: modulus 11.
	{name: "NO_KONTONR", check: func(b []byte) bool { return digits(b, 11) && norwegian(b) }},
	// Česká národní banka, vyhláška 169/2011: prefix and number modulus 11, bank code.
	{name: "CZ_BANKACCOUNT", drop: " ", exact: czechAccount, check: func(b []byte) bool {
		return len(b) >= 6 && every(b, digit) && czechRoot(b[:len(b)-4]) && listed(b[len(b)-4:], czechBanks)
	}},
	// Payments NZ and Inland Revenue, Resident withholding tax specification: bank account validation.
	{name: "NZ_BANKACCOUNT", check: zealandAccount, exact: zealandWritten},
	{name: "NZ_BANK", check: zealandAccount, exact: zealandWritten},
	// Febelfin: structured communication, ten digits modulus 97.
	{name: "BE_OGM_VCS", drop: " +/*", check: func(b []byte) bool { return digits(b, 12) && belgian97(b[:10], b[10:]) }},
	// SIX, Swiss Implementation Guidelines: payment slip reference, modulus 10 recursive.
	{name: "CH_ESR", check: func(b []byte) bool {
		return between(b, 2, 27) && recursive10(b)
	}},
	// European Payments Council, AT-02: creditor identifier, MOD 97-10 without the business code.
	{name: "EU_AT_02", check: func(b []byte) bool {
		if len(b) < 8 || len(b) > 35 || !country(b[:2]) || !digits(b[2:4], 2) || !every(b, alphanumeric) {
			return false
		}
		var room [longest]byte
		return rotated97(append(append(room[:0], b[:4]...), b[7:]...))
	}},
}

// account is a whole IBAN: the country's structure and MOD 97-10, and what
// its banks add inside.
func account(b []byte) bool {
	if len(b) < 15 || len(b) > 34 || !letter(b[0]) || !letter(b[1]) {
		return false
	}
	return follows(b[4:], AccountForm(b[0], b[1])) && digits(b[2:4], 2) && rotated97(b) && inside(b)
}

func accountOf(b []byte, code string) bool { return len(b) > 2 && string(b[:2]) == code && account(b) }

// accountForms are the national parts behind country code and check digits
// in the notation of the IBAN registry (release 99): n digits, a capital
// letters, c both. Countries outside it are those with a published form.
const accountForms = "AD4n4n12c AE3n16n AL8n16c AO21n AT5n11n AZ4a20c BA16n BE12n BF2c22n BG4a6n8c BH4a14c BI5n5n11n2n " +
	"BJ2c22n BR8n5n10n1a1c BY4c4n16c CF23n CG23n CH5n12c CI2c22n CM23n CR18n CV21n CY8n16c CZ20n DE18n DJ5n5n11n2n " +
	"DK14n DO4c20n DZ22n EE16n EG25n ES20n FI14n FK2a12n FO14n FR10n11c2n GA23n GB4a14n GE2a16n GI4a15c GL14n GQ23n " +
	"GR7n16c GT4c20c GW2c19n HN4a20n HR17n HU24n IE4a14n IL19n IQ4a15n IR22n IS22n IT1a10n12c JO4a4n18c KM23n " +
	"KW4a22c KZ3n13c LB4n20c LC4a24c LI5n12c LT16n LU3n13c LV4a13c LY21n MA24n MC10n11c2n MD2c18c ME18n MG23n " +
	"MK3n10c2n ML2c22n MN16n MR23n MT4a5n18c MU4a19n3a MZ21n NE2c22n NI4a20n NL4a10n NO11n OM3n16c PK4a16c PL24n " +
	"PS4a21c PT21n QA4a21c RO4a16c RS18n RU14n15c SA2n18c SC4a20n3a SD14n SE20n SI15n SK20n SM1a10n12c SN2c22n " +
	"SO19n ST21n SV4a20n TD23n TG2c22n TL19n TN20n TR5n1n16c UA6n19c VA18n VG4a16n XK16n YE4a4n18c "

// accountFormOf leads from two letters to their part of accountForms.
var accountFormOf = func() (table [26 * 26]string) {
	for rest := accountForms; rest != ""; {
		i := 2
		for rest[i] != ' ' {
			i++
		}
		table[int(rest[0]-'A')*26+int(rest[1]-'A')] = rest[2:i]
		rest = rest[i+1:]
	}
	return table
}()

// AccountForm is the form of the part of an IBAN behind country code and check
// digits, for a country of two capital letters: n digits, a capital letters,
// c both; "" for none.
func AccountForm(a, b byte) string { return accountFormOf[int(a-'A')*26+int(b-'A')] }

// follows reports whether b has exactly a form of the registry's notation.
func follows(b []byte, form string) bool {
	if form == "" {
		return false
	}
	for i := 0; i < len(form); i++ {
		n := 0
		for ; digit(form[i]); i++ {
			n = n*10 + int(form[i]-'0')
		}
		if n > len(b) {
			return false
		}
		for _, c := range b[:n] {
			if form[i] == 'n' && !digit(c) || form[i] == 'a' && !letter(c) || !alphanumeric(c) {
				return false
			}
		}
		b = b[n:]
	}
	return len(b) == 0
}

// inside checks what the banks of a country add, where that is certain.
func inside(b []byte) bool {
	switch string(b[:2]) {
	case "BE":
		return belgian97(b[4:14], b[14:16])
	case "NO":
		return norwegian(b[4:])
	case "ES":
		return spanishAccount(b[4:])
	case "ME":
		return remainder(b[4:], 97) == 1
	}
	return true
}

// belgian97 compares two check digits with a number modulus 97, where 0 is
// written as 97.
func belgian97(b, check []byte) bool {
	n := remainder(b, 97)
	if n == 0 {
		n = 97
	}
	return digits(check, 2) && value(check) == n
}

func norwegian(b []byte) bool { return weigh(b, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0 }

func spanishAccount(b []byte) bool {
	if !digits(b, 20) {
		return false
	}
	check := func(b []byte, weights ...int) int {
		n := 11 - weigh(b, weights...)%11
		switch n {
		case 10:
			return 1
		case 11:
			return 0
		}
		return n
	}
	return is(b[8], check(b, 4, 8, 5, 10, 9, 7, 3, 6)) && is(b[9], check(b[10:], 1, 2, 4, 8, 5, 10, 9, 7, 3, 6))
}

func mexicanAccount(b []byte) bool {
	if !digits(b, 18) || value(b[:3]) == 0 {
		return false
	}
	sum := 0
	for i, c := range b[:17] {
		weight := [3]int{3, 7, 1}[i%3]
		sum += int(c-'0') * weight % 10
	}
	return is(b[17], (10-sum%10)%10)
}

// recursive10 is the recursive modulus 10 of Swiss payment slips.
func recursive10(b []byte) bool {
	carry := 0
	for _, c := range b[:len(b)-1] {
		carry = [10]int{0, 9, 4, 6, 8, 2, 7, 1, 3, 5}[(carry+int(c-'0'))%10]
	}
	return is(b[len(b)-1], (10-carry)%10)
}

// czechBanks are the codes of payment institutions of the Česká národní
// banka, past ones included.
const czechBanks = "0100 0300 0400 0600 0710 0730 0800 2010 2020 2030 2040 2050 2060 2070 2100 2200 2210 2220 2230 2240 " +
	"2250 2260 2275 2310 2400 2600 2700 3020 3030 3040 3050 3060 3500 4000 4300 5000 5400 5500 5800 6000 6100 6200 " +
	"6210 6300 6363 6700 6800 7300 7910 7940 7950 7960 7970 7980 7990 8010 8030 8040 8060 8090 8150 8190 8198 8199 " +
	"8200 8211 8215 8220 8221 8223 8224 8225 8226 8227 8228 8229 8230 8231 8232 8233 8234 8235 8236 8237 8238 8239 " +
	"8240 8241 8242 8250 8255 8260 8265 8270 8280 8283 8290 8291 8292 8293 8294 8299 8500 "

func czechAccount(s string) bool {
	var room [longest]byte
	b, ok := compact(room[:0], s, " ")
	n := len(b)
	if !ok || n < 7 || b[n-5] != '/' || !listed(b[n-4:], czechBanks) {
		return false
	}
	b = b[:n-5]
	if i := slices.Index(b, '-'); i >= 0 {
		return i >= 2 && czechPrefix(b[:i]) && czechRoot(b[i+1:])
	}
	return czechRoot(b)
}

func czechPrefix(b []byte) bool {
	if !between(b, 2, 6) {
		return false
	}
	weights := [6]int{10, 5, 8, 4, 2, 1}
	return weigh(b, weights[6-len(b):]...)%11 == 0
}

func czechRoot(b []byte) bool {
	if !between(b, 2, 10) || value(b) == 0 {
		return false
	}
	weights := [10]int{6, 3, 7, 9, 10, 5, 8, 4, 2, 1}
	return weigh(b, weights[10-len(b):]...)%11 == 0
}

// zealandBanks says by bank which of the algorithms counts and which branches
// there are.
var zealandBanks = []struct {
	bank      int
	algorithm byte
	branches  [][2]int
}{
	{1, 'A', [][2]int{{1, 999}, {1100, 1199}, {1800, 1899}}}, {2, 'A', [][2]int{{1, 999}, {1200, 1299}}},
	{3, 'A', [][2]int{{1, 999}, {1300, 1399}, {1500, 1599}, {1700, 1799}, {1900, 1999}, {7350, 7399}}},
	{4, 'A', [][2]int{{2020, 2024}}}, {6, 'A', [][2]int{{1, 999}, {1400, 1499}}}, {8, 'D', [][2]int{{6500, 6599}}},
	{9, 'E', [][2]int{{0, 0}}}, {10, 'A', [][2]int{{5165, 5169}}},
	{11, 'A', [][2]int{{5000, 6499}, {6600, 8999}}}, {12, 'A', [][2]int{{3000, 3299}, {3400, 3499}, {3600, 3699}}},
	{13, 'A', [][2]int{{4900, 4999}}}, {14, 'A', [][2]int{{4700, 4799}}}, {15, 'A', [][2]int{{3900, 3999}}},
	{16, 'A', [][2]int{{4400, 4499}}}, {17, 'A', [][2]int{{3300, 3399}}}, {18, 'A', [][2]int{{3500, 3599}}},
	{19, 'A', [][2]int{{4600, 4649}}}, {20, 'A', [][2]int{{4100, 4199}}}, {21, 'A', [][2]int{{4800, 4899}}},
	{22, 'A', [][2]int{{4000, 4049}}}, {23, 'A', [][2]int{{3700, 3799}}}, {24, 'A', [][2]int{{4300, 4349}}},
	{25, 'F', [][2]int{{2500, 2599}}}, {26, 'G', [][2]int{{2600, 2699}}}, {27, 'A', [][2]int{{3800, 3849}}},
	{28, 'G', [][2]int{{2100, 2149}}}, {29, 'G', [][2]int{{2150, 2299}}}, {30, 'A', [][2]int{{2900, 2949}}},
	{31, 'X', [][2]int{{2800, 2849}}}, {33, 'F', [][2]int{{6700, 6799}}}, {35, 'A', [][2]int{{2400, 2499}}},
	{38, 'A', [][2]int{{9000, 9499}}}, {88, 'X', [][2]int{{8800, 8899}}},
}

// zealandWritten fills up the parts when they are written apart.
func zealandWritten(s string) bool {
	var room, whole [longest]byte
	b, ok := compact(room[:0], s, "")
	if !ok {
		return false
	}
	n, parts := 0, 0
	for at := 0; at < len(b) && parts < 5; parts++ {
		from := at
		for at < len(b) && digit(b[at]) {
			at++
		}
		if parts < 4 && at-from > 0 {
			for pad := [4]int{2, 4, 7, 2}[parts] - (at - from); pad > 0; pad-- {
				whole[n] = '0'
				n++
			}
			n += copy(whole[n:], b[from:at])
		}
		at++
	}
	if parts == 4 && zealandAccount(whole[:n]) {
		return true
	}
	b, ok = compact(room[:0], s, usual)
	return ok && zealandAccount(b)
}

// zealandAccount reads bank (2), branch (4), account (7 or 8) and suffix (2
// to 4 digits).
func zealandAccount(b []byte) bool {
	if !between(b, 15, 16) {
		return false
	}
	bank, branch := value(b[:2]), value(b[2:6])
	for _, z := range zealandBanks {
		if z.bank != bank {
			continue
		}
		for _, r := range z.branches {
			if r[0] <= branch && branch <= r[1] {
				return zealandSum(b, z.algorithm)
			}
		}
		return false
	}
	return false
}

func zealandSum(b []byte, algorithm byte) bool {
	account, suffix := b[6:13], b[13:]
	if algorithm == 'A' && value(account) >= 990000 {
		algorithm = 'B'
	}
	switch algorithm {
	case 'A':
		return (weigh(b[2:], 6, 3, 7, 9)+weigh(account, 0, 10, 5, 8, 4, 2, 1))%11 == 0
	case 'B':
		return weigh(account, 0, 10, 5, 8, 4, 2, 1)%11 == 0
	case 'D':
		return weigh(account, 7, 6, 5, 4, 3, 2, 1)%11 == 0
	case 'E':
		return (twice(account, 0, 0, 0, 5, 4, 3, 2)+twice(suffix[len(suffix)-1:], 1))%11 == 0
	case 'F':
		return weigh(account, 1, 7, 3, 1, 7, 3, 1)%10 == 0
	case 'G':
		return (twice(account, 1, 3, 7, 1, 3, 7, 1)+twice(suffix[max(0, len(suffix)-3):], 3, 7, 1))%10 == 0
	}
	return true
}

// twice adds the digit sums of the digit sums of the products.
func twice(b []byte, weights ...int) int {
	sum := 0
	for i, w := range weights {
		if i < len(b) {
			sum += cross(cross(int(b[i]-'0') * w))
		}
	}
	return sum
}
