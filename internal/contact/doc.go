// Package contact remembers who has written to whom before, so that a first
// contact can be told from an old one, and a domain from one that looks like it.
//
// It upholds three laws:
//
//	it keeps no address and no content: a pair is two keyed hashes, and its key
//	is not in the database;
//	what it keeps of a message is written in the transaction that records the
//	outcome of that message, or not at all;
//	it is bounded: by time, by number, and it can be erased for an address.
//
// A pair is a mailbox of the tenant and an address outside. Mail inside the
// tenant makes no pairs, and neither does mail that no person wrote. The domains
// that a tenant writes to are kept by their names: a look-alike cannot be shown
// otherwise.
//
// All pairs are in memory as well: asking costs no read of the store. The
// package does not decide what a first contact means.
//
// Standards: FIPS 180-4 and 198-1 (the hashes), Unicode Technical Standard #39
// §4 (characters that look alike).
package contact
