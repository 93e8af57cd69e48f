package detect

import (
	"strings"
	"unicode/utf8"
)

// Mask shows enough of a value to recognize it and no more: of a card number
// the first and last four digits (fewer than PCI DSS §3.4 permits), of
// anything else the last characters, at most four and at most a third.
func Mask(kind, value string) string {
	n := utf8.RuneCountInString(value)
	if kind == "CREDIT_CARD" && n >= 12 {
		return grouped(value[:4] + strings.Repeat("•", n-8) + value[n-4:])
	}
	return tail(value, n)
}

func tail(value string, n int) string {
	show := min(4, n/3)
	runes := []rune(value)
	hidden := min(n-show, 12) // the length of a long value says too much, and nobody reads it
	return strings.Repeat("•", hidden) + string(runes[n-show:])
}

// grouped writes a number in groups of four.
func grouped(s string) string {
	var b strings.Builder
	for i, r := range []rune(s) {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}
