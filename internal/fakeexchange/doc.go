// Package fakeexchange is a pretend Exchange Online: one or several tenants
// in one process, with mailboxes, transport rules, connectors, moderation,
// journaling and the internet behind them. It serves the demo, the stories
// and every test that wants the other side of a connector.
//
// It upholds one law: it knows Exchange only from the reference paper
// (exchange.md). What that paper marks as unproven is a named switch in
// Switches, so that Postern can be tried against both readings. It shares no
// code with the doors it talks to: SMTP client and server here are its own,
// so that two implementations can disagree.
//
// It knows nothing of Postern: no verdicts, no marks, no policies. It keeps
// everything in memory and forgets it when the process ends.
//
// Standards: RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 3030 (CHUNKING),
// RFC 1870 (SIZE), RFC 2920 (PIPELINING), RFC 6152 (8BITMIME), RFC 6531
// (SMTPUTF8), RFC 3461 (DSN), RFC 3464 and RFC 6522 (reports).
package fakeexchange
