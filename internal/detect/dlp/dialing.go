package dlp

import (
	"regexp"
	"strconv"
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
	if !c.free && (!trunk || c.prefix == "") { // nothing is taken off: parsing says the same, and takes ten times as long
		if of := int32(code); phonenumbers.IsValidNumber(numberOf(&of, rest)) {
			return of
		}
		return 0
	}
	num, err := phonenumbers.Parse("+"+digits, "")
	if err != nil || !phonenumbers.IsValidNumber(num) {
		return 0
	}
	return num.GetCountryCode()
}

// plan is the numbering plan of a country.
type plan struct {
	region  string
	lengths [mostPhone + 1]bool // of national numbers

	// How a number is read without parsing it; no general: not at all.
	general *regexp.Regexp // all numbers, without trunk prefix
	sizes   uint32         // bit n: those of n digits
	trunk   string         // what may stand in front
	abroad  *regexp.Regexp // what is dialed before a country code
	code    int32          // that of the country
	written string         // the same
}

// shared are the country codes of no country, which the region 001 stands for
// (ITU-T E.164.1).
var shared = []string{"800", "808", "870", "878", "881", "882", "883", "888", "979"}

// plansOf asks for the plans of some countries.
func plansOf(regions []string) []plan {
	var list []plan
	for _, r := range regions {
		p := plan{region: r}
		p.learn()
		for n := leastPhone; n <= mostPhone; n++ {
			// The digits do not matter for the length, unless they begin
			// with the trunk prefix: so two numbers are asked for.
			for _, d := range []string{"2", "0"} {
				num, err := phonenumbers.Parse(d+strings.Repeat("3", n-1), r)
				possible := err == nil && phonenumbers.IsPossibleNumberWithReason(num) == phonenumbers.IS_POSSIBLE
				p.lengths[n] = p.lengths[n] || possible || r == "001"
			}
		}
		list = append(list, p)
	}
	return list
}

// has reports whether digits are a number of the plan.
func (p *plan) has(digits []byte) bool {
	if !p.lengths[min(len(digits), mostPhone)] {
		return false
	}
	if p.region == "001" {
		for _, code := range shared {
			if num, err := phonenumbers.Parse("+"+code+string(digits), ""); err == nil && phonenumbers.IsValidNumber(num) {
				return true
			}
		}
		return false
	}
	var num *phonenumbers.PhoneNumber
	text := string(digits)
	if national, ok := p.national(text); !ok {
		var err error
		if num, err = phonenumbers.Parse(text, p.region); err != nil {
			return false
		}
	} else if p.sizes>>len(national)&1 == 0 {
		return false
	} else {
		num = numberOf(&p.code, national)
	}
	return phonenumbers.IsValidNumberForRegion(num, p.region)
}

// learn reads what the library knows of a plan. Where a prefix changes the
// number it learns nothing.
func (p *plan) learn() {
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		panic(err) // it is part of the program
	}
	for _, m := range all.GetMetadata() {
		g, trunk := m.GetGeneralDesc(), m.GetNationalPrefixForParsing()
		if m.GetId() != p.region || p.region == "001" || len(g.GetPossibleLength()) == 0 || !onlyDigits(trunk) ||
			m.GetNationalPrefixTransformRule() != "" {
			continue
		}
		for _, n := range g.GetPossibleLength() {
			p.sizes |= 1 << n
		}
		p.general = regexp.MustCompile("^(?:" + g.GetNationalNumberPattern() + ")$")
		p.abroad = regexp.MustCompile("^(?:" + m.GetInternationalPrefix() + ")")
		p.trunk, p.code = trunk, m.GetCountryCode()
		p.written = strconv.Itoa(int(p.code))
	}
}

// national is what a country takes for the number in some digits: they, or
// they without the trunk prefix when that leaves what a number may be. ok is
// false for digits that may be meant otherwise. Parsing says the same and takes
// ten times as long; text in full of references has a number in every line.
func (p *plan) national(digits string) (number string, ok bool) {
	if p.general == nil || strings.HasPrefix(digits, p.written) || p.abroad.MatchString(digits) {
		return "", false
	}
	inner, trunk := strings.CutPrefix(digits, p.trunk)
	if !trunk || p.trunk == "" || p.sizes>>len(inner)&1 == 0 ||
		p.general.MatchString(digits) && !p.general.MatchString(inner) {
		return digits, true
	}
	return inner, true
}

// numberOf is a national number as the library holds it.
func numberOf(code *int32, national string) *phonenumbers.PhoneNumber {
	n, zeros := uint64(0), int32(0)
	for i, c := range []byte(national) {
		n = n*10 + uint64(c-'0')
		if n == 0 && i < len(national)-1 {
			zeros++
		}
	}
	num := &phonenumbers.PhoneNumber{CountryCode: code, NationalNumber: &n}
	if zeros > 0 {
		leading := true
		num.ItalianLeadingZero, num.NumberOfLeadingZeros = &leading, &zeros
	}
	return num
}
