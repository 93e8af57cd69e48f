package dlp

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// TestNumbersAreRefusedUnaskedOnlyWhenTheyCannotBeValid compares with the
// plans themselves: numbers of every country code, of every length, with and
// without a trunk prefix.
func TestNumbersAreRefusedUnaskedOnlyWhenTheyCannotBeValid(t *testing.T) {
	d := newDialing()
	r := rand.New(rand.NewPCG(1, 1))
	drawn := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + r.IntN(10))
		}
		return string(b)
	}
	valid := 0
	check := func(digits string) {
		want := int32(0)
		if num, err := phonenumbers.Parse("+"+digits, ""); err == nil && phonenumbers.IsValidNumber(num) {
			want = num.GetCountryCode()
			valid++
		}
		if got := d.code(digits); got != want {
			t.Errorf("+%s is of %d, want %d", digits, got, want)
		}
	}
	for range 500 {
		check(drawn(1 + r.IntN(18)))
	}
	for c := range phonenumbers.GetSupportedCallingCodes() {
		for n := r.IntN(3); n < 15; n += 1 + r.IntN(3) {
			check(fmt.Sprint(c) + drawn(n))
			check(fmt.Sprint(c) + d[c].prefix + drawn(n))
		}
	}
	for region := range phonenumbers.GetSupportedRegions() {
		n := phonenumbers.GetExampleNumber(region)
		code, digits := fmt.Sprint(n.GetCountryCode()), phonenumbers.GetNationalSignificantNumber(n)
		for _, prefix := range []string{"", "0", "1", "15", d[n.GetCountryCode()].prefix} {
			check(code + prefix + digits)
			check(code + prefix + digits[1:])
		}
	}
	if valid < 300 {
		t.Errorf("%d valid numbers were tried", valid)
	}
}

// TestNationalNumbersAreReadAsTheLibraryReadsThem does the same for numbers
// without a country code, in all countries.
func TestNationalNumbersAreReadAsTheLibraryReadsThem(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	valid, read := 0, 0
	for region := range phonenumbers.GetSupportedRegions() {
		p := plan{region: region}
		for n := range p.lengths {
			p.lengths[n] = true
		}
		p.learn()
		check := func(digits string) {
			num, err := phonenumbers.Parse(digits, region)
			want := err == nil && phonenumbers.IsValidNumberForRegion(num, region)
			if got := p.has([]byte(digits)); got != want {
				t.Errorf("%s in %s: %v, want %v", digits, region, got, want)
			}
			if want {
				valid++
			}
			if _, ok := p.national(digits); ok {
				read++
			}
		}
		example := phonenumbers.GetNationalSignificantNumber(phonenumbers.GetExampleNumber(region))
		for _, prefix := range []string{"", "0", "1", "8", "00", "011", p.trunk, p.written, p.written + p.trunk} {
			check(prefix + example)
			check(prefix + example[1:])
			for n := leastPhone; n <= mostPhone; n += 1 + r.IntN(3) {
				b := []byte(prefix)
				for len(b) < n {
					b = append(b, byte('0'+r.IntN(10)))
				}
				check(string(b))
			}
		}
	}
	if valid < 1000 || read < 5000 {
		t.Errorf("%d valid numbers were tried, and %d read without the library", valid, read)
	}
}
