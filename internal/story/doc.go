// Package story tells what Postern does, one behavior per file, so that an
// administrator can read it and a test can run it.
//
// Each file of testdata is a story: commands, and the messages and settings
// they name, in the form of testscript. A story runs inside a bubble with a
// clock of its own: the whole house in one process, the real SMTP engine and
// TLS over a network in memory, a real SQLite file, and a pretend Exchange
// Online. "after 24h" takes milliseconds.
//
// It upholds the law that stands above the others: after every story the
// books balance (whoever was accepted has exactly one outcome, an open task,
// or waits for a person), the chain of the record adds up, nothing is left
// running, and neither secret nor mark of the tenant stands in any report,
// notice, mailbox, log or export.
//
// The package has no code of its own: it is tests. The words that a story can
// use are listed in words_test.go.
//
// Standards: RFC 5321, RFC 3461, RFC 3464 (what the stories are about).
package story
