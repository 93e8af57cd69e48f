// Package amend makes the changes of a message that policies may ask for: a
// tag in front of the subject, a banner on top of the text, recipients that To
// and Cc do not name any more or name besides.
//
// It upholds one law, which the fuzz tests check on any octets:
//
//	everything that was not asked to be changed leaves octet for octet.
//
// So it changes nothing itself: it says which ranges of the original something
// else takes the place of (mail.Put). Inside of an encoded part it puts encoded
// octets between the encoded octets that are there; no part is decoded and
// written again. Signed and encrypted messages get no banner, nor do those
// that mail programs could read in two ways; what was not done is said with
// its reason. What is there already is not put there twice.
//
// It knows nothing of policies, tenants or the record.
//
// Standards: RFC 5322 §2.2.3 and §3.6 (fields), RFC 2047 (encoded words), RFC
// 2045 §6.7 and §6.8 (quoted-printable, base64), RFC 2046 §5.1 (multiparts),
// RFC 2387 (related parts), RFC 3676 (flowed text), RFC 1847, RFC 8551 and RFC
// 3156 (signed and encrypted messages), RFC 4880 §6.2 (armor).
package amend
