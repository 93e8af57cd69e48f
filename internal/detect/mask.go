package detect

import (
	"strings"
	"unicode/utf8"
)

// Mask shows enough of a value to recognize it and no more: of a card number
// the first and last four digits (fewer than PCI DSS §3.4 permits), of
// a secret its first, at most four and an eighth, and of a password nothing;
// of anything else the last characters, at most four and at most a third.
func Mask(kind, value string) string {
	n := utf8.RuneCountInString(value)
	if kind == "SECRET" || strings.HasPrefix(kind, "SECRET_") {
		return head(kind, value, n)
	}
	if kind == "CREDIT_CARD" && n >= 12 {
		return grouped(value[:4] + strings.Repeat("•", n-8) + value[n-4:])
	}
	return tail(value, n)
}

// head shows how a token begins, which says whose it is. A password, and the
// key in a frame, show nothing.
func head(kind, value string, n int) string {
	show := min(4, n/8)
	switch kind {
	case "SECRET_PASSWORD", "SECRET_URL", "SECRET_CONNECTION_STRING", "SECRET_AUTHORIZATION", "SECRET_PRIVATE_KEY", "SECRET_GENERIC":
		show = 0
	}
	return string([]rune(value)[:show]) + strings.Repeat("•", 8)
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
