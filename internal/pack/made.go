package pack

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// The tests of packs need as many values as a threshold says. They are made
// here, and stand for nobody.

// nif is the i-th Spanish identity number (DNI: the letter is the remainder
// modulo 23, Real Decreto 1553/2005).
func nif(i int) string {
	n := 50438170 + 7*i
	return fmt.Sprintf("%d%c", n, "TRWAGMYFPDXBNJZSQVHLCKE"[n%23])
}

// bare is the i-th number that passes the test of a Dutch citizen number (sum
// of weighted digits modulo 11) and stands without a word: nobody is sure.
func bare(i int) string {
	for n := 358626122; ; n++ {
		sum := -(n % 10)
		for weight, rest := 2, n/10; rest > 0; weight, rest = weight+1, rest/10 {
			sum += weight * (rest % 10)
		}
		if sum%11 != 0 {
			continue
		}
		if i--; i == 0 {
			return fmt.Sprint(n)
		}
	}
}

// apart is so much text that what stands before it says nothing about what
// stands behind it.
func apart() string {
	return strings.Repeat("The weather stays as it was, and nothing else is new.\n", 12)
}

// iban is the i-th German account number (ISO 13616-1: modulo 97).
func iban(i int) string {
	account := fmt.Sprintf("50010517%010d", 5407324000+17*i)
	rest := 0
	for _, c := range account + "131400" { // D is 13, E is 14
		rest = (rest*10 + int(c-'0')) % 97
	}
	return fmt.Sprintf("DE%02d%s", 98-rest, account)
}

// people are n addresses at a domain, as a header field lists them. A domain
// that begins with a dot gives each a domain of its own.
func people(n int, domain string) string { return strings.Join(addresses(n, domain), ",\n ") }

func addresses(n int, domain string) (list []string) {
	for i := range count(n) {
		at := domain
		if strings.HasPrefix(domain, ".") {
			at = fmt.Sprintf("firm%d%s", i, domain)
		}
		list = append(list, fmt.Sprintf("person%d@%s", i, at))
	}
	return list
}

// at is the time of a clock in a zone.
func at(zone, clock string) (string, error) {
	place, err := time.LoadLocation(zone)
	if err != nil {
		return "", err
	}
	t, err := time.ParseInLocation("2006-01-02T15:04:05", clock, place)
	return t.UTC().Format(time.RFC3339), err
}

// titus is the header field of a Titus label.
func titus(name string) string {
	return base64.StdEncoding.EncodeToString([]byte(`{"Metadata":{"props":[{"n":"Class","vals":[{"value":"` + name + `"}]}]}}`))
}
