package dlp

// checkOf finds the validator of a kind: it is given the capital letters and
// digits of a candidate without separators, and must not allocate. nil when
// there is none.
func checkOf(kind string) func(compact []byte) bool {
	switch kind {
	case "CREDIT_CARD":
		return func(b []byte) bool { return validCard(string(b)) }
	case "IBAN":
		return func(b []byte) bool { return validIBAN(string(b)) }
	case "US_SSN":
		return func(b []byte) bool { return validSSN(string(b)) }
	}
	return nil
}
