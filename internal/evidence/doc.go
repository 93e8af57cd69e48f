// Package evidence keeps the copies of messages that a policy wants kept, and
// nothing else of them.
//
// It upholds one law:
//
//	a copy that was promised in a transaction is on the disk, readable by the
//	role Evidence and by nobody else, until its time is over or the pin of
//	somebody is taken away; then its key is destroyed in the transaction that
//	says so.
//
// A copy never leaves by mail and is never judged again. Who reads one is not
// decided here, and is written into the record by the caller, in the chain of
// the tenant.
//
// The package knows nothing of policy, people or the network.
//
// Standards: age-encryption.org/v1 (the body's cipher).
package evidence
