// Package senderauth says who answers for a message: it verifies DKIM
// signatures and ARC chains, reads the results that others wrote into the
// header, and signs and seals what leaves.
//
// It upholds one law: what could not be verified never passes. A key that
// cannot be had just now is temperror, a signature over a part of the message
// is policy, and a result that somebody wrote into the header counts only
// when he is trusted and stands above everything that the sender could have
// written (see Trust).
//
// It does not judge: a result is a fact, and policy says what it means. It
// knows no tenant and opens no socket: keys come from a Resolver. SPF is only
// read from the results of others, because the address of the client that
// handed the message to Exchange Online is known only there.
//
// Standards: RFC 6376 (DKIM), RFC 8301 and RFC 8463 (its algorithms), RFC
// 8617 (ARC), RFC 8601 (Authentication-Results), RFC 7489 §3.1 (alignment).
package senderauth
