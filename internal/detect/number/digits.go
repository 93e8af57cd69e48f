package number

// digit, letter and hexadecimal say what a character is; letters are capitals.
func digit(c byte) bool { return '0' <= c && c <= '9' }

func letter(c byte) bool { return 'A' <= c && c <= 'Z' }

func hexadecimal(c byte) bool { return digit(c) || 'A' <= c && c <= 'F' }

func alphanumeric(c byte) bool { return digit(c) || letter(c) }

// every reports whether all characters are as is says.
func every(b []byte, is func(byte) bool) bool {
	for _, c := range b {
		if !is(c) {
			return false
		}
	}
	return true
}

// digits reports whether b has one of the lengths and only digits.
func digits(b []byte, lengths ...int) bool {
	for _, n := range lengths {
		if len(b) == n {
			return every(b, digit)
		}
	}
	return false
}

// between reports whether b is a row of least to most digits.
func between(b []byte, least, most int) bool {
	return least <= len(b) && len(b) <= most && every(b, digit)
}

// shaped compares b with a pattern: 9 is a digit, A a letter, X either, H a
// hexadecimal digit, anything else itself.
func shaped(b []byte, pattern string) bool {
	if len(b) != len(pattern) {
		return false
	}
	for i, c := range b {
		switch p := pattern[i]; {
		case p == '9' && digit(c), p == 'A' && letter(c), p == 'X' && alphanumeric(c), p == 'H' && hexadecimal(c):
		case p != '9' && p != 'A' && p != 'X' && p != 'H' && p == c:
		default:
			return false
		}
	}
	return true
}

// oneOf reports whether c is among the characters of set.
func oneOf(c byte, set string) bool { return place(c, set) >= 0 }

// place is where c stands in an alphabet, or -1.
func place(c byte, alphabet string) int {
	for i := 0; i < len(alphabet); i++ {
		if alphabet[i] == c {
			return i
		}
	}
	return -1
}

// within reports whether every character is of an alphabet.
func within(b []byte, alphabet string) bool {
	for _, c := range b {
		if place(c, alphabet) < 0 {
			return false
		}
	}
	return true
}

// listed reports whether b is one of the words of a list, each ended by a
// space.
func listed(b []byte, list string) bool {
	for at := 0; at < len(list); {
		end := at
		for end < len(list) && list[end] != ' ' {
			end++
		}
		if list[at:end] == string(b) {
			return true
		}
		at = end + 1
	}
	return false
}

// value is the number that digits write.
func value(b []byte) int {
	n := 0
	for _, c := range b {
		n = n*10 + int(c-'0')
	}
	return n
}

// same reports whether all characters are equal.
func same(b []byte) bool {
	for _, c := range b[1:] {
		if c != b[0] {
			return false
		}
	}
	return true
}

// is compares a check digit with what was calculated; 10 and more is none.
func is(c byte, n int) bool { return n >= 0 && n <= 9 && c == byte('0'+n) }
