package look

import (
	"slices"
	"strings"
	"testing"
)

func TestPasswordsInTheTextOfAMessage(t *testing.T) {
	for text, want := range map[string]string{
		"The password is Tr0ub4dor.":                                "Tr0ub4dor",
		"Passwort: geheim99":                                        "geheim99",
		"password:hunter22, thanks":                                 "hunter22",
		"Het wachtwoord voor het bestand: \"zomer2026!\"":           "zomer2026!",
		"Le mot de passe : soleil":                                  "soleil",
		"Please open it with the word I told you, Blue-Harbor-42 .": "Blue-Harbor-42",
		"пароль секрет":                                             "секрет",
		"La contraseña es abc.123.":                                 "abc.123",
	} {
		w := hints{on: true}
		w.add([]byte(text))
		if got := w.passwords(); !slices.Contains(got, want) {
			t.Errorf("%q: %q, want %q among them", text, got, want)
		}
	}
	w := hints{on: true}
	w.add([]byte(strings.Repeat("password one two three four see https://host.example/a1 ", 10_000)))
	if got := w.passwords(); len(got) > 2*keepWords || slices.Contains(got, "https://host.example/a1") {
		t.Errorf("%q", got)
	}
	w = hints{}
	w.add([]byte("password: secret"))
	if got := w.passwords(); len(got) != 0 {
		t.Errorf("not switched on, and %q", got)
	}
}
