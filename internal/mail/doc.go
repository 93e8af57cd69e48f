// Package mail is the vocabulary of the house: addresses, envelopes, replies,
// headers and the parts of a message, as SMTP and MIME name them.
//
// It upholds the first law: the bytes are sacred. A message is never parsed
// into an object and written out again; Header and Part are ranges over the
// original octets, and what Postern changes is an Edit in front of or inside
// them (see Outgoing).
//
// It does not judge, does not open files or sockets, and knows no tenant.
//
// Standards: RFC 5321 (SMTP), RFC 5322 (message format), RFC 5598 (terms),
// RFC 3463 (enhanced status codes), RFC 2045 to RFC 2049 (MIME), RFC 2231
// (parameters), RFC 6531 (SMTPUTF8).
package mail
