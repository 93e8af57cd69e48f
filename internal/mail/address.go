package mail

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Address is a mailbox of an SMTP envelope, as the client wrote it between
// the angle brackets. The empty Address is the null reverse-path "<>".
type Address string

// Null reports whether a is the null reverse-path of reports (RFC 5321 §4.5.5).
func (a Address) Null() bool { return a == "" }

// Local is the part before the last "@", as written.
func (a Address) Local() string {
	if i := strings.LastIndexByte(string(a), '@'); i >= 0 {
		return string(a[:i])
	}
	return string(a)
}

// Domain is the part after the last "@", in lower case; "" when there is none.
func (a Address) Domain() string {
	if i := strings.LastIndexByte(string(a), '@'); i >= 0 {
		return strings.ToLower(string(a[i+1:]))
	}
	return ""
}

// Fold is the form in which two addresses are compared. Exchange treats local
// parts without regard to case, although RFC 5321 §2.4 would allow otherwise.
func (a Address) Fold() string { return strings.ToLower(string(a)) }

// Key is a under which indexes keep it: folded, without a dot at the end, and
// with the domain in A-labels (RFC 5890), because a sender with SMTPUTF8 may
// write the same domain in U-labels.
func (a Address) Key() string {
	key := strings.TrimSuffix(a.Fold(), ".")
	at := strings.LastIndexByte(key, '@')
	if at < 0 || Address(key[at:]).ASCII() {
		return key
	}
	if domain, err := idna.Lookup.ToASCII(key[at+1:]); err == nil {
		return key[:at+1] + domain
	}
	return key
}

// ASCII reports whether a needs no SMTPUTF8 (RFC 6531).
func (a Address) ASCII() bool {
	for i := 0; i < len(a); i++ {
		if a[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Limits of RFC 5321 §4.5.3.1, in octets.
const (
	maxLocal   = 64
	maxDomain  = 255
	maxMailbox = 254
)

// ErrAddress is returned by ParseAddress for anything that is not a Mailbox.
var ErrAddress = errors.New("mail: not an address")

// ParseAddress reads a Mailbox (RFC 5321 §4.1.2, RFC 6531 §3.3) without angle
// brackets or source route. Control characters, a second unquoted "@", and
// overlong parts are refused: smuggled addresses begin with them.
func ParseAddress(s string) (Address, error) {
	if s == "" || len(s) > maxMailbox || !utf8.ValidString(s) {
		return "", ErrAddress
	}
	at := localEnd(s)
	if at <= 0 || at > maxLocal || at == len(s)-1 {
		return "", ErrAddress
	}
	if !validDomain(s[at+1:]) {
		return "", ErrAddress
	}
	return Address(s), nil
}

// localEnd returns the index of the "@" that ends a valid local part, or -1.
func localEnd(s string) int {
	if s[0] == '"' {
		return quotedEnd(s)
	}
	dot := true // a dot may not stand first, last, or twice
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '@':
			if dot {
				return -1
			}
			return i
		case c == '.':
			if dot {
				return -1
			}
			dot = true
		case c >= utf8.RuneSelf || isAtext(c):
			dot = false
		default:
			return -1
		}
	}
	return -1
}

func quotedEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
			if i == len(s) || s[i] < ' ' || s[i] == 0x7f {
				return -1
			}
		case c == '"':
			if i+1 < len(s) && s[i+1] == '@' {
				return i + 1
			}
			return -1
		case c < ' ' || c == 0x7f:
			return -1
		}
	}
	return -1
}

func isAtext(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

func validDomain(d string) bool {
	if len(d) > maxDomain {
		return false
	}
	if d[0] == '[' { // address literal (RFC 5321 §4.1.3)
		if len(d) < 3 || d[len(d)-1] != ']' {
			return false
		}
		for _, c := range []byte(d[1 : len(d)-1]) {
			if c <= ' ' || c >= 0x7f || c == '[' || c == ']' || c == '\\' {
				return false
			}
		}
		return true
	}
	label := 0
	for i := 0; i < len(d); i++ {
		switch c := d[i]; {
		case c == '.':
			if label == 0 || d[i-1] == '-' {
				return false
			}
			label = 0
		case c == '-':
			if label == 0 {
				return false
			}
			label++
		case c >= utf8.RuneSelf, c == '_', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			label++
		default:
			return false
		}
		if label > 63 && d[i] < utf8.RuneSelf {
			return false
		}
	}
	return label > 0 && d[len(d)-1] != '-'
}
