package look

import (
	"strings"
	"unicode"
)

// hints collect what may be the password of an encrypted attachment from
// what the message says: the words behind "password" in many languages first,
// then those that mix letters with digits or signs.
type hints struct {
	text  []byte
	after []string // behind a word for password
	mixed []string
	on    bool
}

// Bounds of what is collected: text of one message, words of each kind, and
// the length of one.
const (
	maxWords    = 64 << 10
	keepWords   = 20
	minPassword = 4
	maxPassword = 64
)

// add takes a piece of a text that people read.
func (w *hints) add(p []byte) {
	if w.on && len(w.text) < maxWords {
		w.text = append(w.text, p[:min(len(p), maxWords-len(w.text))]...)
	}
}

// passwords are those to try, the likeliest first.
func (w *hints) passwords() []string {
	if len(w.text) > 0 {
		w.take(string(w.text))
		w.text = w.text[:0]
	}
	list := append([]string(nil), w.after...)
	return append(list, w.mixed...)
}

// take reads words. What follows a word for password counts up to three
// words on, because "is", "for the file" or a colon may stand between.
func (w *hints) take(text string) {
	near := 0
	for _, word := range strings.Fields(text) {
		head, tail, colon := strings.Cut(word, ":")
		if isPasswordWord(head) {
			near = 4
			word = tail
			if !colon || tail == "" {
				continue
			}
		}
		near--
		const quotes = "\"'`“”„«»‚‘’()[]<>"
		bare := strings.TrimRight(strings.Trim(word, quotes+".,;"), quotes+".,;")
		for _, candidate := range []string{bare, strings.TrimRight(bare, "!?"), strings.TrimRight(word, ".,;")} {
			switch {
			case len(candidate) < minPassword || len(candidate) > maxPassword:
			case near >= 0:
				w.after = once(w.after, candidate)
			case mixed(candidate):
				w.mixed = once(w.mixed, candidate)
			}
		}
	}
}

func once(list []string, word string) []string {
	for _, known := range list {
		if known == word {
			return list
		}
	}
	if len(list) >= keepWords {
		return list
	}
	return append(list, word)
}

// mixed reports whether a word has letters, and digits or signs among them.
func mixed(word string) bool {
	letters, others := 0, 0
	for _, r := range word {
		switch {
		case unicode.IsLetter(r):
			letters++
		case unicode.IsDigit(r) || strings.ContainsRune("!#$%&*+=?^_~@-", r):
			others++
		case r == '/' || r == '.' || r == ':':
			return false // an address or a path
		}
	}
	return len(word) >= 6 && letters > 0 && others > 0
}

func isPasswordWord(word string) bool {
	word = strings.ToLower(strings.Trim(word, "\"'`“”„()[]<>.,;!?*-"))
	for _, w := range passwordWords() {
		if word == w {
			return true
		}
	}
	return false
}

// passwordWords are words for password, and what people write instead.
func passwordWords() [28]string {
	return [...]string{
		"password", "passwort", "kennwort", "wachtwoord", "passwd", "pwd", "pw", "pass", "passphrase", "passcode", "code",
		"mdp", "passe", "contraseña", "clave", "senha", "palavra-passe", "parola", "hasło", "heslo", "jelszó", "lösenord",
		"adgangskode", "passord", "salasana", "пароль", "şifre", "pin",
	}
}
