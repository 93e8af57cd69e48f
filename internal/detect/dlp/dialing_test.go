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
	for range 2000 {
		check(drawn(1 + r.IntN(18)))
	}
	for c := range phonenumbers.GetSupportedCallingCodes() {
		for n := range 15 {
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
	if valid < 500 {
		t.Errorf("%d valid numbers were tried", valid)
	}
}
