package dlp

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// dialing says by country code which numbers can be valid at all, so that the
// numbering plans, with their many expressions, are asked only about those.
type dialing [1000]struct {
	known   bool
	lengths uint32 // bit n: national numbers of n digits
	prefix  string // a trunk prefix, which may stand in front of them
	free    bool   // other prefixes may, which change the number
}

// newDialing reads the plans.
func newDialing() *dialing {
	d := &dialing{}
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		panic(err) // it is part of the program
	}
	for _, m := range all.GetMetadata() {
		c := &d[m.GetCountryCode()]
		c.known = true
		for _, n := range m.GetGeneralDesc().GetPossibleLength() {
			c.lengths |= 1 << n
		}
		if len(m.GetGeneralDesc().GetPossibleLength()) == 0 {
			c.free = true
		}
		if m.GetId() != phonenumbers.GetRegionCodeForCountryCode(int(m.GetCountryCode())) {
			continue // prefixes are those of the first of several countries
		}
		if c.prefix = m.GetNationalPrefixForParsing(); !onlyDigits(c.prefix) || m.GetNationalPrefixTransformRule() != "" {
			c.free = true
		}
	}
	return d
}

func onlyDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(rune(s[i])) {
			return false
		}
	}
	return true
}

// code is the country code of a valid international number, without what is
// dialed before it; 0 when it is none.
func (d *dialing) code(digits string) int32 {
	code, n := 0, 0
	for n < min(3, len(digits)) && !(n > 0 && d[code].known) {
		code = code*10 + int(digits[n]-'0')
		n++
	}
	c, rest := &d[code], digits[n:]
	if !c.known || digits[0] == '0' {
		return 0
	}
	inner, trunk := strings.CutPrefix(rest, c.prefix)
	if !c.free && c.lengths>>len(rest)&1 == 0 && !(trunk && c.lengths>>len(inner)&1 != 0) {
		return 0
	}
	num, err := phonenumbers.Parse("+"+digits, "")
	if err != nil || !phonenumbers.IsValidNumber(num) {
		return 0
	}
	return num.GetCountryCode()
}
