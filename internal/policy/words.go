package policy

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"postern.dev/postern/packs"
)

// word is how people call a type of finding.
type word struct{ typ, one, many string }

// ownWords are the words that the name of a detector does not give, or not
// well enough.
func ownWords() []word {
	return []word{
		{"AU_DRIVER_LICENCE", "an Australian driving licence number", "Australian driving licence numbers"},
		{"CONFIDENTIALITY_MARKING", "a marking of confidentiality", "markings of confidentiality"},
		{"CRYPTO", "a crypto-currency address", "crypto-currency addresses"},
		{"EU_VAT", "an EU VAT number", "EU VAT numbers"},
		{"IE_EIRCODE", "an Irish postcode (Eircode)", "Irish postcodes (Eircode)"},
		{"SWIFT_BIC", "a bank code (BIC)", "bank codes (BIC)"},
		{"US_PTIN", "a US tax preparer number (PTIN)", "US tax preparer numbers (PTIN)"},
		{"ES_MEDICAL_LICENCE", "a Spanish physician number", "Spanish physician numbers"},
		{"COORDINATES", "a geographic position", "geographic positions"},
		{"HR_TERM", "a word of personnel files", "words of personnel files"},
		{"ICD_10", "a code of a diagnosis (ICD-10)", "codes of diagnoses (ICD-10)"},
		{"LEGAL_TERM", "a word of transactions and disputes", "words of transactions and disputes"},
		{"MEDICAL_TERM", "a medical term", "medical terms"},
		{"NL_IDENTITEITSKAARTNUMMER", "a Dutch passport or identity card number", "Dutch passport or identity card numbers"},
		{"SOURCE_CODE", "a block of program text", "blocks of program text"},
		{"SPECIAL_CATEGORY_TERM", "a word about special categories of personal data",
			"words about special categories of personal data"},
		{"US_DRIVER_LICENCE", "a US driver's licence number", "US driver's licence numbers"},
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
		{"SECRET", "a secret", "secrets"},
		{"SECRET_AUTHORIZATION", "a login in a header", "logins in headers"},
		{"SECRET_AWS", "an AWS credential", "AWS credentials"},
		{"SECRET_AZURE", "an Azure credential", "Azure credentials"},
		{"SECRET_CONNECTION_STRING", "a password in a connection string", "passwords in connection strings"},
		{"SECRET_GCP", "a Google Cloud credential", "Google Cloud credentials"},
		{"SECRET_GENERIC", "a secret value", "secret values"},
		{"SECRET_GITHUB", "a GitHub token", "GitHub tokens"},
		{"SECRET_GITLAB", "a GitLab token", "GitLab tokens"},
		{"SECRET_JWT", "an access token (JWT)", "access tokens (JWT)"},
		{"SECRET_NPM", "an npm token", "npm tokens"},
		{"SECRET_PASSWORD", "a password", "passwords"},
		{"SECRET_PASSWORD_HASH", "a hash of a password", "hashes of passwords"},
		{"SECRET_PRIVATE_KEY", "a private key", "private keys"},
		{"SECRET_PYPI", "a PyPI token", "PyPI tokens"},
		{"SECRET_SENDGRID", "a SendGrid key", "SendGrid keys"},
		{"SECRET_SLACK", "a Slack token", "Slack tokens"},
		{"SECRET_STRIPE", "a Stripe key", "Stripe keys"},
		{"SECRET_TOKEN", "a token of a service", "tokens of services"},
		{"SECRET_TWILIO", "a Twilio key", "Twilio keys"},
		{"SECRET_URL", "a password in an address", "passwords in addresses"},
		{"SECRET_WEBHOOK", "an address of a webhook", "addresses of webhooks"},
		{"UK_NHS", "an NHS number", "NHS numbers"},
		{"UK_NINO", "a UK national insurance number", "UK national insurance numbers"},
		{"URL", "a web address", "web addresses"},
		{"US_ITIN", "a US taxpayer number (ITIN)", "US taxpayer numbers (ITIN)"},
		{"US_SSN", "a US social security number", "US social security numbers"},
	}
}

// vocabulary has a row per type, in alphabetical order: those of ownWords, and
// what the names of the detectors give.
func vocabulary() []word { return vocabularyOnce() }

// vocabularyOnce reads the names when they are first asked for.
var vocabularyOnce = func() func() []word {
	return sync.OnceValue(func() []word {
		rows := ownWords()
		for _, f := range slices.Concat(packs.Detectors(), packs.Terms()) {
			typ := typeName(strings.TrimSuffix(path.Base(f.Name), ".yaml"))
			if !slices.ContainsFunc(rows, func(w word) bool { return w.typ == typ }) {
				rows = append(rows, wordOf(typ, nameIn(f.Data)))
			}
		}
		slices.SortFunc(rows, func(a, b word) int { return strings.Compare(a.typ, b.typ) })
		return rows
	})
}()

// nameIn is the name in a file of packs.
func nameIn(file []byte) string {
	for l := range strings.Lines(string(file)) {
		if name, ok := strings.CutPrefix(l, "name: "); ok {
			return strings.Trim(strings.TrimSpace(name), `"`)
		}
	}
	return ""
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
