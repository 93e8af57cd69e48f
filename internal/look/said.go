package look

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"postern.dev/postern/internal/mail"
)

// join writes the decoded values of fields, each once, a line for each.
func join(h *mail.Header, names ...string) string {
	var l lines
	for _, name := range names {
		for f := range h.Named(name) {
			together, apart := readings(h.Value(f))
			l.add("", together)
			if apart != together {
				l.add("", apart)
			}
		}
	}
	return l.text.String()
}

// said writes what the fields of a header say besides the subject, a line for
// each: names of people, comments, and every field that we do not know. The
// parameters are those of a part's Content-Type.
func said(h *mail.Header, params map[string]string) string {
	var l lines
	var room [64]byte
	for _, f := range h.Fields() {
		name := folded(room[:0], f.Name)
		if technical(name) {
			continue
		}
		together, apart := readings(h.Value(f))
		l.add(heading(name), withoutAddresses(together))
		if apart != together {
			l.add(heading(name), withoutAddresses(apart))
		}
	}
	for _, name := range parameters(params) {
		l.add("", params[name])
	}
	return l.text.String()
}

// lines collects lines, each once.
type lines struct {
	text strings.Builder
	seen []string
	more map[string]bool // those that were seen, when they are many
}

func (l *lines) add(heading, v string) {
	v = strings.TrimSpace(oneLine(v)) // two readings that differ in blanks are one
	if v != "" && !l.known(v) && l.text.Len() < maxFields {
		l.text.WriteString(heading)
		l.text.WriteString(v)
		l.text.WriteByte('\n')
	}
}

// known notes a line, and reports whether it was there before.
func (l *lines) known(v string) bool {
	const few = 16
	if l.more != nil {
		known := l.more[v]
		l.more[v] = true
		return known
	}
	if slices.Contains(l.seen, v) {
		return true
	}
	if l.seen = append(l.seen, v); len(l.seen) > few {
		l.more = map[string]bool{}
		for _, v := range l.seen {
			l.more[v] = true
		}
	}
	return false
}

// heading is the name of a field that says what its value is
// ("X-Card-Number"), as words.
func heading(name []byte) string {
	name, private := bytes.CutPrefix(name, []byte("x-"))
	if !private {
		return ""
	}
	return strings.ReplaceAll(string(name), "-", " ") + ": "
}

// folded puts a name in lower case into b, which is empty.
func folded(b []byte, name string) []byte {
	for i := range len(name) {
		c := name[i]
		if c >= utf8.RuneSelf {
			return append(b[:0], strings.ToLower(name)...)
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		b = append(b, c)
	}
	return b
}

// parameters are the names of those that may hold what somebody wrote.
func parameters(params map[string]string) []string {
	var names []string
	for name := range params {
		switch name {
		case "boundary", "charset", "name", "type", "start", "format", "delsp", "method", "micalg", "protocol", "report-type":
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// readings are the decoded forms of a value. Mail programs do not agree
// whether an encoded word that touches other text is one (RFC 2047 §5 says
// no), nor does a number end where such a word does: both readings count.
func readings(value string) (together, apart string) {
	value = oneLine(value)
	if !strings.Contains(value, "=?") {
		return value, value
	}
	return mail.DecodeWords(value), mail.DecodeWords(spaced(value))
}

// spaced puts spaces around everything that looks like an encoded word.
func spaced(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "=?")
		if i < 0 {
			break
		}
		end := wordEnd(s[i:])
		if end == 0 {
			b.WriteString(s[:i+2])
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i] + " " + s[i:i+end] + " ")
		s = s[i+end:]
	}
	b.WriteString(s)
	return b.String()
}

// wordEnd is the length of the encoded word at the start of s, or 0.
func wordEnd(s string) int {
	at := 2
	for range 2 { // charset and encoding
		k := strings.IndexByte(s[at:], '?')
		if k < 0 {
			return 0
		}
		at += k + 1
	}
	k := strings.Index(s[at:], "?=")
	if k < 0 {
		return 0
	}
	return at + k + 2
}

// technical reports whether a field is written and read by machines: ids,
// hashes and traces in which a number means nothing. Subjects are looked at
// apart.
func technical(name []byte) bool {
	switch string(name) {
	case "subject", "thread-topic", "thread-index", "received", "return-path", "date", "message-id", "in-reply-to",
		"references", "mime-version", "content-type", "content-disposition", "content-transfer-encoding",
		"content-id", "content-length", "content-md5", "content-features", "authentication-results", "received-spf",
		"dkim-signature", "domainkey-signature", "domainkey-status", "msip_labels", "autocrypt", "openpgp", "face",
		"x-face", "feedback-id", "lines", "status", "path", "xref", "nntp-posting-date", "tls-report-domain",
		"spamdiagnosticoutput", "spamdiagnosticmetadata", "delivery-date", "require-recipient-valid-since",
		"x-uid", "x-uidl", "x-imapbase", "x-keywords", "x-hashcash", "x-originating-ip", "x-sender-ip",
		"x-received", "x-originalarrivaltime", "x-mimetrack", "x-eopattributedmessage", "x-evolution",
		"x-virus-scanned", "x-sieve", "x-cyrus-session-id", "x-campaignid", "x-mailer-info", "x-report-abuse",
		"x-csa-complaints", "x-mailru-msgtype", "x-job", "x-account-key", "x-tuid", "x-gpg-key-id", "x-pgp-key":
		return true
	}
	for _, prefix := range []string{
		"arc-", "list-", "resent-message-id", "resent-date", "original-message-id", "x-ms-", "x-microsoft-", "x-forefront-",
		"x-exchange-", "x-google-", "x-gm-", "x-me-", "x-spam-", "x-proofpoint-", "x-ironport-", "x-barracuda-",
		"x-mimecast-", "x-mozilla-", "x-sg-", "x-ses-", "x-mailgun-", "x-mandrill-", "x-mc-", "x-sfdc-", "x-sonic-",
		"x-ymail-", "x-yahoo-", "x-apple-", "x-amavis-", "x-assp-", "x-pmx-", "x-mdid", "x-mdav", "x-cloud-sec",
		"x-postern-", "x-netskope-", "x-safetica-", "x-evolution-", "x-msmail-", "x-dkim-", "x-mailman-", "x-pm-",
		"x-authentication-", "x-authority-", "x-brightmail-", "x-vr-", "x-rspamd-", "x-gnd-", "x-ovh-", "x-riva-",
	} {
		if len(name) >= len(prefix) && string(name[:len(prefix)]) == prefix {
			return true
		}
	}
	return false
}

// withoutAddresses leaves of an address what somebody may have written into
// it: the part before the "@", its digits apart from its letters. The address
// itself is no finding: every message has some.
func withoutAddresses(s string) string {
	if !strings.Contains(s, "@") {
		return strings.TrimSpace(s)
	}
	s = aroundAddresses.Replace(s)
	var kept []string
	for _, w := range strings.Fields(s) {
		local, _, address := strings.Cut(w, "@")
		if address {
			local = strings.Trim(local, `'"(:;`)
			if w = loosened(local); countDigits(w) < minLocalDigits {
				continue
			}
		}
		if strings.Trim(w, `,;"'`) != "" {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}

var aroundAddresses = strings.NewReplacer("<", " ", ">", " ", ",", ", ")

// minLocalDigits is how many digits make a local part worth a look.
const minLocalDigits = 9

// countDigits counts digits, and what may be one of another script.
func countDigits(s string) int {
	n := 0
	for i := range len(s) {
		if digit(s[i]) || s[i] >= 0x80 {
			n++
		}
	}
	return n
}

// loosened parts digits from letters.
func loosened(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if i > 0 && digit(s[i]) != digit(s[i-1]) && (letter(s[i]) || letter(s[i-1])) {
			b.WriteByte(' ')
		}
		if s[i] == '+' || s[i] == '=' {
			b.WriteByte(' ')
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func letter(c byte) bool { return c >= 0x80 || 'a' <= c|0x20 && c|0x20 <= 'z' }
