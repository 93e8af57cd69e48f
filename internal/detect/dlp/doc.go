// Package dlp finds identifiers that must not leave an organization: card
// and account numbers, social security numbers, addresses, and the words of a
// tenant's dictionaries.
//
// It upholds one law: no regular expression meets a text. Every scanner reads
// its window once, in time linear to its length, whatever the text is.
//
// Confidence is a sum of evidence in bits (score.go): what the structure and
// the checksum rule out, words of many languages nearby, and negative
// evidence such as a decimal point or an order number. Every part of the sum
// is named in the finding.
//
// The package does not know messages, parts or policies.
//
// Standards: ISO/IEC 7812-1 (card numbers, Luhn), ISO 13616 (IBAN), ISO 7064
// (mod 97-10), RFC 5321 §4.1.2 and RFC 6531 §3.3 (mailboxes).
package dlp
