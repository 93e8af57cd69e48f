package mail

import (
	"encoding/base64"
	"strings"
)

// DecodeWords decodes the encoded words of s (RFC 2047) and is tolerant as
// mail programs are: words inside quotes and words without space between
// them are decoded too, and a character that is cut in two by neighboring
// words of one charset is put together.
func DecodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return s
	}
	var out strings.Builder
	var run []byte // decoded octets of neighboring words of one charset
	label := ""
	// No word ends in the tail: it is not searched again for each "=?" in it.
	tail := len(s) - strings.LastIndex(s, "?=")
	flush := func() {
		if len(run) > 0 {
			out.WriteString(decodeLabelled(label, string(run)))
			run = run[:0]
		}
	}
	for len(s) > 0 {
		i := strings.Index(s, "=?")
		if i < 0 || i+2 > len(s)-tail {
			break
		}
		charset, octets, size := encodedWord(s[i:])
		if size == 0 {
			flush()
			out.WriteString(s[:i+2])
			s = s[i+2:]
			continue
		}
		// White space between two words is not part of the text.
		if gap := s[:i]; len(run) == 0 || strings.Trim(gap, " \t\r\n") != "" {
			flush()
			out.WriteString(gap)
		}
		if !strings.EqualFold(charset, label) {
			flush()
			label = charset
		}
		run = append(run, octets...)
		s = s[i+size:]
	}
	flush()
	out.WriteString(s)
	return out.String()
}

// encodedWord reads one encoded word at the start of s; size is 0 if there
// is none. RFC 2047 §2 allows 75 octets; mail programs read words of any
// length.
func encodedWord(s string) (charset string, octets []byte, size int) {
	a := strings.IndexByte(s[2:], '?')
	if a < 1 {
		return "", nil, 0
	}
	charset = s[2 : 2+a]
	if strings.ContainsAny(charset, " \t\r\n\"()<>=") {
		return "", nil, 0
	}
	rest := s[2+a+1:]
	if len(rest) < 2 || rest[1] != '?' || strings.IndexByte("bBqQ", rest[0]) < 0 {
		return "", nil, 0
	}
	body := rest[2:]
	end := strings.Index(body, "?=")
	if end < 0 {
		return "", nil, 0
	}
	// "=?utf-8?q??=" is empty; "=?utf-8?q?=3D?=" must not end at "?=3D".
	if end == 0 && len(body) > 3 && body[2] != ' ' {
		if more := strings.Index(body[1:], "?="); more >= 0 && unhex(body[2]) < 16 {
			end = more + 1
		}
	}
	text := body[:end]
	switch rest[0] {
	case 'b', 'B':
		octets = base64Octets(text)
	case 'q', 'Q':
		octets = qOctets(text)
	default:
		return "", nil, 0
	}
	charset, _, _ = strings.Cut(charset, "*") // RFC 2231 §5: language
	return charset, octets, len(s) - len(body) + end + 2
}

func base64Octets(s string) []byte {
	if p, err := base64.StdEncoding.DecodeString(s); err == nil {
		return p
	}
	var d base64Decoder
	p := make([]byte, len(s)+4)
	n, _ := d.step(p, []byte(s), true)
	return p[:n]
}

func qOctets(s string) []byte {
	p := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '_':
			p = append(p, ' ')
		case c == '=' && i+2 < len(s) && unhex(s[i+1]) < 16 && unhex(s[i+2]) < 16:
			p = append(p, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			p = append(p, c)
		}
	}
	return p
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
