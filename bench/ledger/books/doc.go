// Package books is the conservation check from the outside: it holds the
// sender's log, the next hop's log and what the gateway says of itself
// against each other, and names every message that is
//
//   - lost: the client was told 250, and no recipient has it, waits for it,
//     or is reported to the sender;
//   - half: the same for some of its recipients only;
//   - damaged: it arrived with other octets than it was sent with, beside the
//     header fields in front, and the record does not say that it was
//     modified;
//   - ghost: it arrived although the client was told 4xx or 5xx or never sent
//     its end, or somebody got it who was not asked for;
//   - duplicate: it arrived twice, and neither did the connection to the next
//     hop break before its answer, nor did a crash fall between that answer
//     and our record (at most one for a delivery and a crash);
//   - unrecorded: it was taken, and there is no record of it;
//   - misrecorded: the record says delivered, and the next hop has it not, or
//     the other way round.
//
// It keeps one law: what cannot be told from the logs is never counted as
// all right because it may be; only the two excuses above are known, and
// each used one is counted.
//
// The package uses no code of the gateway, only the forms of its --json
// output.
//
// Standards: RFC 5321 §6.1 (responsibility after 250), RFC 3464 (reports).
package books
