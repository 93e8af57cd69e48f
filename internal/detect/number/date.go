package number

// lastBirth is the last year in which somebody may be born: a number whose
// date lies behind it is none. To be raised when that year comes near.
const lastBirth = 2035

// date reports whether a day exists between 1800 and lastBirth.
func date(year, month, day int) bool {
	if year < 1800 || year > lastBirth || month < 1 || month > 12 || day < 1 {
		return false
	}
	return day <= monthDays(year, month)
}

func monthDays(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// calendar reports whether a day exists in any year.
func calendar(year, month, day int) bool {
	return month >= 1 && month <= 12 && day >= 1 && day <= monthDays(year, month)
}

// someYear reports whether two digits of a year, a month and a day can be a
// birth date in this century or the last.
func someYear(yy, month, day int) bool {
	return date(1900+yy, month, day) || date(2000+yy, month, day)
}
