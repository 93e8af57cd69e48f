// Package dsn writes and reads delivery reports, and knows which mail must
// never cause one.
//
// It keeps this promise: a report tells its reader everything about each
// recipient and nothing that is confidential: it returns headers only, and
// of these none that carries a secret.
//
// It does not decide that something is reported, and sends nothing.
//
// Standards: RFC 3461 (DSN parameters), RFC 3464 (delivery-status), RFC 3834
// (automatic mail), RFC 5321 §4.5.5 (null reverse-path), RFC 6522
// (multipart/report), RFC 6533 (internationalized reports).
package dsn
