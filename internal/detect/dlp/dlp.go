package dlp

import (
	"strings"

	"postern.dev/postern/internal/detect"
)

// Base is what all detectors share: the words of many languages. It is built
// once and safe for use by several goroutines.
type Base struct {
	letters *letters
	words   *vocabulary
	iban    *countries
}

// NewBase builds a Base, which takes some milliseconds.
func NewBase() *Base {
	l := newLetters()
	return &Base{letters: l, words: newVocabulary(l), iban: newCountries()}
}

// Detectors makes the built-in detectors that c wants and one for each of its
// dictionaries. They are safe for use by several goroutines.
func (b *Base) Detectors(c detect.Catalogue) []detect.Detector {
	var list []detect.Detector
	for _, d := range []detect.Detector{&card{b.words}, &iban{b.words, b.iban}, &ssn{b.words}, &email{}} {
		if c.Wants(d.ID()) {
			list = append(list, d)
		}
	}
	for _, d := range c.Dictionaries {
		list = append(list, newDictionary(d, b.letters))
	}
	return list
}

// Detectors is NewBase().Detectors(c), for a single use.
func Detectors(c detect.Catalogue) []detect.Detector { return NewBase().Detectors(c) }

// Entry describes a built-in detector.
type Entry struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	// Name is what an administrator calls it.
	Name string `json:"name"`
	// How says what makes a finding low, medium and high.
	How string `json:"how"`
}

// Entries lists the built-in detectors.
func Entries() []Entry {
	return []Entry{
		{"credit-card", "CREDIT_CARD", "Payment card number",
			"12 to 19 digits, an issuer's range and the Luhn checksum: medium. Words such as \"card\" within " +
				"300 characters, or several such numbers in groups of four: high. Rare issuers alone: low."},
		{"iban", "IBAN", "International bank account number",
			"The country's structure and the checksum mod 97: high. Written in small letters without a word nearby: medium."},
		{"us-ssn", "US_SSN", "United States social security number",
			"A possible number with dashes: medium; with words such as \"SSN\" nearby: high. Nine bare digits " +
				"count only with such a word within 40 characters."},
		{"email", "EMAIL", "E-mail address",
			"An address under a known top-level domain: high; under a reserved one: medium; under an unknown one: low."},
	}
}

// Validate says whether value is a valid instance of a type; known is false
// when there is no validator for it.
func Validate(kind, value string) (valid, known bool) {
	switch strings.ToUpper(kind) {
	case "CREDIT_CARD":
		return validCard(value), true
	case "IBAN":
		return validIBAN(value), true
	case "US_SSN":
		return validSSN(value), true
	case "EMAIL":
		return validEmail(value), true
	}
	return false, false
}
