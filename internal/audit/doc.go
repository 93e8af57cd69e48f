// Package audit keeps what was seen, decided and done, by whom and why: a
// chain of events that cannot be changed unnoticed, and one current record
// per message that can be searched.
//
// It upholds two laws:
//
//	an event stands in the chain of its tenant for good: changing, removing
//	or adding one is found by Verify, which names the first broken number;
//	personal data can be erased all the same, and the gap can be told from
//	one that somebody made.
//
// The chain runs over commitments: the hash of an event covers its public
// fields and SHA-256(salt ‖ personal fields). Salt and personal fields stand
// in a row of their own, which Erase deletes; the chain then still adds up,
// and nothing can be guessed back from the commitment. The head of a chain
// carries an HMAC whose key is not in the database, so the end of a chain
// cannot be cut off and a chain cannot be made anew. What this does not find
// is the whole database put back to an earlier state; whoever fears that
// keeps the exported head elsewhere.
//
// The package does not decide what is personal: its callers do. It knows
// nothing of policy or mail flow.
//
// Standards: FIPS 180-4 (SHA-256), FIPS 198-1 (HMAC), NIST SP 800-38D (facts of
// held mail stand encrypted).
package audit
