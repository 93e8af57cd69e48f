package secret

import (
	"encoding/base64"
	"math"

	"postern.dev/postern/internal/detect"
)

// shape is what a value is made of.
type shape struct {
	n, lower, upper, digit, sign, high int
	// turns counts the places where one kind of character follows another.
	turns    int
	distinct int
	bits     float64 // entropy per byte
}

// maxValue is how much of a value is measured.
const maxValue = 512

func shapeOf(v []byte) (s shape) {
	v = v[:min(len(v), maxValue)]
	var count [256]uint16
	last := 0
	for _, b := range v {
		count[b]++
		kind := 0
		switch c := classOf[b]; {
		case c&lowers != 0:
			s.lower++
			kind = 1
		case c&uppers != 0:
			s.upper++
			kind = 2
		case c&digits != 0:
			s.digit++
			kind = 3
		case b >= 0x80:
			s.high++
			kind = 1
		default:
			s.sign++
			kind = 4
		}
		if last != 0 && kind != last {
			s.turns++
		}
		last = kind
	}
	s.n = len(v)
	for _, c := range count {
		if c > 0 {
			s.distinct++
			p := float64(c) / float64(s.n)
			s.bits -= p * math.Log2(p)
		}
	}
	return s
}

// classes counts the kinds of characters.
func (s shape) classes() int {
	n := 0
	for _, k := range [4]int{s.lower + s.high, s.upper, s.digit, s.sign} {
		if k > 0 {
			n++
		}
	}
	return n
}

// random reports whether a value was made by a machine and not of words.
func (s shape) random() bool {
	if s.n < 8 || s.distinct < 6 || s.bits < 2.6 {
		return false
	}
	turns := float64(s.turns) / float64(s.n)
	switch {
	case s.digit >= 2:
		return turns >= 0.2 && s.digit+s.sign < s.n
	case s.digit == 1:
		return turns >= 0.3
	}
	return s.n >= 16 && s.lower > 0 && s.upper > 0 && turns >= 0.35
}

// judge says how sure it is that v is a secret; 0 is not. Strict values are
// those in prose and behind doubtful names.
func judge(v []byte, of family, quoted, strict bool) (level detect.Confidence, why string) {
	if (of == ofPassword || of == ofLogin) && len(v) > 512 { // more than 128 characters
		return 0, ""
	}
	if len(v) < 4 || placeholder(v[:min(len(v), 256)]) || reference(v) {
		return 0, ""
	}
	s := shapeOf(v)
	if s.lower+s.upper+s.high == 0 || s.distinct < 4 || folds(v, "0x") && regular(v) {
		return 0, ""
	}
	if sealed(v) || encodes(v) {
		return 0, ""
	}
	switch of {
	case ofPassword, ofLogin:
		return password(v, s, quoted, strict)
	case ofKey:
		if s.n < 15 || !s.random() || regular(v) || wordy(v) || s.lower*s.upper*s.digit == 0 {
			return 0, ""
		}
		return detect.Medium, "a random value"
	}
	return token(v, s, strict)
}

func password(v []byte, s shape, quoted, strict bool) (detect.Confidence, string) {
	classes := s.classes()
	if s.n > 128 || s.high > s.n/2 {
		return 0, ""
	}
	plain := signsIn(v, "_-./:") == s.sign // what also separates words
	switch {
	case s.digit == 0 && s.n >= 16 && s.random():
	case s.digit == 0 && (s.sign == 0 || plain || strict || s.n < 8):
		return 0, ""
	case plain && wordy(v) && (!quoted || strict || !trailing(v, s) || s.n < 6):
		return 0, ""
	case strict && (classes < 3 || s.digit == 0 || s.n < 6 || s.turns < 3):
		return 0, ""
	case !quoted && !strict && s.n < 6 && classes < 3:
		return 0, ""
	case trailing(v, s) && !quoted && (s.n < 6 || s.upper > 0 && classes < 3 && s.n < 8):
		return 0, ""
	}
	if !strict && classes >= 3 && s.digit > 0 && s.n >= 8 && s.turns >= 3 && !trailing(v, s) {
		return detect.High, "a strong password"
	}
	return detect.Medium, "a password"
}

func token(v []byte, s shape, strict bool) (detect.Confidence, string) {
	if s.n < 10 || !s.random() || wordy(v) || s.n <= 16 && regular(v) || s.n < 64 && anyRow(v) {
		return 0, ""
	}
	if s.digit == 0 && s.n < 20 || strict && (s.n < 15 || s.lower*s.upper == 0) {
		return 0, ""
	}
	if !strict && s.n >= 16 && s.bits >= 3 {
		return detect.High, "a random value"
	}
	return detect.Medium, "a random value"
}

// sealed reports whether v is a value that the controller of sealed secrets
// of Kubernetes has encrypted: an RSA block and more behind two octets.
func sealed(v []byte) bool {
	return len(v) >= 300 && v[0] == 'A' && (v[1] == 'g' || v[1] == 'Q') && run(v, 0, base64std, len(v)) == len(v)
}

// signsIn counts the bytes of v that are among signs.
func signsIn(v []byte, signs string) (n int) {
	for _, b := range v {
		for i := range len(signs) {
			if b == signs[i] {
				n++
			}
		}
	}
	return n
}

// trailing reports whether v is a word with digits behind it.
func trailing(v []byte, s shape) bool {
	i := len(v)
	for i > 0 && is(v[i-1], digits) {
		i--
	}
	return len(v)-i == s.digit && run(v, 0, letters, i) == i
}

// wordy reports whether v is made of words and numbers: each piece between
// signs is of one kind, and the words have the length and vowels of words.
func wordy(v []byte) bool {
	pieces, words := 0, 0
	for i := 0; i < len(v); {
		if !is(v[i], alnum) {
			i++
			continue
		}
		pieces++
		end := run(v, i, alnum, len(v))
		if number := run(v, i, digits, end-i); number == end {
			if end-i <= 4 {
				words++
			}
			i = end
			continue
		}
		if allWords(v[i:end]) {
			words++
		}
		i = end
	}
	return words == pieces
}

// allWords reports whether a piece without signs is words in camel case with
// at most four digits behind.
func allWords(p []byte) bool {
	end := len(p)
	for end > 0 && is(p[end-1], digits) {
		end--
	}
	if len(p)-end > 4 || run(p, 0, letters, end) != end {
		return false
	}
	p = p[:end]
	if run(p, 0, uppers, len(p)) == len(p) {
		return len(p) <= 12
	}
	for i := 0; i < len(p); {
		j := run(p, i, uppers, len(p))
		end := run(p, j, lowers, len(p))
		if end-i < 3 || end-i > 18 || end-i > 3 && !vowels(p[i:end]) {
			return false
		}
		i = end
	}
	return true
}

// vowels reports whether a word has vowels, and no five consonants on end.
func vowels(p []byte) bool {
	n, row, most := 0, 0, 0
	for _, b := range p {
		switch lower(b) {
		case 'a', 'e', 'i', 'o', 'u', 'y':
			n++
			row = 0
		default:
			row++
			most = max(most, row)
		}
	}
	return n > 0 && most < 5 && n*6 >= len(p)
}

// regular reports whether v is a hash, a UUID or a number in hexadecimal,
// which names and maps are full of.
func regular(v []byte) bool {
	n := 0
	for i, b := range v {
		if is(b, hexAny|dash) || i == 1 && (b == 'x' || b == 'X') {
			n++
		}
	}
	return n == len(v)
}

// uuid reports whether v is a UUID with something in it.
func uuid(v []byte) bool {
	if len(v) != 36 {
		return false
	}
	for i, b := range v {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if b != '-' {
				return false
			}
		} else if !is(b, hexAny) {
			return false
		}
	}
	return true
}

// stopWords stand in values that are no secrets.
var stopWords = []string{
	"example", "placeholder", "changeme", "change_me", "change-me", "changeit", "replace", "insert", "your_", "your-",
	"yourp", "yours", "yourt", "yourk", "youra", "<your", "todo", "dummy", "sample", "redacted", "masked", "removed",
	"xxxx", "****", "....", "____", "password", "passwd", "passwort", "wachtwoord", "secret", "token", "credential",
	"apikey", "api_key", "api-key", "undefined", "null", "string", "optional", "default", "disabled", "enabled",
	"localhost", "getenv", "environ", "process.env", "function", "return", "ciphertext", "encrypted", "fixme",
	"test_", "test-", "foobar", "qwerty", "hunter2!", "not-a-", "not_a_", "letmein", "nopass", "lorem",
	"16c7e42f292c6912e7710c838347ae178b4a",
}

// placeholder reports whether v stands for a value that was left out, or is
// one that everybody writes in examples.
func placeholder(v []byte) bool {
	head := v[:min(len(v), 256)] // a placeholder is short, and values may stand in each other
	for _, w := range stopWords {
		if has(head, w) {
			return true
		}
	}
	if folds(v, "test") || folds(v, "enc(") || folds(v, "enc[") || folds(v, "my") && !anyOf(v, digits) {
		return true
	}
	return spelled(v)
}

// spelled reports whether v is the word password in a spelling that
// everybody knows, or a row of the keyboard.
func spelled(v []byte) bool {
	var word [24]byte
	n := 0
	for _, b := range v {
		if n == len(word) {
			return false
		}
		switch b = lower(b); b {
		case '@', '4':
			b = 'a'
		case '0':
			b = 'o'
		case '$', '5':
			b = 's'
		case '1', '!':
			b = 'i'
		case '3':
			b = 'e'
		}
		if is(b, lowers) {
			word[n] = b
			n++
		}
	}
	for _, w := range [...]string{
		"password", "passwordi", "passaword", "passawordi", "pass", "passi", "passwd", "pw", "passwordie", "passworde",
		"welcome", "welcomei", "adminie", "abcie", "asdf", "secret", "secreti",
	} {
		if string(word[:n]) == w {
			return true
		}
	}
	return false
}

func anyOf(v []byte, s set) bool {
	for _, b := range v {
		if is(b, s) {
			return true
		}
	}
	return false
}

// reference reports whether v names where the value is: a variable, an
// expression, a path or an address.
func reference(v []byte) bool {
	first, last := v[0], v[len(v)-1]
	switch first {
	case '$':
		i := run(v, 1, wordSet, len(v))
		if i == len(v) && run(v, 1, digits, len(v)) == 1 || i < len(v) && i > 1 && signsIn(v[i:], ".[]({:/-") > 0 {
			return true
		}
		if at(v, 1) == '{' || at(v, 1) == '(' || at(v, 1) == '$' {
			return true
		}
	case '{', '<', '[', '(', '`', '|', '&', '~', ',', ';', ':', '?':
		return true
	case '%':
		return last == '%' || at(v, 1) == '(' || at(v, 1) == '{' || at(v, 1) == 's'
	case '@', '#':
		return at(v, 1) == '{' || last == '@' && len(v) > 2
	case '.':
		return at(v, 1) == '/' || at(v, 1) == '.'
	case '-':
		return at(v, 1) == '-'
	case '*':
		return run(v, 1, letters, len(v)) == len(v)
	}
	for _, w := range [...]string{"${", "{{", "<%", "%(", "://", "#{", "()", "$("} {
		if has(v, w) {
			return true
		}
	}
	return pathLike(v)
}

// pathLike reports whether v is a path, a file name or a domain.
func pathLike(v []byte) bool {
	slashes := signsIn(v, `/\`)
	if slashes > 0 && wordy(v) {
		return true
	}
	if len(v) > 2 && v[1] == ':' && (v[2] == '\\' || v[2] == '/') {
		return true
	}
	for _, e := range [...]string{
		".pem", ".json", ".yml", ".yaml", ".txt", ".key", ".xml", ".gpg", ".properties", ".crt", ".cfg", ".conf", ".html",
		".php", ".com", ".org", ".net", ".pfx", ".p12", ".jks", ".md", ".py", ".js", ".go", ".ts", ".png", ".svg",
	} {
		if len(v) > len(e) && folds(v[len(v)-len(e):], e) {
			return true
		}
	}
	return false
}

// encodes reports whether v is base64 of something that is no secret: an
// encrypted value or an example.
func encodes(v []byte) bool { return encodesAny(v, true) }

func encodesAny(v []byte, hosts bool) bool {
	if len(v) < 16 || len(v) > maxValue || run(v, 0, base64std, len(v)) != len(v) {
		return false
	}
	var room [maxValue]byte
	n, ok := plainText(room[:], v)
	if !ok {
		return false
	}
	inner := room[:n]
	if !hosts && inner[0] == '{' {
		return false // an address of an example in JSON
	}
	for _, w := range [...]string{"example", "placeholder", "changeme", "enc[", "enc(", "encrsa", "replace"} {
		if has(inner, w) {
			return true
		}
	}
	return false
}

// plainText decodes base64 when the result is text.
func plainText(to, v []byte) (n int, ok bool) {
	for len(v) > 0 && v[len(v)-1] == '=' {
		v = v[:len(v)-1]
	}
	if len(v)%4 == 1 {
		v = v[:len(v)-1]
	}
	if base64.RawStdEncoding.DecodedLen(len(v)) > len(to) {
		v = v[:base64.RawStdEncoding.EncodedLen(len(to))/4*4]
	}
	n, err := base64.RawStdEncoding.Decode(to, v)
	if err != nil && n == 0 {
		return 0, false
	}
	for _, b := range to[:n] {
		if b < ' ' && b != '\n' && b != '\r' && b != '\t' || b == 0x7F {
			return 0, false
		}
	}
	return n, n > 0
}
