// Package receive is the front door: an SMTP server that turns what a client
// says into an Arrival, hands it to its Handler and tells the client what the
// Handler answered.
//
// It upholds these laws, which its tests attack:
//
//	a message is handed in only after its end was seen: CR LF . CR LF of DATA,
//	or all octets of the chunk that is marked LAST;
//	octets that a client meant as content are never run as commands, and
//	octets that came before TLS are never read after it;
//	a message reaches the Handler as it came; what DATA may not carry (a bare
//	CR or LF) is refused or replaced, never passed on;
//	every Arrival that was handed in is given back exactly once, by Settled
//	when the client went on after our answer, by Unsettled otherwise;
//	no reply repeats what a client said.
//
// Nothing of a message is stored before a recipient was accepted, and no
// client can hold memory, a connection or a handshake without end (limits.go).
//
// The package knows no tenant, no policy and no next hop: whose mail it is and
// whether it is wanted is the Handler's answer at RCPT and at the end of data.
//
// Standards: RFC 5321 (SMTP), RFC 1870 (SIZE), RFC 2034 and RFC 3463 (enhanced
// status codes), RFC 2920 (PIPELINING), RFC 3030 (CHUNKING, BINARYMIME),
// RFC 3207 (STARTTLS), RFC 3461 (DSN), RFC 6152 (8BITMIME), RFC 6531
// (SMTPUTF8), RFC 8689 (REQUIRETLS), RFC 9422 (LIMITS).
package receive
