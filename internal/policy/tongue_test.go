package policy

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestEveryBuiltInDetectorHasANameInEveryLanguage(t *testing.T) {
	var langs []string
	for lang, x := range tongues() {
		langs = append(langs, lang)
		for _, typ := range Types() {
			two, ok := x.Types[typ]
			if !ok || two[0] == "" || two[1] == "" {
				t.Errorf("%s: %s has no name; write one into packs/names/%s.yaml", lang, typ, lang)
			}
		}
		for typ, two := range x.Types {
			if !slices.Contains(Types(), typ) {
				t.Errorf("%s: there is no type %s", lang, typ)
			}
			if first, _ := utf8.DecodeRuneInString(two[1]); unicode.IsDigit(first) {
				t.Errorf("%s: %s begins with a digit", lang, typ)
			}
		}
		for key := range tongues()["de"].Words {
			if x.Words[key] == "" {
				t.Errorf("%s: there is no word for %s", lang, key)
			}
		}
		for key := range tongues()["de"].Categories {
			if x.Categories[key][1] == "" {
				t.Errorf("%s: there is no category %s", lang, key)
			}
		}
	}
	if slices.Sort(langs); !slices.Equal(langs, []string{"de", "fr", "nl"}) {
		t.Error(langs)
	}
}

func TestASentenceIsSaidInTheReadersLanguage(t *testing.T) {
	for _, tt := range []struct{ lang, english, want string }{
		{"de", "3 card numbers (high) in plan.docx go outside", "3 Kartennummern (sicher) in plan.docx, nach außen"},
		{"de-AT", "a card number (high) goes outside", "eine Kartennummer (sicher), nach außen"},
		{"nl", "2 card numbers in a.pdf and b.pdf, a Dutch citizen number (BSN) (high) and 4 secrets stay inside",
			"2 kaartnummers in a.pdf en b.pdf, een burgerservicenummer (BSN) (zeker) en 4 geheimen, binnen de organisatie"},
		{"fr", "2 card numbers (medium) in R and D.xlsx and 3 other files come in", "2 numéros de carte (probable) dans R and D.xlsx et 3 autres fichiers, de l’extérieur"},
		{"fr", "a card number in salt and pepper", "un numéro de carte dans salt and pepper"},
		{"de", `the label "Streng \"geheim\"" stays inside`, "die Bezeichnung „Streng \"geheim\"“, innerhalb der Organisation"},
		{"de", `the rule "Board papers" applies (Eve is in Sales via EMEA)`, "die Regel „Board papers“ trifft zu (Eve is in Sales via EMEA)"},
		{"de", `the rule "Board papers" applies`, "die Regel „Board papers“ trifft zu"},
		{"nl", `5 findings of "project names" go outside (Eve is in Sales via EMEA)`, "5 vondsten van „project names”, naar buiten (Eve is in Sales via EMEA)"},
		{"nl", `a finding of "project names"`, "een vondst van „project names”"},
		{"en", "3 card numbers go outside", "3 card numbers go outside"},
		{"sv", "3 card numbers go outside", "3 card numbers go outside"},
		{"de", "cards go outside", "cards go outside"},
		{"de", "3 card numbers go outside; besides, something was not seen", "3 card numbers go outside; besides, something was not seen"},
		{"de", "", ""},
	} {
		got, ok := SentenceIn(tt.lang, tt.english)
		if got != tt.want || ok != (tt.want != tt.english) {
			t.Errorf("%s: %q is %q, %v", tt.lang, tt.english, got, ok)
		}
	}
	if words, ok := WordsIn("de", "at-tin", 2); words != "2 Steuernummern (AT)" || !ok {
		t.Error(words)
	}
	if words, ok := WordsIn("fr", "CH_SSN", 1); words != "un numéro d’identité (CH, AHV, AVS)" || !ok {
		t.Error(words)
	}
	if words, ok := WordsIn("de", "OWN_PATTERN", 2); words != Words("OWN_PATTERN", 2) || ok {
		t.Error(words)
	}
}

// What is found of every type is said in every language, whatever else stands
// beside it.
func TestEveryTypeIsSaidInEverySentence(t *testing.T) {
	for lang, x := range tongues() {
		for _, typ := range Types() {
			for _, n := range []int{1, 2, 1234} {
				want, _ := WordsIn(lang, typ, n)
				card, _ := WordsIn(lang, "CREDIT_CARD", 7)
				english := Words(typ, n) + " (low) in x.txt, 7 card numbers and " + Words(typ, n) + " go outside"
				got, ok := SentenceIn(lang, english)
				full := want + " (" + x.Words["low"] + ") " + x.Words["in"] + " x.txt, " + card + " " + x.Words["and"] + " " + want
				if !ok || strings.ReplaceAll(got, ", "+x.Words["out"], "") != full {
					// Two types may share their English words.
					if other, _ := SentenceIn(lang, Words(typ, n)); !ok || !strings.HasPrefix(got, other) {
						t.Fatalf("%s %s: %q is %q", lang, typ, english, got)
					}
				}
			}
		}
	}
}

// FuzzSentence reads any text as a sentence: what cannot be said in a language
// stays as it is, and nothing is lost of it.
func FuzzSentence(f *testing.F) {
	f.Add("de", "3 card numbers (high) in plan.docx and a card number in x and 2 other files go outside (x)")
	f.Add("fr", `the label "\x00" and a finding of "" come in`)
	f.Fuzz(func(t *testing.T, lang, because string) {
		if len(because) > 1000 {
			return
		}
		got, ok := SentenceIn(lang, because)
		if !ok && got != because {
			t.Fatalf("%q is %q", because, got)
		}
		if len(got) > 20*len(because)+200 {
			t.Fatalf("%d octets", len(got))
		}
	})
}
