package dlp

import (
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
	tops    *tops
	codes   *dialing
}

// NewBase gives the Base of this process. It is built when it is first asked
// for, which takes some tens of milliseconds.
func NewBase() *Base { return baseOnce() }

var baseOnce = func() func() *Base {
	return sync.OnceValue(func() *Base { return newBase(Packs()) })
}()

func newBase(list []Pack) *Base {
	l := newLetters()
	b := &Base{
		packs: list, shapes: newShapes(list), letters: l, words: newVocabulary(l, list),
		tops: &tops{seen: map[string]bool{}}, codes: newDialing(),
	}
	return b
}

// Detectors makes the built-in detectors that c wants and one for each of its
// dictionaries. They are safe for use by several goroutines.
func (b *Base) Detectors(c detect.Catalogue) []detect.Detector {
	var list []detect.Detector
	for _, d := range b.scanners(c) {
		list = append(list, watched{d})
	}
	if e := b.newEngine(c); e != nil {
		list = append(list, e)
	}
	for _, d := range c.Dictionaries {
		list = append(list, newDictionary(d, b.letters))
	}
	if len(c.Patterns) > 0 {
		list = append(list, newExpressions(c.Patterns, b.letters))
	}
	return list
}

// scanners makes the scanners in Go that the wanted packs name.
func (b *Base) scanners(c detect.Catalogue) []detect.Detector {
	var list []detect.Detector
	net, row, day := &network{words: b.words, tops: b.tops}, &tokens{words: b.words}, &date{words: b.words}
	for _, p := range b.packs {
		if p.Scanner == "" || !c.Wants(p.ID) {
			continue
		}
		of := b.words.speaks[p.ID]
		switch p.Scanner {
		case "card":
			list = append(list, &card{b.words, of})
		case "iban":
			list = append(list, &iban{b.words, of})
		case "ssn":
			list = append(list, &ssn{b.words, of})
		case "email":
			list = append(list, &email{})
		case "phone":
			list = append(list, newPhone(b, of, b.words.against[p.ID], c.Regions))
		case "bic":
			list = append(list, &bic{b.words, of, isoCountries()})
		case "network":
			net.want(p.Type, of)
			row.want(p.Type, of)
		case "code":
			list = append(list, newSourceCode())
		case "tokens":
			row.want(p.Type, of)
		case "date":
			day.want(p.Type, of)
		default:
			panic("dlp: there is no scanner " + p.Scanner) // the tests load every pack
		}
	}
	if net.url || net.domain || net.ip || net.mac {
		list = append(list, net)
	}
	if row.guid || row.crypto || row.track || row.mac || row.coordinates {
		list = append(list, row)
	}
	if day.date || day.birth {
		day.months = monthTable()
		list = append(list, day)
	}
	return list
}

func (d *network) want(kind string, of topic) {
	switch kind {
	case "URL":
		d.url = true
	case "DOMAIN":
		d.domain = true
	case "IP":
		d.ip, d.ofIP = true, of
	case "MAC":
		d.mac, d.ofMAC = true, of
	}
}

func (d *tokens) want(kind string, of topic) {
	switch kind {
	case "GUID":
		d.guid = true
	case "CRYPTO":
		d.crypto = true
	case "CARD_TRACK":
		d.track = true
	case "MAC":
		d.mac, d.ofMAC = true, of
	case "COORDINATES":
		d.coordinates, d.ofCoordinates = true, of
	}
}

func (d *date) want(kind string, of topic) {
	switch kind {
	case "DATE":
		d.date = true
	case "DATE_OF_BIRTH":
		d.birth, d.ofBirth = true, of
	}
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
