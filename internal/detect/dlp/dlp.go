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
	shapes  *shapes
	letters *letters
	words   *vocabulary
	iban    *countries
}

// NewBase builds a Base, which takes some milliseconds.
func NewBase() *Base {
	l, list := newLetters(), Packs()
	return &Base{packs: list, shapes: newShapes(list), letters: l, words: newVocabulary(l, list), iban: newCountries()}
}

// Detectors makes the built-in detectors that c wants and one for each of its
// dictionaries. They are safe for use by several goroutines.
func (b *Base) Detectors(c detect.Catalogue) []detect.Detector {
	var list []detect.Detector
	for _, p := range b.packs {
		if p.Scanner != "" && c.Wants(p.ID) {
			list = append(list, watched{b.scanner(p)})
		}
	}
	if e := b.newEngine(c); e != nil {
		list = append(list, e)
	}
	for _, d := range c.Dictionaries {
		list = append(list, newDictionary(d, b.letters))
	}
	return list
}

// scanner is the scanner in Go that a pack names.
func (b *Base) scanner(p Pack) detect.Detector {
	of := b.words.speaks[p.ID]
	switch p.Scanner {
	case "card":
		return &card{b.words, of}
	case "iban":
		return &iban{b.words, of, b.iban}
	case "ssn":
		return &ssn{b.words, of}
	case "email":
		return &email{}
	}
	panic("dlp: there is no scanner " + p.Scanner) // the tests load every pack
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
