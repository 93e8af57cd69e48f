package dsn

import (
	"bytes"
	"strings"

	"postern.dev/postern/internal/mail"
)

// maxOriginal is how many octets of the original's header a report returns.
const maxOriginal = 32 << 10

// Headers are the header fields of the original that a report returns:
// whole fields as they came, without those that drop names, without any
// that contains one of the secrets, and not more than 32 KiB. A NUL or a
// bare CR or LF in a field leaves it out: a report must be sendable by DATA.
func Headers(m *mail.Header, body mail.Body, drop func(name string) bool, secrets []string) []byte {
	var b bytes.Buffer
	for _, f := range m.Fields() {
		if drop(f.Name) || f.Range.Len() > maxOriginal-int64(b.Len()) {
			continue
		}
		text := make([]byte, f.Range.Len())
		if n, _ := body.ReadAt(text, f.Range.Start); int64(n) < f.Range.Len() {
			continue
		}
		if !sendable(text) || holds(string(text), secrets) {
			continue
		}
		b.Write(text)
		if !bytes.HasSuffix(text, []byte("\r\n")) {
			b.WriteString("\r\n")
		}
	}
	return b.Bytes()
}

func holds(text string, secrets []string) bool {
	for _, s := range secrets {
		if s != "" && strings.Contains(strings.ToLower(text), strings.ToLower(s)) {
			return true
		}
	}
	return false
}

// sendable: only CR LF pairs, no NUL, and no line over 998 octets.
func sendable(text []byte) bool {
	line := 0
	for i, c := range text {
		switch {
		case c == 0:
			return false
		case c == '\r' && (i+1 == len(text) || text[i+1] != '\n'):
			return false
		case c == '\n' && (i == 0 || text[i-1] != '\r'):
			return false
		case c == '\n':
			line = 0
		default:
			line++
		}
		if line > 999 { // 998 and the CR
			return false
		}
	}
	return true
}
