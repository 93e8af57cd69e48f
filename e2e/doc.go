// Package e2e runs the real binary between real peers on 127.0.0.1: a gateway
// that is started as an administrator starts it, clients and mail servers that
// other people wrote (swaks, Postfix), PostgreSQL, a browser, strace, kill and
// a disk that is full.
//
// It keeps one law: nothing here is simulated that could be real. What the
// gateway did is read from the octets at the next hop, from its answers, its
// log, its metrics, its command line and /proc, never from its memory.
//
// It does not know the rooms: of the project's packages it uses only the
// certificate authority of fakeexchange, bench/ledger to hold logs against
// records, and senderauth, which is held against verifiers of other people. Everything is behind the build tag
// e2e; "make e2e" builds the binary and runs it. A peer that is not installed
// prints "SKIPPED name". Only processes that a test started are ended, by
// their id.
//
// Standards: RFC 5321, RFC 3207 (STARTTLS) and RFC 3030 (CHUNKING), as far as
// the small client and the small server of the tests speak them.
package e2e
