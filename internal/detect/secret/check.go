package secret

import (
	"encoding/base64"
	"hash/crc32"

	"postern.dev/postern/internal/detect"
)

// The checks of the rules: what a prefix and a length do not say.

// base62Sum writes the CRC-32 of b as six digits of base 62, as the tokens of
// GitHub and npm end (github.blog, "Behind GitHub's new authentication token
// formats", 5 April 2021).
func base62Sum(b []byte) (sum [6]byte) {
	const signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	n := crc32.ChecksumIEEE(b)
	for i := 5; i >= 0; i-- {
		sum[i] = signs[n%62]
		n /= 62
	}
	return sum
}

// summed reports whether the last six bytes of a token are the sum of those
// before.
func summed(b []byte) bool {
	if len(b) < 12 {
		return false
	}
	sum := base62Sum(b[:len(b)-6])
	return string(sum[:]) == string(b[len(b)-6:])
}

func githubSum(s *scan, m match) (match, bool) {
	body := s.t[m.body:m.end]
	switch {
	case summed(body):
		m.why = m.rule.name + ", checksum"
		return m, true
	case m.weak || len(body) != 36 || string(s.t[m.start:m.end]) == docsToken:
		return m, false
	}
	m.level, m.why = detect.Medium, m.rule.name+", checksum of another time"
	return m, true
}

// docsToken is the one in GitHub's own documentation.
const docsToken = "gho_" + "16C7e42F292c6912E7710c838347Ae178B4a"

func npmSum(s *scan, m match) (match, bool) {
	switch {
	case summed(s.t[m.body:m.end]):
		m.why = m.rule.name + ", checksum"
		return m, true
	case m.weak:
		return m, false
	}
	m.level = detect.Medium
	return m, true
}

// threeBefore takes the three bytes in front of an Entra secret's mark.
func threeBefore(s *scan, m match) (match, bool) {
	start := back(s.t, m.start, alnum|under|dot|tilde|dash, 3)
	if m.start-start != 3 || m.weak || is(at(s.t, start-1), alnum) {
		return m, false
	}
	m.start = start
	return m, true
}

// azureSigned looks for the mark of the service at its place: behind 76 or
// 33 characters of 88 or 44 (Microsoft's common annotated security keys).
func azureSigned(s *scan, m match) (match, bool) {
	start := back(s.t, m.start, alnum|slashPlus, 80)
	end := run(s.t, m.start, base64std, 16)
	n, before := end-start, m.start-start
	long, short := n == 88 && before == 76, n == 44 && before >= 32 && before <= 34
	if !long && !short && !(n == 56 && before == 44) && !(n == 52 && before == 40) {
		return m, false
	}
	m.start, m.end = start, end
	return m, likely(s.t[start:end])
}

func azureCommon(s *scan, m match) (match, bool) {
	start := back(s.t, m.start, alnum, 60)
	m.start = start
	return m, m.body-6-start >= 40 && likely(s.t[start:m.body-6])
}

// sharedAccess wants the other parameters of a signature nearby.
func sharedAccess(s *scan, m match) (match, bool) {
	near := s.t[max(0, m.start-300):min(len(s.t), m.end+300)]
	if m.weak || !has(near, "se=") || !(has(near, "sv=") || has(near, "sr=")) {
		return m, false
	}
	m.start = m.body
	return m, true
}

func terraform(s *scan, m match) (match, bool) {
	start := back(s.t, m.start, alnum, 14)
	ok := m.start-start == 14 && !m.weak
	m.start = start
	return m, ok
}

func swarm(s *scan, m match) (match, bool) {
	b := s.t[m.body:m.end]
	return m, !m.weak && b[50] == '-' && shapeOf(b).random()
}

func akamai(s *scan, m match) (match, bool) {
	return m, !m.weak && s.t[m.body+16] == '-' && at(s.t, m.end) != '.'
}

func harness(s *scan, m match) (match, bool) {
	return m, !m.weak && signsIn(s.t[m.body:m.end], ".") == 2
}

// atlassianEnd reads the equals sign, which may be escaped, and the eight
// digits of the sum.
func atlassianEnd(s *scan, m match) (match, bool) {
	i := m.end
	if at(s.t, i) == '\\' {
		i++
	}
	switch {
	case at(s.t, i) == '=':
		i++
	case at(s.t, i) == '%' && at(s.t, i+1) == '3':
		i += 3
	default:
		return m, !m.weak
	}
	if end := run(s.t, i, hexAny, 8); end == i+8 {
		m.end = end
	}
	return m, !m.weak
}

func uuidBody(s *scan, m match) (match, bool) {
	return m, !m.weak && uuid(s.t[m.body:m.end])
}

func dashed(s *scan, m match) (match, bool) {
	return m, !m.weak && signsIn(s.t[m.body:m.end], "-") >= 4
}

func hookBody(s *scan, m match) (match, bool) {
	return m, signsIn(s.t[m.body:m.end], "/") >= 2 && shapeOf(s.t[m.body:m.end]).random()
}

func chatHook(s *scan, m match) (match, bool) {
	line := s.t[m.end:min(len(s.t), m.end+200)]
	return m, has(line, "token=") && has(line, "key=")
}

// telegram takes the number of the bot in front.
func telegram(s *scan, m match) (match, bool) {
	start := back(s.t, m.start, digits, 11)
	ok := m.start-start >= 8 && m.start-start <= 10 && !m.weak && !is(at(s.t, start-1), alnum)
	m.start = start
	return m, ok
}

func braintree(s *scan, m match) (match, bool) {
	if at(s.t, m.end) != '$' {
		return m, false
	}
	end := run(s.t, m.end+1, lowNum, 32)
	ok := end == m.end+33
	m.end = end
	return m, ok
}

func twoParts(s *scan, m match) (match, bool) {
	return m, !m.weak && signsIn(s.t[m.body:m.end], ".") == 1
}

// mixed wants capital and small letters and a digit, or a good many letters.
func mixed(s *scan, m match) (match, bool) {
	n := shapeOf(s.t[m.body:m.end])
	return m, !m.weak && n.lower > 0 && n.upper > 0 && n.turns >= n.n/4
}

// salesforce reads the session behind the organization's id.
func salesforce(s *scan, m match) (match, bool) {
	if at(s.t, m.end) != '!' {
		return m, false
	}
	end := run(s.t, m.end+1, wordSet|dot, 200)
	ok := end-m.end > 24
	m.end = end
	return m, ok
}

func airtable(s *scan, m match) (match, bool) {
	b := s.t[m.body:m.end]
	return m, !m.weak && b[14] == '.' && run(b, 15, hexLow, 64) == 79
}

// dropboxOld wants the row of As behind eleven or twelve characters.
func dropboxOld(s *scan, m match) (match, bool) {
	start := back(s.t, m.start, alnum, 14)
	n := m.start - start
	ok := n >= 9 && n <= 13 && m.end-start == 64 && shapeOf(s.t[m.body:m.end]).random() && !is(at(s.t, m.end), base64std)
	m.start = start
	return m, ok
}

func maxmind(s *scan, m match) (match, bool) {
	start := back(s.t, m.start, alnum|under, 40)
	ok := m.start-start == 36 && at(s.t, start+6) == '_' && !is(at(s.t, m.body), alnum)
	m.start, m.end = start, m.body
	return m, ok
}

// openAI looks for the mark that is in the middle of these keys.
func openAI(s *scan, m match) (match, bool) {
	b := s.t[m.body:m.end]
	for i := 16; i+8 <= len(b); i++ {
		if string(b[i:i+8]) == "T3BlbkFJ" {
			return m, !m.weak
		}
	}
	return m, false
}

// jsonToken reads the header and the beginning of the content of a JSON Web
// Token.
func jsonToken(s *scan, m match) (match, bool) {
	var head [192]byte
	n := decodeURL(head[:], s.t[m.start:m.end])
	if n < 10 || head[0] != '{' || !has(head[:n], `"alg"`) || at(s.t, m.end) != '.' {
		return m, false
	}
	second := m.end + 1
	third := run(s.t, second, base64std|base64url, reach)
	encrypted := has(head[:n], `"enc"`)
	if !encrypted {
		n = decodeURL(head[:], s.t[second:third])
		if n < 2 || head[0] != '{' || signsIn(head[1:2], "\" \n\r}") == 0 {
			return m, false
		}
	}
	if at(s.t, third) != '.' {
		return m, false
	}
	m.end = run(s.t, third+1, base64std|base64url|dot, reach)
	sign := s.t[third+1 : m.end]
	if len(sign) < 8 || has(sign, "example") || has(sign, "signature") || has(sign, "xxxx") {
		return m, false
	}
	if address, name := inAddress(s.t, m.start); address {
		m.level = detect.Low // a link that was signed, as newsletters are full of
		if folds(name, "access_token") || folds(name, "id_token") || folds(name, "token") {
			m.level = detect.Medium
		}
		m.why += " inside an address"
	}
	return m, true
}

// inAddress reports whether i is inside a web address, and the name of the
// parameter there.
func inAddress(t []byte, i int) (inside bool, name []byte) {
	from := i
	for from > 0 && i-from < behind && t[from-1] > ' ' && t[from-1] != '"' && t[from-1] != '\'' && t[from-1] != '<' &&
		t[from-1] != '(' {
		from--
	}
	end := i
	if end > from && t[end-1] == '=' {
		end--
	}
	return has(t[from:i], "://"), t[back(t, end, wordSet|dash|dot, 40):end]
}

// grafana looks for the names in a key of Grafana.
func grafana(s *scan, m match) (match, bool) {
	var room [300]byte
	n := decodeURL(room[:], s.t[m.start:m.end])
	return m, has(room[:n], `"n":"`) && has(room[:n], `"id":`)
}

// decodeURL decodes as much of base64, of either alphabet, as there is room
// for.
func decodeURL(to, v []byte) int {
	var room [400]byte
	v = v[:min(len(v), len(to)/3*4, len(room))]
	n := 0
	for _, b := range v {
		switch b {
		case '+':
			b = '-'
		case '/':
			b = '_'
		case '=':
			continue
		}
		room[n] = b
		n++
	}
	if n%4 == 1 {
		n--
	}
	got, _ := base64.RawURLEncoding.Decode(to, room[:n])
	return got
}
