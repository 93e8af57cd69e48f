// Package deliver is the back door: an SMTP client that takes one message to
// one next hop, once, and says what became of each recipient.
//
// It upholds two laws. The bytes are sacred: what Outgoing gives is what the
// next hop gets, by BDAT octet for octet, by DATA with nothing but dots
// stuffed; a message that cannot travel so is refused, or changed only when the
// configuration says so, and then Modified lists what. And nothing goes over
// a way that proves less than the route demands: no fall-back to clear text,
// to an unverified name, or to a host that is not Exchange Online's.
//
// It does not decide whether a message goes, does not wait for a better time,
// and keeps nothing but idle connections; those are never shared between
// tenants.
//
// Standards: RFC 5321 (SMTP; §4.5.3.2 time-outs, §5.1 next hops), RFC 1870
// (SIZE), RFC 2034 (enhanced codes), RFC 2920 (PIPELINING), RFC 3030 (BDAT,
// BINARYMIME), RFC 3207 (STARTTLS), RFC 3461 (DSN), RFC 4616 (PLAIN), RFC 4954
// (AUTH), RFC 6152 (8BITMIME), RFC 6531 (SMTPUTF8), RFC 7505 (null MX), RFC
// 8689 (REQUIRETLS), RFC 9422 (LIMITS).
package deliver
