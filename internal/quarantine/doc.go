// Package quarantine knows of held mail for whom it waits: who may decide, by
// when, who has agreed already, what was asked and answered, and, when it is
// over, who decided what and when.
//
// It upholds four laws:
//
//	a decision needs an identified person who may decide about this very hold:
//	reading, fetching or pressing alone decides nothing;
//	nobody approves mail of his own, unless the rule lets him choose;
//	a hold ends once: whoever comes later learns how it ended and is not an
//	error;
//	a hold that lacks somebody who could decide waits for an administrator; it
//	is never let go for it.
//
// Whether a recipient still waits, and until when, is said by one place only:
// the spool's pending row, which the balance counts. The rows here say the
// rest; both are written in one transaction by the gateway, which alone knows
// both rooms. due is a copy of the deadline by which lists are ordered.
//
// Lists and searches go through one index of words (hold_key): a page reads the
// rows that it shows, however many wait.
//
// The package knows nothing of mail flow, of pages or of the texts of mails. It
// does not know where people come from: People is whatever a tenant has.
//
// Standards: RFC 5321 §2.4 (addresses), RFC 6376 (whose verified signatures
// reply.go asks for), RFC 3834 (automatic replies decide nothing), RFC 2104
// (HMAC, of codes).
package quarantine
