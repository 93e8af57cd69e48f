package receive

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"postern.dev/postern/internal/mail"
)

func refuse(r mail.Reply) *mail.Reply { return &r }

// parsePath reads "FROM:<path>" or "TO:<path>" and returns what stands
// between the brackets and what follows. There is no space after the colon
// (RFC 5321 §3.3), and a bracket inside a quoted local part ends nothing.
func parsePath(args, keyword, enhanced string) (path, rest string, refusal *mail.Reply) {
	if len(args) < len(keyword) || upper(args[:len(keyword)]) != keyword {
		return "", "", refuse(syntax("Syntax: " + keyword + "<address>"))
	}
	s := args[len(keyword):]
	if s == "" || s[0] != '<' {
		return "", "", refuse(replyPathSyntax(enhanced))
	}
	end := pathEnd(s)
	if end < 0 {
		return "", "", refuse(replyPathSyntax(enhanced))
	}
	path, rest = s[1:end], s[end+1:]
	if rest != "" && rest[0] != ' ' {
		return "", "", refuse(replyPathSyntax(enhanced))
	}
	if strings.HasPrefix(path, "@") {
		// RFC 5321 §4.1.1.3 lets a server decline them, and two readings of
		// one address are one too many for a gateway.
		return "", "", refuse(replySourceRoute(enhanced))
	}
	return path, rest, nil
}

// pathEnd is the index of the closing bracket, -1 when there is none.
func pathEnd(s string) int {
	quoted := false
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			quoted = !quoted
		case '\\':
			if quoted {
				i++
			}
		case '>':
			if !quoted {
				return i
			}
		}
	}
	return -1
}

// visible reports whether s is free of characters that hide in a log or a
// report: the control characters of Unicode, which mail.ParseAddress leaves
// to its caller, and the marks that turn the direction of text.
func visible(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return false
		}
	}
	return utf8.ValidString(s)
}

// param is one esmtp-param of MAIL or RCPT.
type param struct {
	key   string // upper case
	value string
	set   bool // there was a "="
}

// parseParams reads " key=value key …" (RFC 5321 §4.1.2). A parameter that
// stands twice is refused: the two would mean different things to others.
func parseParams(s string) ([]param, *mail.Reply) {
	var list []param
	if s == "" {
		return nil, nil
	}
	for _, word := range strings.Split(s[1:], " ") {
		key, value, set := strings.Cut(word, "=")
		p := param{upper(key), value, set}
		if !keyword(p.key) || set && (value == "" || strings.Contains(value, "=")) {
			return nil, refuse(syntax("Malformed parameter"))
		}
		for _, q := range list {
			if q.key == p.key {
				return nil, refuse(syntax("A parameter stands twice"))
			}
		}
		list = append(list, p)
	}
	return list, nil
}

// upper folds ASCII alone. Unicode has letters whose upper case is ASCII (a
// long s, a dotless i): a command spelled with one would be read in two ways.
func upper(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 'a' && s[i] <= 'z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if b[j] >= 'a' && b[j] <= 'z' {
					b[j] -= 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

func keyword(s string) bool {
	return s != "" && s[0] != '-' && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

// offers is what decides about the parameters of MAIL.
type offers struct {
	maxSize    int64
	requireTLS bool
}

// mailParams notes the parameters of MAIL in e.
func (o offers) mailParams(e *mail.Envelope, params []param) *mail.Reply {
	for _, p := range params {
		switch p.key {
		case "SIZE": // RFC 1870 §3
			n, err := strconv.ParseUint(p.value, 10, 63)
			if len(p.value) > 20 || !digits(p.value) {
				return refuse(syntax("SIZE takes a number"))
			}
			if err != nil || int64(n) > o.maxSize {
				return refuse(replyTooBig(o.maxSize))
			}
			e.Size = int64(n)
		case "BODY":
			e.Body = mail.BodyType(upper(p.value))
			if e.Body != mail.Body7Bit && e.Body != mail.Body8Bit && e.Body != mail.BodyBinary {
				return refuse(syntax("BODY takes 7BIT, 8BITMIME or BINARYMIME"))
			}
		case "SMTPUTF8":
			if p.set {
				return refuse(syntax("SMTPUTF8 takes no value"))
			}
			e.UTF8 = true
		case "RET":
			e.Ret = mail.Ret(upper(p.value))
			if e.Ret != mail.RetFull && e.Ret != mail.RetHeaders {
				return refuse(syntax("RET takes FULL or HDRS"))
			}
		case "ENVID": // RFC 3461 §4.4
			if !p.set || len(p.value) > 100 || !xtext(p.value) {
				return refuse(syntax("ENVID takes xtext of at most 100 octets"))
			}
			e.EnvID = p.value
		case "REQUIRETLS":
			if !o.requireTLS {
				return refuse(replyUnknownParameter())
			}
			if p.set {
				return refuse(syntax("REQUIRETLS takes no value"))
			}
			e.RequireTLS = true
		default:
			return refuse(replyUnknownParameter())
		}
	}
	return nil
}

// rcptParams notes the parameters of RCPT in r.
func rcptParams(r *mail.Recipient, params []param, utf8 bool) *mail.Reply {
	for _, p := range params {
		switch p.key {
		case "NOTIFY":
			n, fine := notify(p.value)
			if !fine {
				return refuse(syntax("NOTIFY takes NEVER, or some of SUCCESS, FAILURE, DELAY"))
			}
			r.Notify = n
		case "ORCPT":
			if !orcpt(p.value, utf8) {
				return refuse(syntax("ORCPT takes type;xtext of at most 500 octets"))
			}
			r.ORcpt = p.value
		default:
			return refuse(replyUnknownParameter())
		}
	}
	return nil
}

// notify reads the value of NOTIFY (RFC 3461 §4.1).
func notify(s string) (mail.Notify, bool) {
	if upper(s) == "NEVER" {
		return mail.NotifyNever, true
	}
	var n mail.Notify
	for _, word := range strings.Split(upper(s), ",") {
		var bit mail.Notify
		switch word {
		case "SUCCESS":
			bit = mail.NotifySuccess
		case "FAILURE":
			bit = mail.NotifyFailure
		case "DELAY":
			bit = mail.NotifyDelay
		}
		if bit == 0 || n&bit != 0 {
			return 0, false
		}
		n |= bit
	}
	return n, true
}

// orcpt checks the value of ORCPT: an address type and xtext (RFC 3461 §4.2),
// or for utf-8 the forms of RFC 6533 §3, which need SMTPUTF8 when they hold
// more than ASCII.
func orcpt(s string, allow8 bool) bool {
	kind, address, found := strings.Cut(s, ";")
	if !found || len(s) > 500 || address == "" || !keyword(upper(kind)) {
		return false
	}
	if upper(kind) == "UTF-8" {
		for i := 0; i < len(address); i++ {
			if address[i] >= 0x80 && !allow8 || address[i] <= ' ' || address[i] == 0x7f {
				return false
			}
		}
		return visible(address)
	}
	return xtext(address)
}

// xtext checks RFC 3461 §4: printable ASCII without "=", and "+" only before
// two hexadecimal digits in upper case.
func xtext(s string) bool {
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b == '+':
			if i+2 >= len(s) || !hex(s[i+1]) || !hex(s[i+2]) {
				return false
			}
			i += 2
		case b < '!' || b > '~' || b == '=':
			return false
		}
	}
	return true
}

func hex(b byte) bool { return b >= '0' && b <= '9' || b >= 'A' && b <= 'F' }

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
