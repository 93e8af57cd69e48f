package policy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// wordOf makes words out of the name of a detector: "Tax number in Austria
// (ATIN)" is "an Austrian tax number (ATIN)", "Austrian tax numbers (ATIN)".
func wordOf(typ, name string) word {
	name, short, _ := strings.Cut(name, " (")
	head, rest := name, ""
	for _, sep := range []string{" of ", " in ", " for "} {
		if i := strings.Index(head, sep); i > 0 {
			head, rest = name[:i], name[i:]
		}
	}
	rest, country := homeOf(rest)
	for _, thing := range []string{"Passport", "licence", "card", "track"} {
		if strings.HasSuffix(head, thing) && rest == "" {
			head += " number"
			break
		}
	}
	head = small(head)
	if country != "" {
		head = country + " " + head
	}
	if short != "" {
		short = " (" + short
	}
	return word{typ, article(head) + head + rest + short, plural(head) + ofMany(rest) + short}
}

// ofMany is the rest of words about several: of "of a bank" it makes "of
// banks".
func ofMany(rest string) string {
	if of, ok := strings.CutPrefix(rest, " of a "); ok {
		return " of " + plural(of)
	}
	return rest
}

// homeOf takes the country off " of persons in Hungary" and says what is
// Hungarian.
func homeOf(rest string) (left, adjective string) {
	for country, adjective := range adjectives() {
		for _, before := range []string{" in ", " of "} {
			if left, ok := strings.CutSuffix(rest, before+country); ok {
				return left, adjective
			}
		}
	}
	return rest, ""
}

// small writes the first letter small, unless the word is a name or an
// abbreviation.
func small(s string) string {
	first, _, _ := strings.Cut(s, " ")
	for _, name := range []string{"European", "Medicare"} {
		if first == name {
			return s
		}
	}
	if strings.IndexFunc(first[1:], unicode.IsUpper) >= 0 {
		return s
	}
	return strings.ToLower(first) + s[len(first):]
}

// article is "a " or "an ", by the sound with which a word begins.
func article(s string) string {
	first, _, _ := strings.Cut(s, " ")
	spelled := first == strings.ToUpper(first) && first != "VAT" && first != "SEDOL" && first != "CUSIP" && first != "BIS"
	c, _ := utf8.DecodeRuneInString(first)
	sounds := "AEIOaeio"
	if spelled {
		sounds = "AEFHILMNORSX"
	}
	if strings.ContainsRune(sounds, c) && !strings.HasPrefix(first, "European") {
		return "an "
	}
	return "a "
}

// plural is the plural of the last word.
func plural(s string) string {
	stem, y := strings.CutSuffix(s, "y")
	switch {
	case y && strings.HasSuffix(s, "ity"), y && strings.HasSuffix(s, "ry"):
		return stem + "ies"
	case strings.HasSuffix(s, "s"), strings.HasSuffix(s, "x"), strings.HasSuffix(s, "ch"):
		return s + "es"
	}
	return s + "s"
}

// adjectives says of countries, as the names of the detectors write them, how
// what belongs there is called. Where a language has no handy word, the name
// itself is one.
func adjectives() map[string]string {
	return map[string]string{
		"Albania": "Albanian", "Algeria": "Algerian", "Andorra": "Andorran", "Angola": "Angolan",
		"Argentina": "Argentine", "Australia": "Australian", "Austria": "Austrian", "Azerbaijan": "Azerbaijani",
		"Bahrain": "Bahraini", "Bangladesh": "Bangladeshi", "Belarus": "Belarusian", "Belgium": "Belgian",
		"Bolivia": "Bolivian", "Brazil": "Brazilian", "Bulgaria": "Bulgarian", "Canada": "Canadian",
		"Chile": "Chilean", "China": "Chinese", "Colombia": "Colombian", "Costa Rica": "Costa Rican",
		"Croatia": "Croatian", "Cuba": "Cuban", "Cyprus": "Cypriot", "Czechia": "Czech",
		"Czechia and Slovakia": "Czech or Slovak", "Denmark": "Danish", "Ecuador": "Ecuadorian", "Egypt": "Egyptian",
		"El Salvador": "Salvadoran", "Estonia": "Estonian", "Finland": "Finnish", "France": "French",
		"Germany": "German", "Ghana": "Ghanaian", "Greece": "Greek", "Guatemala": "Guatemalan",
		"Honduras": "Honduran", "Hong Kong": "Hong Kong", "Hungary": "Hungarian", "Iceland": "Icelandic",
		"India": "Indian", "Indonesia": "Indonesian", "Iran": "Iranian", "Ireland": "Irish", "Israel": "Israeli",
		"Italy": "Italian", "Japan": "Japanese", "Kazakhstan": "Kazakh", "Kenya": "Kenyan", "Korea": "Korean",
		"Kuwait": "Kuwaiti", "Latvia": "Latvian", "Liechtenstein": "Liechtenstein", "Lithuania": "Lithuanian",
		"Luxembourg": "Luxembourg", "Malaysia": "Malaysian", "Malta": "Maltese", "Mauritius": "Mauritian",
		"Mexico": "Mexican", "Moldova": "Moldovan", "Montenegro": "Montenegrin", "Morocco": "Moroccan",
		"Mozambique": "Mozambican", "New Zealand": "New Zealand", "Nigeria": "Nigerian",
		"North Macedonia": "North Macedonian", "Norway": "Norwegian", "Pakistan": "Pakistani",
		"Paraguay": "Paraguayan", "Peru": "Peruvian", "Poland": "Polish", "Portugal": "Portuguese",
		"Qatar": "Qatari", "Romania": "Romanian", "Russia": "Russian", "Saudi Arabia": "Saudi",
		"Scotland": "Scottish", "Serbia": "Serbian", "Singapore": "Singaporean", "Slovakia": "Slovak",
		"Slovenia": "Slovenian", "South Africa": "South African", "Spain": "Spanish", "Sri Lanka": "Sri Lankan",
		"Sweden": "Swedish", "Switzerland": "Swiss", "Taiwan": "Taiwanese", "Thailand": "Thai",
		"the Dominican Republic": "Dominican", "the Netherlands": "Dutch", "the Philippines": "Philippine",
		"the United Arab Emirates": "Emirati", "the United Kingdom": "UK", "the United States": "US",
		"Tunisia": "Tunisian", "Türkiye": "Turkish", "Ukraine": "Ukrainian", "Uruguay": "Uruguayan",
		"Venezuela": "Venezuelan", "Vietnam": "Vietnamese",
	}
}
