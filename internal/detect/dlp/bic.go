package dlp

import (
	"strings"

	"postern.dev/postern/internal/detect"
)

// bic finds business identifier codes, of which most have no digit. Since
// many words in capitals look the same, one counts only with a word for banks
// or an account number nearby.
//
// Standards: ISO 9362 §5 (structure), ISO 3166-1 (countries).
type bic struct {
	words     *vocabulary
	of        topic
	countries map[string]bool
}

func (*bic) ID() string { return "swift-bic" }

// countryCodes are those of ISO 3166-1, and XK as banks use it.
const countryCodes = "AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BW BY BZ " +
	"CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FK FM FO FR GA GB GD " +
	"GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN " +
	"KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA " +
	"NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI " +
	"SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG VI VN VU " +
	"WF WS XK YE YT ZA ZM ZW"

func isoCountries() map[string]bool {
	t := map[string]bool{}
	for _, c := range strings.Fields(countryCodes) {
		t[c] = true
	}
	return t
}

// Scan looks at every eighth octet: one of them lies in any code.
func (d *bic) Scan(w *detect.Window, found func(detect.Hit)) {
	text := w.Text
	done := 0
	for i := 7; i < len(text); i += 8 {
		if !inCode[text[i]] || i < done {
			continue
		}
		start, end := i, i
		for start > 0 && i-start < 12 && capital(text[start-1]) {
			start--
		}
		for end < len(text) && end-start < 13 && capital(text[end]) {
			end++
		}
		done = end
		if d.code(text, start, end) {
			d.report(w, start, end, found)
		}
	}
	// The octets before the first that was looked at can hold none.
}

// inCode are the octets that a code may have.
var inCode = func() (t [256]bool) {
	for c := range t {
		t[c] = capital(byte(c))
	}
	return t
}()

func capital(c byte) bool { return 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' }

// code reports whether text[start:end] has the structure of a code.
func (d *bic) code(text []byte, start, end int) bool {
	n := end - start
	if n != 8 && n != 11 || isWord(before(text, start)) || isWord(after(text, end)) {
		return false
	}
	for _, c := range text[start : start+6] {
		if c < 'A' {
			return false
		}
	}
	return d.countries[string(text[start+4:start+6])]
}

func (d *bic) report(w *detect.Window, start, end int, found func(detect.Hit)) {
	left, right := d.words.over(w).near(d.of, start, end)
	var e evidence
	e.add(2, "the structure of a code")
	switch {
	case left <= justBefore || right <= justBehind:
		e.add(6, "a word for banks just before")
	case min(left, right) <= reach:
		e.add(2, "a word for banks nearby")
	}
	if seenIn(w).near(start, end, reach, func(kind string) bool { return kind == "IBAN" }) {
		e.add(4, "an account number nearby")
	}
	if h, ok := e.hit("SWIFT_BIC", start, end, string(w.Text[start:end])); ok {
		found(h)
	}
}
