package load

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// vocabulary are words by their length, from 4.
var vocabulary = [...]string{
	"area book case city desk door east fact game hand hour idea item jury kind lake line moon name note page park road",
	"apple board chair clock dates early field glass house index light model month music night order paper plant river",
	"answer bridge button camera corner design dinner export family garden handle island letter market number office",
	"account balance cabinet chapter company details element factory gallery holiday imports journey kitchen library",
	"aircraft building calendar discount evidence facility grateful hardware increase judgment keyboard language",
	"afternoon beginning committee direction equipment financial guarantee household important knowledge landscape",
	"accounting background collection department electronic foundation generation historical individual literature",
}

const (
	shortest  = 4
	mostWords = 24
)

// words finds places for words: runs of small letters between spaces.
func words(content []byte, from, to int) []spot {
	var all []spot
	for at := from + 1; at < to; at++ {
		if content[at-1] != ' ' {
			continue
		}
		end := at
		for end < to && content[end] >= 'a' && content[end] <= 'z' {
			end++
		}
		if n := end - at; end < to && content[end] == ' ' && n >= shortest && n < shortest+len(vocabulary) {
			all = append(all, spot{at, end, piece{place: word, size: n}})
			at = end
		}
	}
	if len(all) <= mostWords {
		return all
	}
	some := make([]spot, mostWords)
	for i := range some {
		some[i] = all[i*len(all)/mostWords]
	}
	return some
}

// wordOf is some word of n letters.
func wordOf(n int, dice *rand.Rand) []byte {
	row := vocabulary[n-shortest]
	count := (len(row) + 1) / (n + 1)
	at := dice.IntN(count) * (n + 1)
	return []byte(row[at : at+n])
}

// cardNumber is a number of a payment card, in groups of four, with a check
// digit that is right and a prefix that is given out.
func cardNumber(dice *rand.Rand) []byte {
	digits := "4539" + strconv.FormatUint(1e10+dice.Uint64N(9e10), 10) // 4 + 11
	sum := 0
	for i, d := range digits {
		v := int(d - '0')
		if i%2 == 0 { // the last of 16 is the check digit, so even places count double
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	digits += strconv.Itoa((10 - sum%10) % 10)
	return []byte(strings.Join([]string{digits[:4], digits[4:8], digits[8:12], digits[12:]}, " "))
}
