package dlp

import (
	"strings"

	"postern.dev/postern/internal/detect/number"
)

// checkOf finds the validator of a kind: it is given the capital letters and
// digits of a candidate without separators (an address of a block chain as it
// stands), and must not allocate. nil when there is none.
func checkOf(kind string) func(compact []byte) bool {
	switch kind {
	case "CREDIT_CARD":
		return func(b []byte) bool { return validCard(string(b)) }
	case "CRYPTO":
		bitcoin, ethereum := number.Check("CRYPTO"), number.Check("CRYPTO_ETH")
		return func(b []byte) bool { return bitcoin(b) || ethereum(b) }
	}
	return number.Check(kind)
}

// Validate says whether value is a valid instance of a type; known is false
// when there is no validator for it.
func Validate(kind, value string) (valid, known bool) {
	switch strings.ToUpper(kind) {
	case "CREDIT_CARD":
		return validCard(value), true
	case "EMAIL":
		return validEmail(value), true
	}
	return number.Valid(kind, value)
}
