package dlp

import (
	"bytes"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"

	"postern.dev/postern/internal/detect"
)

// email finds e-mail addresses.
type email struct{}

func (*email) ID() string { return "email" }

// Limits of RFC 5321 §4.5.3.1.
const (
	maxLocal  = 64
	maxDomain = 255
	maxLabel  = 63
	maxPath   = 254
)

func (*email) Scan(w *detect.Window, found func(detect.Hit)) {
	text := w.Text
	for i := 0; i < len(text); i++ {
		k := bytes.IndexByte(text[i:], '@')
		if k < 0 {
			return
		}
		i += k
		start, odd := localStart(text, i)
		if start < 0 {
			continue
		}
		end := domainEnd(text, i+1)
		if end < 0 {
			continue
		}
		domain := strings.ToLower(string(text[i+1 : end]))
		var e evidence
		weighDomain(&e, domain)
		if start > 0 && inURL(text, start) && bytes.Contains(text[max(0, start-64):start], []byte("://")) {
			e.add(-4, "a user name in a URL")
		}
		if odd {
			e.add(-8, "a dot too many")
		}
		value := strings.ToLower(string(text[start:i])) + "@" + domain
		if h, ok := e.hit("EMAIL", start, end, value); ok {
			found(h)
		}
	}
}

// weighDomain says how likely a name exists.
func weighDomain(e *evidence, domain string) {
	if domain[0] == '[' {
		e.add(11, "an address literal")
		return
	}
	top := domain[strings.LastIndexByte(domain, '.')+1:]
	switch top {
	case "png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "mjs", "ts", "html", "htm", "json", "xml", "pdf", "docx":
		return // image@2x.png
	case "example", "test", "invalid", "localhost", "local", "internal", "lan", "corp", "home", "intranet", "localdomain":
		e.add(7, "a reserved top-level domain")
		return
	}
	if _, icann := publicsuffix.PublicSuffix(domain); icann || known(domain) {
		e.add(10, "a known top-level domain")
		return
	}
	e.add(4, "an unknown top-level domain")
}

// known reports whether the last label alone is a public suffix: names under
// a private suffix (user.github.io) do not say so themselves.
func known(domain string) bool {
	top := domain[strings.LastIndexByte(domain, '.')+1:]
	_, icann := publicsuffix.PublicSuffix("x." + top)
	return icann
}

// localStart is where the local part begins that ends at the "@" at i, or -1.
// It is odd when a dot stands in front of it, which no address has
// (RFC 5321 §4.1.2).
func localStart(text []byte, i int) (start int, odd bool) {
	at := i
	for at > 0 && i-at <= maxLocal {
		r := before(text, at)
		if !inLocal(r) || r == '.' && at < i && text[at] == '.' {
			break
		}
		if r >= utf8.RuneSelf && !isWord(r) && text[at] < utf8.RuneSelf {
			break // a sentence in a script without spaces ends here
		}
		at -= utf8.RuneLen(r)
	}
	for at < i && strings.IndexByte(".'`*/|={", text[at]) >= 0 {
		at++ // punctuation in front of an address, not of it
	}
	if at == i || i-at > maxLocal || text[i-1] == '.' {
		return -1, false
	}
	return at, at > 0 && text[at-1] == '.'
}

// inLocal reports whether r may stand in a local part without quotes.
func inLocal(r rune) bool {
	if r < utf8.RuneSelf {
		return isWord(r) || r != 0 && strings.IndexByte(".!#$%&'*+-/=?^`{|}~", byte(r)) >= 0
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// domainEnd is where the domain ends that begins at i, or -1.
func domainEnd(text []byte, i int) int {
	if i < len(text) && text[i] == '[' {
		return literalEnd(text, i)
	}
	at, end, dots := i, -1, 0
	for label := 0; at < len(text) && at-i <= maxDomain; {
		r := after(text, at)
		switch {
		case dots > 0 && label > 0 && r >= utf8.RuneSelf && !isWord(r) && text[at-1] < utf8.RuneSelf:
			return topLevel(text, i, end) // a sentence in a script without spaces goes on
		case r == '.' && label > 0 && text[at-1] != '-':
			label = 0
			dots++
			at++
		case r == '-' && label > 0, r != '_' && isWord(r) || r >= utf8.RuneSelf && unicode.IsLetter(r):
			at += utf8.RuneLen(r)
			if label++; label > maxLabel {
				return -1
			}
			if dots > 0 && r != '-' {
				end = at
			}
		default:
			if r == '@' || r == '_' && label > 0 {
				return -1
			}
			return topLevel(text, i, end)
		}
	}
	if at-i > maxDomain {
		return -1
	}
	return topLevel(text, i, end)
}

// literalEnd is where an address literal ends (RFC 5321 §4.1.3), or -1.
func literalEnd(text []byte, i int) int {
	end := bytes.IndexByte(text[i:min(len(text), i+48)], ']')
	if end < 0 {
		return -1
	}
	inside := strings.TrimPrefix(string(text[i+1:i+end]), "IPv6:")
	if _, err := netip.ParseAddr(inside); err != nil {
		return -1
	}
	return i + end + 1
}

// topLevel gives back end when the last label can be a top-level domain: two
// letters or more and no digits (RFC 3696 §2), or punycode.
func topLevel(text []byte, i, end int) int {
	if end < 0 {
		return -1
	}
	top := text[i:end]
	top = top[bytes.LastIndexByte(top, '.')+1:]
	if utf8.RuneCount(top) < 2 {
		return -1
	}
	if bytes.HasPrefix(bytes.ToLower(top), []byte("xn--")) {
		return end
	}
	for _, r := range string(top) {
		if !unicode.IsLetter(r) {
			return -1
		}
	}
	return end
}

// validEmail reports whether the whole value is one address.
func validEmail(value string) bool {
	at := strings.LastIndexByte(value, '@')
	if at <= 0 || at > maxLocal || len(value) > maxPath || !utf8.ValidString(value) {
		return false
	}
	text := []byte(value)
	if domainEnd(text, at+1) != len(text) {
		return false
	}
	local := value[:at]
	if local[0] == '"' {
		return quoted(local)
	}
	dot := true
	for _, r := range local {
		if !inLocal(r) || r == '.' && dot {
			return false
		}
		dot = r == '.'
	}
	return !dot
}

// quoted reports whether s is a Quoted-string (RFC 5321 §4.1.2).
func quoted(s string) bool {
	if len(s) < 3 || s[len(s)-1] != '"' {
		return false
	}
	s = s[1 : len(s)-1]
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			if i++; i == len(s) {
				return false
			}
		case s[i] == '"' || s[i] < ' ' || s[i] == 0x7f:
			return false
		}
	}
	return true
}
