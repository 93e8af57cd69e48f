package dlp_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/dlp"
)

// lines writes what is found in a text, one line each.
func lines(detectors []detect.Detector, text string) []string {
	list := []string{}
	for _, f := range scan(detectors, text) {
		list = append(list, fmt.Sprintf("%s %s %s", f.Type, f.Confidence, text[f.From:f.To]))
	}
	return list
}

func TestFindings(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"a card alone", "4012888888881881", []string{"CREDIT_CARD medium 4012888888881881"}},
		{"a card after its word", "Visa 4012888888881881", []string{"CREDIT_CARD high 4012888888881881"}},
		{"a card after a French word", "numéro de carte : 4012 8888 8888 1881", []string{"CREDIT_CARD high 4012 8888 8888 1881"}},
		{"a card before its word", "4012888888881881 is my Kreditkarte", []string{"CREDIT_CARD high 4012888888881881"}},
		{"a word inside another is none", "discardable 4012888888881881", []string{"CREDIT_CARD medium 4012888888881881"}},
		{"hyphens", "4012-8888-8888-1881", []string{"CREDIT_CARD medium 4012-8888-8888-1881"}},
		{"no-break spaces", "4012\u00a08888\u00a08888\u00a01881", []string{"CREDIT_CARD medium 4012\u00a08888\u00a08888\u00a01881"}},
		{"American Express as it is printed", "card 3782 822463 10005", []string{"CREDIT_CARD high 3782 822463 10005"}},
		{"hidden by zero-width characters", "card 4012\u200b8888\u200b8888\u200b1881", []string{"CREDIT_CARD high 4012\u200b8888\u200b8888\u200b1881"}},
		{"hidden in full-width digits", "card 4012888888881881",
			[]string{"CREDIT_CARD high 4012888888881881"}},
		{"hidden in Arabic-Indic digits", "card ٤٠١٢٨٨٨٨٨٨٨٨١٨٨١", []string{"CREDIT_CARD high ٤٠١٢٨٨٨٨٨٨٨٨١٨٨١"}},
		{"digits apart", "my card is 4 0 1 2 8 8 8 8 8 8 8 8 1 8 8 1 ok", []string{"CREDIT_CARD high 4 0 1 2 8 8 8 8 8 8 8 8 1 8 8 1"}},
		{"digits apart without a word", "4 0 1 2 8 8 8 8 8 8 8 8 1 8 8 1", []string{"CREDIT_CARD medium 4 0 1 2 8 8 8 8 8 8 8 8 1 8 8 1"}},
		{"digits apart by dashes in groups", "5-4-2-5 2-3-3-4 3-0-1-0 9-9-0-3", []string{"CREDIT_CARD medium 5-4-2-5 2-3-3-4 3-0-1-0 9-9-0-3"}},
		{"digits apart in a longer row", "4 0 1 2 8 8 8 8 8 8 8 8 1 8 8 1 4 0 1 2", []string{}},
		{"pairs of digits", "54 25 23 34 30 10 99 03", []string{"CREDIT_CARD low 54 25 23 34 30 10 99 03"}},
		{"groups of five", "54252 33430 10990 3", []string{"CREDIT_CARD low 54252 33430 10990 3"}},
		{"underscores between groups", "5425_2334_3010_9903", []string{"CREDIT_CARD medium 5425_2334_3010_9903"}},
		{"bullets between groups", "5425•2334•3010•9903", []string{"CREDIT_CARD medium 5425•2334•3010•9903"}},
		{"strokes between groups", "5425 / 2334 / 3010 / 9903", []string{"CREDIT_CARD medium 5425 / 2334 / 3010 / 9903"}},
		{"two kinds of separators", "5425 2334-3010 9903", []string{"CREDIT_CARD medium 5425 2334-3010 9903"}},
		{"the items of a list", "5425,2334,3010,9903", []string{"CREDIT_CARD low 5425,2334,3010,9903"}},
		{"a dot too many is no address", "see .ann@contoso.com and a..b@contoso.com",
			[]string{}},
		{"broken over two lines", "card 4012 8888\r\n8888 1881", []string{"CREDIT_CARD medium 4012 8888\r\n8888 1881"}},
		{"several cards speak for each other", "4012 8888 8888 1881\n5555 5555 5555 4444",
			[]string{"CREDIT_CARD high 4012 8888 8888 1881", "CREDIT_CARD high 5555 5555 5555 4444"}},
		{"a wrong checksum", "card 4012888888881882", []string{}},
		{"no issuer", "card 9012888888881886", []string{}},
		{"a decimal number", "0.4012888888881881", []string{}},
		{"digits behind the point", "4012888888881881.25", []string{}},
		{"inside a longer number", "74012888888881881000000", []string{}},
		{"inside a longer token", "x4012888888881881", []string{}},
		{"inside a longer dashed number", "1234-4012-8888-8888-1881", []string{}},
		{"an order number", "order number 4012888888881881", []string{"CREDIT_CARD low 4012888888881881"}},
		{"inside a URL", "https://x.example/?id=4012888888881881", []string{}},
		{"one digit repeated", "4444444444444448", []string{"CREDIT_CARD low 4444444444444448"}},

		{"an account number", "NL91ABNA0417164300", []string{"IBAN high NL91ABNA0417164300"}},
		{"an account number in groups wins over the card in it", "Card? DE89 3704 0044 0532 0130 00", []string{"IBAN high DE89 3704 0044 0532 0130 00"}},
		{"small letters", "x nl91abna0417164300", []string{"IBAN medium nl91abna0417164300"}},
		{"small letters after a word", "iban nl91abna0417164300", []string{"IBAN high nl91abna0417164300"}},
		{"a wrong account number", "iban NL91ABNA0417164301", []string{}},
		{"a country without account numbers", "iban US91ABNA0417164300", []string{}},
		{"letters in front", "XNL91ABNA0417164300", []string{}},

		{"a dashed number alone", "536-90-4399", []string{"US_SSN medium 536-90-4399"}},
		{"a dashed number after its word", "SSN: 536-90-4399", []string{"US_SSN high 536-90-4399"}},
		{"spaces after its word", "social security 536 90 4399", []string{"US_SSN high 536 90 4399"}},
		{"nine digits alone", "536904399", []string{}},
		{"nine digits after its word", "ssn 536904399", []string{"US_SSN medium 536904399"}},
		{"nine digits far from its word", "ssn " + strings.Repeat("and so on ", 8) + "536904399", []string{}},
		{"an area that is not issued", "ssn 666-90-4399, 000-90-4399, 900-90-4399", []string{}},
		{"the digits of an example", "123-45-6789", []string{"US_SSN low 123-45-6789"}},
		{"a longer dashed number is none", "536-90-4399-1", []string{}},

		{"an address", "mail <ann@contoso.com>, please", []string{"EMAIL high ann@contoso.com"}},
		{"an address at the end of a sentence", "Write to ann@contoso.com.", []string{"EMAIL high ann@contoso.com"}},
		{"a reserved domain", "ann@contoso.example", []string{"EMAIL medium ann@contoso.example"}},
		{"an unknown domain", "ann@contoso.zzzz", []string{"EMAIL low ann@contoso.zzzz"}},
		{"a picture", "logo@2x.png", []string{}},
		{"a version", "angular/core@1.2.3", []string{}},
		{"a user in a URL", "ssh://git@contoso.com/x", []string{"EMAIL medium git@contoso.com"}},
		{"two addresses that touch", "a@b@contoso.com", []string{"EMAIL high b@contoso.com"}},
		{"a sentence without spaces", "邮箱地址ann@contoso.com吧", []string{"EMAIL high ann@contoso.com"}},
	}
	detectors := dlp.Detectors(detect.Catalogue{Detectors: []string{"credit-card", "iban", "us-ssn", "email"}})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, lines(detectors, tt.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDictionaries(t *testing.T) {
	tests := []struct {
		name string
		dict detect.Dictionary
		text string
		want []string
	}{
		{"case and accents make no difference", detect.Dictionary{Terms: []string{"Überraschung"}}, "die UBERRASCHUNG war U\u0308berraschung",
			[]string{"UBERRASCHUNG", "U\u0308berraschung"}},
		{"a whole word only", detect.Dictionary{Terms: []string{"blue"}}, "bluebird, blue; true-blue_ x blue", []string{"blue", "blue"}},
		{"a part of a word when asked", detect.Dictionary{Terms: []string{"blue"}, Parts: true}, "Bluebird", []string{"Blue"}},
		{"exactly when asked", detect.Dictionary{Terms: []string{"Blue"}, Exact: true}, "blue Blue BLUE", []string{"Blue"}},
		{"several words, however spaced", detect.Dictionary{Terms: []string{"project  blue bird"}}, "PROJECT blue\r\n  bird", []string{"PROJECT blue\r\n  bird"}},
		{"overlapping terms are all found", detect.Dictionary{Terms: []string{"he", "she", "hers", "his"}, Parts: true}, "ushers", []string{"she", "he", "hers"}},
		{"sharp s equals ss", detect.Dictionary{Terms: []string{"straße"}}, "STRASSE Straße", []string{"STRASSE", "Straße"}},
		{"a script without spaces", detect.Dictionary{Terms: []string{"机密"}}, "这是机密文件", []string{"机密"}},
		{"Greek and Cyrillic fold too", detect.Dictionary{Terms: []string{"секрет", "μυστικό"}}, "СЕКРЕТ ΜΥΣΤΙΚΟ", []string{"СЕКРЕТ", "ΜΥΣΤΙΚΟ"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.dict.ID = "project-names"
			detectors := dlp.Detectors(detect.Catalogue{Detectors: []string{"none"}, Dictionaries: []detect.Dictionary{tt.dict}})
			var got []string
			for _, f := range scan(detectors, tt.text) {
				got = append(got, tt.text[f.From:f.To])
				if f.Type != "PROJECT_NAMES" || f.Detector != "project-names" {
					t.Errorf("%s by %s", f.Type, f.Detector)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTheAutomatonAgreesWithSearching compares with strings.Index.
func TestTheAutomatonAgreesWithSearching(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var terms []string
		for range 1 + r.IntN(8) {
			terms = append(terms, letters(r, 1+r.IntN(4)))
		}
		text := letters(r, 200)
		want := 0
		seen := map[string]bool{}
		for _, term := range terms {
			if !seen[term] {
				want += count(text, term)
			}
			seen[term] = true
		}
		got := map[string]bool{}
		d := dlp.Detectors(detect.Catalogue{Detectors: []string{"none"}, Dictionaries: []detect.Dictionary{{ID: "d", Terms: terms, Parts: true, Exact: true}}})
		for _, f := range scan(d, text) {
			got[fmt.Sprint(f.Value, f.From)] = true
			if text[f.From:f.To] != f.Value {
				t.Fatalf("%q at %d", f.Value, f.From)
			}
		}
		if len(got) != want {
			t.Fatalf("%d and %d of %q in %q", len(got), want, terms, text)
		}
	}
}

func letters(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abc"[r.IntN(3)]
	}
	return string(b)
}

func count(text, term string) int {
	n := 0
	for i := range text {
		if strings.HasPrefix(text[i:], term) {
			n++
		}
	}
	return n
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name, kind, value string
		valid, known      bool
	}{
		{"a card with spaces", "CREDIT_CARD", "4012 8888 8888 1881", true, true},
		{"a card without issuer", "CREDIT_CARD", "9012888888881886", false, true},
		{"an account number with spaces", "IBAN", "NL91 ABNA 0417 1643 00", true, true},
		{"a type in small letters", "iban", "NL91ABNA0417164300", true, true},
		{"a social security number", "US_SSN", "536-90-4399", true, true},
		{"dashes in the wrong place", "US_SSN", "53-690-4399", false, true},
		{"an address with quotes", "EMAIL", `"a b"@contoso.com`, true, true},
		{"an address literal", "EMAIL", "ann@[192.0.2.1]", true, true},
		{"nothing", "EMAIL", "", false, true},
		{"another type", "NO_SUCH_TYPE", "1", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			valid, known := dlp.Validate(tt.kind, tt.value)
			if valid != tt.valid || known != tt.known {
				t.Errorf("got %v, %v", valid, known)
			}
		})
	}
}

func TestWindowsDoNotChangeTheResult(t *testing.T) {
	text := string(letterText(64 << 10))
	detectors := dlp.Detectors(words())
	want := sliced(detectors, text, 1<<20, 1<<20)
	if len(want) < 50 {
		t.Fatalf("only %d hits", len(want))
	}
	for _, size := range []int{1000, 4096, 7001} {
		if diff := cmp.Diff(want, sliced(detectors, text, size, 333)); diff != "" {
			t.Errorf("windows of %d change the result: %s", size, diff)
		}
	}
}

func sliced(detectors []detect.Detector, text string, size, pieces int) []detect.Found {
	var found []detect.Found
	s := detect.Stream{Detectors: detectors, Size: size, Found: func(f detect.Found) {
		f.Start, f.End = 0, 0
		found = append(found, f)
	}}
	for len(text) > 0 {
		n := min(pieces, len(text))
		_, _ = s.Write([]byte(text[:n]))
		text = text[n:]
	}
	_ = s.Close()
	return found
}

func FuzzDetectors(f *testing.F) {
	for _, s := range []string{
		"card 4012 8888 8888 1881", "NL91 ABNA 0417 1643 00", "ssn 536-90-4399", "ann@contoso.com", "a@b.c@d.ee", "٤٠١٢\u200b8888",
		"1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7", "4-4-4-4-4-4", "\xff@\xfe.com", "DE", "DE8", "@", "\"@[", "[]@[::1]",
	} {
		f.Add(s, 100)
	}
	detectors := dlp.Detectors(words())
	f.Fuzz(func(t *testing.T, text string, size int) {
		whole := scan(detectors, text)
		for _, found := range whole {
			if found.From < 0 || found.To <= found.From || found.To > int64(len(text)) {
				t.Fatalf("offsets %d to %d of %d", found.From, found.To, len(text))
			}
			if utf8.ValidString(text) && !utf8.ValidString(text[found.From:found.To]) {
				t.Fatalf("%d to %d cuts a character", found.From, found.To)
			}
		}
		for _, kind := range []string{"CREDIT_CARD", "IBAN", "US_SSN", "EMAIL"} {
			dlp.Validate(kind, text)
		}
	})
}

func ExampleValidate() {
	valid, _ := dlp.Validate("IBAN", "NL91 ABNA 0417 1643 00")
	fmt.Println(valid)
	// Output: true
}
