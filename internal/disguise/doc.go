// Package disguise makes a message that nobody can be harmed by out of one
// that came by, for the tests of policies: numbers become other valid numbers
// of their kind, addresses and names become those of nobody, and files are
// written anew with the same replacements.
//
// It upholds one law: what was found is not there any more. After the message
// is made, its octets and every text that can be read out of it are searched
// for each value that was replaced, and what cannot be written anew without
// them is replaced by its text.
//
// What a policy names itself (an address, a domain of a list) stays: it stands
// in the policy. The package does not decide; whoever calls it compares the
// verdicts.
//
// Standards: RFC 5322 (header), RFC 2045, RFC 2046, RFC 2047 and RFC 2231
// (MIME), ISO/IEC 7812 (card numbers), ISO 13616 (IBAN), RFC 2606 (names that
// belong to nobody).
package disguise
