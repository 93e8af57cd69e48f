package dlp

import (
	"strings"
	"sync"

	"postern.dev/postern/internal/detect"
)

// Base is what all detectors share: the packs and the words of many
// languages. It is built once and safe for use by several goroutines.
type Base struct {
	packs   []Pack
	letters *letters
	words   *vocabulary
	iban    *countries
}

// NewBase builds a Base, which takes some milliseconds.
func NewBase() *Base {
	l, list := newLetters(), Packs()
	return &Base{packs: list, letters: l, words: newVocabulary(l, list), iban: newCountries()}
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

// packsOnce reads the packs when they are first asked for.
var packsOnce = func() func() []Pack {
	return sync.OnceValue(func() []Pack {
		list, err := loadPacks()
		if err != nil {
			panic(err) // the tests load every pack
		}
		return list
	})
}()

// Packs lists the built-in detectors by id, with all that their packs say.
// The caller must not change them.
func Packs() []Pack { return packsOnce() }

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
	var list []Entry
	for _, p := range Packs() {
		list = append(list, Entry{p.ID, p.Type, p.Name, p.Description})
	}
	return list
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
