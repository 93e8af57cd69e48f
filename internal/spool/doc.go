// Package spool keeps every message that Postern has answered 250 for, until
// each of its recipients has an outcome.
//
// It upholds one law, which the tests check after every simulated crash:
//
//	a message that was accepted is in exactly one state, and leaves it only by
//	a row of the table in state.go; its octets are on the disk, encrypted and
//	fsynced, from before its row exists until after its row says that they
//	are gone.
//
// Beside messages it keeps what else must survive a restart for the promise
// of a 250 to hold: recipients that wait for a person (pending.go), answers
// that a client may not have read and how often a message was deferred
// (repeat.go), and what was about to be handed back without custody
// (intent.go). The body file is described in format.go.
//
// The spool does not judge and does not send. It knows nothing of policy,
// Exchange or the network.
//
// Standards: RFC 5321 §4.2.5 and §6.1 (a server that has answered 250 to the
// end of data owns the message), age-encryption.org/v1 (the body's cipher).
package spool
