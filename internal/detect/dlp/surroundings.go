package dlp

// around looks at what speaks against a number, whatever it may be. ok is
// false when it is part of something longer.
func (s *pass) around(list []note, start, end int, lower, upper bool) ([]note, bool) {
	text := s.text
	add := func(bits float64, why string) { list = append(list, note{bits, why, -1, 0}) }
	prev, next := before(text, start), after(text, end)
	if decimal(text, prev, start-2) || decimalAfter(text, next, end+1) {
		return nil, false
	}
	switch prev {
	case '+':
		add(-3, "a plus sign in front")
	case '$', '€', '£', '¥':
		add(-3, "an amount of money")
	case '_', '-', '/', '\\', '%', '&', '=', '.', '@', '#':
		if isWord(before(text, start-1)) || prev == '#' && before(text, start-1) == '&' {
			add(-2, "part of a longer token")
		}
	}
	switch next {
	case '_', '-', '/', '\\', '%', '@', '&':
		if isWord(after(text, end+1)) {
			add(-2, "part of a longer token")
		}
	}
	if inRow(text, start, end) {
		add(-2, "inside a row of numbers")
	}
	if inURL(text, start) {
		add(-4, "inside a URL")
	}
	if lower {
		if upper {
			add(-2, "mixed letters")
		} else {
			add(-1, "small letters")
		}
	}
	if clock(text[start:end]) {
		add(-2.5, "could be a time in milliseconds")
	}
	return list, true
}

// clock reports whether a number is what programs of these years write for a
// moment: milliseconds (13 digits) or microseconds (16) since 1970, from July
// 2017 to January 2030.
func clock(number []byte) bool {
	if len(number) != 13 && len(number) != 16 || number[0] != '1' || number[1] < '5' || number[1] > '8' {
		return false
	}
	for _, c := range number {
		if !isDigit(rune(c)) {
			return false
		}
	}
	return true
}

// inRow reports whether a number is one of a row of groups: another group of
// digits follows or precedes behind the sign that separates its own.
func inRow(text []byte, start, end int) bool {
	sign := byte(0)
	for _, c := range text[start:end] {
		if c == ' ' || c == '-' || c == '.' || c == '/' || c == ':' {
			sign = c
			break
		}
	}
	if sign == 0 {
		return false
	}
	return start >= 2 && text[start-1] == sign && isDigit(rune(text[start-2])) ||
		end+1 < len(text) && text[end] == sign && isDigit(rune(text[end+1]))
}

// The patterns of numbers that were made up.
const (
	repeated = iota + 1
	ascending
)

// pattern finds numbers like 000000000, 123456789 and 987654321.
func pattern(compact []byte) int {
	same, up, down, digits := 0, 0, 0, 0
	var last byte
	for _, c := range compact {
		if !isDigit(rune(c)) {
			continue
		}
		if digits++; digits > 1 {
			switch {
			case c == last:
				same++
			case c == last+1 || last == '9' && c == '0':
				up++
			case c+1 == last || last == '0' && c == '9':
				down++
			}
		}
		last = c
	}
	switch {
	case digits < 6:
		return 0
	case same == digits-1:
		return repeated
	case up == digits-1 || down == digits-1:
		return ascending
	}
	return 0
}

func hasDigit(text []byte) bool {
	for _, c := range text {
		if isDigit(rune(c)) {
			return true
		}
	}
	return false
}
