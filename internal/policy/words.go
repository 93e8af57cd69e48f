package policy

import (
	"slices"
	"strconv"
	"strings"
)

// word is how people call a type of finding.
type word struct{ typ, one, many string }

// vocabulary has a row per type, in alphabetical order.
func vocabulary() []word {
	return []word{
		{"AWS_KEY", "an AWS access key", "AWS access keys"},
		{"BIC", "a bank code (BIC)", "bank codes (BIC)"},
		{"CREDIT_CARD", "a card number", "card numbers"},
		{"CRYPTO_ADDRESS", "a crypto-currency address", "crypto-currency addresses"},
		{"DATE", "a date", "dates"},
		{"DE_TAX_ID", "a German tax number", "German tax numbers"},
		{"EMAIL", "an e-mail address", "e-mail addresses"},
		{"EMAIL_ADDRESS", "an e-mail address", "e-mail addresses"},
		{"ES_NIF", "a Spanish tax number (NIF)", "Spanish tax numbers (NIF)"},
		{"IBAN", "a bank account number (IBAN)", "bank account numbers (IBAN)"},
		{"IP_ADDRESS", "an IP address", "IP addresses"},
		{"IT_FISCAL_CODE", "an Italian fiscal code", "Italian fiscal codes"},
		{"KEYWORD", "a word of a dictionary", "words of a dictionary"},
		{"MSIP_LABEL", "a sensitivity label", "sensitivity labels"},
		{"NL_BSN", "a Dutch citizen number (BSN)", "Dutch citizen numbers (BSN)"},
		{"PASSPORT", "a passport number", "passport numbers"},
		{"PASSWORD", "a password", "passwords"},
		{"PERSON", "a name of a person", "names of persons"},
		{"PHONE", "a phone number", "phone numbers"},
		{"PRIVATE_KEY", "a private key", "private keys"},
		{"SECRET_JWT", "an access token (JWT)", "access tokens (JWT)"},
		{"SECRET_PRIVATE_KEY", "a private key", "private keys"},
		{"UK_NHS", "an NHS number", "NHS numbers"},
		{"UK_NINO", "a UK national insurance number", "UK national insurance numbers"},
		{"URL", "a web address", "web addresses"},
		{"US_ITIN", "a US taxpayer number (ITIN)", "US taxpayer numbers (ITIN)"},
		{"US_SSN", "a US social security number", "US social security numbers"},
	}
}

// Types lists the types for which there are words, e.g. CREDIT_CARD.
func Types() []string {
	rows := vocabulary()
	list := make([]string, len(rows))
	for i, w := range rows {
		list[i] = w.typ
	}
	return list
}

// Words says how many of a type were found: "3 card numbers", "an IBAN"-like
// for one. A type without words of its own is called by its name.
func Words(typ string, n int) string {
	typ = typeName(typ)
	rows := vocabulary()
	if i, ok := slices.BinarySearchFunc(rows, typ, func(w word, t string) int { return strings.Compare(w.typ, t) }); ok {
		if n == 1 {
			return rows[i].one
		}
		return strconv.Itoa(n) + " " + rows[i].many
	}
	called := strings.ReplaceAll(strings.ToLower(typ), "_", " ")
	if n == 1 {
		return `a finding of "` + called + `"`
	}
	return strconv.Itoa(n) + ` findings of "` + called + `"`
}
