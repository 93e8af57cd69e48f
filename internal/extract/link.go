package extract

import (
	"bytes"
	"net/url"
	"strings"
)

// link reports whether an attribute holds an address.
func link(key string) bool {
	switch key {
	case "href", "src", "action", "formaction", "xlink:href", "cite", "background", "poster", "data", "srcset":
		return true
	}
	return false
}

// hiddenInLink is what an address says that was not meant for machines: the
// text of a mail that it begins, or digits that are percent-encoded, which
// they never need to be (RFC 3986 §2.3). It is nil for other addresses.
func hiddenInLink(value []byte) []byte {
	_, query, _ := bytes.Cut(value, []byte("?"))
	begins := func(scheme string) bool {
		return len(value) > len(scheme) && strings.EqualFold(string(value[:len(scheme)]), scheme)
	}
	switch {
	case begins("mailto:") || begins("sms:") || begins("tel:"):
		if begins("tel:") {
			query = value[len("tel:"):]
		}
	case encodedDigits(value):
		query = value
	default:
		return nil
	}
	if len(query) == 0 {
		return nil
	}
	text, err := url.QueryUnescape(string(query))
	if err != nil {
		text = loose(string(query))
	}
	return []byte(strings.NewReplacer("?", " ", "&", " ", "=", " ", "/", " ", "#", " ", "\n", " ", ":", " ").Replace(text))
}

// encodedDigits reports whether digits are percent-encoded.
func encodedDigits(b []byte) bool {
	for {
		i := bytes.Index(b, []byte("%3"))
		if i < 0 || i+2 >= len(b) {
			return false
		}
		if isDigit(b[i+2]) {
			return true
		}
		b = b[i+2:]
	}
}

// loose decodes what is well encoded and leaves the rest.
func loose(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := url.PathUnescape(s[i : i+3]); err == nil {
				b.WriteString(c)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
