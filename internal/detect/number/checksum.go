package number

// luhn is the modulus 10 "double-add-double" of ISO/IEC 7812-1 annex B over
// digits that end in their check digit.
func luhn(b []byte) bool { return len(b) > 1 && luhnSum(b, 1)%10 == 0 }

// luhnSum adds the digits from the right; those at odd places count double.
// With first 1 the last digit counts once, with 2 twice.
func luhnSum(b []byte, first int) int {
	sum, weight := 0, first
	for i := len(b) - 1; i >= 0; i-- {
		d := int(b[i]-'0') * weight
		sum += d/10 + d%10
		weight = 3 - weight
	}
	return sum
}

// luhnLetters is Luhn's sum over digits and letters, where a letter is
// written as the two digits of its number (A is 10), as ISO 6166 does.
func luhnLetters(b []byte) int {
	sum, weight := 0, 1
	add := func(d int) {
		d *= weight
		sum += d/10 + d%10
		weight = 3 - weight
	}
	for i := len(b) - 1; i >= 0; i-- {
		if digit(b[i]) {
			add(int(b[i] - '0'))
			continue
		}
		n := int(b[i]-'A') + 10
		add(n % 10)
		add(n / 10)
	}
	return sum
}

// ean is the modulus 10 with weights 3 and 1 of the GS1 General
// Specifications §7.9.
func ean(b []byte) bool {
	sum, weight := 0, 1
	for i := len(b) - 1; i >= 0; i-- {
		sum += int(b[i]-'0') * weight
		weight = 4 - weight
	}
	return sum%10 == 0
}

// weigh adds the digits times their weights, as far as there are weights.
func weigh(b []byte, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += int(b[i]-'0') * w
	}
	return sum
}

// falling adds the digits times from, from-1, from-2 and so on.
func falling(b []byte, from int) int {
	sum := 0
	for i, c := range b {
		sum += int(c-'0') * (from - i)
	}
	return sum
}

// cross is the sum of a number's decimal digits.
func cross(n int) int {
	sum := 0
	for ; n > 0; n /= 10 {
		sum += n % 10
	}
	return sum
}

// crossed adds the digit sums of the digits times their weights.
func crossed(b []byte, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += cross(int(b[i]-'0') * w)
	}
	return sum
}

// remainder divides the number that digits write; letters count as the two
// digits of their number (A is 10), as ISO/IEC 7064 §8 writes them.
func remainder(b []byte, by int) int {
	n := 0
	for _, c := range b {
		if digit(c) {
			n = (n*10 + int(c-'0')) % by
		} else {
			n = (n*100 + int(c-'A') + 10) % by
		}
	}
	return n
}

// mod97 is ISO/IEC 7064 MOD 97-10: the whole leaves 1.
func mod97(b []byte) bool { return every(b, alphanumeric) && remainder(b, 97) == 1 }

// hybrid is ISO/IEC 7064 MOD m+1,m over an alphabet of m characters.
func hybrid(b []byte, alphabet string) bool {
	m := len(alphabet)
	check := m
	for i, c := range b {
		p := place(c, alphabet)
		if p < 0 {
			return false
		}
		if i == len(b)-1 {
			return (check+p)%m == 1
		}
		if check = (check + p) % m; check == 0 {
			check = m
		}
		check = check * 2 % (m + 1)
	}
	return false
}

const (
	decimals      = "0123456789"
	alphabet36    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	alphabet37    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
	alphabet11    = "0123456789X"
	oddLetters23  = "TRWAGMYFPDXBNJZSQVHLCKE" // DNI, in the order of the remainder
	noVowels      = "0123456789BCDFGHJKLMNPQRSTVWXYZ"
	noVowelsNorY  = "0123456789BCDFGHJKLMNPQRSTVWXZ"
	travelLetters = alphabet36
)

// pure is ISO/IEC 7064 MOD m,2 with a check character of the alphabet, whose
// last one is for the check character only.
func pure(b []byte, alphabet string) bool {
	m := len(alphabet)
	n := 0
	for i, c := range b {
		p := place(c, alphabet)
		if p < 0 || p == m-1 && i < len(b)-1 {
			return false
		}
		n = n*2 + p
		n %= m
	}
	return len(b) > 1 && n == 1
}

// verhoeff is the dihedral checksum (J. Verhoeff, Error Detecting Decimal
// Codes, 1969).
func verhoeff(b []byte) bool {
	check := 0
	for i := range b {
		c := int(b[len(b)-1-i] - '0')
		check = dihedral[check][permutation[i%8][c]]
	}
	return check == 0
}

var dihedral = [10][10]int{
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 3, 4, 0, 6, 7, 8, 9, 5}, {2, 3, 4, 0, 1, 7, 8, 9, 5, 6},
	{3, 4, 0, 1, 2, 8, 9, 5, 6, 7}, {4, 0, 1, 2, 3, 9, 5, 6, 7, 8}, {5, 9, 8, 7, 6, 0, 4, 3, 2, 1},
	{6, 5, 9, 8, 7, 1, 0, 4, 3, 2}, {7, 6, 5, 9, 8, 2, 1, 0, 4, 3}, {8, 7, 6, 5, 9, 3, 2, 1, 0, 4},
	{9, 8, 7, 6, 5, 4, 3, 2, 1, 0},
}

var permutation = [8][10]int{
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4}, {5, 8, 0, 3, 7, 9, 6, 1, 4, 2},
	{8, 9, 1, 6, 0, 4, 3, 5, 2, 7}, {9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1},
	{2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8},
}

// damm is the checksum over a quasigroup of order 10 (M. Damm, Total
// anti-symmetrische Quasigruppen, 2004).
func damm(b []byte) bool {
	n := 0
	for _, c := range b {
		n = quasigroup[n][c-'0']
	}
	return n == 0
}

var quasigroup = [10][10]int{
	{0, 3, 1, 7, 5, 9, 8, 6, 4, 2}, {7, 0, 9, 2, 1, 5, 4, 8, 6, 3}, {4, 2, 0, 6, 8, 7, 1, 3, 5, 9},
	{1, 7, 5, 0, 9, 8, 3, 4, 2, 6}, {6, 1, 2, 3, 0, 4, 5, 9, 7, 8}, {3, 6, 7, 4, 2, 0, 9, 5, 8, 1},
	{5, 8, 6, 9, 7, 2, 0, 1, 3, 4}, {8, 9, 4, 5, 3, 6, 2, 0, 1, 7}, {9, 4, 3, 8, 6, 1, 7, 2, 0, 5},
	{2, 5, 8, 1, 4, 3, 6, 7, 9, 0},
}

// travel is the check digit of ICAO Doc 9303 part 3 §4.9: weights 7, 3, 1
// over digits and letters (A is 10, filler 0), modulus 10.
func travel(b []byte) int {
	sum := 0
	for i, c := range b {
		n := 0
		if c != '<' {
			n = place(c, travelLetters)
		}
		if n < 0 {
			return -1
		}
		switch i % 3 {
		case 0:
			n *= 7
		case 1:
			n *= 3
		}
		sum += n
	}
	return sum % 10
}
